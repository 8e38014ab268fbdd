"""Measures what the layouts of latents hold after the same time of training, and what each costs the U-Net.

    for layout in a b c; do python train_movq.py --state STATE/$layout --setting $layout --minutes 8 --batch 4 --threads 1; done
    python compare_layouts.py --states STATE/a STATE/b STATE/c

Each state has a link to the same `sprites.npz`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

import models
import settings
from losses import psnr_db
from scenes import unseen
from sheets import contact_sheet
from train_upscaler import softened
from training import averaged
from world.compose import World

N_STEPS, BATCH = 4, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--states", type=Path, nargs="+", required=True)
    parser.add_argument("--scenes", type=int, default=32)
    parser.add_argument("--sheet", type=Path, help="eight scenes, and below what each layout leaves of them")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for state in arguments.states:
        setting = settings.of(state)
        world = World.load(state / "sprites.npz", setting.size_px, "cpu", setting.n_things)
        pictures = unseen(world, setting, arguments.scenes, "cpu", (setting.size_px,))[0]
        seen = reconstructed(state, pictures)
        shown = [torch.nn.functional.interpolate(some[:8], (256, 256), mode="bicubic").clamp(0, 1) for some in (pictures, seen)]
        rows += shown if not rows else shown[1:]
        trained = torch.load(state / "movq.pt", weights_only=True)
        print(f"{setting.name}: {setting.size_px} px, {setting.latent_factor}×, {setting.latent_channels} channels; {trained['step']} steps in "
              f"{trained['spent'] / 60:.1f} min: {psnr_db(seen, pictures):.2f} dB; a step of the U-Net on {BATCH}: {unet_seconds(setting):.2f} s", flush=True)
    if arguments.sheet:
        contact_sheet(torch.cat(rows), 8).save(arguments.sheet, quality=90)


@torch.no_grad()
def reconstructed(state: Path, pictures: torch.Tensor) -> torch.Tensor:
    movq = models.movq(settings.of(state))
    movq.load_state_dict(averaged(state, "movq"))
    movq.eval()
    return torch.cat([softened(movq, some, noise=0.0) for some in pictures.split(4)])


def unet_seconds(setting: settings.Setting) -> float:
    """Processor seconds of a training step, the best of some."""
    model = models.unet(setting)
    x = torch.randn(BATCH, setting.latent_channels, setting.latent_size, setting.latent_size)
    condition = {"image_embeds": torch.randn(BATCH, models.EMBED_DIM)}
    times = []
    for _ in range(N_STEPS):
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16):
            predicted = model(x, 10, None, added_cond_kwargs=condition).sample
        predicted.float().square().mean().backward()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
