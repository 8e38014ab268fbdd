"""What there is to draw and what may be typed for it: the plainest phrase comes first.

The things are in `things.csv`: a name, the codes of its drawings, further names, how it stands (on the `ground`, in the
`air`, afloat, or as what swims), how large it is beside the others, and what it can be to another thing: one to `ride`,
with a flat `top`, that can `hold` something, or `cover` it. Ranks 1 to 3 are for trainings that begin with fewer things.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

Phrases = dict[str, tuple[str, ...]]
NONE = "none"
SETS = ("3d", "flat", "cartoon", "lines")


@dataclass(frozen=True)
class Thing:
    name: str
    codes: tuple[str, ...]
    synonyms: tuple[str, ...]
    stands: str
    extent: str
    roles: frozenset[str]
    rank: int

    @staticmethod
    def read(row: dict[str, str]) -> Thing:
        synonyms = tuple(name for name in row["synonyms"].split("/") if name)
        codes, roles = tuple(row["codes"].split()), frozenset(row["roles"].split())
        return Thing(row["name"], codes, synonyms, row["stands"], row["extent"], roles, int(row["rank"]))


def read_things() -> tuple[Thing, ...]:
    with (Path(__file__).parent.parent / "things.csv").open() as file:
        things = [Thing.read(row) for row in csv.DictReader(file)]
    return tuple(sorted(things, key=lambda thing: thing.rank))


# The first ranks come first, so that a smaller vocabulary is a beginning of the larger one.
THINGS = read_things()

PLACES: Phrases = {
    "plain": ("on a plain background", "on a white background", "as an icon", "as a logo", "as a sticker"),
    "meadow": ("in a meadow", "on the grass", "in a field", "on a hill", "in the countryside"),
    "forest": ("in the forest", "in the woods", "among the trees", "in the jungle"),
    "mountains": ("in the mountains", "by the mountains", "in the alps"),
    "snow": ("in the snow", "in winter", "on the ice"),
    "desert": ("in the desert", "on the sand dunes"),
    "beach": ("on the beach", "at the beach", "at the seaside"),
    "sea": ("on the sea", "at sea", "on the ocean", "on the water"),
    "lake": ("by the lake", "at the river", "by the water"),
    "underwater": ("underwater", "under water", "under the sea", "in an aquarium"),
    "sky": ("in the sky", "in the clouds", "above the clouds"),
    "space": ("in space", "among the stars", "in outer space"),
    "city": ("in the city", "in town", "downtown", "in the street"),
    "road": ("on the road", "on a country road", "on the highway"),
    "rooftop": ("on a roof", "on the roof", "on a rooftop"),
    "garden": ("in the garden", "in the backyard", "by the fence"),
    "living room": ("in a living room", "at home", "indoors", "in a room"),
    "kitchen": ("in the kitchen", "on the kitchen counter", "in a cafe"),
    "bedroom": ("in the bedroom", "in a nursery"),
    "volcano": ("by a volcano", "on the lava"),
    "funfair": ("at the funfair", "at the fair", "in an amusement park", "at a carnival"),
}
# The places by themselves, where no thing is.
SCENERY: Phrases = {
    "plain": ("a plain background", "an empty background"),
    "meadow": ("a meadow", "a field", "green hills", "grass", "the countryside"),
    "forest": ("a forest", "the woods", "a jungle"),
    "mountains": ("mountains", "the mountains", "the alps"),
    "snow": ("a winter landscape", "snow", "a snowy landscape"),
    "desert": ("a desert", "sand dunes"),
    "beach": ("a beach", "the seaside", "a sandy beach"),
    "sea": ("the sea", "the ocean", "water"),
    "lake": ("a lake", "a river"),
    "underwater": ("the sea floor", "an underwater world", "a coral reef", "an aquarium"),
    "sky": ("the sky", "clouds"),
    "space": ("outer space", "a galaxy", "the universe"),
    "city": ("a city", "a town", "a street", "a skyline"),
    "road": ("a road", "a country road", "a highway"),
    "rooftop": ("a roof", "a rooftop"),
    "garden": ("a garden", "a backyard"),
    "living room": ("a living room", "a room", "an interior"),
    "kitchen": ("a kitchen", "a cafe"),
    "bedroom": ("a bedroom", "a nursery"),
    "volcano": ("a volcano landscape", "lava"),
    "funfair": ("a funfair", "an amusement park", "a carnival"),
}
# Where it is never wet, and where it is always dark.
SHELTERED = ("plain", "underwater", "space", "living room", "kitchen", "bedroom")
DARK = ("space",)
TIMES: Phrases = {
    "day": ("by day", "in the daytime", "on a sunny day", "in the morning", ""),
    "sunset": ("at sunset", "at dusk", "in the evening", "at sunrise", "at dawn"),
    "night": ("at night", "by night", "under the moon", "in the dark", "at midnight"),
    "rain": ("in the rain", "on a rainy day", "on a cloudy day"),
}
COLOURS = ("natural", "red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink", "brown", "black", "white", "grey")
COLOUR_WORDS: Phrases = {"turquoise": ("turquoise", "cyan", "teal"), "grey": ("grey", "gray", "silver"), "purple": ("purple", "violet"),
                         "yellow": ("yellow", "golden")}
SIZES: Phrases = {"medium": ("",), "big": ("big", "large", "huge", "giant"), "small": ("small", "little", "tiny")}
COUNTS: Phrases = {"one": ("",), "two": ("two", "2", "a pair of"), "three": ("three", "3")}
RELATIONS: Phrases = {
    NONE: ("",),
    "left": ("left of", "to the left of", "on the left of"),
    "right": ("right of", "to the right of", "on the right of"),
    "on": ("on", "on top of", "sitting on", "standing on"),
    "under": ("under", "below", "beneath"),
    "front": ("in front of", "before"),
    "inside": ("in", "inside", "inside of"),
}
# The same the other way round, where there are words for it.
INVERSE: Phrases = {
    "left": RELATIONS["right"],
    "right": RELATIONS["left"],
    "front": ("behind",),
}
# Either side, where it is left open: no relation of its own, as nobody could tell it from those two.
BESIDE = ("and", "next to", "beside", "with")
RIDING = ("riding", "riding on")
# What a thing must be to have another on, under or inside it.
ROLES = {"on": ("top", "ride"), "under": ("cover",), "inside": ("hold",)}
STYLES: Phrases = {
    "3d": ("", "3d", "in 3d", "as a 3d render", "clay", "plasticine"),
    "flat": ("flat", "flat illustration", "in flat colours", "vector art", "minimalist"),
    "cartoon": ("cartoon", "as a cartoon", "comic"),
    "lines": ("line drawing", "as a line drawing", "ink drawing", "line art"),
    "watercolour": ("watercolour", "in watercolour", "as a watercolour", "watercolor"),
    "pixels": ("pixel art", "in pixel art", "as pixel art", "8-bit"),
    "pastel": ("pastel", "in pastel", "in soft colours"),
    "neon": ("neon", "in neon", "glowing in the dark"),
    "sketch": ("pencil sketch", "as a pencil sketch", "pencil drawing", "sketch"),
}
# Words that people add and that change nothing.
FILLERS = ("cute", "beautiful", "lovely", "cozy", "cosy", "happy", "friendly", "nice", "adorable", "pretty", "funny")
OPENINGS = ("a picture of", "an image of", "an illustration of", "a drawing of", "a photo of", "a painting of", "a scene with", "draw")


def roles_of(relation: str) -> tuple[str, ...]:
    return ROLES.get(relation, ())


IRREGULAR = {"fish": "fish", "sheep": "sheep", "deer": "deer", "mouse": "mice", "goose": "geese", "snowman": "snowmen", "ox": "oxen",
             "leaf": "leaves", "bison": "bison", "fireman": "firemen", "policeman": "policemen", "shrimp": "shrimp", "loaf": "loaves"}
# What has no other plural, or is one.
PLURAL_ALREADY = ("glasses", "sunglasses", "goggles", "jeans", "shorts", "gloves", "socks", "scales", "scissors", "skis", "dice",
                  "headphones", "maracas", "pancakes", "noodles", "books", "grapes", "fries", "bricks", "spectacles", "mittens",
                  "trousers", "pants", "drums", "leaves", "chips", "eyeglasses", "tea", "coffee", "milk", "honey", "music", "wood",
                  "swords", "masks", "shoes", "pins", "wool", "pasta", "spaghetti", "sushi", "popcorn", "bacon", "salad", "lightning")


def plural(noun: str) -> str:
    """Of the head of the phrase: "cups of tea", "two ice creams"."""
    head, of, rest = noun.partition(" of ")
    *first, last = head.split()
    return " ".join([*first, plural_word(last)]) + of + rest


def plural_word(word: str) -> str:
    if word in PLURAL_ALREADY:
        return word
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh", "z")) or word in ("tomato", "potato", "mango", "buffalo", "volcano") else "s")
