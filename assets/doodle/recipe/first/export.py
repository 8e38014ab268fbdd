"""Writes the model folder: `KandinskyV22CombinedPipeline.save_pretrained` in f16, with `limn.json` beside it.

Without a trained part that part's weights are random (`--random` makes all of them so). `--only movq` writes a further
trained autoencoder into a folder that has the rest: its encoder, and so the latents, must be those of that folder.
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
from transformers import CLIPImageProcessor, CLIPTextModelWithProjection, CLIPTokenizer

import card
import dataset
import models
import settings
import tokenizer
from encode import averaged, read_latents
from settings import Setting
from train_clip import Pair
from take_over import take_over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--random", action="store_true")
    only.add_argument("--only", choices=("movq",))
    arguments = parser.parse_args()
    torch.manual_seed(0)
    if arguments.only:
        replace_movq(arguments.state, arguments.out)
        return check(arguments.out)
    pipeline = assemble(arguments.state, arguments.random)
    n_parameters = sum(p.numel() for name in COMPONENTS for p in getattr(pipeline, name).parameters())
    preview = preview_map(arguments.state)
    pipeline.to(torch.float16).save_pretrained(arguments.out, safe_serialization=True)
    tidy(arguments.out, arguments.state / EXPORTED_TOKENIZER)
    (arguments.out / "limn.json").write_text(json.dumps(card.card(settings.of(arguments.state), preview), indent=1) + "\n")
    check(arguments.out)
    size = sum(file.stat().st_size for file in arguments.out.rglob("*") if file.is_file())
    print(f"{n_parameters / 1e6:.1f} M parameters, {size / 1e6:.1f} MB in {arguments.out}")


EXPORTED_TOKENIZER = "exported_tokenizer"
COMPONENTS = ("unet", "movq", "prior_prior", "prior_image_encoder", "prior_text_encoder")


def assemble(state: Path, random: bool) -> KandinskyV22CombinedPipeline:
    """The pipeline in f32, latents and embeddings normalised inside the weights."""
    setting = settings.of(state)
    tokenizer.save(state / "tokenizer", setting)
    tokens = CLIPTokenizer.from_pretrained(state / "tokenizer")
    pair, unet, prior = Pair(len(tokens), setting), models.unet(setting), models.prior(setting)
    movq = models.movq(setting) if random else trained_movq(state)
    for name, module in ({} if random else {"clip": pair, "unet": unet, "prior": prior}).items():
        load_trained(module, state, name)
    text_encoder, tokens = with_plurals(pair.text, tokens, state)
    if not random:
        quieten_unknown_words(text_encoder, tokens, setting)
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
        prior_text_encoder=text_encoder.eval(),
        prior_tokenizer=tokens,
        prior_scheduler=models.prior_scheduler(),
        prior_image_processor=CLIPImageProcessor(
            size={"shortest_edge": size_px}, crop_size={"height": size_px, "width": size_px}
        ),
    )


def with_plurals(
    trained: CLIPTextModelWithProjection, old: CLIPTokenizer, state: Path
) -> tuple[CLIPTextModelWithProjection, CLIPTokenizer]:
    """Plurals that no caption has get tokens of their own, with the meaning of their singulars: better one apple than none."""
    setting = settings.of(state)
    singulars = tokenizer.singulars(setting)
    tokenizer.save(state / EXPORTED_TOKENIZER, setting, singulars)
    tokens = CLIPTokenizer.from_pretrained(state / EXPORTED_TOKENIZER)
    text_encoder = models.text_encoder(len(tokens))
    take_over(text_encoder, tokens.get_vocab(), trained, old.get_vocab(), singulars)
    return text_encoder, tokens


@torch.no_grad()
def quieten_unknown_words(text_encoder: nn.Module, tokens: CLIPTokenizer, setting: Setting) -> None:
    """Tokens that no caption has kept their random embeddings, and would steer at random: they become an "a" each."""
    ids = tokens([*tokenizer.words(setting), *tokenizer.singulars(setting), ","]).input_ids
    known = {token for word in ids for token in word}
    rows = text_encoder.get_input_embeddings().weight
    unknown = [row for row in range(len(rows)) if row not in known]
    rows[unknown] = rows[tokens("a").input_ids[1]].clone()


def replace_movq(state: Path, folder: Path) -> None:
    """Writes the new autoencoder, in f16, where the folder's old one with the same encoder is."""
    movq = trained_movq(state).to(torch.float16)
    old = VQModel.from_pretrained(folder / "movq", torch_dtype=torch.float16)
    for name in ("encoder", "quant_conv"):
        new_weights = getattr(movq, name).state_dict()
        for key, weight in getattr(old, name).state_dict().items():
            torch.testing.assert_close(new_weights[key], weight, rtol=2e-3, atol=1e-4, msg=f"{name}.{key} is another")
    movq.save_pretrained(folder / "movq", safe_serialization=True)
    plain_modes(folder)


def trained_movq(state: Path) -> VQModel:
    """The autoencoder in f32, its decoder trained further if it was, the latents' normalisation folded in."""
    movq = models.movq(settings.of(state))
    load_trained(movq, state, "movq_decoder" if (state / "movq_decoder.pt").exists() else "movq")
    if (state / "latents.pt").exists():
        saved = torch.load(state / "latents.pt", weights_only=True)
        fold_normalisation(movq, saved["mean"], saved["std"])
    return movq.eval()


def load_trained(module: nn.Module, state: Path, name: str) -> None:
    if (state / f"{name}.pt").exists():
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
    plain_modes(folder)


def plain_modes(folder: Path) -> None:
    for file in folder.rglob("*.*"):
        file.chmod(0o644)


def check(folder: Path) -> None:
    """Loads the folder as anybody would, and draws."""
    pipeline = KandinskyV22CombinedPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    size_px = 8 * pipeline.unet.config.sample_size
    picture = pipeline(
        "a red sailboat on the sea at night", height=size_px, width=size_px, num_inference_steps=2,
        prior_num_inference_steps=2, output_type="np", generator=torch.Generator().manual_seed(0),
    ).images
    assert picture.shape == (1, size_px, size_px, 3) and np.isfinite(picture).all()


if __name__ == "__main__":
    main()
