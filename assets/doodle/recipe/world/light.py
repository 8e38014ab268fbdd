"""What the time of day does: the sky's colours, haze, and the light on what stands below."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from world.facts import TIMES

# Sky above, between and at the horizon; haze; 0..255.
SKIES = {
    "day": ((66, 142, 236), (136, 194, 250), (222, 240, 253), (214, 232, 248)),
    "sunset": ((88, 66, 156), (240, 122, 122), (255, 210, 140), (250, 178, 142)),
    "night": ((9, 13, 46), (24, 34, 90), (62, 74, 140), (48, 58, 116)),
    "rain": ((102, 116, 138), (144, 156, 174), (190, 198, 208), (174, 183, 194)),
}
# Factors on the ground and on what stands there.
ON_GROUND = {"day": (1, 1, 1), "sunset": (1.02, 0.8, 0.74), "night": (0.34, 0.41, 0.7), "rain": (0.72, 0.77, 0.84)}
ON_THINGS = {"day": (1.02, 1.02, 1.0), "sunset": (1.04, 0.9, 0.84), "night": (0.68, 0.72, 0.96), "rain": (0.87, 0.9, 0.95)}


@dataclass
class Light:
    """Shapes: colours `[n, 3, 1, 1]` in 0..1; amounts `[n, 1, 1, 1]`, 1 where it is so."""

    top: torch.Tensor
    middle: torch.Tensor
    low: torch.Tensor
    haze: torch.Tensor
    on_ground: torch.Tensor
    on_things: torch.Tensor
    is_day: torch.Tensor
    is_sunset: torch.Tensor
    is_night: torch.Tensor
    is_rain: torch.Tensor

    @staticmethod
    def of(times: torch.Tensor) -> Light:
        def rows(values: list) -> torch.Tensor:
            return torch.tensor(values, device=times.device, dtype=torch.float32)[times].view(-1, 3, 1, 1)

        skies = [rows([SKIES[name][k] for name in TIMES]) / 255 for k in range(4)]
        factors = [rows([table[name] for name in TIMES]) for table in (ON_GROUND, ON_THINGS)]
        amounts = [(times == k).float().view(-1, 1, 1, 1) for k in range(len(TIMES))]
        return Light(*skies, *factors, *amounts)

    def part(self, chosen: torch.Tensor) -> Light:
        return Light(*(value[chosen] for value in vars(self).values()))
