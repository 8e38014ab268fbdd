"""Writes the model folder: `KandinskyV22CombinedPipeline.save_pretrained` in f16, with the upscaler and `limn.json` beside it.

A part without a trained checkpoint is left random, and said so.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from pathlib import Path

import numpy as np
import torch
from diffusers import KandinskyV22CombinedPipeline, VQModel
from diffusers.models.attention_processor import SpatialNorm
from diffusers.pipelines.kandinsky2_2.pipeline_kandinsky2_2 import downscale_height_and_width
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPImageProcessor, CLIPTokenizer

import card
import models
import settings
import tokenizer
from scenes import Scenes
from settings import Setting
from store import Encoders
from tokenizer import Tokens
from train_clip import Pair
from training import averaged, start_path
from upscaler import Upscaler
from world.captions import caption
from world.facts import Facts

COMPONENTS = ("unet", "movq", "prior_prior", "prior_image_encoder", "prior_text_encoder")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    export(arguments.state, arguments.out, Scenes.of(arguments.state, settings.of(arguments.state), "cpu", seed=3))


def export(state: Path, out: Path, scenes: Scenes) -> None:
    torch.manual_seed(0)
    setting = scenes.setting
    pipeline = assemble(state, setting)
    n_parameters = sum(p.numel() for name in COMPONENTS for p in getattr(pipeline, name).parameters())
    preview = preview_map(state, scenes)
    pipeline.to(torch.float16).save_pretrained(out, safe_serialization=True)
    write_upscaler(state, setting, out / "upscaler")
    tidy(out, state / "tokenizer")
    (out / "limn.json").write_text(json.dumps(card.card(setting, preview), indent=1) + "\n")
    check(out, setting)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"{n_parameters / 1e6:.1f} M parameters, {size / 1e6:.1f} MB in {out}")


def assemble(state: Path, setting: Setting) -> KandinskyV22CombinedPipeline:
    """The pipeline in f32, latents and embeddings normalised inside the weights."""
    tokenizer.save(state / "tokenizer")
    tokens = CLIPTokenizer.from_pretrained(state / "tokenizer")
    check_tokens(tokens, Tokens(state / "tokenizer"))
    pair, unet, prior = Pair(len(tokens), setting), models.unet(setting), models.prior(setting)
    for name, module in {"clip": pair, "unet": unet, "prior": prior}.items():
        load_trained(module, state, name)
    movq = models.movq(setting)
    load_trained(movq, state, "movq_decoder" if (state / "movq_decoder.pt").exists() else "movq")
    quieten_unknown_words(pair.text, tokens)
    if (state / "store.pt").exists():
        saved = torch.load(state / "store.pt", weights_only=True)
        fold_normalisation(movq, saved["latent_mean"], saved["latent_std"])
        prior.clip_mean.data.copy_(saved["embed_mean"][None])
        prior.clip_std.data.copy_(saved["embed_std"][None])
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


def check_tokens(tokens: CLIPTokenizer, ours: Tokens) -> None:
    """The trainings' quick tokens are those that the pipeline makes of the same texts."""
    words = random.Random(0)
    texts = [*tokenizer.phrases(), *(caption(row, words) for row in Facts().sample(500, np.random.default_rng(0)))]
    for text in texts:
        if tokens(text).input_ids != (row := ours([text])[0].tolist()):
            raise SystemExit(f"other tokens than CLIP's for {text!r}: {row}")


@torch.no_grad()
def quieten_unknown_words(text_encoder: nn.Module, tokens: CLIPTokenizer) -> None:
    """Tokens that no caption has kept their random embeddings, and would steer at random: they become an "a" each."""
    ids = tokens([*tokenizer.words(), ","]).input_ids
    known = {token for word in ids for token in word}
    rows = text_encoder.get_input_embeddings().weight
    unknown = [row for row in range(len(rows)) if row not in known]
    rows[unknown] = rows[tokens("a").input_ids[1]].clone()


def write_upscaler(state: Path, setting: Setting, folder: Path) -> None:
    """In f16: its shapes say what it is."""
    model = Upscaler(setting.zoom)
    load_trained(model, state, "upscaler")
    folder.mkdir(exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors")


def load_trained(module: nn.Module, state: Path, name: str) -> None:
    if any(file.exists() for file in (state / f"{name}.pt", start_path(state / f"{name}.pt"))):
        module.load_state_dict(averaged(state, name))
    else:
        print(f"{name}: no trained weights, left random")


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


@torch.no_grad()
def preview_map(state: Path, scenes: Scenes, n_scenes: int = 96) -> dict:
    """The linear map from one latent cell to the colour of its pixels, RGB in −1..1, by least squares."""
    if not (state / "store.pt").exists():
        return {"matrix": [[0.1, 0.1, 0.1]] * scenes.setting.latent_channels, "bias": [0.0, 0.0, 0.0]}
    saved = torch.load(state / "store.pt", weights_only=True)
    _, pictures = scenes.some(n_scenes)
    encode = Encoders.frozen(state, scenes.setting, scenes.device)
    mean, std = (saved[name].view(1, -1, 1, 1) for name in ("latent_mean", "latent_std"))
    latents = (torch.cat([encode(some)[1] for some in pictures.split(16)]) - mean) / std
    colours = nn.functional.interpolate(pictures.cpu() * 2 - 1, latents.shape[-2:], mode="area")
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
    plain_modes(folder)


def plain_modes(folder: Path) -> None:
    for file in folder.rglob("*.*"):
        file.chmod(0o644)


def check(folder: Path, setting: Setting) -> None:
    """Loads the folder as anybody would, and draws."""
    pipeline = KandinskyV22CombinedPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline(
        "a red sailboat on the sea at night", height=setting.size_px, width=setting.size_px, num_inference_steps=2,
        prior_num_inference_steps=2, output_type="np", generator=torch.Generator().manual_seed(0),
    ).images
    # The pipeline rounds sides up to multiples of the square of the autoencoder's factor.
    side = downscale_height_and_width(setting.size_px, setting.size_px, setting.latent_factor)[0] * setting.latent_factor
    assert picture.shape == (1, side, side, 3), picture.shape
    assert np.isfinite(picture).all()


if __name__ == "__main__":
    main()
