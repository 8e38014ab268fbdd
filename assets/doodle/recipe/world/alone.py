"""Things alone and large before a plain ground: what the vision tower learns on before it looks at scenes."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from world.sprites import Sprites

# Of the picture's side; turned a little, in radians.
SMALLEST, LARGEST, TURN = 0.6, 1.0, 0.08


def alone(sprites: Sprites, n_things: int, n: int, px: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures, and which thing is in each. Shapes: `[n, 3, px, px]` in 0..1, `[n]` from 0."""
    device = sprites.device
    things = torch.randint(0, n_things, (n,), device=device)
    sets = torch.randint(0, sprites.first.shape[1], (n,), device=device)
    ids = sprites.ids(things, sets, torch.rand(n, device=device))

    def within(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(n, 1, 1, device=device)

    size, angle, flip = within(SMALLEST, LARGEST), TURN * torch.randn(n, 1, 1, device=device), within(-1, 1).sign()
    axis = (torch.arange(px, device=device) + 0.5) * 2 / px - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    dx, dy = (place - within(-1, 1) * (1.1 - size) for place in (x, y))
    u = flip * (angle.cos() * dx + angle.sin() * dy) / size
    v = (angle.cos() * dy - angle.sin() * dx) / size
    drawn = sprites.sampled(ids, u, v, px)
    ground = F.interpolate(torch.rand(n, 3, 2, 2, device=device), (px, px), mode="bilinear", align_corners=True)
    return drawn[:, :3] + ground * (1 - drawn[:, 3:]), things
