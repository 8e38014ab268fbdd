"""Trains the cascade's last step: pictures as the autoencoder leaves them → the same scenes drawn larger.

A critic judges along, and every sixth piece is a drawn one, so that the upscaler also does well on what no autoencoder softened.
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
from scenes import Pool, Scenes
from training import Trainer, add_arguments, averaged, begin, use_layer_norm_kernel
from upscaler import Upscaler

CROP_PX, PER_SCENE = 64, 16
# So far in from a piece's side the convolutions see too little to be judged.
MARGIN_PX = 6
# Until then the errors alone pull.
CRITIC_FROM = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, minutes=60, batch=8, lr=7e-4)
    parser.add_argument("--critic", type=float, default=0.3, help="share of a critic in the loss")
    arguments = parser.parse_args()
    begin(arguments)
    setting = settings.of(arguments.state)
    train(arguments.state, Scenes.of(arguments.state, setting, arguments.device, px=setting.zoom * setting.size_px), arguments)


def train(state: Path, scenes: Scenes, arguments: argparse.Namespace) -> None:
    """Writes `upscaler.pt`."""
    if arguments.device == "cpu":
        use_layer_norm_kernel()
    movq = decoded_by(state, scenes)
    model = Upscaler(scenes.setting.zoom).to(arguments.device).train()
    trainer = Trainer(state / "upscaler.pt", model, arguments.lr, arguments.minutes, ema=0.998)
    sharpening = Sharpening(arguments.device) if arguments.critic else None
    size_px = scenes.setting.size_px
    pool = Pool(scenes, (size_px, scenes.setting.zoom * size_px), PER_SCENE, lambda small, large: (softened(movq, small), small, large))
    while trainer.running():
        x, target = pieces(*pool.take(arguments.batch))
        with torch.autocast(arguments.device, torch.bfloat16):
            y = model(x)
        inside = slice(MARGIN_PX * scenes.setting.zoom, -MARGIN_PX * scenes.setting.zoom)
        y, target = y[..., inside, inside], target[..., inside, inside]
        error, edge = errors(y, target)
        loss = error + 0.5 * edge
        if sharpening and trainer.progress > CRITIC_FROM:
            loss = loss + arguments.critic * sharpening.loss(target * 2 - 1, y * 2 - 1, loss, model.body[-1].weight)
        trainer.update(loss)
        trainer.log(50, error=error, edge=edge)
    trainer.save()


def decoded_by(state: Path, scenes: Scenes) -> VQModel:
    movq = models.movq(scenes.setting)
    movq.load_state_dict(averaged(state, "movq_decoder" if (state / "movq_decoder.pt").exists() else "movq"))
    return movq.to(scenes.device).eval()


@torch.no_grad()
def softened(movq: VQModel, pictures: torch.Tensor, noise: float = 0.1) -> torch.Tensor:
    """The pictures as the autoencoder leaves them, a little noise in its latents. Shapes: `[n, 3, h, w]` in 0..1 → the same."""
    with torch.autocast(pictures.device.type, torch.bfloat16):
        latents = movq.encode(pictures * 2 - 1).latents
        level = noise * torch.rand(len(latents), 1, 1, 1, device=latents.device)
        y = movq.decode(latents + level * torch.randn_like(latents), force_not_quantize=True).sample
    return (y.float() / 2 + 0.5).clamp(0, 1)


def pieces(seen: torch.Tensor, small: torch.Tensor, large: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A piece of each small picture, every sixth as drawn, and of the large one at the same place.

    Shapes: `[n, 3, px, px]` twice, `[n, 3, zoom · px, …]` → `[n, 3, crop, crop]`, `[n, 3, zoom · crop, …]`.
    """
    zoom = large.shape[-1] // small.shape[-1]
    last = small.shape[-1] - CROP_PX + 1
    inputs, targets = [], []
    for k, (y, x) in enumerate(torch.randint(last, (len(small), 2)).tolist()):
        source = small if k % 6 == 5 else seen
        inputs.append(source[k, :, y : y + CROP_PX, x : x + CROP_PX])
        targets.append(large[k, :, zoom * y : zoom * (y + CROP_PX), zoom * x : zoom * (x + CROP_PX)])
    return torch.stack(inputs), torch.stack(targets)


if __name__ == "__main__":
    main()
