"""Measures the autoencoder of a model folder: pictures through encoder and decoder, on scenes of their own seed."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel
from PIL import Image

import settings
from scenes import render, sample
from settings import Setting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=256)
    parser.add_argument("--sheet", type=Path, help="a picture of the first eight, reconstructions below")
    arguments = parser.parse_args()
    movq = VQModel.from_pretrained(arguments.model / "movq", torch_dtype=torch.float32).eval()
    pictures = unseen(settings.of(arguments.state), arguments.scenes)
    reconstructions = torch.cat([reconstruct(movq, batch) for batch in pictures.split(8)])
    print(f"PSNR {psnr_db(reconstructions, pictures):.2f} dB on {len(pictures)} scenes, "
          f"mean absolute error {(reconstructions - pictures).abs().mean():.4f} of 1")
    if arguments.sheet:
        rows = [torch.cat(list(row[:8]), 2) for row in (pictures, reconstructions)]
        sheet = (torch.cat(rows, 1) * 255).round().byte().permute(1, 2, 0)
        Image.fromarray(sheet.numpy()).save(arguments.sheet)


def unseen(setting: Setting, n_scenes: int) -> torch.Tensor:
    """Scenes that no training sees: `dataset.py` draws from another seed. Shapes: `[n, 3, size, size]` in 0..1."""
    rng = random.Random(256)
    pictures = np.stack([render(sample(setting, rng), setting.size_px) for _ in range(n_scenes)])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


@torch.no_grad()
def reconstruct(movq: VQModel, pictures: torch.Tensor) -> torch.Tensor:
    """Shapes: `[n, 3, height, width]` in 0..1 → the same, rounded to 8 bits as a picture file is."""
    latents = movq.encode(pictures * 2 - 1).latents
    decoded = movq.decode(latents, force_not_quantize=True).sample
    return ((decoded / 2 + 0.5).clamp(0, 1) * 255).round() / 255


def psnr_db(reconstructions: torch.Tensor, pictures: torch.Tensor) -> float:
    """The mean over the pictures of each one's peak signal-to-noise ratio."""
    errors = (reconstructions - pictures).square().mean((1, 2, 3))
    return float((-10 * errors.log10()).mean())


if __name__ == "__main__":
    main()
