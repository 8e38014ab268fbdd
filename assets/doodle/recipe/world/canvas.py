"""A batch of pictures being painted: coordinates, chance, and brushes that paint all of them at once.

Coordinates are parts of the whole picture: x to the right, y down, 0 to 1. Whatever is drawn by chance is drawn once a picture,
never once a pixel, so that the same seed gives the same scene at any size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from world.light import Light
from world.recolour import ramp_up

if TYPE_CHECKING:
    from world.props import Props

N_NOISE = 64


@dataclass
class Chance:
    """Random numbers for `n` pictures. Shapes: `[n, 1, 1, 1]`."""

    rng: torch.Generator
    n: int

    def within(self, low: float, high: float) -> torch.Tensor:
        return torch.rand(self.n, 1, 1, 1, generator=self.rng, device=self.rng.device) * (high - low) + low

    def side(self) -> torch.Tensor:
        """−1 or 1."""
        return torch.where(self.within(0, 1) < 0.5, -1.0, 1.0)

    def lattice(self, rows: int, columns: int) -> torch.Tensor:
        """Shapes: `[n, 1, rows, columns]`, −1..1."""
        return torch.rand(self.n, 1, rows, columns, generator=self.rng, device=self.rng.device) * 2 - 1

    def one_of(self, colours: list[tuple[int, int, int]]) -> torch.Tensor:
        """Shapes: `[n, 3, 1, 1]` in 0..1."""
        table = torch.tensor(colours, device=self.rng.device) / 255
        return table[(self.within(0, len(colours)).long().clamp(max=len(colours) - 1)).view(-1)].view(-1, 3, 1, 1)


@dataclass
class Canvas:
    """Shapes: `rgb` `[n, 3, px, px]`; `x` `[n, 1, 1, px]`; `y` `[n, 1, px, 1]`; `soft` `[n, 1, 1, 1]`: 0 for flat styles."""

    rgb: torch.Tensor
    x: torch.Tensor
    y: torch.Tensor
    light: Light
    soft: torch.Tensor
    chance: Chance
    textures: torch.Tensor
    # Draws things of the set that the picture's style has, where places are painted.
    props: Props | None = None

    @staticmethod
    def axes(px: int, window: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`window`: left, top and side of what is seen, `[n, 3]`."""
        at = (torch.arange(px, device=window.device) + 0.5) / px
        left, top, side = (value.view(-1, 1, 1, 1) for value in window.unbind(1))
        return left + side * at.view(1, 1, 1, -1), top + side * at.view(1, 1, -1, 1)

    @property
    def px(self) -> int:
        return self.x.shape[-1]

    @property
    def fine(self) -> torch.Tensor:
        """The width of a soft edge, a pixel and a half. Shapes: `[n, 1, 1, 1]`."""
        return 1.5 * (self.x[..., 1:2] - self.x[..., :1])

    def over(self, colour: torch.Tensor, cover: torch.Tensor | float = 1.0) -> None:
        self.rgb = self.rgb + cover * (colour - self.rgb)

    def multiply(self, factor: torch.Tensor) -> None:
        self.rgb = self.rgb * factor

    def colour(self, *rgb: float) -> torch.Tensor:
        """0..255, as it looks in the light on the ground."""
        return self.plain(*rgb) * self.light.on_ground

    def plain(self, *rgb: float) -> torch.Tensor:
        return torch.tensor(rgb, device=self.rgb.device).view(1, 3, 1, 1) / 255

    def hazed(self, colour: torch.Tensor, amount: float) -> torch.Tensor:
        return colour + amount * (self.light.haze - colour)

    def below(self, edge: torch.Tensor | float) -> torch.Tensor:
        """1 below an edge that is given along x, 0 above, soft between."""
        return ((self.y - edge) / self.fine + 0.5).clamp(0, 1)

    def blob(self, x, y, rx, ry, power: float = 1.0) -> torch.Tensor:
        """A round softness around a place: 1 in the middle, falling like a bell."""
        distance = ((self.x - x) / rx).square() + ((self.y - y) / ry).square()
        return (-power * distance).exp()

    def disc(self, x, y, rx, ry) -> torch.Tensor:
        """A hard oval."""
        distance = (((self.x - x) / rx).square() + ((self.y - y) / ry).square() + 1e-9).sqrt()
        return ((1 - distance) * rx / self.fine + 0.5).clamp(0, 1)

    def box(self, left, top, right, bottom, radius: float = 0.0) -> torch.Tensor:
        """A rectangle with round corners."""
        half_x, half_y = (right - left) / 2, (bottom - top) / 2
        dx = (self.x - (left + right) / 2).abs() - half_x + radius
        dy = (self.y - (top + bottom) / 2).abs() - half_y + radius
        outside = (dx.clamp(min=0).square() + dy.clamp(min=0).square() + 1e-12).sqrt() + torch.maximum(dx, dy).clamp(max=0) - radius
        return (0.5 - outside / self.fine).clamp(0, 1)

    def along(self, cells: int, jagged: float = 0.0) -> torch.Tensor:
        """Smooth noise along x, −1..1 about; `jagged` adds finer steps. Shapes: `[n, 1, 1, px]`."""
        total = self._sample_row(self.chance.lattice(1, cells))
        if jagged:
            total = total + jagged * self._sample_row(self.chance.lattice(1, 3 * cells)) + jagged / 2 * self._sample_row(self.chance.lattice(1, 8 * cells))
        return total

    def _sample_row(self, lattice: torch.Tensor) -> torch.Tensor:
        row = F.interpolate(lattice, (1, 4 * lattice.shape[-1]), mode="bicubic", align_corners=True)
        u = (2 * self.x - 1)[:, 0]
        return F.grid_sample(row, torch.stack((u, torch.zeros_like(u)), -1), padding_mode="reflection", align_corners=True)

    def noise(self, rows: int, columns: int) -> torch.Tensor:
        """Smooth noise over the picture, so many cells down and across. Shapes: `[n, 1, px, px]`."""
        field = F.interpolate(self.chance.lattice(rows, columns), (N_NOISE, N_NOISE), mode="bicubic", align_corners=True)
        return F.grid_sample(field, self.grid(2 * self.x - 1, 2 * self.y - 1), padding_mode="border", align_corners=True)

    def grid(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Shapes: `[n, 1, *, px]` and `[n, 1, px, *]` → `[n, px, px, 2]`."""
        n, px = len(self.rgb), self.px
        return torch.stack((u.expand(n, 1, px, px), v.expand(n, 1, px, px)), -1)[:, 0]

    def texture(self, name: int, zoom: float = 1.0) -> torch.Tensor:
        """One of the shared textures from a place of its own in each picture. Shapes: `[n, 1, px, px]`."""
        offset_x, offset_y = self.chance.within(0, 1), self.chance.within(0, 1)
        u, v = (offset_x + zoom * self.x) % 1, (offset_y + zoom * self.y) % 1
        field = self.textures[name].expand(len(self.rgb), 1, -1, -1)
        return F.grid_sample(field, self.grid(2 * u - 1, 2 * v - 1), padding_mode="border", align_corners=False)

    def mirrored(self, at: float) -> torch.Tensor:
        """What is painted above a level, upside down below it. Shapes: `[n, 3, px, px]`."""
        top, bottom = self.y[:, :, :1], self.y[:, :, -1:]
        v = 2 * (2 * at - self.y - top) / (bottom - top) - 1
        u = torch.linspace(-1, 1, self.px, device=self.rgb.device).view(1, 1, 1, -1)
        return F.grid_sample(self.rgb, self.grid(u, v), padding_mode="border", align_corners=True)

    def gradient(self, top: torch.Tensor, bottom: torch.Tensor, start: torch.Tensor | float, length: float) -> torch.Tensor:
        """From colour to colour down the picture; nearly none of it in flat styles."""
        t = ((self.y - start) / length).clamp(0, 1)
        t = 0.5 + (t - 0.5) * (0.15 + 0.85 * self.soft)
        return top + t * (bottom - top)

    def hill(self, edge: torch.Tensor, top: torch.Tensor, bottom: torch.Tensor, depth: float = 0.3, rim: float = 0.12) -> None:
        """A ground whose upper edge runs along x; light from above leaves a brighter rim."""
        body = self.gradient(top, bottom, edge, depth)
        if rim:
            body = body + rim * self.soft * (-(self.y - edge).clamp(min=0) / 0.03).exp() * self.light.on_ground
        self.over(body, self.below(edge))


def wave(x: torch.Tensor) -> torch.Tensor:
    """A sine of period 1."""
    return (2 * math.pi * x).sin()


__all__ = ["Canvas", "Chance", "ramp_up", "wave"]
