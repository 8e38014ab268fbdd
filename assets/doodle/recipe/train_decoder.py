"""Trains the diffusion decoder: latents from noise, given an image embedding (Ramesh et al. 2022)."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

import models
import settings
from settings import Setting
from store import Store
from training import Trainer, add_arguments, begin

# The share of embeddings that are the unconditional side of the guidance: the vision tower's answer to zeros, as in the pipeline.
DROPPED = 0.1
# The prior's embeddings are near misses; a little noise makes the decoder forgive them.
FORGIVING = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, minutes=120, batch=64, lr=1e-3)
    arguments = parser.parse_args()
    begin(arguments)
    train(arguments.state, settings.of(arguments.state), arguments)


def train(state: Path, setting: Setting, arguments: argparse.Namespace) -> None:
    """Writes `unet.pt`."""
    device = arguments.device
    alphas = models.decoder_scheduler().alphas_cumprod.to(device)
    # Min-SNR weighting (Hang et al. 2023), for epsilon prediction.
    snr = alphas / (1 - alphas)
    weight = snr.clamp(max=5) / snr
    model = models.unet(setting).to(device, memory_format=torch.channels_last).train()
    trainer = Trainer(state / "unet.pt", model, arguments.lr, arguments.minutes, ema=0.9985)
    some = Samples(state, arguments.batch, device)
    while trainer.running():
        x0, condition = some()
        noise = torch.randn_like(x0)
        t = torch.randint(0, 1000, (len(x0),), device=device)
        alpha = alphas[t].view(-1, 1, 1, 1)
        noisy = alpha.sqrt() * x0 + (1 - alpha).sqrt() * noise
        with torch.autocast(device, torch.bfloat16):
            predicted = model(noisy, t, None, added_cond_kwargs={"image_embeds": condition}).sample
        # The other half of the channels is the variance, which the DDPM scheduler drops: never trained.
        error = (predicted.float().chunk(2, dim=1)[0] - noise).square().mean((1, 2, 3))
        trainer.update((weight[t] * error).mean())
        trainer.log(50, error=error.mean())
    trainer.save()


class Samples:
    """Latents with their embeddings from the store; all of it lies on the GPU if there is one."""

    def __init__(self, state: Path, batch: int, device: str):
        self.state, self.batch, self.device, self.calls = state, batch, device, 0
        self.read()

    def read(self) -> None:
        store = Store.open(self.state)
        self.latents, self.embeds = store.latents, store.embeds
        self.zero, self.std = store.numbers["zero"].to(self.device), store.numbers["embed_std"].to(self.device)
        if self.device != "cpu":
            self.latents, self.embeds = (torch.from_numpy(values[:]).to(self.device) for values in (self.latents, self.embeds))

    def __call__(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapes: `[n, c, size, size]`, `[n, dim]`."""
        self.calls += 1
        if self.device == "cpu" and self.calls % 100 == 0:
            self.read()  # more may be there by now
        chosen = np.random.randint(0, len(self.latents), self.batch)
        if self.device == "cpu":
            x0, condition = (torch.from_numpy(values[chosen]).float() for values in (self.latents, self.embeds))
        else:
            index = torch.from_numpy(chosen).to(self.device)
            x0, condition = self.latents[index].float(), self.embeds[index].float()
        condition = condition + torch.rand(len(condition), 1, device=self.device) * FORGIVING * self.std * torch.randn_like(condition)
        dropped = torch.rand(len(condition), 1, device=self.device) < DROPPED
        return x0.contiguous(memory_format=torch.channels_last), torch.where(dropped, self.zero, condition)


if __name__ == "__main__":
    main()
