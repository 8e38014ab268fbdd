"""The judge of the evaluation: a CNN that reads the facts of a scene off pixels.

It is trained on fresh scenes with augmentation, from its own seed; nothing of it enters the model's training.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import settings
from scenes import Scenes
from settings import Setting
from training import Trainer, add_arguments, averaged, begin
from world.compose import World

SIZE_PX = 128
SEED, HELD_OUT_SEED = 777, 778
# Scenes on which the judge itself is judged.
N_HELD_OUT = {"cpu": 256, "cuda": 2048}
MINUTES = {"cpu": 90.0, "cuda": 1.5}


class Block(nn.Module):
    """A residual block that halves the picture."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.skip = nn.Conv2d(n_in, n_out, 1)
        self.first, self.second = nn.Conv2d(n_in, n_out, 3, padding=1), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.norm, self.inner = nn.BatchNorm2d(n_in), nn.BatchNorm2d(n_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.avg_pool2d(x, 2)
        y = self.first(F.relu(self.norm(x)))
        return self.skip(x) + self.second(F.relu(self.inner(y)))


class Classifier(nn.Module):
    """Pictures `[n, 3, 128, 128]` in 0..1 → one row of logits a fact."""

    WIDTHS = (32, 64, 128, 256, 384)

    def __init__(self, setting: Setting):
        super().__init__()
        self.stem = nn.Conv2d(3, self.WIDTHS[0], 3, padding=1)
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip(self.WIDTHS, self.WIDTHS[1:])))
        n_features = self.WIDTHS[-1] * 16
        self.hidden = nn.Sequential(nn.BatchNorm2d(self.WIDTHS[-1]), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(n_features, 512), nn.ReLU())
        self.heads = nn.ModuleList(nn.Linear(512, len(table)) for table in setting.facts.tables.values())

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        features = self.hidden(self.blocks(self.stem((pictures - 0.5) * 2)))
        return [head(features) for head in self.heads]


def shrink(pictures: torch.Tensor) -> torch.Tensor:
    return F.interpolate(pictures, (SIZE_PX, SIZE_PX), mode="area")


@torch.no_grad()
def judged(state: Path, pictures: torch.Tensor, device: str = "cpu") -> torch.Tensor:
    """What the trained judge sees, as places in the tables of facts. Shapes: `[n, 3, h, w]` in 0..1 → `[n, facts]`."""
    judge = Classifier(settings.of(state))
    judge.load_state_dict(averaged(state, "classifier"))
    judge = judge.to(device).eval()
    parts = [torch.stack([answer.argmax(1) for answer in judge(shrink(some.to(device)))], 1) for some in pictures.split(64)]
    return torch.cat(parts).cpu()


def augment(x: torch.Tensor) -> torch.Tensor:
    """Blur, noise, brightness, small shifts: so that soft edges alone do not fool the judge."""
    if random.random() < 0.5:
        small = F.interpolate(x, scale_factor=random.uniform(0.4, 0.9), mode="area")
        x = F.interpolate(small, (SIZE_PX, SIZE_PX), mode="bilinear")
    dy, dx = random.randint(0, 12), random.randint(0, 12)
    x = F.pad(x, (6, 6, 6, 6), mode="replicate")[..., dy : dy + SIZE_PX, dx : dx + SIZE_PX]
    gain = 1 + 0.08 * torch.randn(len(x), 1, 1, 1, device=x.device)
    return (x * gain + 0.06 * torch.rand(len(x), 1, 1, 1, device=x.device) * torch.randn_like(x)).clamp(0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, minutes=MINUTES["cpu"], batch=64, lr=2e-3)
    arguments = parser.parse_args()
    begin(arguments)
    setting = settings.of(arguments.state)
    train(arguments.state, World.load(arguments.state / "sprites.npz", SIZE_PX, arguments.device, setting.n_things), arguments)


def train(state: Path, world: World, arguments: argparse.Namespace) -> None:
    """Writes `classifier.pt`, and says how good the judge itself is."""
    torch.manual_seed(7)
    device, setting = arguments.device, settings.of(state)
    scenes = Scenes(world, setting, device, np.random.default_rng(SEED))
    model = Classifier(setting).to(device).train()
    trainer = Trainer(state / "classifier.pt", model, arguments.lr, arguments.minutes, ema=0.99)
    while trainer.running():
        # Also what the model's training never sees: the judge must know all of it.
        n_kept = arguments.batch // 2
        rows = torch.cat([scenes.rows(n_kept, held_out=True), scenes.rows(arguments.batch - n_kept)])
        pictures = scenes.drawn(rows, SIZE_PX)
        truth = rows.to(device)
        with torch.autocast(device, torch.bfloat16):
            answers = model(augment(pictures))
        loss = sum(F.cross_entropy(answer.float(), truth[:, k]) for k, answer in enumerate(answers))
        trainer.update(loss)
        trainer.log(50, loss=loss)
    trainer.save()
    print("held-out scenes: " + ", ".join(f"{name} {share:.3f}" for name, share in own_accuracy(state, world, setting, device).items()))


def own_accuracy(state: Path, world: World, setting: Setting, device: str) -> dict[str, float]:
    """The judge's share of right answers on scenes of another seed, fact by fact."""
    scenes = Scenes(world, setting, device, np.random.default_rng(HELD_OUT_SEED))
    rows = scenes.rows(N_HELD_OUT[device], held_out=True)
    pictures = scenes.drawn(rows, SIZE_PX, in_part=False)
    right = (judged(state, pictures, device) == rows).float().mean(0)
    return dict(zip(setting.facts.tables, right.tolist()))


if __name__ == "__main__":
    main()
