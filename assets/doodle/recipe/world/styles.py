"""How a picture is made: which set its things come from, and what is done to the whole picture then."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from world.canvas import Canvas, ramp_up
from world.facts import STYLES
from world.textures import GRAIN
from world.vocabulary import SETS

# The sets that each style takes its things from.
OF_STYLE = {
    "3d": ("3d",), "flat": ("flat",), "cartoon": ("cartoon",), "lines": ("lines",), "watercolour": ("flat", "cartoon", "3d"),
    "pixels": ("flat", "cartoon"), "pastel": ("3d", "flat"), "neon": ("3d", "cartoon"), "sketch": ("3d", "cartoon"),
}
# How much of light and shade the places have.
SOFTNESS = {"flat": 0.0, "lines": 0.0, "pixels": 0.35, "cartoon": 0.55}
# How much of white is in the places behind, where they are drawn on paper: ink and graphite stay darker than any night.
PALENESS = {"lines": 0.62, "sketch": 0.4}


def set_of(styles: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """The set of each picture; `chance` in 0..1 chooses among several. Shapes: `[n]` each."""
    longest = max(map(len, OF_STYLE.values()))
    table = torch.tensor([[SETS.index(OF_STYLE[s][k % len(OF_STYLE[s])]) for k in range(6)] for s in STYLES], device=styles.device)
    assert 6 % longest == 0
    return table[styles, (6 * chance).long().clamp(max=5)]


def softness(styles: torch.Tensor) -> torch.Tensor:
    """Shapes: `[n]` → `[n, 1, 1, 1]`."""
    return torch.tensor([SOFTNESS.get(name, 1.0) for name in STYLES], device=styles.device)[styles].view(-1, 1, 1, 1)


def paleness(styles: torch.Tensor) -> torch.Tensor:
    """Shapes: `[n]` → `[n, 1, 1, 1]`."""
    return torch.tensor([PALENESS.get(name, 0.0) for name in STYLES], device=styles.device)[styles].view(-1, 1, 1, 1)


def finish(c: Canvas, styles: torch.Tensor) -> torch.Tensor:
    """The pictures with what their styles do to all of a picture. Shapes: `[n, 3, px, px]` in 0..1."""
    pictures = c.rgb.clamp(0, 1)
    grain = c.texture(GRAIN)
    shifts = c.noise(14, 14), c.noise(14, 14)
    wash = c.noise(5, 5)
    for name, finished in FINISHES.items():
        here = (styles == STYLES.index(name)).nonzero()[:, 0]
        if len(here):
            pictures[here] = finished(pictures[here], grain[here], [shift[here] for shift in shifts], wash[here]).clamp(0, 1)
    return pictures


def soft(x: torch.Tensor, part: float) -> torch.Tensor:
    """Blurred over such a part of the picture's side, by three boxes."""
    half = max(1, round(part * x.shape[-1] / 2))
    for _ in range(3):
        x = F.avg_pool2d(F.pad(x, (half,) * 4, mode="replicate"), 2 * half + 1, 1)
    return x


def grey(x: torch.Tensor) -> torch.Tensor:
    return (x * torch.tensor([0.3, 0.59, 0.11], device=x.device).view(1, 3, 1, 1)).sum(1, keepdim=True)


def lines(x, grain, shifts, wash):
    """What is drawn keeps its ink; the rest is a pale wash on paper, outlined."""
    y = grey(x)
    edge = ramp_up(0.012, 0.07, (x - soft(x, 0.008)).abs().amax(1, keepdim=True))
    ink = ramp_up(0.3, 0.1, y)
    washed = 0.45 + 0.55 * x
    return (washed + ink * (x - washed)) * (1 - 0.62 * edge)


def watercolour(x, grain, shifts, wash):
    """Wobbling edges, darker where the colour ran to, uneven washes, the paper's grain."""
    px = x.shape[-1]
    at = (torch.arange(px, device=x.device) + 0.5) / px * 2 - 1
    grid = torch.stack((at.view(1, 1, -1) + 0.015 * shifts[0][:, 0], at.view(1, -1, 1) + 0.015 * shifts[1][:, 0]), -1)
    moved = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    near, wide = 0.75 * moved + 0.25 * soft(moved, 0.006), soft(moved, 0.035)
    edge = (near - wide).abs().mean(1, keepdim=True)
    y = grey(near)
    # Pigment is vivid where it is thin, and never black.
    vivid = (y + 1.25 * (near - y)) * 0.9 + 0.1
    strength = 0.84 + 0.2 * wash
    return 0.99 - (0.99 - vivid) * strength - 0.45 * edge + 0.03 * grain


def pixels(x, grain, shifts, wash):
    """Big square pixels of few tones, 64 a side."""
    small = F.interpolate(x, (64, 64), mode="area")
    small = (small * 1.08 - 0.04).clamp(0, 1)
    return F.interpolate((small * 9).round() / 9, x.shape[-2:], mode="nearest")


def pastel(x, grain, shifts, wash):
    """Light tones with the tooth of chalk."""
    light = 0.5 * soft(x, 0.006) + 0.5 * torch.tensor([1.0, 0.965, 0.98], device=x.device).view(1, 3, 1, 1)
    return light + 0.04 * grain


def neon(x, grain, shifts, wash):
    """Bright edges that glow, everything else nearly black."""
    y = grey(x)
    edge = ramp_up(0.05, 0.2, (x - soft(x, 0.016)).abs().amax(1, keepdim=True))
    vivid = (y + (x - y) * 2.2 + 0.2).clamp(0, 1)
    glowing = vivid * edge
    return 0.22 * vivid * torch.tensor([0.9, 0.75, 1.2], device=x.device).view(1, 3, 1, 1) + glowing + 0.9 * soft(glowing, 0.03)


def sketch(x, grain, shifts, wash):
    """Graphite: dark where the picture changes, hatched where it is dark."""
    y = grey(x)
    dodged = (y / soft(y, 0.014).clamp(min=0.05)).clamp(max=1)
    px = x.shape[-1]
    at = torch.arange(px, device=x.device) / px
    hatch = ((at.view(1, 1, -1, 1) + at.view(1, 1, 1, -1)) * 95 + 0.25 * shifts[0]) % 1
    shade = ramp_up(0.62, 0.15, y) * ramp_up(0.2, 0.7, (hatch - 0.5).abs() * 2)
    tone = 0.98 * dodged.pow(2.2) * (0.72 + 0.28 * y) * (1 - 0.34 * shade) + 0.05 * grain
    return tone * torch.tensor([1.0, 0.99, 0.965], device=x.device).view(1, 3, 1, 1)


FINISHES = {f.__name__: f for f in (lines, watercolour, pixels, pastel, neon, sketch)}
