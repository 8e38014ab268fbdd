"""The drawings on the device: looked up by thing and set, sampled where they stand."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from world.recolour import BodyColour
from world.vocabulary import SETS, THINGS

FULL_PX = 256
# The drawings stand on the bottom's margin: see `sets/pack.py`.
MARGIN = 4 / FULL_PX


class Sprites:
    """Every drawing at some sizes, colours multiplied by what they cover.

    Shapes: `levels[px]` uint8 `[n, 4, px, px]`.
    """

    def __init__(self, file: Path, largest_px: int = FULL_PX, device: str = "cpu", n_things: int = len(THINGS)):
        packed = np.load(file)
        table = packed["table"].astype(np.int64)
        assert list(packed["names"]) == [thing.name for thing in THINGS], f"other things than in things.csv: pack them again, {file}"
        chosen = np.flatnonzero(table[:, 0] < n_things)
        pictures = decoded(packed, chosen, largest_px)
        self.device = device
        self.body = BodyColour.of(pictures, torch.from_numpy(table[chosen, 1]) == SETS.index("lines")).to(device)
        alpha = pictures[:, 3].float().div(255)
        # How wide each is, and how high its middle reaches, in parts of the drawing's side.
        self.width = ((alpha.amax(1) > 0.3).sum(1) / largest_px).to(device)
        middle = alpha[:, :, int(0.42 * largest_px) : int(0.58 * largest_px)].mean(2) > 0.4
        self.top = (1 - middle.float().argmax(1) / largest_px).to(device)
        self.levels = {}
        while largest_px >= 32:
            self.levels[largest_px] = pictures.to(device)
            largest_px //= 2
            pictures = F.avg_pool2d(pictures.float(), 2).round().byte()
        self.first, self.count = lookup(table[chosen], n_things)
        self.first, self.count = self.first.to(device), self.count.to(device)

    def ids(self, things: torch.Tensor, sets: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
        """A drawing of each thing in its set; `chance` in 0..1 chooses among several. Shapes: `[n]` each."""
        first, count = self.first[things, sets], self.count[things, sets]
        return first + (chance * count).long().clamp(max=count - 1)

    def sampled(self, ids: torch.Tensor, u: torch.Tensor, v: torch.Tensor, drawn_px: float) -> torch.Tensor:
        """The drawings at places inside of them, −1..1; outside is nothing.

        Shapes: `ids` `[n]`, `u` and `v` `[n, h, w]` → `[n, 4, h, w]`, colours multiplied by what is covered.
        """
        px = min((size for size in self.levels if size >= 0.75 * drawn_px), default=max(self.levels))
        pictures = self.levels[px][ids].to(u.dtype) / 255
        return F.grid_sample(pictures, torch.stack((u, v), -1), align_corners=False)


def decoded(packed, chosen: np.ndarray, px: int) -> torch.Tensor:
    """Shapes: uint8 `[n, 4, px, px]`, colours multiplied by what they cover."""
    ends, blob = packed["ends"], packed["webp"]
    starts = np.concatenate([[0], ends[:-1]])
    pictures = np.empty((len(chosen), px, px, 4), np.uint8)
    for row, k in enumerate(chosen):
        picture = Image.open(io.BytesIO(blob[starts[k] : ends[k]].tobytes())).convert("RGBA").convert("RGBa")
        if px != FULL_PX:
            picture = picture.resize((px, px), Image.Resampling.BOX)
        pictures[row] = np.frombuffer(picture.tobytes(), np.uint8).reshape(px, px, 4)
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()


def lookup(table: np.ndarray, n_things: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The first drawing of each thing in each set and how many follow; the flat set stands in where one is missing."""
    first, count = np.zeros((n_things, len(SETS)), np.int64), np.zeros((n_things, len(SETS)), np.int64)
    for k in range(len(table) - 1, -1, -1):
        thing, number = table[k]
        first[thing, number] = k
        count[thing, number] += 1
    missing = count == 0
    flat = SETS.index("flat")
    first, count = (np.where(missing, table[:, [flat]], table) for table in (first, count))
    return torch.from_numpy(first), torch.from_numpy(count)
