"""Scenes by the batch, for trainings and judges: facts, and the pictures composed of them."""

from __future__ import annotations

from collections.abc import Callable
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

    def drawn(self, rows: torch.Tensor, px: int, in_part: bool = True) -> torch.Tensor:
        """Shapes: `[n, 3, px, px]` in 0..1."""
        return self.at_sizes(rows, (px,), in_part)[0]

    def at_sizes(self, rows: torch.Tensor, sizes_px: tuple[int, ...], in_part: bool = True) -> list[torch.Tensor]:
        """The same scenes at each of the sizes. Shapes: `[n, 3, px, px]` in 0..1."""
        parts = []
        for some in rows.split(at_once(self.device, max(sizes_px))):
            seed = int(self.rng.integers(2**62))
            parts.append([self.world.compose(some, px, seed, in_part) for px in sizes_px])
        return [torch.cat(same) for same in zip(*parts)]


def unseen(world: World, setting: Setting, n: int, device: str, sizes_px: tuple[int, ...]) -> list[torch.Tensor]:
    """Scenes that no training sees, at each of the sizes: of combinations kept from it, from a fixed seed. Shapes: `[n, 3, px, px]`."""
    scenes = Scenes(world, setting, device, np.random.default_rng(UNSEEN_SEED))
    return scenes.at_sizes(scenes.rows(n, held_out=True), sizes_px)


class Pool:
    """Composed scenes that some steps take pieces of, before new ones are composed: composing one costs as much as learning from it.

    `sizes_px`: the sizes of which every scene is kept; `prepare` makes of them what is kept beside.
    """

    def __init__(self, scenes: Scenes, sizes_px: tuple[int, ...], per_scene: int, prepare: Callable[..., tuple] = lambda *pictures: pictures):
        self.scenes, self.sizes_px, self.per_scene, self.prepare = scenes, sizes_px, per_scene, prepare
        self.n, self.left = at_once(scenes.device, max(sizes_px)), 0

    def take(self, n: int) -> list[torch.Tensor]:
        """So many of the pool, each kind of picture of the same ones. Shapes: `[n, 3, px, px]` in 0..1."""
        if self.left < n:
            self.kinds = self.prepare(*self.scenes.at_sizes(self.scenes.rows(self.n), self.sizes_px))
            self.left = self.n * self.per_scene
        self.left -= n
        chosen = torch.randint(self.n, (n,), device=self.kinds[0].device)
        return [pictures[chosen] for pictures in self.kinds]


def crops(pictures: torch.Tensor, px: int) -> torch.Tensor:
    """A piece from anywhere in each picture, mirrored half of the time. Shapes: `[n, 3, h, w]` → `[n, 3, px, px]`."""
    if px >= pictures.shape[-1]:
        return pictures
    last = pictures.shape[-1] - px + 1
    parts = []
    for picture, (y, x), is_mirrored in zip(pictures, torch.randint(last, (len(pictures), 2)).tolist(), torch.rand(len(pictures)) < 0.5):
        piece = picture[:, y : y + px, x : x + px]
        parts.append(piece.flip(2) if is_mirrored else piece)
    return torch.stack(parts)
