"""One picture by stable-diffusion.cpp (as cyllama packs it); prints what it took as JSON.

    python sdcpp_peer.py FILE.safetensors --size 512x512 --steps 3 [--threads N] [--dtype f32]
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from importlib.metadata import version

from cyllama import sd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--size", default="512x512")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--dtype", choices=("f32", "f16"), default="f32")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    start = time.monotonic()
    context = sd.SDContext(context_parameters(arguments))
    spent = {"load": time.monotonic() - start}

    steps: list[float] = []
    sd.set_progress_callback(lambda step, n_steps, seconds: steps.append(time.monotonic()) if n_steps == arguments.steps else None)
    start = time.monotonic()
    context.generate(
        "a red sailboat on the sea at night", width=width, height=height, sample_steps=arguments.steps, cfg_scale=7.5, seed=1,
        sample_method=sd.SampleMethod.EULER,
    )
    end = time.monotonic()
    spent["picture"] = end - start
    between = sorted(b - a for a, b in zip(steps, steps[1:]))
    if between:
        spent["step"] = between[len(between) // 2]
        spent["decode"] = end - steps[-1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(spent | {"peak_bytes": peak, "name": f"stable-diffusion.cpp in cyllama {version('cyllama')}"}))


def context_parameters(arguments: argparse.Namespace) -> sd.SDContextParams:
    parameters = sd.SDContextParams()
    parameters.model_path = arguments.file
    parameters.wtype = {"f32": sd.SDType.F32, "f16": sd.SDType.F16}[arguments.dtype]
    parameters.diffusion_flash_attn = True
    parameters.vae_decode_only = True
    if arguments.threads:
        parameters.n_threads = arguments.threads
    return parameters


if __name__ == "__main__":
    main()
