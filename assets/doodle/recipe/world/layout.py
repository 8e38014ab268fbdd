"""Where the things of a scene stand: one, several of a kind, or one beside, on, under, before or inside another."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from world import facts as f
from world.canvas import Chance
from world.sprites import MARGIN, Sprites
from world.vocabulary import THINGS

N_LAYERS = 3
EXTENTS = {"s": 0.44, "m": 0.52, "l": 0.6}
SIZES = {"medium": 1.0, "big": 1.32, "small": 0.52}
# x, feet and size of the things of one kind, by how many there are; the last stands before the others.
STANDS = {
    "one": ((0.5, 0.86, 1.0),),
    "two": ((0.3, 0.84, 0.74), (0.7, 0.86, 0.74)),
    "three": ((0.21, 0.81, 0.56), (0.79, 0.82, 0.56), (0.5, 0.88, 0.6)),
}
# In the layer behind and in the layer before it, of the thing and of the other: x, feet, size.
PAIRS = {
    "left": ((0.73, 0.85, 0.7), (0.27, 0.86, 0.7)),
    "right": ((0.27, 0.85, 0.7), (0.73, 0.86, 0.7)),
    "on": ((0.5, 0.88, 0.84), (0.5, 0.5, 0.62)),
    "under": ((0.5, 0.84, 1.3), (0.5, 0.88, 0.5)),
    "front": ((0.56, 0.8, 1.0), (0.42, 0.92, 0.6)),
    "inside": ((0.5, 0.6, 0.62), (0.5, 0.88, 0.94)),
}
STANDING, HOVERING, FLOATING = range(3)
WATERS, DEPTHS, HEIGHTS = ("sea",), ("underwater",), ("sky", "space")


@dataclass
class Layer:
    """One thing of each scene, or none: `there`. Shapes: `[n]` each; positions and sizes in parts of the picture."""

    there: torch.Tensor
    ids: torch.Tensor
    colours: torch.Tensor
    x: torch.Tensor
    feet: torch.Tensor
    size: torch.Tensor
    flip: torch.Tensor
    angle: torch.Tensor
    mode: torch.Tensor


def laid_out(rows: torch.Tensor, sets: torch.Tensor, sprites: Sprites, chance: Chance) -> list[Layer]:
    """The layers from the back to the front. Shapes: `rows` `[n, facts]`, `sets` `[n]`."""
    device = rows.device
    things, which, places = planned(rows)
    layers = []
    view, turn = chance.within(0, 1).view(-1), chance.side().view(-1)
    for k in range(N_LAYERS):
        there = things[:, k] > 0
        ids = sprites.ids((things[:, k] - 1).clamp(min=0), sets, view if k else chance.within(0, 1).view(-1))
        x, feet, size = places[:, k].unbind(1)
        own = torch.tensor([EXTENTS[thing.extent] for thing in THINGS], device=device)[(things[:, k] - 1).clamp(min=0)]
        size = size * own * chance.within(0.92, 1.08).view(-1)
        x = x + chance.within(-0.03, 0.03).view(-1)
        flip = torch.where(chance.within(0, 1).view(-1) < 0.75, turn, -turn)
        colours = torch.where(which[:, k], rows[:, f.OTHER_COLOUR], rows[:, f.COLOUR])
        mode = modes(things[:, k], rows[:, f.PLACE])
        angle = chance.within(-0.09, 0.09).view(-1) * torch.where(mode == STANDING, 0.35, 1.6)
        layers.append(Layer(there, ids, colours, x, feet, size, flip, angle, mode))
    jitter(layers, rows, chance)
    settle(layers, rows)
    join(layers, rows, sprites)
    return layers


def planned(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What stands in each layer, if it is the other thing, and where. Shapes: `[n, layers]` twice, `[n, layers, 3]`."""
    n, device = len(rows), rows.device
    things = torch.zeros(n, N_LAYERS, dtype=torch.long, device=device)
    is_other = torch.zeros(n, N_LAYERS, dtype=torch.bool, device=device)
    places = torch.zeros(n, N_LAYERS, 3, device=device)
    for number, stands in enumerate(STANDS.values()):
        here = (rows[:, f.COUNT] == number) & (rows[:, f.RELATION] == 0)
        for k, stand in enumerate(stands):
            things[here, k] = rows[here, f.THING]
            places[here, k] = torch.tensor(stand, device=device)
    for number, relation in enumerate(f.RELATIONS[1:], 1):
        here = rows[:, f.RELATION] == number
        # What is inside stands behind the front of what holds it.
        thing_layer = 0 if relation == "inside" else 1
        for k, stand in enumerate(PAIRS[relation]):
            is_thing = k == thing_layer
            things[here, k] = rows[here, f.THING if is_thing else f.OTHER]
            is_other[here, k] = not is_thing
            places[here, k] = torch.tensor(stand, device=device)
    factors = torch.tensor([SIZES[name] for name in f.SIZES], device=device)[rows[:, f.SIZE]]
    places[:, :, 2] *= factors[:, None]
    return things, is_other, places


def modes(things: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """How each thing is held in each place. Shapes: `[n]`."""
    stands = [STANDING, *({"ground": STANDING, "air": HOVERING, "float": FLOATING, "swim": FLOATING}[t.stands] for t in THINGS)]
    own = torch.tensor(stands, device=things.device)[things]

    def are(names: tuple[str, ...]) -> torch.Tensor:
        return torch.isin(places, torch.tensor([f.PLACES.index(name) for name in names], device=places.device))

    mode = torch.where(own == FLOATING, STANDING, own)
    mode = torch.where(are(WATERS) & (own != HOVERING), FLOATING, mode)
    mode = torch.where(are(DEPTHS) & (own != STANDING), HOVERING, mode)
    return torch.where(are(HEIGHTS), HOVERING, mode)


def jitter(layers: list[Layer], rows: torch.Tensor, chance: Chance) -> None:
    """All things of a scene move a little together; a single one may stand further off the middle."""
    alone = (rows[:, f.RELATION] == 0) & (rows[:, f.COUNT] == 0)
    dx = chance.within(-1, 1).view(-1) * torch.where(alone, 0.13, 0.02)
    dy = chance.within(-0.03, 0.03).view(-1)
    mirrored = (rows[:, f.RELATION] == f.RELATIONS.index("front")) & (chance.within(0, 1).view(-1) < 0.5)
    for layer in layers:
        layer.x = torch.where(mirrored, 1 - layer.x, layer.x) + dx
        layer.feet = layer.feet + dy


def settle(layers: list[Layer], rows: torch.Tensor) -> None:
    """What hovers rises from the ground; single things more than those that are told by where they are."""
    alone = rows[:, f.RELATION] == 0
    for layer in layers:
        middle = torch.minimum(0.5 + layer.size / 2, torch.tensor(0.8, device=rows.device))
        layer.feet = torch.where((layer.mode == HOVERING) & alone, layer.feet - 0.86 + middle, layer.feet)
        layer.feet = torch.where((layer.mode == FLOATING), layer.feet - 0.04, layer.feet)


def join(layers: list[Layer], rows: torch.Tensor, sprites: Sprites) -> None:
    """What is on another stands on its top; what is inside looks out of it."""
    back, front = layers[0], layers[1]
    is_on = rows[:, f.RELATION] == f.RELATIONS.index("on")
    top = back.feet - (sprites.top[back.ids] - MARGIN) * back.size + 0.035
    front.feet = torch.where(is_on, torch.maximum(top, 0.92 * front.size), front.feet)
    front.x = torch.where(is_on, back.x, front.x)
    front.angle = torch.where(is_on, torch.zeros_like(front.angle), front.angle)
    front.mode = torch.where(is_on, STANDING, front.mode)
    is_inside = rows[:, f.RELATION] == f.RELATIONS.index("inside")
    rim = front.feet - (sprites.top[front.ids] - MARGIN) * front.size
    back.feet = torch.where(is_inside, rim + 0.42 * back.size, back.feet)
    back.x = torch.where(is_inside, front.x, back.x)
    back.mode = torch.where(is_inside, HOVERING, back.mode)


__all__ = ["FLOATING", "HOVERING", "STANDING", "Layer", "laid_out"]
