"""Image embeddings, latents and facts of many scenes, on which the prior and the decoder learn.

Both encoders are frozen from the first scene on: `movq_encoder.pt` keeps the autoencoder that made the latents. Files grow,
so a training may begin on the first of them, and a second run goes on where the first ended.

    python store.py --state STATE --scenes 48000
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel

import models
import settings
from scenes import Scenes, at_once
from settings import Setting
from tokenizer import Tokens
from train_clip import Pair, normalised
from training import averaged, begin
from world.facts import COLUMNS

N_FOR_STATISTICS = 128
# The latents come last: what has them has everything.
FILES = ("facts.i16", "embeds.f16", "latents.f16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=48_000)
    parser.add_argument("--minutes", type=float, default=1e9, help="end then, with what there is")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    begin(arguments)
    setting = settings.of(arguments.state)
    fill(arguments.state, Scenes.of(arguments.state, setting, arguments.device), arguments.scenes, arguments.minutes)


@dataclass
class Store:
    """Shapes: `facts` int16 `[n, facts]`, `embeds` f16 `[n, dim]`, `latents` f16 `[n, c, size, size]`, normalised a channel;
    `numbers` has `latent_mean`, `latent_std`, `embed_mean`, `embed_std` and the zero picture's embedding, `zero`."""

    facts: np.ndarray
    embeds: np.ndarray
    latents: np.ndarray
    numbers: dict[str, torch.Tensor]

    @staticmethod
    def open(state: Path) -> Store:
        """What is there by now."""
        arrays = opened(state, settings.of(state))
        return Store(*arrays, torch.load(state / "store.pt", weights_only=True))

    def __len__(self) -> int:
        return len(self.latents)


def shapes(setting: Setting) -> tuple[tuple[type, tuple[int, ...]], ...]:
    size = setting.latent_size
    return (np.int16, (len(COLUMNS),)), (np.float16, (models.EMBED_DIM,)), (np.float16, (setting.latent_channels, size, size))


def opened(state: Path, setting: Setting) -> list[np.ndarray]:
    sizes = [int(np.prod(shape)) * np.dtype(kind).itemsize for kind, shape in shapes(setting)]
    files = [state / name for name in FILES]
    n = min(file.stat().st_size // size if file.exists() else 0 for file, size in zip(files, sizes))
    if n == 0:
        return [np.empty((0, *shape), kind) for kind, shape in shapes(setting)]
    return [np.memmap(file, kind, "r", shape=(n, *shape)) for file, (kind, shape) in zip(files, shapes(setting))]


@torch.no_grad()
def fill(state: Path, scenes: Scenes, n_scenes: int, minutes: float = 1e9) -> None:
    """Appends scenes until there are so many, or so much time has passed."""
    clock = time.process_time if scenes.device == "cpu" else time.monotonic
    end = clock() + 60 * minutes
    encode = Encoders.frozen(state, scenes.setting, scenes.device)
    n = len(opened(state, scenes.setting)[0])
    if not (state / "store.pt").exists():
        torch.save(encode.statistics(scenes), state / "store.pt")
    numbers = torch.load(state / "store.pt", weights_only=True)
    cut_back(state, scenes.setting, n)
    while n < n_scenes and clock() < end:
        rows, pictures = scenes.some(min(at_once(scenes.device, scenes.setting.size_px), n_scenes - n))
        embeds, latents = encode(pictures)
        mean, std = (numbers[name].view(1, -1, 1, 1) for name in ("latent_mean", "latent_std"))
        values = (rows.short(), embeds.half(), ((latents - mean) / std).half())
        for name, value in zip(FILES, values):
            with (state / name).open("ab") as file:
                file.write(value.numpy().tobytes())
        n += len(rows)
    print(f"{n} scenes in the store", flush=True)


def cut_back(state: Path, setting: Setting, n: int) -> None:
    """What a stop left half written goes."""
    for name, (kind, shape) in zip(FILES, shapes(setting)):
        with open(state / name, "ab") as file:
            file.truncate(n * int(np.prod(shape)) * np.dtype(kind).itemsize)


@dataclass
class Encoders:
    image: torch.nn.Module
    movq: VQModel
    device: str

    @staticmethod
    def frozen(state: Path, setting: Setting, device: str) -> Encoders:
        kept = state / "movq_encoder.pt"
        if not kept.exists():
            torch.save(averaged(state, "movq"), kept)
        movq = models.movq(setting)
        movq.load_state_dict(torch.load(kept, weights_only=True))
        pair = Pair(len(Tokens(state / "tokenizer")), setting)
        pair.load_state_dict(averaged(state, "clip"))
        return Encoders(pair.image.to(device).eval(), movq.to(device).eval(), device)

    def __call__(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapes: `[n, 3, px, px]` in 0..1 → `[n, dim]`, `[n, c, size, size]`, on the CPU."""
        with torch.autocast(self.device, torch.bfloat16):
            embeds = self.image(normalised(pictures)).image_embeds
            latents = self.movq.encode(pictures * 2 - 1).latents
        return embeds.float().cpu(), latents.float().cpu()

    def statistics(self, scenes: Scenes) -> dict[str, torch.Tensor]:
        parts = [self(scenes.some(16)[1]) for _ in range(N_FOR_STATISTICS // 16)]
        embeds, latents = (torch.cat(values) for values in zip(*parts))
        size_px = models.VISION_SIZE_PX
        zero = self.image(torch.zeros(1, 3, size_px, size_px, device=self.device)).image_embeds.float().cpu()
        return {
            "latent_mean": latents.mean((0, 2, 3)), "latent_std": latents.std((0, 2, 3)),
            "embed_mean": embeds.mean(0), "embed_std": embeds.std(0), "zero": zero,
        }


if __name__ == "__main__":
    main()
