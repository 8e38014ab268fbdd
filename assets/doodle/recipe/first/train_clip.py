"""Trains the CLIP pair contrastively (Radford et al. 2021), with helpers that are thrown away.

The helpers read every fact and a 12×12 thumbnail out of the image embedding, so that it holds what
the decoder needs within minutes of training.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import CLIPTokenizer

import dataset
import models
import settings
import tokenizer
from scenes import caption
from settings import Setting
from training import Trainer

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)


def normalised(small: torch.Tensor) -> torch.Tensor:
    """The vision tower's input. Shapes: `[n, 3, 64, 64]` in 0..1 → the same, normalised as CLIP does."""
    return (small - MEAN.to(small.device)) / STD.to(small.device)


class Pair(nn.Module):
    """The two towers, the contrast's scale, and the helpers."""

    def __init__(self, vocab_size: int, setting: Setting):
        super().__init__()
        self.text = models.text_encoder(vocab_size)
        self.image = models.image_encoder(setting)
        self.scale = nn.Parameter(torch.tensor(2.6))
        self.facts = nn.ModuleList(nn.Linear(models.EMBED_DIM, len(table)) for table in setting.tables.values())
        self.thumbnail = nn.Sequential(nn.Linear(models.EMBED_DIM, 512), nn.GELU(), nn.Linear(512, 3 * 12 * 12))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--lr", type=float, default=8e-4)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    setting = settings.of(arguments.state)
    tokenizer.save(arguments.state / "tokenizer", setting)
    tokens = CLIPTokenizer.from_pretrained(arguments.state / "tokenizer")
    _, facts, seeds = dataset.load(arguments.state)
    pictures = np.load(arguments.state / "small.npy", mmap_mode="r")
    rng, words = np.random.default_rng(), random.Random()
    pair = Pair(len(tokens), setting).to(arguments.device).train()
    trainer = Trainer(arguments.state / "clip.pt", pair, arguments.lr, arguments.minutes, ema=0.995)
    while trainer.running():
        chosen = np.sort(rng.integers(0, len(pictures) - 1000, arguments.batch))
        x = torch.from_numpy(pictures[chosen]).to(arguments.device).permute(0, 3, 1, 2).float() / 255
        texts = [caption(dataset.scene_of(facts[k], seeds[k], setting), setting, words) for k in chosen]
        ids = tokens(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        # Captions are short: attention over the padding that follows the end is wasted here.
        ids = ids[:, : int((ids != ids[0, -1]).sum(1).max()) + 1].to(arguments.device)
        with torch.autocast(arguments.device, torch.bfloat16):
            image = pair.image(normalised(x)).image_embeds
            text = pair.text(ids).text_embeds
            thumbnail = pair.thumbnail(image)
            answers = [head(image) for head in pair.facts]
        image, text = F.normalize(image.float(), dim=-1), F.normalize(text.float(), dim=-1)
        logits = pair.scale.exp().clamp(max=50) * image @ text.T
        same = torch.arange(len(x), device=logits.device)
        contrast = (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2
        truth = torch.from_numpy(facts[chosen]).to(arguments.device)
        aside = sum(F.cross_entropy(a.float(), truth[:, k]) for k, a in enumerate(answers))
        small = F.interpolate(x, (12, 12), mode="area").flatten(1)
        picture = (thumbnail.float() - small).square().mean()
        trainer.update(contrast + 0.5 * aside + 10 * picture)
        right = [(a.argmax(1) == truth[:, k]).float().mean() for k, a in enumerate(answers)]
        facts_right = dict(zip(setting.tables, right))
        trainer.log(20, contrast=contrast, picture=picture, **facts_right)
    trainer.save()


if __name__ == "__main__":
    main()
