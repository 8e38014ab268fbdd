"""Draws every object in every colour and lets the classifier judge.

diffusers' pipeline draws, or with `--limn` Limn's own engine, from the same seeds. Also writes the pictures as a
contact sheet: look at them.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from diffusers import KandinskyV22CombinedPipeline
from PIL import Image

import settings
from classifier import Classifier, shrink
from dataset import facts_of
from scenes import Scene, plainly, sample
from settings import Setting

# Of the first picture; the next ones count up.
FIRST_SEED = 1000


def asked(setting: Setting, n_rounds: int) -> list[Scene]:
    """`n_rounds` scenes for each object and colour; of the combinations kept from the training, if there are any."""
    pairs = [(i, j) for _ in range(n_rounds) for i in range(len(setting.objects)) for j in range(len(setting.colours))]
    if setting.held_out_every:
        rng = random.Random(FIRST_SEED)
        return [sample(setting, rng, held_out=True) for _ in pairs]
    turns = [k // (len(setting.objects) * len(setting.colours)) for k in range(len(pairs))]
    return [in_turn(setting, i, j, turn) for (i, j), turn in zip(pairs, turns)]


def in_turn(setting: Setting, i: int, j: int, turn: int) -> Scene:
    """Object `i` in colour `j`; places and times take turns."""
    objects, colours, places, times = list(setting.tables.values())[:4]
    place, time = places[(i + j + 3 * turn) % len(places)], times[(i + 2 * j + turn) % len(times)]
    return Scene(objects[i], colours[j], place, time, turn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="take each n-th prompt only")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--limn", type=Path, help="the program that draws instead of diffusers")
    parser.add_argument("--device", default="cpu")
    for name in ("steps", "prior_steps"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("guidance_scale", "prior_guidance_scale"):
        parser.add_argument(f"--{name}", type=float)
    arguments = parser.parse_args()

    setting = settings.of(arguments.state)
    card = json.loads((arguments.model / "limn.json").read_text())
    names = ("steps", "prior_steps", "guidance_scale", "prior_guidance_scale")
    sampling = {name: getattr(arguments, name) or card[name] for name in names}
    scenes = asked(setting, arguments.rounds)[:: arguments.every]
    draw = draw_with_limn if arguments.limn else draw_with_diffusers
    pictures = draw(arguments, card["size"], sampling, [plainly(scene, setting) for scene in scenes])
    if arguments.sheet:
        contact_sheet(pictures, n_columns=16).save(arguments.sheet)

    judge = Classifier(setting)
    judge.load_state_dict(torch.load(arguments.state / "classifier.pt", weights_only=True)["ema"])
    with torch.no_grad():
        answers = torch.stack([a.argmax(1) for a in judge.eval()(shrink(pictures))], 1)
    truth = torch.tensor([facts_of(scene, setting) for scene in scenes])
    print(f"{sampling}\n{report(answers == truth, list(setting.tables))}")
    print(by_object(answers == truth, truth[:, 0], list(setting.objects)))


def draw_with_limn(arguments: argparse.Namespace, size: list[int], sampling: dict, texts: list[str]) -> torch.Tensor:
    """One picture a prompt, by the engine on the CPU in f32. Shapes: `[n, 3, h, w]` in 0..1."""
    options = {
        "model": arguments.model.resolve(),
        "size": f"{size[0]}x{size[1]}",
        "steps": sampling["steps"],
        "prior-steps": sampling["prior_steps"],
        "guidance": sampling["guidance_scale"],
        "prior-guidance": sampling["prior_guidance_scale"],
        "device": "cpu",
        "dtype": "f32",
    }
    pictures = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.png"
        for k, text in enumerate(texts):
            words = {**options, "prompt": text, "seed": FIRST_SEED + k, "out": file}
            command = [arguments.limn.resolve(), "generate", *(f"--{name}={value}" for name, value in words.items())]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            pictures.append(torch.from_numpy(np.array(Image.open(file).convert("RGB"))))
            file.unlink()
    return torch.stack(pictures).permute(0, 3, 1, 2).float() / 255


def draw_with_diffusers(arguments: argparse.Namespace, size: list[int], sampling: dict, texts: list[str]) -> torch.Tensor:
    """One picture a prompt: f16 weights computed in f32. Shapes: `[n, 3, h, w]` in 0..1."""
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
                num_inference_steps=sampling["steps"],
                prior_num_inference_steps=sampling["prior_steps"],
                guidance_scale=sampling["guidance_scale"],
                prior_guidance_scale=sampling["prior_guidance_scale"],
                generator=[torch.Generator("cpu").manual_seed(FIRST_SEED + k + i) for i in range(len(batch))],
                output_type="np",
            ).images
        )
    return torch.from_numpy(np.concatenate(parts)).permute(0, 3, 1, 2)


def contact_sheet(pictures: torch.Tensor, n_columns: int) -> Image.Image:
    rows = [torch.cat(list(row), 2) for row in pictures.split(n_columns) if len(row) == n_columns]
    return Image.fromarray((torch.cat(rows, 1) * 255).round().byte().permute(1, 2, 0).numpy())


def report(right: torch.Tensor, names: list[str]) -> str:
    """`right`: bool `[n, facts]`, one column a fact; object and colour come first."""
    both = (right[:, 0] & right[:, 1]).float().mean()
    shares = [f"{100 * share:.1f} %" for share in (*right[:, :2].float().mean(0), both, *right[:, 2:].float().mean(0))]
    head = ["pictures", *names[:2], "both", *names[2:]]
    return "\n".join([row(head), "|---" * len(head) + "|", row([str(len(right)), *shares])])


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def by_object(right: torch.Tensor, objects: torch.Tensor, names: list[str]) -> str:
    """The share of pictures with object and colour right, object by object."""
    both = (right[:, 0] & right[:, 1]).float()
    shares = [(name, both[objects == k]) for k, name in enumerate(names)]
    return ", ".join(f"{name} {100 * share.mean():.0f} %" for name, share in shares if len(share))


if __name__ == "__main__":
    main()
