"""Makes a state out of a finished model folder, so that its training can go on, also with more to draw.

Checkpoints are large and stay where they were made; the folder is what is kept. Its autoencoder has the latents'
normalisation folded in (see `export.py`): its latents are normal as they are, so their mean is 0 and deviation 1.
Run after `dataset.py`, which settles what there is to draw.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionModelWithProjection

import models
import settings
import tokenizer
from settings import Setting
from train_clip import Pair
from training import start_path
from take_over import take_over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--train-encoder", action="store_true", help="`train_movq.py` goes on with the whole autoencoder")
    arguments = parser.parse_args()
    state, folder = arguments.state, arguments.model
    recover_movq(folder, state, arguments.train_encoder)
    starts = {
        "clip": pair_for(settings.of(state), state, folder).state_dict(),
        "prior": PriorTransformer.from_pretrained(folder / "prior_prior", torch_dtype=torch.float32).state_dict(),
        "unet": UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32).state_dict(),
    }
    for name, weights in starts.items():
        torch.save(weights, start_path(state / f"{name}.pt"))


def recover_movq(folder: Path, state: Path, trains_encoder: bool) -> None:
    """Writes `movq_encoder.pt` and `latents.pt`, which `encode.py latents` and `train_movq.py --decoder-only` read.

    Where the encoder is to be trained too, `encode.py` writes both afterwards; this is then only where it begins.
    """
    weights = VQModel.from_pretrained(folder / "movq", torch_dtype=torch.float32).state_dict()
    if trains_encoder:
        torch.save(weights, start_path(state / "movq.pt"))
        return
    torch.save(weights, state / "movq_encoder.pt")
    n = models.LATENT_CHANNELS
    torch.save({"mean": torch.zeros(n), "std": torch.ones(n)}, state / "latents.pt")


@torch.no_grad()
def pair_for(setting: Setting, state: Path, folder: Path) -> Pair:
    """The folder's two towers, the text tower's with the words of `setting`; what it has none of is as new."""
    torch.manual_seed(0)
    tokenizer.save(state / "tokenizer", setting)
    pair = Pair(len(CLIPTokenizer.from_pretrained(state / "tokenizer")), setting)
    pair.scale.fill_(3.0)
    image = CLIPVisionModelWithProjection.from_pretrained(folder / "prior_image_encoder", torch_dtype=torch.float32)
    pair.image.load_state_dict(image.state_dict())
    text = CLIPTextModelWithProjection.from_pretrained(folder / "prior_text_encoder", torch_dtype=torch.float32)
    old, new = (json.loads((path / "vocab.json").read_text()) for path in (folder / "prior_tokenizer", state / "tokenizer"))
    take_over(pair.text, new, text, old)
    return pair


if __name__ == "__main__":
    main()
