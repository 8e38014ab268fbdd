"""Writes the model folder: `KandinskyV22CombinedPipeline.save_pretrained` in f16, with `limn.json` beside it.

Without a trained part that part's weights are random (`--random` makes all of them so).
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from diffusers import KandinskyV22CombinedPipeline, VQModel
from diffusers.models.attention_processor import SpatialNorm
from torch import nn
from transformers import CLIPImageProcessor, CLIPTokenizer

import card
import dataset
import models
import tokenizer
from encode import averaged, read_latents
from train_clip import Pair


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--random", action="store_true")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    pipeline = assemble(arguments.state, arguments.random)
    n_parameters = sum(p.numel() for name in COMPONENTS for p in getattr(pipeline, name).parameters())
    preview = preview_map(arguments.state)
    pipeline.to(torch.float16).save_pretrained(arguments.out, safe_serialization=True)
    tidy(arguments.out, arguments.state / "tokenizer")
    (arguments.out / "limn.json").write_text(json.dumps(card.card(preview), indent=1) + "\n")
    check(arguments.out)
    size = sum(file.stat().st_size for file in arguments.out.rglob("*") if file.is_file())
    print(f"{n_parameters / 1e6:.1f} M parameters, {size / 1e6:.1f} MB in {arguments.out}")


COMPONENTS = ("unet", "movq", "prior_prior", "prior_image_encoder", "prior_text_encoder")


def assemble(state: Path, random: bool) -> KandinskyV22CombinedPipeline:
    """The pipeline in f32, latents and embeddings normalised inside the weights."""
    tokenizer.save(state / "tokenizer")
    tokens = CLIPTokenizer.from_pretrained(state / "tokenizer")
    pair, unet, movq, prior = Pair(len(tokens)), models.unet(), models.movq(), models.prior()
    movq_name = "movq_decoder" if (state / "movq_decoder.pt").exists() else "movq"
    for name, module in ({} if random else {"clip": pair, "unet": unet, movq_name: movq, "prior": prior}).items():
        if (state / f"{name}.pt").exists():
            module.load_state_dict(averaged(state, name))
        else:
            print(f"{name}: no trained weights, left random")
    if not random and (state / "latents.pt").exists():
        saved = torch.load(state / "latents.pt", weights_only=True)
        fold_normalisation(movq, saved["mean"], saved["std"])
    if not random and (state / "image_embeds.pt").exists():
        saved = torch.load(state / "image_embeds.pt", weights_only=True)
        prior.clip_mean.data.copy_(saved["mean"][None])
        prior.clip_std.data.copy_(saved["std"][None])
    size_px = models.VISION_SIZE_PX
    return KandinskyV22CombinedPipeline(
        unet=unet.eval(),
        scheduler=models.decoder_scheduler(),
        movq=movq.eval(),
        prior_prior=prior.eval(),
        prior_image_encoder=pair.image.eval(),
        prior_text_encoder=pair.text.eval(),
        prior_tokenizer=tokens,
        prior_scheduler=models.prior_scheduler(),
        prior_image_processor=CLIPImageProcessor(
            size={"shortest_edge": size_px}, crop_size={"height": size_px, "width": size_px}
        ),
    )


@torch.no_grad()
def fold_normalisation(movq: VQModel, mean: torch.Tensor, std: torch.Tensor) -> None:
    """Makes `encode` give (latents − mean) / std and `decode` take it: the format has no scaling factor.

    Every reader of latents is a 1×1 convolution without padding, so this is exact.
    """
    x = torch.rand(1, 3, 64, 64) * 2 - 1
    latents = movq.encode(x).latents
    before = movq.decode(latents, force_not_quantize=True).sample
    movq.quant_conv.weight /= std.view(-1, 1, 1, 1)
    movq.quant_conv.bias.copy_((movq.quant_conv.bias - mean) / std)
    movq.quantize.embedding.weight.copy_((movq.quantize.embedding.weight - mean) / std)
    norms = [m for m in movq.decoder.modules() if isinstance(m, SpatialNorm)]
    for reader in [movq.post_quant_conv, *(conv for norm in norms for conv in (norm.conv_y, norm.conv_b))]:
        denormalise_input(reader, mean, std)
    normal = movq.encode(x).latents
    after = movq.decode(normal, force_not_quantize=True).sample
    torch.testing.assert_close(normal, (latents - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)


def denormalise_input(conv: nn.Conv2d, mean: torch.Tensor, std: torch.Tensor) -> None:
    conv.bias += conv.weight[:, :, 0, 0] @ mean
    conv.weight *= std.view(1, -1, 1, 1)


def preview_map(state: Path, n_scenes: int = 400) -> dict:
    """The linear map from one latent cell to the colour of its 8×8 pixels, RGB in −1..1, by least squares."""
    if not (state / "latents.pt").exists():
        return {"matrix": [[0.1, 0.1, 0.1]] * models.LATENT_CHANNELS, "bias": [0.0, 0.0, 0.0]}
    latents = torch.from_numpy(read_latents(state)[:n_scenes]).float()
    pictures = torch.from_numpy(np.ascontiguousarray(dataset.load(state)[0][:n_scenes])).permute(0, 3, 1, 2)
    colours = nn.functional.interpolate(pictures.float() / 127.5 - 1, latents.shape[-2:], mode="area")
    x = torch.cat([latents, torch.ones_like(latents[:, :1])], 1).permute(0, 2, 3, 1).flatten(0, 2)
    solution = torch.linalg.lstsq(x, colours.permute(0, 2, 3, 1).flatten(0, 2)).solution
    rows = [[round(v, 5) for v in row] for row in solution.tolist()]
    return {"matrix": rows[:-1], "bias": rows[-1]}


def tidy(folder: Path, tokenizer_folder: Path) -> None:
    """Adds CLIP's original tokenizer files, which current transformers no longer writes, and plain class names."""
    for name in ("vocab.json", "merges.txt", "special_tokens_map.json"):
        shutil.copyfile(tokenizer_folder / name, folder / "prior_tokenizer" / name)
    for file in (folder / "model_index.json", folder / "prior_image_processor" / "preprocessor_config.json"):
        file.write_text(file.read_text().replace("CLIPImageProcessorPil", "CLIPImageProcessor"))
    for file in folder.rglob("*.*"):
        file.chmod(0o644)


def check(folder: Path) -> None:
    """Loads the folder as anybody would, and draws."""
    pipeline = KandinskyV22CombinedPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline(
        "a red sailboat on the sea at night", height=card.SIZE_PX, width=card.SIZE_PX, num_inference_steps=2,
        prior_num_inference_steps=2, output_type="np", generator=torch.Generator().manual_seed(0),
    ).images
    assert picture.shape == (1, card.SIZE_PX, card.SIZE_PX, 3) and np.isfinite(picture).all()


if __name__ == "__main__":
    main()
