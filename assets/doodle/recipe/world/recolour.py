"""Other colours for a drawing: its body takes the colour, with its own light and shade; eyes, leaves and wheels stay."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from world.vocabulary import COLOURS

# In shade, plain and in the light, 0..255.
RAMPS = {
    "red": ((142, 14, 34), (226, 44, 50), (255, 126, 112)),
    "orange": ((186, 78, 10), (248, 132, 32), (255, 190, 104)),
    "yellow": ((204, 142, 12), (252, 208, 48), (255, 240, 142)),
    "green": ((18, 98, 52), (60, 176, 82), (150, 228, 140)),
    "turquoise": ((8, 112, 122), (42, 190, 192), (146, 238, 230)),
    "blue": ((22, 52, 150), (50, 112, 236), (136, 186, 255)),
    "purple": ((76, 30, 132), (140, 74, 206), (200, 154, 246)),
    "pink": ((196, 56, 122), (250, 124, 178), (255, 190, 218)),
    "brown": ((74, 40, 20), (138, 84, 46), (196, 146, 100)),
    "black": ((10, 10, 16), (44, 44, 54), (116, 116, 130)),
    "white": ((168, 170, 188), (240, 240, 246), (255, 255, 255)),
    "grey": ((84, 88, 98), (146, 150, 160), (206, 210, 218)),
}
N_HUES = 36
# Below this share of its surface a coloured part is too small to be the body: what is grey takes the colour too.
SMALL_SHARE = 0.45


def ramps(device: torch.device) -> torch.Tensor:
    """Shapes: `[colours, 3 tones, 3]` in 0..1; natural is nothing."""
    rows = [((0, 0, 0),) * 3, *(RAMPS[name] for name in COLOURS[1:])]
    return torch.tensor(rows, device=device) / 255


def chroma_plane(rgb: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two coordinates of the hue and the luminance. Shapes: `[n, 3, ...]` → `[n, ...]` each."""
    r, g, b = rgb.unbind(1)
    return r - (g + b) / 2, math.sqrt(3) / 2 * (g - b), 0.3 * r + 0.59 * g + 0.11 * b


def ramp_up(low: float, high: float, x: torch.Tensor) -> torch.Tensor:
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


@dataclass
class BodyColour:
    """What is known of each drawing's body: the direction of its hue, if grey belongs to it, its dark, middle and light tones.

    Shapes: `[n, 2]`, `[n]`, `[n, 3]`, bool `[n]`.
    """

    hue: torch.Tensor
    takes_grey: torch.Tensor
    tones: torch.Tensor
    is_lines: torch.Tensor

    def to(self, device: str) -> BodyColour:
        return BodyColour(*(value.to(device) for value in vars(self).values()))

    @staticmethod
    @torch.no_grad()
    def of(pictures: torch.Tensor, is_lines: torch.Tensor) -> BodyColour:
        """Measured at 64 px. Shapes: uint8 `[n, 4, px, px]`, colours multiplied by what they cover."""
        parts = [measured(some) for some in pictures.split(256)]
        return BodyColour(*(torch.cat(values) for values in zip(*parts)), is_lines)

    def painted(self, drawn: torch.Tensor, ids: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
        """The drawings in their colours; natural leaves them. Shapes: `[n, 4, h, w]`, multiplied, and `[n]` twice."""
        alpha = drawn[:, 3:]
        rgb = drawn[:, :3] / alpha.clamp(min=1e-3)
        weight, luminance = self.share(rgb, ids)
        dark, middle, light = (tone.view(-1, 3, 1, 1) for tone in ramps(drawn.device)[colours].to(drawn.dtype).unbind(1))
        low, centre, high = (tone.view(-1, 1, 1, 1) for tone in self.tones[ids].to(drawn.dtype).unbind(1))
        y = luminance.unsqueeze(1)
        shade = ((centre - y) / (centre - low)).clamp(0, 1.25)
        shine = ((y - centre) / (high - centre)).clamp(0, 1.25)
        body = middle + shade * (dark - middle) + shine * (light - middle)
        # Line drawings: the lines in the dark tone, the body as if washed with the colour.
        washed = 0.4 * dark + y * (0.35 + 0.65 * middle - 0.4 * dark)
        lines = self.is_lines[ids].view(-1, 1, 1, 1)
        body, weight = torch.where(lines, washed, body), torch.where(lines, torch.ones_like(y), weight.unsqueeze(1))
        weight = weight * (colours > 0).view(-1, 1, 1, 1)
        return torch.cat([(rgb + weight * (body.clamp(0, 1) - rgb)) * alpha, alpha], 1)

    def share(self, rgb: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """How far each pixel belongs to the body, and its luminance. Shapes: `[n, 3, h, w]` → `[n, h, w]` twice."""
        hue, grey = self.hue[ids].to(rgb.dtype), self.takes_grey[ids].to(rgb.dtype)
        return body_share(rgb, hue, grey)


def body_share(rgb: torch.Tensor, hue: torch.Tensor, takes_grey: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    a, b, luminance = chroma_plane(rgb)
    chroma = (a.square() + b.square()).sqrt()
    along = (a * hue[:, 0, None, None] + b * hue[:, 1, None, None]) / chroma.clamp(min=1e-4)
    of_hue = ramp_up(0.5, 0.82, along) * ramp_up(0.05, 0.13, chroma)
    of_grey = (1 - ramp_up(0.08, 0.2, chroma)) * ramp_up(0.14, 0.26, luminance) * takes_grey[:, None, None]
    return torch.maximum(of_hue, of_grey), luminance


def measured(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x = torch.nn.functional.interpolate(pictures.float() / 255, (64, 64), mode="area")
    alpha = x[:, 3]
    rgb = x[:, :3] / alpha.clamp(min=1e-3)[:, None]
    a, b, luminance = chroma_plane(rgb)
    strength = (a.square() + b.square()).sqrt() * alpha * (alpha > 0.5)
    bins = ((torch.atan2(b, a) / (2 * math.pi) + 0.5) * N_HUES).long().clamp(max=N_HUES - 1)
    histogram = torch.zeros(len(x), N_HUES).scatter_add_(1, bins.flatten(1), strength.flatten(1))
    smooth = sum(histogram.roll(k, 1) for k in (-2, -1, 0, 1, 2))
    angle = ((smooth.argmax(1) + 0.5) / N_HUES - 0.5) * 2 * math.pi
    hue = torch.stack((angle.cos(), angle.sin()), 1)
    inside = (alpha > 0.8).float()
    coloured, _ = body_share(rgb, hue, torch.zeros(len(x)))
    takes_grey = ((coloured * inside).sum((1, 2)) / inside.sum((1, 2)).clamp(min=1) < SMALL_SHARE).float()
    weight, _ = body_share(rgb, hue, takes_grey)
    return hue, takes_grey, tones_of(luminance, weight * inside)


def tones_of(luminance: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """A dark, a middle and a light tone of what is weighted. Shapes: `[n, h, w]` twice → `[n, 3]`."""
    values, order = luminance.flatten(1).sort(1)
    running = weight.flatten(1).gather(1, order).cumsum(1)
    running = running / running[:, -1:].clamp(min=1e-3)
    at = [(running < share).sum(1).clamp(max=values.shape[1] - 1) for share in (0.06, 0.5, 0.95)]
    low, middle, high = (values.gather(1, k[:, None])[:, 0] for k in at)
    # Enough between the tones that a body of one tone stays of one tone.
    return torch.stack((torch.minimum(low, middle - 0.16), middle, torch.maximum(high, middle + 0.1)), 1)
