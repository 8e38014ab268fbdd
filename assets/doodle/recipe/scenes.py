"""Procedural picture-book scenes: one object of one colour in one place at one time of day.

`Scene.sample` draws the facts, `render` the picture, `caption` a sentence about it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import skia

from objects import DRAW
from pen import COLOURS, Pen, argb
from places import sky_and_ground

SIZE_PX = 128

PLACES = {
    "sea": ("on the sea", "at sea", "on the water", "on the ocean"),
    "meadow": ("in a meadow", "in the meadow", "on the grass", "in a field"),
    "snow": ("in the snow", "on the snow", "in winter"),
    "desert": ("in the desert", "on the sand dunes"),
    "mountains": ("in the mountains", "by the mountains"),
    "city": ("in the city", "in a city", "in town"),
    "beach": ("on the beach", "at the beach"),
}
TIMES = {
    "day": ("by day", "in the daytime", "on a sunny day", ""),
    "sunset": ("at sunset", "at dusk", "in the evening"),
    "night": ("at night", "by night", "under the moon"),
}
# What may be typed for an object, its plain name first.
OBJECTS = {
    "sailboat": ("sailboat", "boat", "sailing boat"),
    "house": ("house", "home", "cottage"),
    "tree": ("tree",),
    "car": ("car",),
    "fish": ("fish",),
    "cat": ("cat", "kitten"),
    "star": ("star",),
    "balloon": ("balloon", "hot air balloon"),
    "mushroom": ("mushroom", "toadstool"),
    "flower": ("flower",),
    "rocket": ("rocket", "spaceship"),
    "bird": ("bird",),
    "heart": ("heart",),
    "umbrella": ("umbrella", "parasol"),
    "castle": ("castle",),
    "apple": ("apple",),
}


@dataclass(frozen=True)
class Scene:
    """The facts of one picture; `seed` settles everything else."""

    object: str
    colour: str
    place: str
    time: str
    seed: int

    @staticmethod
    def sample(rng: random.Random) -> "Scene":
        return Scene(
            rng.choice(list(OBJECTS)),
            rng.choice(list(COLOURS)),
            rng.choice(list(PLACES)),
            rng.choice(list(TIMES)),
            rng.getrandbits(32),
        )


def caption(scene: Scene, rng: random.Random) -> str:
    """A sentence that says some or all of the scene's facts."""
    noun = rng.choice(OBJECTS[scene.object]) if rng.random() < 0.4 else scene.object
    colour = scene.colour if rng.random() < 0.93 else ""
    place = rng.choice(PLACES[scene.place]) if rng.random() < 0.85 else ""
    time = rng.choice(TIMES[scene.time]) if rng.random() < 0.75 else ""
    words = f"{colour} {noun}".strip()
    article = "an" if words[0] in "aeiou" else "a"
    head = f"{article} {words}" if rng.random() < 0.85 else words
    parts = [head, place, time]
    if rng.random() < 0.1:
        parts = [head, time, place]
    text = " ".join(p for p in parts if p)
    if rng.random() < 0.08:
        text = rng.choice(("a picture of ", "a drawing of ")) + text
    return text


def render(scene: Scene) -> np.ndarray:
    """The picture of a scene.

    Shapes: `[128, 128, 3]`, RGB, uint8.
    """
    surface = skia.Surface(SIZE_PX, SIZE_PX)
    canvas = surface.getCanvas()
    canvas.scale(SIZE_PX / 100, SIZE_PX / 100)
    rng = random.Random(scene.seed)
    sky_and_ground(canvas, scene, rng)
    canvas.save()
    scale = rng.uniform(0.88, 1.06)
    canvas.translate(50 + rng.uniform(-7, 7), 57 + rng.uniform(-4, 4))
    canvas.scale(scale * (1 if rng.random() < 0.5 else -1), scale)
    DRAW[scene.object](Pen(canvas, COLOURS[scene.colour], rng))
    canvas.restore()
    if scene.time != "day":
        tint = (255, 120, 60, 20) if scene.time == "sunset" else (20, 24, 80, 26)
        canvas.drawRect(skia.Rect(0, 0, 100, 100), skia.Paint(Color=argb(tint)))
    return np.ascontiguousarray(surface.toarray(colorType=skia.kRGBA_8888_ColorType)[..., :3])
