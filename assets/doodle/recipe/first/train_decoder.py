"""Trains the decoder: image embedding → latents, epsilon prediction (Ho et al. 2020)."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

import models
import settings
from encode import read_latents
from training import Trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    saved = torch.load(arguments.state / "image_embeds.pt", weights_only=True)
    embeds, zero, std = saved["embeds"], saved["zero"], saved["std"]
    alphas = models.decoder_scheduler().alphas_cumprod.to(arguments.device)
    # Min-SNR weighting (Hang et al. 2023), for epsilon prediction.
    snr = alphas / (1 - alphas)
    weight = snr.clamp(max=5) / snr
    rng = np.random.default_rng()
    model = models.unet(settings.of(arguments.state)).to(arguments.device).train()
    trainer = Trainer(arguments.state / "unet.pt", model, arguments.lr, arguments.minutes, ema=0.9985)
    latents = read_latents(arguments.state)
    while trainer.running():
        if trainer.step % 100 == 0:
            latents = read_latents(arguments.state)  # more may be there by now
        chosen = rng.integers(0, len(latents), arguments.batch)
        x0 = torch.from_numpy(latents[chosen]).float().to(arguments.device)
        # The prior's embeddings are near misses; a little noise makes the decoder forgive them.
        condition = embeds[chosen]
        condition = condition + torch.rand(len(condition), 1) * 0.3 * std * torch.randn_like(condition)
        # The unconditional side of the guidance is the vision tower's answer to zeros, as in the pipeline.
        drop = torch.rand(len(condition), 1) < 0.1
        condition = torch.where(drop, zero, condition).to(arguments.device)
        noise = torch.randn_like(x0)
        t = torch.randint(0, 1000, (len(x0),), device=x0.device)
        alpha = alphas[t].view(-1, 1, 1, 1)
        noisy = alpha.sqrt() * x0 + (1 - alpha).sqrt() * noise
        with torch.autocast(arguments.device, torch.bfloat16):
            predicted = model(noisy, t, None, added_cond_kwargs={"image_embeds": condition}).sample
        # The other half of the channels is the variance, which the DDPM scheduler drops: never trained.
        error = (predicted.float().chunk(2, dim=1)[0] - noise).square().mean((1, 2, 3))
        trainer.update((weight[t] * error).mean())
        trainer.log(50, error=error.mean())
    trainer.save()


if __name__ == "__main__":
    main()
