"""What may be typed for each fact of a scene: the plainest phrase first."""

from __future__ import annotations

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
MORE_OBJECTS = {
    "dog": ("dog", "puppy"),
    "rabbit": ("rabbit", "bunny", "hare"),
    "butterfly": ("butterfly",),
    "turtle": ("turtle", "tortoise"),
    "whale": ("whale",),
    "snail": ("snail",),
    "penguin": ("penguin",),
    "owl": ("owl",),
    "duck": ("duck", "duckling"),
    "octopus": ("octopus",),
    "ladybird": ("ladybird", "ladybug", "beetle"),
    "bear": ("bear", "teddy bear"),
    "pear": ("pear",),
    "cherry": ("cherry",),
    "carrot": ("carrot",),
    "strawberry": ("strawberry",),
    "cake": ("cake", "birthday cake"),
    "ice cream": ("ice cream", "ice cream cone"),
    "cup": ("cup", "mug"),
    "bus": ("bus",),
    "train": ("train", "locomotive"),
    "aeroplane": ("aeroplane", "airplane", "plane"),
    "tractor": ("tractor",),
    "lighthouse": ("lighthouse",),
    "windmill": ("windmill", "mill"),
    "tent": ("tent",),
    "guitar": ("guitar",),
    "key": ("key",),
    "clock": ("clock", "alarm clock"),
    "book": ("book",),
    "lamp": ("lamp",),
    "chair": ("chair",),
    "hat": ("hat",),
    "shoe": ("shoe", "sneaker"),
    "crown": ("crown",),
    "gift": ("gift", "present"),
    "ball": ("ball",),
    "robot": ("robot",),
    "snowman": ("snowman",),
    "kite": ("kite",),
    "bell": ("bell",),
    "drum": ("drum",),
    "circle": ("circle", "disc"),
    "square": ("square",),
    "triangle": ("triangle",),
}
PLACES = {
    "sea": ("on the sea", "at sea", "on the water", "on the ocean"),
    "meadow": ("in a meadow", "in the meadow", "on the grass", "in a field"),
    "snow": ("in the snow", "on the snow", "in winter"),
    "desert": ("in the desert", "on the sand dunes"),
    "mountains": ("in the mountains", "by the mountains"),
    "city": ("in the city", "in a city", "in town"),
    "beach": ("on the beach", "at the beach"),
}
MORE_PLACES = {
    "forest": ("in the forest", "in a forest", "in the woods"),
    "room": ("in a room", "in the house", "indoors"),
    "space": ("in space", "among the stars"),
    "underwater": ("underwater", "under water", "under the sea"),
    "river": ("by the river", "by a river", "at the stream"),
    "garden": ("in the garden", "in a garden", "by the fence"),
    "road": ("on the road", "on a road", "in the street"),
    "volcano": ("by the volcano", "by a volcano"),
    "plain": ("on a plain background", "on plain paper"),
}
# The places by themselves, where no object is.
SCENERY = {
    "sea": ("the sea", "the ocean", "water"),
    "meadow": ("a meadow", "a field", "grass"),
    "snow": ("snow", "a winter landscape"),
    "desert": ("a desert", "sand dunes"),
    "mountains": ("mountains", "the mountains"),
    "city": ("a city", "a town"),
    "beach": ("a beach", "the beach"),
    "forest": ("a forest", "the woods"),
    "room": ("a room",),
    "space": ("space", "stars"),
    "underwater": ("the sea floor", "under water"),
    "river": ("a river", "a stream"),
    "garden": ("a garden", "a fence"),
    "road": ("a road", "a street"),
    "volcano": ("a volcano",),
    "plain": ("a plain background", "plain paper"),
}
TIMES = {
    "day": ("by day", "in the daytime", "on a sunny day", ""),
    "sunset": ("at sunset", "at dusk", "in the evening"),
    "night": ("at night", "by night", "under the moon"),
}
SIZES = {
    "medium": ("",),
    "big": ("big", "large", "huge"),
    "small": ("small", "little", "tiny"),
}
# How the objects stand: so many of one kind, or one and how it stands to another.
ARRANGEMENTS = {
    "one": ("",),
    "two": ("two", "a pair of"),
    "three": ("three",),
    "left": ("left of", "to the left of"),
    "right": ("right of", "to the right of"),
    "above": ("above", "over"),
    "front": ("in front of",),
}
STYLES = {
    "flat": ("",),
    "comic": ("comic", "as a comic", "with outlines"),
    "pixels": ("pixel art", "in pixel art", "as pixel art"),
    "pastel": ("pastel", "in pastel", "in soft colours"),
    "neon": ("neon", "in neon", "glowing in the dark"),
    "watercolour": ("watercolour", "in watercolour", "as a watercolour"),
    "clay": ("clay", "made of clay", "as a clay toy"),
}
PLURALS = {"fish": "fish", "butterfly": "butterflies", "cherry": "cherries", "strawberry": "strawberries", "snowman": "snowmen",
           "puppy": "puppies", "bunny": "bunnies"}


def plural(noun: str) -> str:
    """Of a noun that may be the last word of several."""
    *first, last = noun.split()
    ending = "es" if last.endswith(("s", "x", "ch", "sh")) else "s"
    return " ".join([*first, PLURALS.get(last, last + ending)])
