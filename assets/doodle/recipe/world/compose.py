"""The world: facts in, pictures out, composed in batches on whichever device holds the drawings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from world import facts as f
from world import styles
from world.built import BUILT
from world.canvas import Canvas, Chance
from world.layout import FLOATING, HOVERING, STANDING, Layer, laid_out
from world.light import Light
from world.outdoors import OUTDOORS, rain
from world.props import Props
from world.sprites import MARGIN, Sprites
from world.textures import textures
from world.vocabulary import SHELTERED, THINGS

PAINTERS = {**OUTDOORS, **BUILT}
# How often only a part of the scene is seen.
PARTS = 0.25


@dataclass
class World:
    """Draws scenes at `px` or other sizes; drawings of half that size are fine enough for it."""

    sprites: Sprites
    textures: torch.Tensor

    @staticmethod
    def load(file: Path, px: int, device: str = "cpu", n_things: int = len(THINGS)) -> World:
        return World(Sprites(file, min(256, max(64, px // 2)), device, n_things), textures().to(device))

    @torch.no_grad()
    def compose(self, rows: torch.Tensor, px: int, seed: int, in_part: bool = True) -> torch.Tensor:
        """The pictures of these facts. One seed gives the same scenes at any size.

        Shapes: `rows` `[n, facts]` → `[n, 3, px, px]` in 0..1.
        """
        device = self.textures.device
        rows = rows.to(device)
        rng = torch.Generator(device).manual_seed(seed)
        chance = Chance(rng, len(rows))
        sets = styles.set_of(rows[:, f.STYLE], chance.within(0, 1).view(-1))
        layers = laid_out(rows, sets, self.sprites, chance)
        window = seen(rows, layers, chance, in_part)
        x, y = Canvas.axes(px, window)
        light, softness = Light.of(rows[:, f.TIME]), styles.softness(rows[:, f.STYLE])
        pictures = torch.empty(len(rows), 3, px, px, device=device)
        for number, name in enumerate(f.PLACES):
            here = (rows[:, f.PLACE] == number).nonzero()[:, 0]
            if len(here):
                some = Chance(rng, len(here))
                props = Props(self.sprites, sets[here], some)
                canvas = Canvas(pictures[here], x[here], y[here], light.part(here), softness[here], some, self.textures, props)
                PAINTERS[name](canvas)
                pictures[here] = canvas.rgb.clamp(0, 1)
        pictures = pictures + styles.paleness(rows[:, f.STYLE]) * (1 - pictures)
        canvas = Canvas(pictures, x, y, light, softness, chance, self.textures)
        for layer in layers:
            self.place(canvas, layer)
        outside = 1 - torch.isin(rows[:, f.PLACE], sheltered(device)).float().view(-1, 1, 1, 1)
        canvas.light.is_rain = canvas.light.is_rain * outside
        rain(canvas)
        return styles.finish(canvas, rows[:, f.STYLE])

    def place(self, canvas: Canvas, layer: Layer) -> None:
        """Draws one layer: its shadow or what the water mirrors, then the things."""
        here = layer.there.nonzero()[:, 0]
        if not len(here):
            return
        x, feet, size, flip, angle = (value[here].view(-1, 1, 1, 1) for value in (layer.x, layer.feet, layer.size, layer.flip, layer.angle))
        mode, ids = layer.mode[here].view(-1, 1, 1, 1), layer.ids[here]
        part = Canvas(canvas.rgb[here], canvas.x[here], canvas.y[here], canvas.light.part(here), canvas.soft[here], canvas.chance, canvas.textures)
        wide = self.sprites.width[ids].view(-1, 1, 1, 1) * size
        shade(part, mode, x, feet, size, wide)
        floats = mode == FLOATING
        level = feet - 0.1 * size
        if floats.any():
            ripple = 0.012 * torch.sin(2 * torch.pi * (34 * part.y / (0.4 + part.y)))
            drawn = self.drawn(part, layer, here, x + ripple, feet, size, flip, -angle, 2 * level - part.y)
            fade = 0.42 * (1 - ((part.y - level) / (0.8 * size)).clamp(0, 1))
            lay(part, drawn, floats * fade * (part.y > level))
        drawn = self.drawn(part, layer, here, x, feet, size, flip, angle, part.y)
        above = torch.where(floats, 1 - part.below(level + 0.006 * torch.sin(60 * part.x)), torch.ones_like(part.y))
        lay(part, drawn, above)
        canvas.rgb[here] = part.rgb

    def drawn(self, part: Canvas, layer: Layer, here: torch.Tensor, x, feet, size, flip, angle, y) -> torch.Tensor:
        """The things in their colours. Shapes: `[n, 4, px, px]`, colours multiplied by what is covered."""
        dx, dy = part.x - x, y - (feet - (0.5 - MARGIN) * size)
        cos, sin = angle.cos(), angle.sin()
        u, v = 2 * flip * (cos * dx + sin * dy) / size, 2 * (cos * dy - sin * dx) / size
        side = float((part.x[..., -1] - part.x[..., 0]).mean())
        grid = part.grid(u, v)
        drawn = self.sprites.sampled(layer.ids[here], grid[..., 0], grid[..., 1], float(size.mean()) * part.px / side)
        return self.sprites.body.painted(drawn, layer.ids[here], layer.colours[here])


def shade(part: Canvas, mode: torch.Tensor, x, feet, size, wide) -> None:
    """A soft shadow where the things touch the ground, a wider and weaker one around it; far below what hovers."""
    standing, hovering = (mode == STANDING).float(), (mode == HOVERING).float()
    strength = 0.35 + 0.65 * part.soft
    touch = part.blob(x, feet - 0.008, 0.42 * wide, 0.055 * size)
    around = part.blob(x + 0.05 * size, feet + 0.012, 0.62 * wide, 0.11 * size)
    part.multiply(1 - strength * standing * (0.42 * touch + 0.24 * around))
    below = torch.clamp(feet + 0.12, min=0.88)
    part.multiply(1 - 0.16 * strength * hovering * part.blob(x, below, 0.36 * wide, 0.03))


def lay(part: Canvas, drawn: torch.Tensor, cover: torch.Tensor) -> None:
    alpha = drawn[:, 3:] * cover
    part.rgb = part.rgb * (1 - alpha) + drawn[:, :3] * cover * part.light.on_things


def seen(rows: torch.Tensor, layers: list[Layer], chance: Chance, in_part: bool) -> torch.Tensor:
    """Which part of each scene is seen: all things wholly. Shapes: `[n, 3]`, left, top and side."""
    side, across, down = (chance.within(low, 1).view(-1) for low in (0.55, 0.0, 0.0))
    left, right, top, bottom = torch.ones_like(side), torch.zeros_like(side), torch.ones_like(side), torch.zeros_like(side)
    for layer in layers:
        half = layer.size / 2
        left = torch.where(layer.there, torch.minimum(left, layer.x - half), left)
        right = torch.where(layer.there, torch.maximum(right, layer.x + half), right)
        top = torch.where(layer.there, torch.minimum(top, layer.feet - layer.size), top)
        bottom = torch.where(layer.there, torch.maximum(bottom, layer.feet + 0.02), bottom)
    left, right, top, bottom = (value.clamp(0, 1) for value in (left, right, top, bottom))
    empty = rows[:, f.THING] == 0
    needed = torch.where(empty, 0.0, torch.maximum(right - left, bottom - top))
    whole = (chance.within(0, 1).view(-1) >= PARTS) | (needed > 0.9) | (not in_part)
    side = torch.where(whole, torch.ones_like(side), torch.maximum(side, needed.clamp(max=1)))
    starts = []
    for first, last, share in ((left, right, across), (top, bottom, down)):
        low = torch.where(empty, torch.zeros_like(side), (last - side).clamp(min=0))
        high = torch.where(empty, 1 - side, torch.minimum(first, 1 - side))
        starts.append(low + share * (high - low).clamp(min=0))
    return torch.stack((*starts, side), 1)


def sheltered(device: torch.device) -> torch.Tensor:
    return torch.tensor([f.PLACES.index(name) for name in SHELTERED], device=device)
