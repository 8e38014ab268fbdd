"""The sizes of Doodle. The state of a training remembers which setting it is of; every script reads it from there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from world.facts import Facts
from world.vocabulary import THINGS


@dataclass(frozen=True)
class Setting:
    name: str
    # The base picture's side, and how many times larger the finished one is.
    size_px: int
    zoom: int
    # One width a level: the latents are 2 ** (levels − 1) times smaller than the picture. Multiples of 32: see `models.movq`.
    movq_widths: tuple[int, ...]
    latent_channels: int
    unet_widths: tuple[int, ...]
    unet_blocks: int
    prior_layers: int
    n_things: int = len(THINGS)

    @property
    def latent_factor(self) -> int:
        return 2 ** (len(self.movq_widths) - 1)

    @property
    def latent_size(self) -> int:
        return self.size_px // self.latent_factor

    @property
    def facts(self) -> Facts:
        return Facts(self.n_things)


UNET = {"unet_widths": (96, 160, 224), "unet_blocks": 1, "prior_layers": 4}
SETTINGS = {
    setting.name: setting
    for setting in (
        # The first of `things.csv`'s order by rank, as many as a processor can be taught.
        Setting("doodle", 128, 4, (32, 64, 96, 128), 16, **UNET, n_things=220),
        # For a large GPU: 256 px at the U-Net's cost of 128, and everything there is.
        Setting("doodle-256", 256, 2, (32, 64, 96, 128, 128), 16, **UNET),
        # The three layouts of latents that `compare_layouts.py` compares: see README.md.
        Setting("a", 256, 2, (32, 32, 64, 128), 4, **UNET),
        Setting("b", 256, 2, (32, 32, 64, 96, 128), 16, **UNET),
        Setting("c", 128, 4, (32, 32, 64, 128), 16, **UNET),
        # Everything small, so that a processor rehearses every part in a minute or two.
        Setting("rehearsal", 128, 2, (32, 32, 32, 32, 32), 16, (32, 64, 64), 1, 1, n_things=69),
    )
}


def keep(state: Path, name: str) -> None:
    state.mkdir(parents=True, exist_ok=True)
    (state / "setting").write_text(name + "\n")


def of(state: Path) -> Setting:
    return SETTINGS[(state / "setting").read_text().strip()]
