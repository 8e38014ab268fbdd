"""Draws every object in every colour with diffusers' pipeline and lets the classifier judge.

Also writes the pictures as a contact sheet: look at them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import KandinskyV22CombinedPipeline
from PIL import Image

from classifier import Classifier, shrink
from dataset import facts_of
from scenes import COLOURS, OBJECTS, PLACES, TIMES, Scene


def prompts(n_rounds: int) -> list[tuple[str, Scene]]:
    """`n_rounds` prompts for each object and colour; places and times take turns."""
    places, times = list(PLACES), list(TIMES)
    asked = []
    for turn in range(n_rounds):
        for i, name in enumerate(OBJECTS):
            for j, colour in enumerate(COLOURS):
                place, time = places[(i + j + 3 * turn) % len(places)], times[(i + 2 * j + turn) % len(times)]
                article = "an" if colour[0] in "aeiou" else "a"
                text = f"{article} {colour} {name} {PLACES[place][0]} {TIMES[time][0]}"
                asked.append((text, Scene(name, colour, place, time, turn)))
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="take each n-th prompt only")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--device", default="cpu")
    for name in ("steps", "prior_steps"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("guidance_scale", "prior_guidance_scale"):
        parser.add_argument(f"--{name}", type=float)
    arguments = parser.parse_args()

    card = json.loads((arguments.model / "limn.json").read_text())
    names = ("steps", "prior_steps", "guidance_scale", "prior_guidance_scale")
    settings = {name: getattr(arguments, name) or card[name] for name in names}
    asked = prompts(arguments.rounds)[:: arguments.every]
    pictures = draw(arguments, card["size"], settings, [text for text, _ in asked])
    if arguments.sheet:
        contact_sheet(pictures, len(COLOURS) * 2).save(arguments.sheet)

    judge = Classifier()
    judge.load_state_dict(torch.load(arguments.state / "classifier.pt", weights_only=True)["ema"])
    with torch.no_grad():
        answers = torch.stack([a.argmax(1) for a in judge.eval()(shrink(pictures))], 1)
    truth = torch.tensor([facts_of(scene) for _, scene in asked])
    print(report(answers == truth, settings))
    print(by_object(answers == truth, truth[:, 0]))


def draw(arguments: argparse.Namespace, size: list[int], settings: dict, texts: list[str]) -> torch.Tensor:
    """One picture a prompt, seeds 1000, 1001, …: f16 weights computed in f32. Shapes: `[n, 3, h, w]` in 0..1."""
    pipeline = KandinskyV22CombinedPipeline.from_pretrained(arguments.model, torch_dtype=torch.float32)
    pipeline.to(arguments.device)
    pipeline.set_progress_bar_config(disable=True)
    parts = []
    for k in range(0, len(texts), arguments.batch):
        batch = texts[k : k + arguments.batch]
        parts.append(
            pipeline(
                batch,
                width=size[0],
                height=size[1],
                num_inference_steps=settings["steps"],
                prior_num_inference_steps=settings["prior_steps"],
                guidance_scale=settings["guidance_scale"],
                prior_guidance_scale=settings["prior_guidance_scale"],
                generator=[torch.Generator("cpu").manual_seed(1000 + k + i) for i in range(len(batch))],
                output_type="np",
            ).images
        )
    return torch.from_numpy(np.concatenate(parts)).permute(0, 3, 1, 2)


def contact_sheet(pictures: torch.Tensor, n_columns: int) -> Image.Image:
    rows = [torch.cat(list(row), 2) for row in pictures.split(n_columns) if len(row) == n_columns]
    return Image.fromarray((torch.cat(rows, 1) * 255).round().byte().permute(1, 2, 0).numpy())


def report(right: torch.Tensor, settings: dict) -> str:
    """`right`: bool `[n, 4]`, one column a fact."""
    both = (right[:, 0] & right[:, 1]).float().mean()
    shares = [f"{100 * share:.1f} %" for share in (*right[:, :2].float().mean(0), both, *right[:, 2:].float().mean(0))]
    head = "| pictures | object | colour | both | place | time |\n|---|---|---|---|---|---|"
    return f"{settings}\n{head}\n| {len(right)} | {' | '.join(shares)} |"


def by_object(right: torch.Tensor, objects: torch.Tensor) -> str:
    """The share of pictures with object and colour right, object by object."""
    both = (right[:, 0] & right[:, 1]).float()
    asked = [(name, both[objects == k]) for k, name in enumerate(OBJECTS)]
    return ", ".join(f"{name} {100 * share.mean():.0f} %" for name, share in asked if len(share))


if __name__ == "__main__":
    main()
