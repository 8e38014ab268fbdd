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
from scenes import Scenes
from training import Trainer, add_arguments, averaged, begin, use_layer_norm_kernel
from upscaler import Upscaler

CROP_PX, PER_SCENE = 64, 4
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
    while trainer.running():
        x, target = pieces(scenes, movq, max(1, arguments.batch // PER_SCENE))
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


def pieces(scenes: Scenes, movq: VQModel, n_scenes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pieces of the small pictures, and of the large ones at the same places. Shapes: `[n, 3, crop, crop]`, `[n, 3, zoom · crop, …]`."""
    size_px, zoom = scenes.setting.size_px, scenes.setting.zoom
    small, large = scenes.drawn(scenes.rows(n_scenes), size_px, zoom * size_px)
    seen = softened(movq, small)
    inputs, targets = [], []
    for k in range(n_scenes * PER_SCENE):
        source = small if k % 6 == 5 else seen
        y, x = (int(torch.randint(size_px - CROP_PX + 1, ())) for _ in range(2))
        inputs.append(source[k % n_scenes, :, y : y + CROP_PX, x : x + CROP_PX])
        targets.append(large[k % n_scenes, :, zoom * y : zoom * (y + CROP_PX), zoom * x : zoom * (x + CROP_PX)])
    return torch.stack(inputs), torch.stack(targets)


if __name__ == "__main__":
    main()
