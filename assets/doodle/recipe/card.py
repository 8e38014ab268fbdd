"""What `limn.json` says about the model: its settings, its words, prompts that it draws well."""

from __future__ import annotations

from scenes import COLOURS, OBJECTS, PLACES, SIZE_PX, TIMES
from tokenizer import words

# Chosen on quality: see README.md.
STEPS = 20
PRIOR_STEPS = 10
GUIDANCE_SCALE = 3.0
PRIOR_GUIDANCE_SCALE = 2.0

EXAMPLES = [
    "a red sailboat on the sea at night",
    "a blue house in the snow at sunset",
    "a yellow balloon in the mountains",
    "a white cat in a meadow by day",
    "a purple umbrella on the beach at sunset",
    "a green rocket in the desert at night",
    "an orange castle in the city",
    "a pink flower in a meadow",
]


def card(preview: dict) -> dict:
    """The entries that the engine reads; `preview` maps latents to RGB in −1..1."""
    return {
        "name": "Doodle",
        "description": f"Doodle draws picture-book scenes, {SIZE_PX} px.",
        "size": [SIZE_PX, SIZE_PX],
        "steps": STEPS,
        "prior_steps": PRIOR_STEPS,
        "guidance_scale": GUIDANCE_SCALE,
        "prior_guidance_scale": PRIOR_GUIDANCE_SCALE,
        "preview": preview,
        "vocabulary": {
            "objects": list(OBJECTS),
            "colours": list(COLOURS),
            "places": [phrases[0] for phrases in PLACES.values()],
            "times": [phrases[0] for phrases in TIMES.values()],
            "synonyms": {name: names[0] for names in OBJECTS.values() for name in names[1:]},
            "words": words(),
        },
        "examples": EXAMPLES,
    }
