"""One picture by diffusers on PyTorch; prints what it took as JSON.

    python diffusers_peer.py FOLDER --size 512x512 --steps 3 [--device cuda --dtype f16] [--threads N]
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import torch
from diffusers import DiffusionPipeline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--size", default="512x512")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--prior-steps", type=int, default=2, help="of an unCLIP model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("f32", "f16"), default="f32")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    width, height = map(int, arguments.size.split("x"))
    start = time.monotonic()
    dtype = {"f32": torch.float32, "f16": torch.float16}[arguments.dtype]
    pipeline = DiffusionPipeline.from_pretrained(arguments.folder, torch_dtype=dtype, safety_checker=None)
    pipeline = pipeline.to(arguments.device)
    pipeline.set_progress_bar_config(disable=True)
    spent = {"load": time.monotonic() - start}

    clock = Clock(arguments.device)
    is_unclip = hasattr(pipeline, "movq")
    more = {}
    if is_unclip:
        more = {"prior_num_inference_steps": arguments.prior_steps}
        clock.watch("text", pipeline.prior_pipe, "_encode_prompt")
        clock.watch("decode", pipeline.movq, "decode")
    else:
        clock.watch("text", pipeline, "encode_prompt")
        clock.watch("decode", pipeline.vae, "decode")
    clock.watch("step", pipeline.unet, "forward")
    if is_unclip:
        pipeline.decoder_pipe.set_progress_bar_config(disable=True)
        pipeline.prior_pipe.set_progress_bar_config(disable=True)
    start = time.monotonic()
    with torch.inference_mode():
        pipeline("a red sailboat on the sea at night", width=width, height=height, num_inference_steps=arguments.steps, **more)
    spent["picture"] = time.monotonic() - start
    spent |= {stage: sorted(times)[len(times) // 2] for stage, times in clock.times.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if arguments.device != "cpu":
        peak = torch.cuda.max_memory_allocated()
    print(json.dumps(spent | {"peak_bytes": peak, "name": f"diffusers on PyTorch {torch.__version__}"}))


class Clock:
    def __init__(self, device: str):
        self.device, self.times = device, {}

    def watch(self, stage: str, owner: object, name: str) -> None:
        """Times every call of a method."""
        method = getattr(owner, name)

        def timed(*arguments, **named):
            start = self.now()
            result = method(*arguments, **named)
            self.times.setdefault(stage, []).append(self.now() - start)
            return result

        setattr(owner, name, timed)

    def now(self) -> float:
        if self.device != "cpu":
            torch.cuda.synchronize()
        return time.monotonic()


if __name__ == "__main__":
    main()
