"""Procedural picture-book scenes: objects in colours in one place at one time of day.

`sample` draws the facts, `render` the picture, `caption` a sentence about it.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

import numpy as np
import skia
from PIL import Image

import creatures
import objects
import styles
import things
from pen import COLOURS, MORE_COLOURS, Pen, argb
from places import sky_and_ground
from settings import NONE, PLAIN, Setting
from words import ARRANGEMENTS, SCENERY, SIZES, STYLES, plural

DRAW = objects.DRAW | creatures.DRAW | things.DRAW
ALL_COLOURS = COLOURS | MORE_COLOURS
SCALES = {"medium": 1.0, "big": 1.32, "small": 0.58}
# Middle x, y and scale of each object, in hundredths of the picture; the last is drawn over the others.
STANDS = {
    "one": ((50, 57, 1.0),),
    "two": ((29, 60, 0.68), (71, 60, 0.68)),
    "three": ((20, 56, 0.5), (80, 56, 0.5), (50, 65, 0.5)),
    "left": ((72, 60, 0.68), (28, 60, 0.68)),
    "right": ((28, 60, 0.68), (72, 60, 0.68)),
    "above": ((50, 76, 0.6), (50, 33, 0.6)),
    "front": ((62, 48, 0.86), (38, 68, 0.62)),
}
WHOLE = (0.0, 0.0, 100.0)
# How far an object of full size reaches from its middle, in hundredths of the picture.
REACH = 30.0
# An object is named where this much of it is seen.
SEEN = 0.7
OF_ANOTHER = ("left", "right", "above", "front")


@dataclass(frozen=True)
class Scene:
    """The facts of one picture; `seed` settles everything else.

    `window`: which part of the scene is seen, as left, top and side in hundredths of it. A crop of a scene shows its
    object for the most part, or there is none.
    """

    object: str
    colour: str
    place: str
    time: str
    seed: int
    size: str = PLAIN["size"]
    arrangement: str = PLAIN["arrangement"]
    other: str = PLAIN["other"]
    other_colour: str = PLAIN["other_colour"]
    style: str = PLAIN["style"]
    window: tuple[float, float, float] = WHOLE


def sample(setting: Setting, rng: random.Random, held_out: bool = False) -> Scene:
    """A scene for the training, or of the combinations that are kept from it."""
    while True:
        tables = (setting.objects, setting.colours, setting.places, setting.times)
        scene = Scene(*(rng.choice(list(table)) for table in tables), seed=rng.getrandbits(32))
        if setting.has_several:
            scene = with_others(scene, setting, rng)
        if setting.has_styles:
            scene = replace(scene, style=rng.choice(list(STYLES)) if rng.random() < 0.75 else "flat")
        if is_held_out(scene, setting) == held_out:
            return in_part(scene, rng) if setting.has_crops and not held_out and rng.random() < 0.4 else scene


def in_part(scene: Scene, rng: random.Random) -> Scene:
    """A part of the scene: half of them are without any object, so that scenery can be drawn alone."""
    if rng.random() < 0.5:
        scene = replace(scene, object=NONE, colour=NONE, size=PLAIN["size"], arrangement=PLAIN["arrangement"],
                        other=NONE, other_colour=NONE)
        return replace(scene, window=any_window(rng) if rng.random() < 0.6 else WHOLE)
    if scene.arrangement != "one":
        return scene
    while True:
        window = any_window(rng)
        if share_seen(scene, window) >= SEEN:
            return replace(scene, window=window)


def any_window(rng: random.Random) -> tuple[float, float, float]:
    side = rng.uniform(45, 90)
    return rng.uniform(0, 100 - side), rng.uniform(0, 100 - side), side


def share_seen(scene: Scene, window: tuple[float, float, float]) -> float:
    """How much of the object's box lies in the window, 0..1."""
    left, top, side = window
    x, y, scale = STANDS["one"][0]
    reach = REACH * scale * SCALES[scene.size]
    inside = (max(0.0, min(middle + reach, start + side) - max(middle - reach, start)) for middle, start in ((x, left), (y, top)))
    return math.prod(inside) / (2 * reach) ** 2


def with_others(scene: Scene, setting: Setting, rng: random.Random) -> Scene:
    """Half of the scenes are of one object, half of medium size."""
    arrangement = rng.choice(list(ARRANGEMENTS)) if rng.random() < 0.6 else "one"
    facts = {"arrangement": arrangement}
    if arrangement in OF_ANOTHER:
        facts["other"] = rng.choice([name for name in setting.objects if name != scene.object])
        facts["other_colour"] = rng.choice(list(setting.colours))
    else:
        facts["size"] = rng.choice(list(SIZES)) if rng.random() < 0.75 else "medium"
    return replace(scene, **facts)


def is_held_out(scene: Scene, setting: Setting) -> bool:
    if not setting.held_out_every:
        return False
    object, colour, place = (setting.tables[name].index(getattr(scene, name)) for name in ("object", "colour", "place"))
    return (7 * object + 11 * colour + 13 * place) % setting.held_out_every == 0


def caption(scene: Scene, setting: Setting, rng: random.Random) -> str:
    """A sentence that says some or all of the scene's facts."""
    if scene.object == NONE:
        return with_style(scenery(scene, setting, rng), scene, rng)
    subject = noun_phrase(scene, setting.objects, rng)
    if scene.other != NONE:
        stands = rng.choice(ARRANGEMENTS[scene.arrangement])
        other = Scene(scene.other, scene.other_colour, scene.place, scene.time, scene.seed)
        subject = f"{subject} {stands} {noun_phrase(other, setting.objects, rng)}"
    place = rng.choice(setting.places[scene.place]) if rng.random() < 0.85 else ""
    time = rng.choice(setting.times[scene.time]) if rng.random() < 0.75 else ""
    parts = [subject, place, time]
    if rng.random() < 0.1:
        parts = [subject, time, place]
    text = " ".join(part for part in parts if part)
    if rng.random() < 0.08:
        text = rng.choice(("a picture of ", "a drawing of ")) + text
    return with_style(text, scene, rng)


def scenery(scene: Scene, setting: Setting, rng: random.Random) -> str:
    """A place without anything in it: "an empty beach at night", or as in a sentence without its subject."""
    if rng.random() < 0.3:
        text = rng.choice(setting.places[scene.place])
    else:
        text = rng.choice(SCENERY[scene.place])
        if text.startswith(("a ", "the ")) and rng.random() < 0.4:
            text = f"an empty {text.split(maxsplit=1)[1]}"
    time = rng.choice(setting.times[scene.time]) if rng.random() < 0.8 else ""
    return f"{text} {time}".strip()


def with_style(text: str, scene: Scene, rng: random.Random) -> str:
    """Left out rarely: what is asked for without a style is flat."""
    style = rng.choice(STYLES[scene.style]) if rng.random() < 0.97 else ""
    return text + (", " if rng.random() < 0.6 else " ") + style if style else text


def noun_phrase(scene: Scene, nouns: dict[str, tuple[str, ...]], rng: random.Random) -> str:
    noun = rng.choice(nouns[scene.object]) if rng.random() < 0.4 else scene.object
    colour = scene.colour if rng.random() < 0.93 else ""
    count = rng.choice(ARRANGEMENTS[scene.arrangement]) if scene.other == NONE else ""
    words = " ".join(word for word in (rng.choice(SIZES[scene.size]), colour, plural(noun) if count else noun) if word)
    if count:
        return f"{count} {words}"
    return f"{article(words)} {words}" if rng.random() < 0.85 else words


def article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"


def plainly(scene: Scene, setting: Setting) -> str:
    """The sentence that says every fact by its plainest phrase."""
    count = ARRANGEMENTS[scene.arrangement][0] if scene.other == NONE else ""
    noun = plural(scene.object) if count else scene.object
    subject = " ".join(word for word in (SIZES[scene.size][0], scene.colour, noun) if word)
    subject = f"{count or article(subject)} {subject}"
    if scene.other != NONE:
        other = f"{scene.other_colour} {scene.other}"
        subject = f"{subject} {ARRANGEMENTS[scene.arrangement][0]} {article(other)} {other}"
    text = f"{subject} {setting.places[scene.place][0]} {setting.times[scene.time][0]}"
    return f"{text}, {STYLES[scene.style][0]}" if scene.style != "flat" else text


def render(scene: Scene, size_px: int, zoom: int = 1) -> np.ndarray:
    """The picture of a scene; with `zoom` the same one so many times finer.

    Shapes: `[zoom · size_px, zoom · size_px, 3]`, RGB, uint8.
    """
    full_px = zoom * size_px
    surface = skia.Surface(full_px, full_px)
    canvas = surface.getCanvas()
    left, top, side = scene.window
    canvas.scale(full_px / side, full_px / side)
    canvas.translate(-left, -top)
    rng = random.Random(scene.seed)
    sky_and_ground(canvas, scene, rng)
    stands = STANDS[scene.arrangement]
    for k, stand in enumerate(stands if scene.object != NONE else ()):
        is_other = scene.other != NONE and k < len(stands) - 1
        name, colour = (scene.other, scene.other_colour) if is_other else (scene.object, scene.colour)
        draw_object(canvas, name, colour, stand, scene, rng)
    if scene.time != "day":
        tint = (255, 120, 60, 20) if scene.time == "sunset" else (20, 24, 80, 26)
        canvas.drawRect(skia.Rect(0, 0, 100, 100), skia.Paint(Color=argb(tint)))
    picture = np.ascontiguousarray(surface.toarray(colorType=skia.kRGBA_8888_ColorType)[..., :3])
    finish = styles.FINISH.get(scene.style)
    return np.array(finish(Image.fromarray(picture), rng, zoom)) if finish else picture


def draw_object(canvas, name, colour, stand, scene, rng):
    """One object where it stands, a little off, a little larger or smaller, facing left or right."""
    x, y, scale = stand
    jitter = scale if scene.arrangement == "one" else 0.4
    canvas.save()
    scale *= SCALES[scene.size] * rng.uniform(0.88, 1.06)
    canvas.translate(x + rng.uniform(-7, 7) * jitter, y + rng.uniform(-4, 4) * jitter)
    canvas.scale(scale * (1 if rng.random() < 0.5 else -1), scale)
    styles.object_layer(canvas, scene.style)
    DRAW[name](Pen(canvas, ALL_COLOURS[colour], rng, styles.CONTOUR_WIDTHS.get(scene.style, 0.0)))
    styles.close_object_layer(canvas, scene.style)
    canvas.restore()
