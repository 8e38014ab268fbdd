"""Things of the sets as scenery: single ones, and rows of many, in the style of the picture."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from world.canvas import Canvas, Chance
from world.sprites import MARGIN, Sprites
from world.vocabulary import THINGS

NUMBER = {thing.name: k for k, thing in enumerate(THINGS)}


class Props:
    """Draws on the pictures of one canvas. `sets`: which set each picture's style has, `[n]`."""

    def __init__(self, sprites: Sprites, sets: torch.Tensor, chance: Chance):
        self.sprites, self.sets, self.chance = sprites, sets, chance

    def ids(self, name: str) -> torch.Tensor:
        things = torch.full_like(self.sets, NUMBER[name])
        return self.sprites.ids(things, self.sets, self.chance.within(0, 1).view(-1))

    def has(self, name: str) -> bool:
        return NUMBER[name] < len(self.sprites.first)

    def one(self, canvas: Canvas, name: str, x, feet, size, haze: float = 0.0, shadow: float = 0.35, cover=1.0) -> None:
        """Standing with its feet there, `size` of the picture's side high and wide."""
        if not self.has(name):
            return
        flip = self.chance.side()
        if shadow:
            canvas.multiply(1 - shadow * canvas.soft * canvas.blob(x, feet, 0.34 * size, 0.05 * size))
        u = 2 * (canvas.x - x) / size * flip
        v = 2 * (canvas.y - (feet - (0.5 - MARGIN) * size)) / size
        typical = float(size.mean()) if torch.is_tensor(size) else size
        drawn = self.sprites.sampled(self.ids(name), *canvas.grid(u, v).unbind(-1), typical * canvas.px / float((canvas.x[0, 0, 0, -1] - canvas.x[0, 0, 0, 0]).abs()))
        self.lay(canvas, drawn, haze, cover)

    def row(self, canvas: Canvas, names: tuple[str, ...], feet: float, size: float, spacing: float, haze: float = 0.0, uneven: float = 0.25) -> None:
        """Many side by side across the whole picture, of some kinds, unevenly high."""
        names = tuple(name for name in names if self.has(name))
        if not names:
            return
        offset = self.chance.within(0, 1)
        u = canvas.x / spacing + offset
        cell = u.floor()
        lattice = self.chance.lattice(3, 32)
        kind, height, shift = (lattice[:, 0, k].gather(1, cell.long().clamp(0, 31).view(len(cell), -1)).view_as(cell) for k in range(3))
        high = size * (1 - uneven * (0.5 + 0.5 * height))
        inside = ((u - cell - 0.5) * spacing + 0.25 * spacing * shift * uneven) / high
        v = 2 * (canvas.y - (feet - (0.5 - MARGIN) * high)) / high
        drawn = torch.zeros_like(canvas.rgb[:, :1]).expand(-1, 4, -1, -1)
        for k, name in enumerate(names):
            chosen = ((kind * 0.5 + 0.5) * len(names)).long().clamp(max=len(names) - 1) == k
            u_k = torch.where(chosen, 2 * inside, torch.full_like(inside, 3.0))
            one = self.sprites.sampled(self.ids(name), *canvas.grid(u_k, v).unbind(-1), size * canvas.px)
            drawn = one + drawn * (1 - one[:, 3:])
        self.lay(canvas, drawn, haze, 1.0)

    def lay(self, canvas: Canvas, drawn: torch.Tensor, haze: float, cover) -> None:
        alpha = drawn[:, 3:]
        lit = drawn[:, :3] * canvas.light.on_ground.clamp(min=0.42)
        lit = lit + haze * (canvas.light.haze * alpha - lit)
        canvas.rgb = canvas.rgb * (1 - cover * alpha) + cover * lit


def blurred(x: torch.Tensor, factor: int) -> torch.Tensor:
    """As if out of focus. Shapes: `[n, c, px, px]` → the same."""
    if factor <= 1:
        return x
    return F.interpolate(F.avg_pool2d(x, factor), x.shape[-2:], mode="bilinear", align_corners=False)
