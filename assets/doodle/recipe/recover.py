"""Makes a state out of a finished model folder, so that its training can go on.

Checkpoints are large and stay where they were made; the folder's f16 weights are what is kept. Its autoencoder has the latents'
normalisation folded in (see `export.py`): its latents are normal as they are, so their mean is 0 and deviation 1.

    python recover.py --state STATE --model FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from safetensors.torch import load_file
from transformers import CLIPTextModelWithProjection, CLIPVisionModelWithProjection

import models
import settings
import tokenizer
from settings import SETTINGS, Setting
from take_over import take_over
from tokenizer import Tokens
from train_clip import Pair
from training import start_path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--setting", choices=SETTINGS, default="doodle")
    arguments = parser.parse_args()
    settings.keep(arguments.state, arguments.setting)
    recover(arguments.state, arguments.model)


def recover(state: Path, folder: Path) -> None:
    """Writes where each training begins, and the numbers that normalise embeddings and latents."""
    setting = settings.of(state)
    tokenizer.save(state / "tokenizer")
    prior = PriorTransformer.from_pretrained(folder / "prior_prior", torch_dtype=torch.float32)
    pair = pair_of(setting, state, folder)
    upscaler = load_file(folder / "upscaler" / "model.safetensors")
    starts = {
        "movq": VQModel.from_pretrained(folder / "movq", torch_dtype=torch.float32).state_dict(),
        "clip": pair.state_dict(),
        "prior": prior.state_dict(),
        "unet": UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32).state_dict(),
        "upscaler": {name: value.float() for name, value in upscaler.items()},
    }
    for name, weights in starts.items():
        torch.save(weights, start_path(state / f"{name}.pt"))
    with torch.no_grad():
        zero = pair.image(torch.zeros(1, 3, models.VISION_SIZE_PX, models.VISION_SIZE_PX)).image_embeds
    n = setting.latent_channels
    numbers = {"latent_mean": torch.zeros(n), "latent_std": torch.ones(n), "zero": zero,
               "embed_mean": prior.clip_mean.data[0].clone(), "embed_std": prior.clip_std.data[0].clone()}
    torch.save(numbers, state / "store.pt")


@torch.no_grad()
def pair_of(setting: Setting, state: Path, folder: Path) -> Pair:
    """The folder's two towers, the text tower's with today's words; what it has none of is as new."""
    torch.manual_seed(0)
    tokens = Tokens(state / "tokenizer")
    pair = Pair(len(tokens), setting)
    pair.scale.fill_(3.0)
    image = CLIPVisionModelWithProjection.from_pretrained(folder / "prior_image_encoder", torch_dtype=torch.float32)
    pair.image.load_state_dict(image.state_dict())
    text = CLIPTextModelWithProjection.from_pretrained(folder / "prior_text_encoder", torch_dtype=torch.float32)
    take_over(pair.text, tokens.ids, text, json.loads((folder / "prior_tokenizer" / "vocab.json").read_text()))
    return pair


if __name__ == "__main__":
    main()
