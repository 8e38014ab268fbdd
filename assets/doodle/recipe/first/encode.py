"""Image embeddings and latents of every scene, and the numbers that normalise them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from transformers import CLIPTokenizer

import dataset
import models
import settings
from train_clip import Pair, normalised

N_FOR_STATISTICS = 512


def averaged(state: Path, name: str) -> dict[str, torch.Tensor]:
    """The averaged weights of a part, from its training checkpoint."""
    return torch.load(state / f"{name}.pt", map_location="cpu", weights_only=True)["ema"]


def clip_pair(state: Path) -> tuple[Pair, CLIPTokenizer]:
    tokens = CLIPTokenizer.from_pretrained(state / "tokenizer")
    pair = Pair(len(tokens), settings.of(state))
    pair.load_state_dict(averaged(state, "clip"))
    return pair.eval(), tokens


@torch.no_grad()
def embeddings(state: Path, device: str) -> None:
    """Writes `image_embeds.pt`: `[n, dim]`, the zero picture's embedding, mean and deviation."""
    pictures = np.load(state / "small.npy", mmap_mode="r")
    image = clip_pair(state)[0].image.to(device)
    parts = []
    for k in range(0, len(pictures), 512):
        x = torch.from_numpy(np.ascontiguousarray(pictures[k : k + 512])).to(device)
        with torch.autocast(device, torch.bfloat16):
            parts.append(image(normalised(x.permute(0, 3, 1, 2).float() / 255)).image_embeds.float().cpu())
    embeds = torch.cat(parts)
    zero = image(torch.zeros(1, 3, models.VISION_SIZE_PX, models.VISION_SIZE_PX, device=device)).image_embeds.cpu()
    saved = {"embeds": embeds, "zero": zero, "mean": embeds.mean(0), "std": embeds.std(0)}
    torch.save(saved, state / "image_embeds.pt")


@torch.no_grad()
def latents(state: Path, device: str, batch: int = 32) -> None:
    """Writes `latents.f16` `[n, 4, size, size]` f16, normalised per channel, and `latents.pt` with mean and deviation.

    It appends, so that training may begin on the first of them; a second run goes on where the first ended.
    The encoder's weights are frozen from here on: `movq_encoder.pt` keeps them.
    """
    pictures, _, _ = dataset.load(state)
    frozen = state / "movq_encoder.pt"
    if not frozen.exists():
        torch.save(averaged(state, "movq"), frozen)
    movq = models.movq(settings.of(state))
    movq.load_state_dict(torch.load(frozen, weights_only=True))
    movq = movq.to(device).eval()

    def encode(start: int, stop: int) -> torch.Tensor:
        x = torch.from_numpy(np.ascontiguousarray(pictures[start:stop])).to(device).permute(0, 3, 1, 2)
        with torch.autocast(device, torch.bfloat16):
            return movq.encode(x.float() / 127.5 - 1).latents.float().cpu()

    if not (state / "latents.pt").exists():
        raw = torch.cat([encode(k, k + batch) for k in range(0, N_FOR_STATISTICS, batch)])
        torch.save({"mean": raw.mean((0, 2, 3)), "std": raw.std((0, 2, 3))}, state / "latents.pt")
    saved = torch.load(state / "latents.pt", weights_only=True)
    mean, std = (saved[name].view(1, -1, 1, 1) for name in ("mean", "std"))
    done = len(read_latents(state))
    with open(state / "latents.f16", "ab") as file:
        for k in range(done, len(pictures), batch):
            file.write(((encode(k, k + batch) - mean) / std).half().numpy().tobytes())
            file.flush()


def read_latents(state: Path) -> np.ndarray:
    """The latents that are there by now. Shapes: `[n, 4, size, size]`, f16, normalised."""
    size = settings.of(state).latent_size
    file, shape = state / "latents.f16", (models.LATENT_CHANNELS, size, size)
    n_scenes = os.path.getsize(file) // (2 * int(np.prod(shape))) if file.exists() else 0
    if n_scenes == 0:
        return np.empty((0, *shape), np.float16)
    return np.memmap(file, np.float16, "r", shape=(n_scenes, *shape))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("embeddings", "latents"))
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    {"embeddings": embeddings, "latents": latents}[arguments.what](arguments.state, arguments.device)
