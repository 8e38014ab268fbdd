"""What `limn.json` says about the model: its settings, its words, prompts that it draws well."""

from __future__ import annotations

from settings import Setting
from tokenizer import words
from words import STYLES

# Chosen on quality: see README.md.
STEPS = 20
PRIOR_STEPS = 10
GUIDANCE_SCALE = 3.0
PRIOR_GUIDANCE_SCALE = 2.0

EXAMPLES = {
    "cpu": [
        "a red sailboat on the sea at night",
        "a blue house in the snow at sunset",
        "a yellow balloon in the mountains",
        "a white cat in a meadow by day",
        "a purple umbrella on the beach at sunset",
        "a green rocket in the desert at night",
        "an orange castle in the city",
        "a pink flower in a meadow",
    ],
    "wide": [
        "a red sailboat on the sea at sunset",
        "an orange tent in the mountains at night",
        "a pink car on the road",
        "a red rocket in space",
        "an orange balloon at sunset",
        "a pink butterfly in the garden, pastel",
        "a red mushroom in the forest",
        "a yellow bus in the city",
        "a purple umbrella on the beach, watercolour",
        "a green train by the volcano, made of clay",
    ],
    "full": [
        "a blue cat on the beach",
        "two red apples on a plain background, pixel art",
        "a rocket above a white castle in the city at night",
        "a small yellow duck by the river at sunset, watercolour",
        "a big green turtle underwater, clay",
        "a purple owl in the forest at night, neon",
        "a brown bear in front of a red tent in the mountains, comic",
        "three pink flowers in the garden by day, pastel",
    ],
}


def card(setting: Setting, preview: dict) -> dict:
    """The entries that the engine reads; `preview` maps latents to RGB in −1..1."""
    return {
        "name": "Doodle",
        "description": f"Doodle draws picture-book scenes, {setting.size_px} px.",
        "size": [setting.size_px, setting.size_px],
        "steps": STEPS,
        "prior_steps": PRIOR_STEPS,
        "guidance_scale": GUIDANCE_SCALE,
        "prior_guidance_scale": PRIOR_GUIDANCE_SCALE,
        "preview": preview,
        "vocabulary": {
            "objects": list(setting.objects),
            "colours": list(setting.colours),
            "places": [phrases[0] for phrases in setting.places.values()],
            "times": [phrases[0] for phrases in setting.times.values()],
            "styles": [phrase for phrase, *_ in STYLES.values() if phrase] if setting.has_styles else [],
            "synonyms": {name: names[0] for names in setting.objects.values() for name in names[1:]},
            "words": words(setting),
        },
        "examples": EXAMPLES[setting.name],
    }
