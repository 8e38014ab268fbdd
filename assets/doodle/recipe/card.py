"""What `limn.json` says about the model: its settings, its words, its cascade, prompts that it draws well."""

from __future__ import annotations

from settings import Setting
from tokenizer import words
from world import vocabulary as v

STEPS = 20
PRIOR_STEPS = 10
GUIDANCE_SCALE = 3.0
PRIOR_GUIDANCE_SCALE = 2.0
# Relations and counts are no part of the vocabulary's lists, but of its words.
EXAMPLES = [
    "a red sailboat on the sea at sunset",
    "two penguins in the snow",
    "a cat on a car in the city at night",
    "a turquoise dinosaur in a meadow, flat",
    "a fox in front of a tent in the forest at sunset",
    "a pink unicorn in the clouds, pastel",
    "an astronaut in space",
    "a purple octopus underwater, watercolour",
    "a cup of coffee as a logo",
    "a cosy living room at night",
]


def card(setting: Setting, preview: dict) -> dict:
    """The entries that the engine reads; `preview` maps latents to RGB in −1..1."""
    finished = setting.zoom * setting.size_px
    return {
        "name": "Doodle",
        "description": f"Doodle draws picture-book scenes, {finished} px, refined from {setting.size_px}.",
        "size": [setting.size_px, setting.size_px],
        "steps": STEPS,
        "prior_steps": PRIOR_STEPS,
        "guidance_scale": GUIDANCE_SCALE,
        "prior_guidance_scale": PRIOR_GUIDANCE_SCALE,
        "preview": preview,
        "cascade": cascade(setting),
        "vocabulary": {
            "objects": [thing.name for thing in v.THINGS[: setting.n_things]],
            "colours": list(v.COLOURS[1:]),
            "places": [phrases[0] for phrases in v.PLACES.values()],
            "times": [phrases[0] for phrases in v.TIMES.values()],
            "styles": [phrase for phrase, *_ in v.STYLES.values() if phrase],
            "synonyms": {name: thing.name for thing in v.THINGS[: setting.n_things] for name in thing.synonyms},
            "words": words(),
        },
        "examples": EXAMPLES,
    }


def cascade(setting: Setting) -> dict:
    """The last step of a picture: how much larger the upscaler makes it, and the sizes on offer."""
    finished = setting.zoom * setting.size_px
    return {"scale": setting.zoom, "size": [finished, finished], "on_request": [[2 * finished, 2 * finished]]}
