"""The facts of scenes: a table of whole numbers, one row a scene, one column a fact.

Whatever is to be known about a picture is in its row; everything else about it is left to chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from world import vocabulary as v

COLUMNS = ("thing", "colour", "place", "time", "style", "count", "size", "relation", "other", "other_colour")
THING, COLOUR, PLACE, TIME, STYLE, COUNT, SIZE, RELATION, OTHER, OTHER_COLOUR = range(len(COLUMNS))
PLACES, TIMES, STYLES, COUNTS, SIZES, RELATIONS = (tuple(t) for t in (v.PLACES, v.TIMES, v.STYLES, v.COUNTS, v.SIZES, v.RELATIONS))
# Of the combinations of thing, colour and place one in so many is kept from the training; the evaluation asks only for these.
HELD_OUT_EVERY = 20
# How often a scene has no thing, a second thing, or several of one; how often a thing has its own colours.
EMPTY, RELATED, SEVERAL, NATURAL = 0.12, 0.3, 0.2, 0.45


@dataclass(frozen=True)
class Facts:
    """The values that each fact may have, for the first so many things of the list. Thing 0 and other 0 are none."""

    n_things: int = len(v.THINGS)

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        things = (v.NONE, *(thing.name for thing in v.THINGS[: self.n_things]))
        return dict(zip(COLUMNS, (things, v.COLOURS, PLACES, TIMES, STYLES, COUNTS, SIZES, RELATIONS, things, v.COLOURS)))

    def sample(self, n: int, rng: np.random.Generator, held_out: bool = False) -> np.ndarray:
        """Rows for the training, or of the combinations that are kept from it. Shapes: `[n, facts]`."""
        kept: list[np.ndarray] = []
        while sum(map(len, kept)) < n:
            rows = self.any_rows(max(64, (24 if held_out else 1) * n), rng)
            kept.append(rows[is_held_out(rows) == held_out])
        return np.concatenate(kept)[:n]

    def any_rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        rows = np.zeros((n, len(COLUMNS)), np.int64)
        empty = rng.random(n) < EMPTY
        rows[:, THING] = np.where(empty, 0, rng.integers(1, self.n_things + 1, n))
        rows[:, PLACE] = rng.integers(0, len(PLACES), n)
        rows[:, TIME] = rng.integers(0, len(TIMES), n)
        rows[:, STYLE] = np.where(rng.random(n) < 0.35, 0, rng.integers(0, len(STYLES), n))
        rows[:, COLOUR] = some_colours(n, rng)
        kind = rng.random(n)
        related = (kind < RELATED) & ~empty
        several = (kind >= RELATED) & (kind < RELATED + SEVERAL) & ~empty
        rows[:, COUNT] = np.where(several, rng.integers(1, len(COUNTS), n), 0)
        sized = ~related & ~several & (rng.random(n) < 0.5)
        rows[:, SIZE] = np.where(sized, rng.integers(0, len(SIZES), n), 0)
        self.relate(rows, np.flatnonzero(related), rng)
        rows[empty, COLOUR] = rows[empty, COUNT] = rows[empty, SIZE] = 0
        return as_it_can_be(rows)

    def relate(self, rows: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> None:
        """Gives the chosen rows a relation, and another thing that can stand in it."""
        rows[chosen, RELATION] = rng.integers(1, len(RELATIONS), len(chosen))
        rows[chosen, OTHER_COLOUR] = some_colours(len(chosen), rng)
        for number, relation in enumerate(RELATIONS):
            here = chosen[rows[chosen, RELATION] == number]
            able = np.array(self.able(relation))
            if not len(able):
                rows[here, RELATION] = RELATIONS.index("left")
                able = np.arange(1, self.n_things + 1)
            rows[here, OTHER] = able[rng.integers(0, len(able), len(here))]
        alike = chosen[rows[chosen, OTHER] == rows[chosen, THING]]
        rows[alike[:, None], [RELATION, OTHER, OTHER_COLOUR]] = 0

    def able(self, relation: str) -> list[int]:
        """The things that another can be related to like this."""
        roles = v.roles_of(relation)
        things = v.THINGS[: self.n_things]
        return [k + 1 for k, thing in enumerate(things) if not roles or thing.roles & set(roles)]


def some_colours(n: int, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(n) < NATURAL, 0, rng.integers(1, len(v.COLOURS), n))


def as_it_can_be(rows: np.ndarray) -> np.ndarray:
    """It does not rain indoors, and space is dark."""
    sheltered = np.isin(rows[:, PLACE], [PLACES.index(name) for name in v.SHELTERED])
    rows[sheltered & (rows[:, TIME] == TIMES.index("rain")), TIME] = TIMES.index("day")
    rows[np.isin(rows[:, PLACE], [PLACES.index(name) for name in v.DARK]), TIME] = TIMES.index("night")
    return rows


def is_held_out(rows: np.ndarray) -> np.ndarray:
    mixed = 7 * rows[:, THING] + 11 * rows[:, COLOUR] + 13 * rows[:, PLACE]
    return (rows[:, THING] > 0) & (mixed % HELD_OUT_EVERY == 0)
