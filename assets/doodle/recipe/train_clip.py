"""Trains the CLIP pair contrastively (Radford et al. 2021), with helpers that are thrown away.

The helpers read every fact and a 12×12 thumbnail out of the image embedding, so that it holds what
the decoder needs within minutes of training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

import models
import settings
import tokenizer
from captioned import batches
from scenes import Scenes
from settings import Setting
from mimetic import begin_mimetic
from tokenizer import Tokens
from training import Trainer, add_arguments, begin
from world.alone import alone
from world.facts import OTHER, THING

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)
# Scenes are composed at this size where nothing but the vision tower looks at them.
COMPOSED_PX = 128
# Of the budget the vision tower spends so much on things alone.
ALONE = 0.1
# How much the helpers' answers count, and those about things, of which there are most.
FACT, OF_THINGS = 0.3, 1.0


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    """The vision tower's input, as its image processor makes it. Shapes: `[n, 3, px, px]` in 0..1 → `[n, 3, 64, 64]`."""
    size = (models.VISION_SIZE_PX,) * 2
    small = F.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0, 1)
    return (small - MEAN.to(small.device)) / STD.to(small.device)


class Pair(nn.Module):
    """The two towers, the contrast's scale, and the helpers."""

    def __init__(self, vocab_size: int, setting: Setting):
        super().__init__()
        self.text = models.text_encoder(vocab_size)
        self.image = models.image_encoder()
        begin_mimetic(self.image)
        self.scale = nn.Parameter(torch.tensor(2.6))
        self.facts = nn.ModuleList(nn.Linear(models.EMBED_DIM, len(table)) for table in setting.facts.tables.values())
        self.thumbnail = nn.Sequential(nn.Linear(models.EMBED_DIM, 512), nn.GELU(), nn.Linear(512, 3 * 12 * 12))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, minutes=60, batch=192, lr=8e-4)
    parser.add_argument("--processes", type=int, default=0, help="that make sentences beside the training")
    arguments = parser.parse_args()
    begin(arguments)
    setting = settings.of(arguments.state)
    tokenizer.save(arguments.state / "tokenizer")
    train(arguments.state, Scenes.of(arguments.state, setting, arguments.device, px=COMPOSED_PX), arguments)


def train(state: Path, scenes: Scenes, arguments: argparse.Namespace) -> None:
    """Writes `clip.pt`."""
    device = arguments.device
    captions = batches(state, scenes.setting, arguments.batch, arguments.processes)
    pair = Pair(len(Tokens(state / "tokenizer")), scenes.setting).to(device).train()
    trainer = Trainer(state / "clip.pt", pair, arguments.lr, arguments.minutes, ema=0.995, is_muon=True)
    while trainer.running() and trainer.progress < ALONE:
        pictures, things = alone(scenes.world.sprites, scenes.setting.n_things, arguments.batch, models.VISION_SIZE_PX)
        with torch.autocast(device, torch.bfloat16):
            # Thing 0 is none.
            answer = pair.facts[THING](pair.image(normalised(pictures)).image_embeds)[:, 1:]
        trainer.update(F.cross_entropy(answer.float(), things))
        if trainer.step % 20 == 0:
            print(f"step {trainer.step}  {trainer.spent / 60:.1f} min  alone {(answer.argmax(1) == things).float().mean():.3f}", flush=True)
    while trainer.running():
        rows, _, ids = next(captions)
        pictures = scenes.drawn(rows, COMPOSED_PX)
        rows = rows.to(device)
        with torch.autocast(device, torch.bfloat16):
            image = pair.image(normalised(pictures)).image_embeds
            text = pair.text(ids.to(device)).text_embeds
            thumbnail = pair.thumbnail(image)
            answers = [head(image) for head in pair.facts]
        contrast = contrast_loss(image.float(), text.float(), pair.scale)
        aside = sum((OF_THINGS if k in (THING, OTHER) else FACT) * F.cross_entropy(answer.float(), rows[:, k]) for k, answer in enumerate(answers))
        small = F.interpolate(pictures, (12, 12), mode="area").flatten(1)
        picture = (thumbnail.float() - small).square().mean()
        trainer.update(contrast + aside + 10 * picture)
        if trainer.step % 20 == 0:
            right = {name: (answer.argmax(1) == rows[:, k]).float().mean() for k, (name, answer) in enumerate(zip(scenes.setting.facts.tables, answers))}
            trainer.log(20, contrast=contrast, picture=picture, **right)
    trainer.save()


def contrast_loss(image: torch.Tensor, text: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Shapes: `[n, dim]` twice."""
    logits = scale.exp().clamp(max=50) * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
    same = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2


if __name__ == "__main__":
    main()
