"""Draws what the training never saw and lets the classifier judge; measures the autoencoder and the time a picture takes.

diffusers' pipeline draws, or with `--limn` Limn's own engine, from the same seeds. One command from an empty state: it fetches
the drawing sets and trains the judge first if the state has none. The pictures are also written as contact sheets: look at them.
What is done with pictures is judged by `gestures.py`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel

import classifier
import settings
from classifier import judged
from drawing import SAMPLING, Drawer
from losses import psnr_db
from scenes import unseen
from settings import SETTINGS, Setting
from sheets import contact_sheet
from train_upscaler import softened
from training import begin
from world import facts as f
from world.captions import plainly
from world.compose import World

ASKED_SEED = 1000
# The goals, in percent: what the table is compared with.
GOALS = {"thing": 85, "colour": 90, "place": 95, "time": 95, "style": 80, "relation": 60, "count": 60}
GOAL_DB = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--setting", choices=SETTINGS, default="doodle", help="what the model draws, for a new state")
    parser.add_argument("--prompts", type=int, default=500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--sheets", type=Path, help="a folder for contact sheets: the first 64, and what strangers would type")
    parser.add_argument("--limn", type=Path, help="the program that draws instead of diffusers")
    parser.add_argument("--judge-minutes", type=float, help="how long the judge is trained, if the state has none")
    parser.add_argument("--judge-batch", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    for name in SAMPLING:
        parser.add_argument(f"--{name}", type=int if name.endswith("steps") else float)
    arguments = parser.parse_args()
    begin(arguments)
    prepare(arguments)
    print(judgement(arguments, load_world(arguments)))


def prepare(arguments: argparse.Namespace) -> None:
    """What is needed from an empty state: the setting, the drawings, the judge."""
    state = arguments.state
    if not (state / "setting").exists():
        settings.keep(state, arguments.setting)
    if not (state / "sprites.npz").exists():
        # Only here is the rasteriser needed.
        from sets import pack

        pack.pack(state, n_processes=2)
    if not (state / "classifier.pt").exists():
        minutes = arguments.judge_minutes or classifier.MINUTES[arguments.device]
        classifier.train(state, load_world(arguments), argparse.Namespace(device=arguments.device, minutes=minutes, batch=arguments.judge_batch, lr=2e-3))


def load_world(arguments: argparse.Namespace) -> World:
    setting = settings.of(arguments.state)
    return World.load(arguments.state / "sprites.npz", setting.zoom * setting.size_px, arguments.device, setting.n_things)


def judgement(arguments: argparse.Namespace, world: World) -> str:
    """The table, and what else was measured. Writes the sheets."""
    setting = settings.of(arguments.state)
    drawer = Drawer.of(arguments.model, **{name: getattr(arguments, name) for name in SAMPLING})
    rows = asked(setting, arguments.prompts)
    texts = [plainly(row) for row in rows]
    pictures, seconds = drawn(drawer, texts, arguments)
    if arguments.sheets:
        arguments.sheets.mkdir(parents=True, exist_ok=True)
        write_sheet(drawer, pictures[:64], texts[:64], arguments.sheets / "sheet.jpg", 8)
        strangers = (Path(__file__).parent / "strangers.txt").read_text().splitlines()
        write_sheet(drawer, drawn(drawer, strangers, arguments)[0], strangers, arguments.sheets / "strangers.jpg", 10)
    right = judged(arguments.state, pictures, arguments.device) == rows
    fidelity = measured(drawer, world, setting, arguments.device, min(64, arguments.prompts))
    lines = [str(drawer.sampling), table(right, rows), fidelity, f"{seconds:.2f} s a base picture"]
    lines += [one_by_one(right, rows, setting, name) for name in ("thing", "style", "relation", "count")]
    return "\n".join(lines)


def asked(setting: Setting, n_prompts: int) -> torch.Tensor:
    """Combinations of thing, colour and place that were kept from the training. Shapes: `[n, facts]`."""
    return torch.from_numpy(setting.facts.sample(n_prompts, np.random.default_rng(ASKED_SEED), held_out=True))


def drawn(drawer: Drawer, texts: list[str], arguments: argparse.Namespace) -> tuple[torch.Tensor, float]:
    """A picture a text, and the seconds each took."""
    start = time.monotonic()
    if arguments.limn:
        pictures = drawer.with_limn(arguments.limn, texts)
    else:
        pictures = drawer.with_diffusers(texts, arguments.batch, arguments.device)
    return pictures, (time.monotonic() - start) / len(texts)


def write_sheet(drawer: Drawer, pictures: torch.Tensor, texts: list[str], file: Path, n_columns: int) -> None:
    """Finished pictures, and beside them what was asked for."""
    contact_sheet(drawer.finished(pictures), min(n_columns, len(pictures))).save(file, quality=88)
    file.with_suffix(".txt").write_text("\n".join(texts) + "\n")


@torch.no_grad()
def measured(drawer: Drawer, world: World, setting: Setting, device: str, n_scenes: int) -> str:
    """How near unseen scenes come back: from the autoencoder, and finished, beside a bicubic enlargement of the same."""
    movq = VQModel.from_pretrained(drawer.model / "movq", torch_dtype=torch.float32).to(device).eval()
    small, large = (pictures.cpu() for pictures in unseen(world, setting, n_scenes, device, (setting.size_px, setting.zoom * setting.size_px)))
    seen = torch.cat([softened(movq, some.to(device), noise=0.0).cpu() for some in small.split(8)])
    plain = torch.nn.functional.interpolate(seen, large.shape[-2:], mode="bicubic")
    return (f"autoencoder on unseen scenes: {psnr_db(seen, small):.1f} dB (goal {GOAL_DB}); "
            f"finished: {psnr_db(drawer.finished(seen, device), large):.1f} dB, bicubic enlargement {psnr_db(plain, large):.1f} dB")


def applies(rows: torch.Tensor, name: str) -> torch.Tensor:
    """Where a fact is worth asking about: which thing where there is one, which relation where there are two. Shapes: bool `[n]`."""
    if name in ("relation", "other", "other_colour"):
        return rows[:, f.RELATION] > 0
    if name == "count":
        return rows[:, f.COUNT] > 0
    if name in ("thing", "colour", "size"):
        return rows[:, f.THING] > 0
    return torch.ones(len(rows), dtype=torch.bool)


def table(right: torch.Tensor, rows: torch.Tensor) -> str:
    """The share of pictures in which each fact is right, of those where it applies. Shapes: bool `[n, facts]`, `[n, facts]`."""
    names = list(f.COLUMNS)
    masks = [applies(rows, name) for name in names]
    shares = [f"{100 * right[mask, k].float().mean():.1f} %" if mask.any() else "–" for k, mask in enumerate(masks)]
    goals = [f"{GOALS[name]} %" if name in GOALS else "–" for name in names]
    counts = [str(int(mask.sum())) for mask in masks]
    return "\n".join([line(["", *names]), "|---" * (len(names) + 1) + "|", line(["right", *shares]), line(["goal", *goals]), line(["pictures", *counts])])


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def one_by_one(right: torch.Tensor, rows: torch.Tensor, setting: Setting, name: str) -> str:
    """The share of pictures with this fact right for each value that was asked for, the worst first."""
    column, values = f.COLUMNS.index(name), setting.facts.tables[name]
    asked_for = rows[applies(rows, name), column].unique().tolist()
    shares = [(float(right[rows[:, column] == k, column].float().mean()), values[k]) for k in asked_for]
    return f"{name}: " + ", ".join(f"{value} {100 * share:.0f} %" for share, value in sorted(shares)[:40])


if __name__ == "__main__":
    main()
