"""Sentences about scenes, in many wordings; and the one that says every fact by its plainest phrase."""

from __future__ import annotations

import random

from world import vocabulary as v
from world.facts import Facts

FACTS = Facts().tables


class Row(dict):
    """The facts of one scene by name, and what they are called."""

    @staticmethod
    def of(numbers) -> Row:
        return Row({name: table[int(k)] for (name, table), k in zip(FACTS.items(), numbers)})


NAMES = {thing.name: (thing.name, *thing.synonyms) for thing in v.THINGS}
PREPOSITIONS = {phrase.split()[0] for table in (v.PLACES, v.TIMES) for row in table.values() for phrase in row if phrase}
RIDEABLE = {thing.name for thing in v.THINGS if "ride" in thing.roles}


def caption(numbers, rng: random.Random) -> str:
    """A sentence that says some or all of a scene's facts."""
    row = Row.of(numbers)
    text = scenery(row, rng) if row["thing"] == v.NONE else with_place(row, subject(row, rng), rng)
    text = styled(row, text, rng)
    if rng.random() < 0.12 and text.split()[0] not in PREPOSITIONS:
        text = f"{rng.choice(v.OPENINGS)} {text}"
    return text


def subject(row: Row, rng: random.Random) -> str:
    thing = noun_phrase(row["thing"], row["colour"], row, rng)
    relation = row["relation"]
    if relation == v.NONE:
        return thing
    other = noun_phrase(row["other"], row["other_colour"], Row(count="one", size="medium"), rng)
    if relation == "on" and row["other"] in RIDEABLE and rng.random() < 0.5:
        return f"{thing} {rng.choice(v.RIDING)} {other}"
    if relation in ("left", "right") and rng.random() < 0.35:
        first, second = (thing, other) if rng.random() < 0.5 else (other, thing)
        return f"{first} {rng.choice(v.BESIDE)} {second}"
    if relation in v.INVERSE and rng.random() < 0.25:
        return f"{other} {rng.choice(v.INVERSE[relation])} {thing}"
    return f"{thing} {rng.choice(v.RELATIONS[relation])} {other}"


def noun_phrase(thing: str, colour: str, row: Row, rng: random.Random) -> str:
    """ "a small red cat", "two cats", "the cat"."""
    noun = rng.choice(NAMES[thing]) if rng.random() < 0.4 else thing
    count = rng.choice(v.COUNTS[row["count"]])
    words = [rng.choice(v.SIZES[row["size"]]), colour_word(colour, rng) if rng.random() < 0.95 else "", v.plural(noun) if count else noun]
    if rng.random() < 0.08:
        words.insert(0, rng.choice(v.FILLERS))
    words = " ".join(word for word in words if word)
    if count:
        return f"{count} {words}"
    chance = rng.random()
    return f"{article(words)} {words}" if chance < 0.78 else f"the {words}" if chance < 0.84 else words


def colour_word(colour: str, rng: random.Random) -> str:
    return "" if colour == "natural" else rng.choice(v.COLOUR_WORDS.get(colour, (colour,)))


def with_place(row: Row, text: str, rng: random.Random) -> str:
    place = rng.choice(v.PLACES[row["place"]]) if rng.random() < 0.85 else ""
    time = rng.choice(v.TIMES[row["time"]]) if rng.random() < 0.75 else ""
    parts = [text, time, place] if rng.random() < 0.15 else [text, place, time]
    if rng.random() < 0.06:
        parts = [*parts[1:], parts[0]]
    return " ".join(part for part in parts if part)


def scenery(row: Row, rng: random.Random) -> str:
    """A place without anything in it: "an empty beach at night", or as in a sentence without its subject."""
    text = rng.choice(v.PLACES[row["place"]]) if rng.random() < 0.25 else rng.choice(v.SCENERY[row["place"]])
    head, _, rest = text.partition(" ")
    if head in ("a", "an") and rng.random() < 0.4:
        word = rng.choice((*v.FILLERS, "empty"))
        text = f"{article(word)} {word} {rest}"
    time = rng.choice(v.TIMES[row["time"]]) if rng.random() < 0.8 else ""
    return f"{text} {time}".strip()


def styled(row: Row, text: str, rng: random.Random) -> str:
    """Left out rarely: what is asked for without a style is soft and solid."""
    style = rng.choice(v.STYLES[row["style"]]) if rng.random() < 0.96 else ""
    if not style:
        return text
    if rng.random() < 0.12 and not style.startswith(("in ", "as ")):
        return f"{article(style)} {style} of {text}" if style.endswith(("drawing", "sketch", "illustration", "cartoon")) else f"{style} {text}"
    return f"{text}{',' if rng.random() < 0.6 else ''} {style}"


def article(words: str) -> str:
    return "an" if words[0] in "aeio8" or words.startswith(("um", "hour")) else "a"


def plainly(numbers) -> str:
    """The sentence that says every fact by its plainest phrase."""
    row = Row.of(numbers)
    place, time, style = (table[row[name]][0] for name, table in (("place", v.PLACES), ("time", v.TIMES), ("style", v.STYLES)))
    if row["thing"] == v.NONE:
        text = v.SCENERY[row["place"]][0]
    else:
        text = plain_phrase(row["thing"], row["colour"], v.COUNTS[row["count"]][0], v.SIZES[row["size"]][0])
        if row["relation"] != v.NONE:
            text = f"{text} {v.RELATIONS[row['relation']][0]} {plain_phrase(row['other'], row['other_colour'], '', '')}"
        text = f"{text} {place}"
    text = f"{text} {time}"
    return f"{text}, {style}" if style else text


def plain_phrase(thing: str, colour: str, count: str, size: str) -> str:
    words = " ".join(word for word in (size, "" if colour == "natural" else colour, v.plural(thing) if count else thing) if word)
    return f"{count or article(words)} {words}"
