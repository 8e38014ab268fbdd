"""Trains the autoencoder on the scenes; with `--decoder-only`, on the frozen encoder's latents.

The second way sharpens pictures while the diffusion model already learns the latents; a critic, last, makes edges hard.

SpatialNorm has 32 groups built in, so where the widths are 32 its statistics are one channel's over the whole
picture: crops would have others, hence whole pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel

import dataset
import models
import settings
from critic import Sharpening
from encode import read_latents
from training import Trainer, use_layer_norm_kernel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--critic", type=float, default=0.0, help="share of a critic in the decoder's loss, with --decoder-only")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    if arguments.device == "cpu":
        use_layer_norm_kernel()
    pictures, _, _ = dataset.load(arguments.state)
    rng = np.random.default_rng()
    model = models.movq(settings.of(arguments.state)).to(arguments.device).train()
    if arguments.decoder_only:
        return train_decoder_only(arguments, model, pictures, rng)
    trainer = Trainer(arguments.state / "movq.pt", model, arguments.lr, arguments.minutes, ema=0.998)
    while trainer.running():
        chosen = rng.integers(0, len(pictures), arguments.batch)
        x = torch.from_numpy(pictures[chosen]).to(arguments.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.autocast(arguments.device, torch.bfloat16):
            latents = model.encode(x).latents
            # Diffusion leaves a little noise in the latents: the decoder learns to see through it.
            noise_level = 0.15 * torch.rand(len(x), 1, 1, 1, device=x.device)
            y = model.decode(latents + noise_level * torch.randn_like(latents), force_not_quantize=True).sample
        latents = latents.float()
        error, edge = errors(y.float(), x)
        # Keeps latents near unit scale, so that the added noise means something.
        spread = (latents.square().mean() - 1).clamp(min=0)
        trainer.update(error + 0.5 * edge + 0.02 * spread)
        trainer.log(50, error=error, edge=edge, latents=latents.square().mean())
    trainer.save()


def train_decoder_only(arguments: argparse.Namespace, model: VQModel, pictures: np.ndarray, rng: np.random.Generator) -> None:
    """Writes `movq_decoder.pt`, whose encoder is that of `movq_encoder.pt`."""
    model.load_state_dict(torch.load(arguments.state / "movq_encoder.pt", weights_only=True))
    for part in (model.encoder, model.quant_conv, model.quantize):
        part.requires_grad_(False)
    saved = torch.load(arguments.state / "latents.pt", weights_only=True)
    mean, std = (saved[name].view(1, -1, 1, 1).to(arguments.device) for name in ("mean", "std"))
    trainer = Trainer(arguments.state / "movq_decoder.pt", model, arguments.lr, arguments.minutes, ema=0.998)
    sharpening = Sharpening(arguments.device) if arguments.critic else None
    while trainer.running():
        latents = read_latents(arguments.state)
        chosen = rng.integers(0, len(latents), arguments.batch)
        x = torch.from_numpy(pictures[chosen]).to(arguments.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        z = torch.from_numpy(latents[chosen]).to(arguments.device).float()
        noise_level = 0.15 * torch.rand(len(x), 1, 1, 1, device=x.device)
        with torch.autocast(arguments.device, torch.bfloat16):
            noisy = (z + noise_level * torch.randn_like(z)) * std + mean
            y = model.decode(noisy, force_not_quantize=True).sample
        error, edge = errors(y.float(), x)
        loss = error + 0.5 * edge
        if sharpening:
            loss = loss + arguments.critic * sharpening.loss(x, y.float(), loss, model.decoder.conv_out.weight)
        trainer.update(loss)
        trainer.log(50, error=error, edge=edge)
    trainer.save()


def errors(y: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean absolute errors of the colours and of the steps from pixel to pixel."""
    edge = sum((a - b).abs().mean() for a, b in zip(edges(y), edges(x)))
    return (y - x).abs().mean(), edge


def edges(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]


if __name__ == "__main__":
    main()
