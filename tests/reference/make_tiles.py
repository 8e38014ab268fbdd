"""Writes tests/fixtures/tiles/: what diffusers' `AutoencoderKL` makes of a picture and of latents part by part.

The autoencoder is that of `fixtures/stable_diffusion/`.

    python tests/reference/make_tiles.py
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
# In latent cells; sides that end within a part and within an overlap.
TILE_CELLS = 8
SIZES = {"wide": (8, 21), "large": (19, 17), "one": (8, 7)}


def main():
    vae = AutoencoderKL.from_pretrained(FIXTURES / "stable_diffusion" / "vae").eval()
    scale = 2 ** (len(vae.config.block_out_channels) - 1)
    vae.enable_tiling()
    vae.tile_latent_min_size, vae.tile_sample_min_size = TILE_CELLS, TILE_CELLS * scale
    tensors = {}
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, (rows, columns) in SIZES.items():
            latents = torch.randn(1, vae.config.latent_channels, rows, columns, generator=generator)
            image = torch.rand(1, 3, scale * rows, scale * columns, generator=generator) * 2 - 1
            moments = vae.encode(image).latent_dist
            tensors |= {
                f"{name}.latents": latents, f"{name}.decoded": vae.decode(latents).sample,
                f"{name}.image": image, f"{name}.mean": moments.mean, f"{name}.deviation": moments.std,
            }
    folder = FIXTURES / "tiles"
    folder.mkdir(exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "expected.safetensors")


if __name__ == "__main__":
    main()
