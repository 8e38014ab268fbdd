"""Trains the upscaler: pictures as Doodle's autoencoder leaves them → the same scenes drawn four times as fine.

The net is SRVGGNetCompact, Real-ESRGAN's small one (Wang et al. 2021, `realesrgan/archs/srvgg_arch.py`), with that file's
names of the weights, so that whatever reads those files reads this one.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import VQModel
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from scenes import render, sample
from settings import SETTINGS, Setting
from train_movq import errors
from training import Trainer, use_layer_norm_kernel

ZOOM = 4
WIDTH, N_LAYERS = 32, 10
CROP_PX, BATCH = 32, 12


class Upscaler(nn.Module):
    """Convolutions on the small picture, then a shuffle of channels into pixels, added to the enlarged picture.

    Shapes: `[n, 3, h, w]` in 0..1 → `[n, 3, 4 h, 4 w]`.
    """

    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, WIDTH, 3, padding=1), nn.PReLU(WIDTH)]
        for _ in range(N_LAYERS):
            layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.PReLU(WIDTH)]
        self.body = nn.ModuleList([*layers, nn.Conv2d(WIDTH, 3 * ZOOM * ZOOM, 3, padding=1)])
        # It begins as the enlarged picture alone.
        nn.init.zeros_(self.body[-1].weight)
        nn.init.zeros_(self.body[-1].bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for layer in self.body:
            y = layer(y)
        return F.pixel_shuffle(y.float(), ZOOM) + F.interpolate(x, scale_factor=ZOOM, mode="nearest")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="the folder whose autoencoder softens the pictures, and that gets the upscaler")
    parser.add_argument("--setting", choices=SETTINGS, default="wide")
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    arguments.state.mkdir(parents=True, exist_ok=True)
    setting = SETTINGS[arguments.setting]
    draw_pairs(arguments, setting)
    train(arguments, *read_pairs(arguments.state, setting))


@torch.no_grad()
def draw_pairs(arguments: argparse.Namespace, setting: Setting) -> None:
    """Appends to the two files of `read_pairs` until there are enough.

    The small pictures: as the autoencoder leaves the scene, half of the time with a little noise in the latents, and as drawn.
    """
    if arguments.device == "cpu":
        use_layer_norm_kernel()
    movq = VQModel.from_pretrained(arguments.model / "movq", torch_dtype=torch.float32).to(arguments.device).eval()
    rng, size_px = random.Random(4), setting.size_px
    scenes = [sample(setting, rng) for _ in range(arguments.scenes)]
    files = [open(arguments.state / name, "ab") for name in FILES]
    for k in range(len(read_pairs(arguments.state, setting)[0]), len(scenes)):
        drawn = render(scenes[k], size_px)
        x = torch.from_numpy(drawn).to(arguments.device).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.autocast(arguments.device, torch.bfloat16):
            latents = movq.encode(x).latents
            latents = latents + (k % 2) * 0.15 * torch.rand(1, device=x.device) * torch.randn_like(latents)
            y = movq.decode(latents, force_not_quantize=True).sample[0].float()
        softened = (y.permute(1, 2, 0) * 127.5 + 127.5).clamp(0, 255).round().byte().cpu().numpy()
        files[1].write(render(scenes[k], size_px, ZOOM).tobytes())
        files[0].write(np.stack([softened, drawn]).tobytes())
        for file in files:
            file.flush()


FILES = ("upscaler_small.u8", "upscaler_large.u8")


def read_pairs(state: Path, setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Shapes: `[n, 2, size, size, 3]` and `[n, 4 size, 4 size, 3]`, uint8."""
    shapes = ((2, setting.size_px, setting.size_px, 3), (ZOOM * setting.size_px, ZOOM * setting.size_px, 3))
    sizes = [(state / name).stat().st_size if (state / name).exists() else 0 for name in FILES]
    n = min(size // int(np.prod(shape)) for size, shape in zip(sizes, shapes))
    if n == 0:
        return tuple(np.empty((0, *shape), np.uint8) for shape in shapes)
    return tuple(np.memmap(state / name, np.uint8, "r", shape=(n, *shape)) for name, shape in zip(FILES, shapes))


def train(arguments: argparse.Namespace, small: np.ndarray, large: np.ndarray) -> None:
    rng = np.random.default_rng()
    model = Upscaler().to(arguments.device, memory_format=torch.channels_last).train()
    trainer = Trainer(arguments.state / "upscaler.pt", model, arguments.lr, arguments.minutes, ema=0.998)
    while trainer.running():
        x, target = (pictures.to(arguments.device) for pictures in crops(small, large, rng))
        with torch.autocast(arguments.device, torch.bfloat16):
            y = model(x)
        error, edge = errors(y, target)
        trainer.update(error + 0.5 * edge)
        trainer.log(50, error=error, edge=edge)
    trainer.save()
    export(trainer.ema, arguments.model)


def export(weights: dict[str, torch.Tensor], model: Path) -> None:
    """Writes the upscaler into the model's folder, in f16: its shapes say what it is."""
    folder = model / "upscaler"
    folder.mkdir(exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in weights.items()}, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)


def crops(small: np.ndarray, large: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Pieces of both sizes, mirrored half of the time; a third is as drawn, with some noise in a third of those.

    Shapes: `[n, 3, crop, crop]` and `[n, 3, 4 crop, 4 crop]`, 0..1.
    """
    inputs, targets = [], []
    for k in rng.integers(0, len(small), BATCH):
        y, x = rng.integers(0, small.shape[2] - CROP_PX + 1, 2)
        is_plain = rng.random() < 0.33
        piece = torch.tensor(small[k, int(is_plain), y : y + CROP_PX, x : x + CROP_PX]).float()
        target = torch.tensor(large[k, ZOOM * y : ZOOM * (y + CROP_PX), ZOOM * x : ZOOM * (x + CROP_PX)]).float()
        if is_plain and rng.random() < 0.33:
            piece = piece + 6 * rng.random() * torch.randn_like(piece)
        if rng.random() < 0.5:
            piece, target = piece.flip(1), target.flip(1)
        inputs.append(piece)
        targets.append(target)
    return tuple(torch.stack(pieces).permute(0, 3, 1, 2) / 255 for pieces in (inputs, targets))


if __name__ == "__main__":
    main()
