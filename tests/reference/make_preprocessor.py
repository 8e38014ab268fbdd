"""Pictures in many sizes, and what transformers' CLIPImageProcessorPil makes of them.

    python make_preprocessor.py

writes `../fixtures/preprocessor_NAME/`. The Pillow backend is named explicitly: transformers' default
resizes with torchvision, which rounds differently.
"""

import pathlib

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessorPil

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
SIZES = [(40, 30), (30, 40), (24, 24), (12, 12), (7, 90), (90, 7), (1, 1), (3, 61), (97, 101)]


def picture(width, height, seed):
    """Noise with hard edges: overshoot and clipping show."""
    generator = numpy.random.default_rng(seed)
    pixels = generator.integers(0, 256, (height, width, 3), dtype=numpy.uint8)
    pixels[: height // 2, : width // 2] = 255
    pixels[height // 2 :, width // 2 :] = 0
    return pixels


def make(name, **options):
    processor = CLIPImageProcessorPil(**options)
    tensors = {}
    for i, (width, height) in enumerate(SIZES):
        pixels = picture(width, height, seed=i)
        values = processor(Image.fromarray(pixels), return_tensors="np")["pixel_values"]
        tensors[f"picture_{i}"] = torch.from_numpy(pixels)
        tensors[f"pixel_values_{i}"] = torch.from_numpy(values.astype(numpy.float32))
    folder = FIXTURES / f"preprocessor_{name}"
    processor.save_pretrained(folder)
    save_file(tensors, folder / "expected.safetensors")


make("clip", size={"shortest_edge": 24}, crop_size={"height": 24, "width": 24})
make(
    "bilinear", size={"height": 20, "width": 14}, do_center_crop=True, crop_size={"height": 16, "width": 18},
    resample=2, do_normalize=False,
)
