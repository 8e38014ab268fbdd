"""The judge of the evaluation: a small CNN that reads the facts of a scene off pixels.

It is trained on fresh renders with augmentation, from its own seed; nothing of it enters the model's training.
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
from dataset import facts_of
from scenes import render, sample
from settings import Setting
from training import Trainer

SIZE_PX = 64
MINUTES = 9.0


class Classifier(nn.Module):
    """Pictures `[n, 3, 64, 64]` in 0..1 → one row of logits a fact."""

    def __init__(self, setting: Setting, widths: tuple[int, ...] = (32, 64, 96, 128)):
        super().__init__()
        layers, previous = [], 3
        for width in widths:
            layers += [nn.Conv2d(previous, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
            previous = width
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2))
        n_features = previous * (SIZE_PX // 2 ** len(widths)) ** 2
        self.heads = nn.ModuleList(nn.Linear(n_features, len(table)) for table in setting.tables.values())

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        features = self.body((pictures - 0.5) * 2)
        return [head(features) for head in self.heads]


def shrink(pictures: torch.Tensor) -> torch.Tensor:
    return F.interpolate(pictures, (SIZE_PX, SIZE_PX), mode="area")


def fresh_scenes(setting: Setting, n_scenes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Renders that the model has not seen. Shapes: `[n, 3, 64, 64]` uint8 and `[n, facts]`."""
    rng = random.Random(seed)
    pictures, facts = [], []
    for k in range(n_scenes):
        scene = sample(setting, rng, held_out=setting.held_out_every > 0 and k % 2 == 0)
        picture = torch.from_numpy(render(scene, setting.size_px)).permute(2, 0, 1).float()[None]
        pictures.append(shrink(picture).round().byte())
        facts.append(facts_of(scene, setting))
    return torch.cat(pictures), torch.tensor(facts)


@torch.no_grad()
def judged(state: Path, pictures: torch.Tensor) -> torch.Tensor:
    """What the trained judge sees, as places in the setting's tables. Shapes: `[n, 3, h, w]` in 0..1 → `[n, facts]`."""
    judge = Classifier(settings.of(state))
    judge.load_state_dict(torch.load(state / "classifier.pt", weights_only=True)["ema"])
    return torch.stack([answer.argmax(1) for answer in judge.eval()(shrink(pictures))], 1)


def augment(pictures: torch.Tensor) -> torch.Tensor:
    """Blur, noise, brightness, small shifts: so that soft edges alone do not fool the judge."""
    x = pictures.float() / 255
    if random.random() < 0.5:
        small = F.interpolate(x, scale_factor=random.uniform(0.4, 0.9), mode="area")
        x = F.interpolate(small, (SIZE_PX, SIZE_PX), mode="bilinear")
    dy, dx = np.random.randint(-4, 5, 2)
    x = F.pad(x, (4, 4, 4, 4), mode="replicate")[..., 4 + dy : 4 + dy + SIZE_PX, 4 + dx : 4 + dx + SIZE_PX]
    gain = 1 + 0.08 * torch.randn(len(x), 1, 1, 1)
    return (x * gain + 0.06 * torch.rand(len(x), 1, 1, 1) * torch.randn_like(x)).clamp(0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=12_000)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    train(arguments.state, arguments.minutes, arguments.device, arguments.scenes)


def train(state: Path, minutes: float = MINUTES, device: str = "cpu", n_scenes: int = 12_000) -> None:
    """Writes `classifier.pt`, and says how good the judge itself is."""
    torch.manual_seed(7)
    setting = settings.of(state)
    pictures, facts = fresh_scenes(setting, n_scenes, seed=777)
    n_held_out = 1000
    model = Classifier(setting).to(device).train()
    trainer = Trainer(state / "classifier.pt", model, 2e-3, minutes, ema=0.99)
    while trainer.running():
        chosen = torch.randint(n_held_out, len(pictures), (64,))
        answers = model(augment(pictures[chosen]).to(device))
        truth = facts[chosen].to(device)
        loss = sum(F.cross_entropy(a, truth[:, k]) for k, a in enumerate(answers))
        trainer.update(loss)
        trainer.log(50, loss=loss)
    trainer.save()
    model.load_state_dict(trainer.ema)
    with torch.no_grad():
        answers = model.eval()(pictures[:n_held_out].float().to(device) / 255)
    right = [(a.argmax(1).cpu() == facts[:n_held_out, k]).float().mean() for k, a in enumerate(answers)]
    print("held-out renders: " + ", ".join(f"{name} {share:.3f}" for name, share in zip(setting.tables, right)))


if __name__ == "__main__":
    main()
