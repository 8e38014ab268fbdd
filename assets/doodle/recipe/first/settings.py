"""The sizes of Doodle: what it can draw, and how large its parts are.

`cpu` was trained on two busy cores from nothing; `wide` has the same parts and goes on from its weights with more to
draw; `full` is for one large GPU. `dataset.py` settles which, and every later script reads it from the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pen import COLOURS, MORE_COLOURS
from words import (
    ARRANGEMENTS,
    MORE_OBJECTS,
    MORE_PLACES,
    OBJECTS,
    PLACES,
    SIZES,
    STYLES,
    TIMES,
)

Phrases = dict[str, tuple[str, ...]]
# No fact at all: what a scene without an object, or without a second one, has for it.
NONE = "none"
# What the setting `wide` draws of the further objects and colours: those that are told apart at 128 px in every style.
WIDE_OBJECTS = (
    "dog", "rabbit", "butterfly", "turtle", "whale", "snail", "penguin", "owl", "duck", "octopus", "ladybird", "bear",
    "cake", "ice cream", "cup", "bus", "train", "aeroplane", "lighthouse", "windmill", "tent", "guitar", "clock", "hat",
    "crown", "gift", "robot", "snowman",
)
WIDE_COLOURS = ("black", "brown", "turquoise")
PLAIN = {"size": "medium", "arrangement": "one", "other": NONE, "other_colour": NONE, "style": "flat"}


@dataclass(frozen=True)
class Setting:
    name: str
    size_px: int
    objects: Phrases
    colours: dict[str, tuple[int, int, int]]
    places: Phrases
    has_styles: bool
    # Some pictures are parts of a scene, with its object or without any.
    has_crops: bool
    # Sizes vary, and there may be several objects.
    has_several: bool
    # Of the combinations of object, colour and place one in so many is kept from the training; 0: none.
    held_out_every: int
    unet_widths: tuple[int, ...]
    movq_widths: tuple[int, ...]
    vision_layers: int
    prior_layers: int

    times = TIMES

    @property
    def latent_size(self) -> int:
        return self.size_px // 8

    @cached_property
    def tables(self) -> dict[str, tuple[str, ...]]:
        """The facts that vary from scene to scene, and the values that each may have."""
        objects, colours = tuple(self.objects), tuple(self.colours)
        none = (NONE,) if self.has_crops else ()
        tables = {"object": objects + none, "colour": colours + none, "place": tuple(self.places), "time": tuple(self.times)}
        if self.has_several:
            tables |= {
                "size": tuple(SIZES),
                "arrangement": tuple(ARRANGEMENTS),
                "other": (NONE, *objects),
                "other_colour": (NONE, *colours),
            }
        if self.has_styles:
            tables |= {"style": tuple(STYLES)}
        return tables


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting(
            name="cpu",
            size_px=128,
            objects=OBJECTS,
            colours=COLOURS,
            places=PLACES,
            has_styles=False,
            has_crops=False,
            has_several=False,
            held_out_every=0,
            unet_widths=(64, 96, 192),
            movq_widths=(32, 32, 64, 128),
            vision_layers=4,
            prior_layers=4,
        ),
        Setting(
            name="wide",
            size_px=128,
            objects=OBJECTS | {name: MORE_OBJECTS[name] for name in WIDE_OBJECTS},
            colours=COLOURS | {name: MORE_COLOURS[name] for name in WIDE_COLOURS},
            places=PLACES | MORE_PLACES,
            has_styles=True,
            has_crops=True,
            has_several=False,
            held_out_every=20,
            unet_widths=(64, 96, 192),
            movq_widths=(32, 32, 64, 128),
            vision_layers=4,
            prior_layers=4,
        ),
        Setting(
            name="full",
            size_px=256,
            objects=OBJECTS | MORE_OBJECTS,
            colours=COLOURS | MORE_COLOURS,
            places=PLACES | MORE_PLACES,
            has_styles=True,
            has_crops=True,
            has_several=True,
            held_out_every=20,
            unet_widths=(64, 128, 256),
            movq_widths=(32, 64, 64, 128),
            vision_layers=5,
            prior_layers=5,
        ),
    )
}


def keep(state: Path, name: str) -> None:
    state.mkdir(parents=True, exist_ok=True)
    (state / "setting").write_text(name + "\n")


def of(state: Path) -> Setting:
    return SETTINGS[(state / "setting").read_text().strip()]
