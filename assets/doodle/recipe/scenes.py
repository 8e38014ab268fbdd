"""Scenes by the batch, for trainings and judges: facts, and the pictures composed of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from settings import Setting
from world.compose import World

# So many pixels are composed at once: as many as the processor's caches like, or the GPU's memory.
AT_ONCE = {"cpu": 8 * 256**2, "cuda": 512 * 256**2}
UNSEEN_SEED = 256


def at_once(device: str, px: int) -> int:
    """How many pictures of this size are composed together."""
    return max(1, AT_ONCE[device] // px**2)


@dataclass
class Scenes:
    """New scenes without end, from a seed of their own."""

    world: World
    setting: Setting
    device: str
    rng: np.random.Generator = field(default_factory=np.random.default_rng)

    @staticmethod
    def of(state: Path, setting: Setting, device: str, seed: int | None = None, px: int = 0) -> Scenes:
        world = World.load(state / "sprites.npz", px or setting.size_px, device, setting.n_things)
        return Scenes(world, setting, device, np.random.default_rng(seed))

    def rows(self, n: int, held_out: bool = False) -> torch.Tensor:
        return torch.from_numpy(self.setting.facts.sample(n, self.rng, held_out))

    def some(self, n: int, px: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapes: `[n, facts]`, and `[n, 3, px, px]` in 0..1."""
        rows = self.rows(n)
        return rows, self.drawn(rows, px or self.setting.size_px)

    def drawn(self, rows: torch.Tensor, *sizes_px: int, in_part: bool = True):
        """The same scenes at each of the sizes. Shapes: `[n, 3, px, px]` in 0..1."""
        parts = []
        for some in rows.split(at_once(self.device, max(sizes_px))):
            seed = int(self.rng.integers(2**62))
            parts.append([self.world.compose(some, px, seed, in_part) for px in sizes_px])
        pictures = [torch.cat(same) for same in zip(*parts)]
        return pictures if len(sizes_px) > 1 else pictures[0]


def unseen(world: World, setting: Setting, n: int, device: str, *sizes_px: int):
    """Scenes that no training sees, at each of the sizes: of combinations kept from it, from a fixed seed. Shapes: `[n, 3, px, px]`."""
    scenes = Scenes(world, setting, device, np.random.default_rng(UNSEEN_SEED))
    return scenes.drawn(scenes.rows(n, held_out=True), *sizes_px)


def crops(pictures: torch.Tensor, px: int, per_picture: int) -> torch.Tensor:
    """Pieces from anywhere in the pictures, mirrored half of the time. Shapes: `[n, 3, h, w]` → `[n · per_picture, 3, px, px]`."""
    if px >= pictures.shape[-1]:
        return pictures
    last = pictures.shape[-1] - px + 1
    parts = []
    for picture in pictures:
        for _ in range(per_picture):
            y, x = (int(torch.randint(last, ())) for _ in range(2))
            piece = picture[:, y : y + px, x : x + px]
            parts.append(piece.flip(2) if torch.rand(()) < 0.5 else piece)
    return torch.stack(parts)
