"""Trains the autoencoder on pieces of scenes; it is convolutional, so whole pictures follow only at the end.

`--critic` lets a small network that tells scenes from decoded ones judge along: see `critic.py`.
`--decoder-only` leaves the encoder as it is, so that latents made already stay valid.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import VQModel

import models
import settings
from critic import Sharpening
from losses import errors
from scenes import Pool, Scenes, crops
from settings import SETTINGS
from training import Trainer, add_arguments, averaged, begin, use_layer_norm_kernel

# How many pieces are taken of a scene.
PER_SCENE = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, minutes=60, batch=8, lr=1e-3)
    parser.add_argument("--setting", choices=SETTINGS, help="for a new state")
    parser.add_argument("--crop", type=int, default=128, help="the side of the pieces; 0: whole pictures")
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--critic", type=float, default=0.0, help="share of a critic in the loss")
    arguments = parser.parse_args()
    if arguments.setting:
        settings.keep(arguments.state, arguments.setting)
    begin(arguments)
    setting = settings.of(arguments.state)
    train(arguments.state, Scenes.of(arguments.state, setting, arguments.device), arguments)


def train(state: Path, scenes: Scenes, arguments: argparse.Namespace) -> None:
    """Writes `movq.pt`, or `movq_decoder.pt`, whose encoder is that of the average of the other."""
    if arguments.device == "cpu":
        use_layer_norm_kernel()
    model = models.movq(scenes.setting)
    model.quantize.requires_grad_(False)
    if arguments.decoder_only:
        model.load_state_dict(averaged(state, "movq"))
        for part in (model.encoder, model.quant_conv):
            part.requires_grad_(False)
    model = model.to(arguments.device).train()
    name = "movq_decoder" if arguments.decoder_only else "movq"
    trainer = Trainer(state / f"{name}.pt", model, arguments.lr, arguments.minutes, ema=0.998)
    sharpening = Sharpening(arguments.device) if arguments.critic else None
    side = arguments.crop or scenes.setting.size_px
    pool = Pool(scenes, (scenes.setting.size_px,), PER_SCENE if side < scenes.setting.size_px else 2)
    while trainer.running():
        x = crops(pool.take(arguments.batch)[0], side) * 2 - 1
        latents, y = through(model, x, arguments.device)
        error, edge = errors(y, x)
        # Keeps latents near unit scale, so that the noise added to them means something.
        spread = (latents.square().mean() - 1).clamp(min=0)
        loss = error + 0.5 * edge + 0.02 * spread
        if sharpening:
            loss = loss + arguments.critic * sharpening.loss(x, y, error + 0.5 * edge, model.decoder.conv_out.weight)
        trainer.update(loss)
        trainer.log(50, error=error, edge=edge, latents=latents.square().mean())
    trainer.save()


def through(model: VQModel, x: torch.Tensor, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents, and the pictures decoded from them with a little noise: diffusion leaves some, and the decoder learns to see through it.

    Shapes: `[n, 3, h, w]` in −1..1 → `[n, c, h / factor, w / factor]`, `[n, 3, h, w]`.
    """
    with torch.autocast(device, torch.bfloat16):
        latents = model.encode(x).latents
        level = 0.12 * torch.rand(len(x), 1, 1, 1, device=x.device)
        y = model.decode(latents + level * torch.randn_like(latents), force_not_quantize=True).sample
    return latents.float(), y.float()


if __name__ == "__main__":
    main()
