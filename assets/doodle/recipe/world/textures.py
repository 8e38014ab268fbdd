"""Scattered small things that many places share: made once, seamless, sampled anywhere."""

from __future__ import annotations

import math
import random

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

SIZE_PX = 512
STARS, SNOW, RAIN, BUBBLES, FLOWERS, GRAIN = range(6)


def textures() -> torch.Tensor:
    """Shapes: `[6, 1, size, size]` in 0..1; grain is −1..1."""
    rng = random.Random(11)
    layers = [
        scattered(rng, 150, (0.5, 1.6), star),
        scattered(rng, 200, (1.4, 5.0), star),
        scattered(rng, 230, (0.8, 1.4), streak),
        scattered(rng, 46, (3.0, 11.0), ring),
        scattered(rng, 240, (1.6, 4.2), star),
        grain(),
    ]
    return torch.from_numpy(np.stack(layers))[:, None]


def scattered(rng: random.Random, n: int, radii: tuple[float, float], draw) -> np.ndarray:
    """So many marks, each drawn also over the sides, so that the texture has no seam."""
    picture = Image.new("L", (2 * SIZE_PX, 2 * SIZE_PX))
    pen = ImageDraw.Draw(picture)
    for _ in range(n):
        x, y = rng.uniform(0, SIZE_PX), rng.uniform(0, SIZE_PX)
        radius, tone = rng.uniform(*radii), round(255 * rng.uniform(0.45, 1))
        for dx in (-SIZE_PX, 0, SIZE_PX):
            for dy in (-SIZE_PX, 0, SIZE_PX):
                draw(pen, 2 * (x + dx), 2 * (y + dy), 2 * radius, tone)
    soft = picture.filter(ImageFilter.GaussianBlur(1)).resize((SIZE_PX, SIZE_PX), Image.Resampling.BOX)
    return np.asarray(soft, np.float32) / 255


def star(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, tone: int) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tone)


def ring(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, tone: int) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=tone, fill=tone // 5, width=3)
    pen.ellipse((x - 0.5 * radius, y - 0.6 * radius, x - 0.1 * radius, y - 0.2 * radius), fill=tone)


def streak(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, tone: int) -> None:
    pen.line((x, y, x - 9 * radius, y + 32 * radius), fill=round(0.8 * tone), width=max(1, round(radius)))


def grain() -> np.ndarray:
    """Soft noise of two sizes, as paper or sand has it."""
    rng = np.random.default_rng(5)
    fine = rng.normal(size=(SIZE_PX, SIZE_PX)).astype(np.float32)
    coarse = np.kron(rng.normal(size=(SIZE_PX // 4, SIZE_PX // 4)), np.ones((4, 4))).astype(np.float32)
    total = 0.6 * fine + 0.4 * coarse
    blurred = (total + np.roll(total, 1, 0) + np.roll(total, 1, 1) + np.roll(total, (1, 1), (0, 1))) / 4
    return (blurred / (3 * math.sqrt(float(blurred.var())))).clip(-1, 1)
