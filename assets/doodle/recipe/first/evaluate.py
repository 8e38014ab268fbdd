"""Draws what the training never saw and lets the classifier judge.

diffusers' pipeline draws, or with `--limn` Limn's own engine, from the same seeds. Also writes the pictures as a
contact sheet: look at them. What is done with pictures is judged by `gestures.py`.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch

import classifier
import settings
from classifier import judged
from dataset import facts_of
from drawing import FIRST_SEED, SAMPLING, Drawer
from scenes import Scene, plainly, sample
from settings import SETTINGS, Setting
from sheets import contact_sheet


def asked(setting: Setting, n_prompts: int) -> list[Scene]:
    """Of the combinations kept from the training; where there are none, every object in every colour takes turns."""
    if setting.held_out_every:
        rng = random.Random(FIRST_SEED)
        return [sample(setting, rng, held_out=True) for _ in range(n_prompts)]
    return [in_turn(setting, k) for k in range(n_prompts)]


def in_turn(setting: Setting, k: int) -> Scene:
    """Objects count fastest, then colours; places and times take turns."""
    objects, colours, places, times = list(setting.tables.values())[:4]
    i, turn = k % len(objects), k // (len(objects) * len(colours))
    j = (k // len(objects) + i) % len(colours)
    place, time = places[(i + j + 3 * turn) % len(places)], times[(i + 2 * j + turn) % len(times)]
    return Scene(objects[i], colours[j], place, time, turn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--setting", choices=SETTINGS, help="what the model draws, for a state without a dataset")
    parser.add_argument("--prompts", type=int, default=500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--sheet", type=Path, help="a picture of the first 64")
    parser.add_argument("--limn", type=Path, help="the program that draws instead of diffusers")
    parser.add_argument("--device", default="cpu")
    for name in SAMPLING:
        parser.add_argument(f"--{name}", type=int if name.endswith("steps") else float)
    arguments = parser.parse_args()

    if arguments.setting:
        settings.keep(arguments.state, arguments.setting)
    setting = settings.of(arguments.state)
    if not (arguments.state / "classifier.pt").exists():
        classifier.train(arguments.state)
    drawer = Drawer.of(arguments.model, **{name: getattr(arguments, name) for name in SAMPLING})
    scenes = asked(setting, arguments.prompts)
    texts = [plainly(scene, setting) for scene in scenes]
    if arguments.limn:
        pictures = drawer.with_limn(arguments.limn, texts)
    else:
        pictures = drawer.with_diffusers(texts, arguments.batch, arguments.device)
    if arguments.sheet:
        contact_sheet(pictures[:64], n_columns=8).save(arguments.sheet)
        print("\n".join(texts[:64]))
    truth = torch.tensor([facts_of(scene, setting) for scene in scenes])
    right = judged(arguments.state, pictures) == truth
    print(f"{drawer.sampling}\n{report(right, list(setting.tables))}")
    for name in ("object", "style"):
        if name in setting.tables:
            print(one_by_one(right, truth, setting, name))


def report(right: torch.Tensor, names: list[str]) -> str:
    """`right`: bool `[n, facts]`, one column a fact; object and colour come first."""
    both = (right[:, 0] & right[:, 1]).float().mean()
    shares = [f"{100 * share:.1f} %" for share in (*right[:, :2].float().mean(0), both, *right[:, 2:].float().mean(0))]
    head = ["pictures", *names[:2], "both", *names[2:]]
    return "\n".join([row(head), "|---" * len(head) + "|", row([str(len(right)), *shares])])


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def one_by_one(right: torch.Tensor, truth: torch.Tensor, setting: Setting, name: str) -> str:
    """The share of pictures with this fact right, for each value that it has."""
    column, values = list(setting.tables).index(name), setting.tables[name]
    shares = [(value, right[truth[:, column] == k, column].float()) for k, value in enumerate(values)]
    return ", ".join(f"{value} {100 * share.mean():.0f} %" for value, share in shares if len(share))


if __name__ == "__main__":
    main()
