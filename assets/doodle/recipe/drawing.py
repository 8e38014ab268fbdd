"""Who draws for the judges: diffusers' pipeline, or Limn's own engine by its command line, from the same seeds."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import KandinskyV22CombinedPipeline
from PIL import Image
from safetensors.torch import load_file

from upscaler import Upscaler

# Of the first picture; the next ones count up.
FIRST_SEED = 1000
SAMPLING = ("steps", "prior_steps", "guidance_scale", "prior_guidance_scale")


@dataclass(frozen=True)
class Drawer:
    """A model folder at the settings of its card, or others."""

    model: Path
    # Width and height of the base picture in pixels, and how many times larger the finished one is.
    size: tuple[int, int]
    zoom: int
    # By the names of `SAMPLING`.
    sampling: dict

    @staticmethod
    def of(model: Path, **others: float | None) -> Drawer:
        card = json.loads((model / "limn.json").read_text())
        sampling = {name: card[name] if others.get(name) is None else others[name] for name in SAMPLING}
        return Drawer(model.resolve(), tuple(card["size"]), card.get("cascade", {}).get("scale", 1), sampling)

    def with_diffusers(self, texts: list[str], batch: int = 16, device: str = "cpu") -> torch.Tensor:
        """One picture a prompt: f16 weights computed in f32. Shapes: `[n, 3, h, w]` in 0..1."""
        pipeline = KandinskyV22CombinedPipeline.from_pretrained(self.model, torch_dtype=torch.float32).to(device)
        pipeline.set_progress_bar_config(disable=True)
        parts = []
        for k in range(0, len(texts), batch):
            some = texts[k : k + batch]
            drawn = pipeline(
                some,
                width=self.size[0],
                height=self.size[1],
                num_inference_steps=self.sampling["steps"],
                prior_num_inference_steps=self.sampling["prior_steps"],
                guidance_scale=self.sampling["guidance_scale"],
                prior_guidance_scale=self.sampling["prior_guidance_scale"],
                generator=[torch.Generator("cpu").manual_seed(FIRST_SEED + k + i) for i in range(len(some))],
                output_type="np",
            )
            parts.append(drawn.images)
        return torch.from_numpy(np.concatenate(parts)).permute(0, 3, 1, 2)

    @torch.no_grad()
    def finished(self, pictures: torch.Tensor, device: str = "cpu") -> torch.Tensor:
        """The cascade's last step, if the model has one. Shapes: `[n, 3, h, w]` in 0..1 → `[n, 3, zoom h, zoom w]`."""
        if self.zoom == 1:
            return pictures
        upscaler = Upscaler(self.zoom)
        weights = load_file(self.model / "upscaler" / "model.safetensors")
        upscaler.load_state_dict({name: value.float() for name, value in weights.items()})
        upscaler = upscaler.to(device).eval()
        return torch.cat([upscaler(some.to(device)).clamp(0, 1).cpu() for some in pictures.split(8)])

    def with_limn(self, program: Path, texts: list[str]) -> torch.Tensor:
        """One picture a prompt. Shapes: `[n, 3, h, w]` in 0..1."""
        pictures = [self.deed(program, "generate", k, [("prompt", text)]) for k, text in enumerate(texts)]
        return torch.stack([to_tensor(picture) for picture in pictures])

    def deed(self, program: Path, deed: str, number: int, words: list[tuple[str, object]]) -> Image.Image:
        """One picture by the engine of `program` on the CPU in f32; `words` are the deed's own options."""
        options = [
            *words,
            ("model", self.model),
            ("size", f"{self.size[0]}x{self.size[1]}"),
            ("steps", self.sampling["steps"]),
            ("prior-steps", self.sampling["prior_steps"]),
            ("guidance", self.sampling["guidance_scale"]),
            ("prior-guidance", self.sampling["prior_guidance_scale"]),
            ("seed", FIRST_SEED + number),
            ("device", "cpu"),
            ("dtype", "f32"),
        ]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "picture.png"
            command = [program.resolve(), deed, *(f"--{name}={value}" for name, value in options), f"--out={file}"]
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                raise SystemExit(f"{deed} failed: {done.stderr.strip()}")
            with Image.open(file) as picture:
                return picture.convert("RGB")


def to_tensor(picture: Image.Image) -> torch.Tensor:
    """Shapes: `[3, h, w]` in 0..1."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
