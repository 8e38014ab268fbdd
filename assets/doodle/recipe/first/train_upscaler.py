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
# So far in from a cut side the convolutions see too little to be judged; at the picture's own sides they must do well.
MARGIN_PX = 4


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
        self.begin_as_bilinear()

    @torch.no_grad()
    def begin_as_bilinear(self) -> None:
        """Three channels hand the picture through, and the last layer makes nearest neighbours bilinear.

        From there it learns in hundreds of steps; from noise it first unlearns everything.
        """
        *hidden, last = self.body[::2]
        for layer in hidden:
            # Keeps the signal's size, PReLU's 0.25 counted.
            nn.init.kaiming_normal_(layer.weight, a=0.25)
            layer.weight[:3] = 0
            layer.weight[range(3), range(3), 1, 1] = 1
        for layer in self.body[::2]:
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(last.weight)
        # Row by row of the four pixels: how much is of the pixel before, of this one, of the next.
        at = torch.tensor([[max(-o, 0), 1 - abs(o), max(o, 0)] for o in ((k + 0.5) / ZOOM - 0.5 for k in range(ZOOM))])
        kernel = torch.einsum("ik,jl->ijkl", at, at).reshape(ZOOM * ZOOM, 3, 3)
        kernel[:, 1, 1] -= 1
        for colour in range(3):
            last.weight[colour * ZOOM * ZOOM : (colour + 1) * ZOOM * ZOOM, colour] = kernel

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
    parser.add_argument("--lr", type=float, default=7e-4)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    arguments.state.mkdir(parents=True, exist_ok=True)
    setting = SETTINGS[arguments.setting]
    draw_pairs(arguments, setting)
    train(arguments, *read_pairs(arguments.state, setting))


@torch.no_grad()
def draw_pairs(arguments: argparse.Namespace, setting: Setting) -> None:
    """Appends to the two files of `read_pairs` what is missing.

    The small pictures: as the autoencoder leaves the scene, half of the time with a little noise in the latents, and as drawn.
    """
    n_drawn = len(read_pairs(arguments.state, setting)[0])
    if n_drawn >= arguments.scenes:
        return
    if arguments.device == "cpu":
        use_layer_norm_kernel()
    movq = VQModel.from_pretrained(arguments.model / "movq", torch_dtype=torch.float32).to(arguments.device).eval()
    rng, size_px = random.Random(4), setting.size_px
    scenes = [sample(setting, rng) for _ in range(arguments.scenes)]
    files = [open(arguments.state / name, "ab") for name in FILES]
    for k in range(n_drawn, len(scenes)):
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
        x, target, is_judged = (pieces.to(arguments.device) for pieces in crops(small, large, rng))
        with torch.autocast(arguments.device, torch.bfloat16):
            y = model(x)
        y = torch.where(is_judged, y, target)
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


def crops(small: np.ndarray, large: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    """Pieces of both sizes, mirrored half of the time; a third is as drawn, with some noise in a third of those.

    Shapes: `[n, 3, crop, crop]`, `[n, 3, 4 crop, 4 crop]` in 0..1, and where the answer is judged: bool `[n, 1, 4 crop, 4 crop]`.
    """
    inputs, targets, judged = [], [], []
    last = small.shape[2] - CROP_PX
    for k in rng.integers(0, len(small), BATCH):
        # A quarter of the pieces lies at each of the picture's own sides.
        y, x = (int(min(max(start, 0), last)) for start in rng.integers(-last // 2, last + last // 2 + 1, 2))
        is_plain = rng.random() < 0.33
        piece = torch.tensor(small[k, int(is_plain), y : y + CROP_PX, x : x + CROP_PX]).float()
        target = torch.tensor(large[k, ZOOM * y : ZOOM * (y + CROP_PX), ZOOM * x : ZOOM * (x + CROP_PX)]).float()
        if is_plain and rng.random() < 0.33:
            piece = piece + 6 * rng.random() * torch.randn_like(piece)
        rows, columns = (judged_along(start, last) for start in (y, x))
        part = (rows[:, None] & columns[None])[..., None]
        if rng.random() < 0.5:
            piece, target, part = piece.flip(1), target.flip(1), part.flip(1)
        for pieces, added in zip((inputs, targets, judged), (piece, target, part)):
            pieces.append(added)
    inputs, targets, judged = (torch.stack(pieces).permute(0, 3, 1, 2) for pieces in (inputs, targets, judged))
    return inputs / 255, targets / 255, judged


def judged_along(start: int, last: int) -> torch.Tensor:
    """Along one axis of a piece that starts there, of at most `last`. Shapes: bool `[4 crop]`."""
    judged = torch.ones(ZOOM * CROP_PX, dtype=torch.bool)
    if start > 0:
        judged[: ZOOM * MARGIN_PX] = False
    if start < last:
        judged[-ZOOM * MARGIN_PX :] = False
    return judged


if __name__ == "__main__":
    main()
