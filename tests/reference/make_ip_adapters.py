"""Writes tests/fixtures/ip_adapters/: IP-Adapters with random weights for the tiny Stable Diffusions, and what they draw.

The adapters are files in the names in which they are shared; the image encoders beside them are folders as transformers
writes them, and one of them is a file too. `expected.safetensors` holds a picture for each case of `cases.json`, and what
each adapter makes of given features.

    python tests/reference/make_ip_adapters.py
"""

import json
import shutil

import torch
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

import latent_diffusion as shared
import make_stable_diffusion as sd
import make_stable_diffusion_xl as xl
from make_pipeline import randomise

FOLDER = sd.FIXTURES / "ip_adapters"
SIDE = 24
# Hidden width and width of the embedding, as of ViT-H and bigG.
ENCODERS = dict(image_encoder=(32, 20), image_encoder_g=(48, 28))
# The model, the encoder, and whether parts of pictures are looked at ("plus").
ADAPTERS = dict(
    plain_sd=("sd", "image_encoder", False), plus_sd=("sd", "image_encoder", True),
    plain_xl=("xl", "image_encoder_g", False), plus_xl=("xl", "image_encoder", True),
)
# diffusers takes four layers for granted.
N_TOKENS, HIDDEN, HEADS, DEPTH = 4, 24, 2, 4
DEFAULTS = shared.DEFAULTS | dict(scale=1.0, pictures=1)
CASES = dict(
    plain_sd=dict(adapter="plain_sd"),
    plain_sd_half=dict(adapter="plain_sd", scale=0.5, seed=12, sampler="euler"),
    plain_sd_unguided=dict(adapter="plain_sd", guidance=1.0, prompt=""),
    plain_sd_two=dict(adapter="plain_sd", pictures=2, prompt="", seed=5),
    plus_sd=dict(adapter="plus_sd", prompt=""),
    plus_sd_two=dict(adapter="plus_sd", pictures=2, prompt="", seed=12),
    plain_xl=dict(adapter="plain_xl", prompt="", guidance=5.0),
    plus_xl=dict(adapter="plus_xl", scale=0.7, guidance=5.0, seed=12),
    plus_xl_two=dict(adapter="plus_xl", pictures=2, prompt="", guidance=5.0, seed=5),
)


def image_encoder(width, embed, seed):
    config = CLIPVisionConfig(
        hidden_size=width, intermediate_size=48, projection_dim=embed, num_hidden_layers=3, num_attention_heads=16,
        image_size=SIDE, patch_size=8, hidden_act="gelu",
    )
    return randomise(CLIPVisionModelWithProjection(config), seed)


def adapter(unet, encoder, is_plus, seed):
    """A file's tensors, as the adapters' own trainer writes them."""
    generator = torch.Generator().manual_seed(seed)
    context = unet.config.cross_attention_dim
    width, embed = ENCODERS[encoder]

    def linear(name, n_outputs, n_inputs, has_bias=False, gain=1.0):
        tensors[f"{name}.weight"] = torch.randn(n_outputs, n_inputs, generator=generator) * gain / n_inputs**0.5
        if has_bias:
            tensors[f"{name}.bias"] = torch.randn(n_outputs, generator=generator) * 0.1

    def norm(name, n):
        tensors[f"{name}.weight"] = 1 + 0.1 * torch.randn(n, generator=generator)
        tensors[f"{name}.bias"] = 0.1 * torch.randn(n, generator=generator)

    tensors = {}
    if is_plus:
        tensors["image_proj.latents"] = torch.randn(1, N_TOKENS + 1, HIDDEN, generator=generator)
        linear("image_proj.proj_in", HIDDEN, width, True)
        for i in range(DEPTH):
            attention, feed = (f"image_proj.layers.{i}.{j}" for j in range(2))
            norm(f"{attention}.norm1", HIDDEN)
            norm(f"{attention}.norm2", HIDDEN)
            linear(f"{attention}.to_q", 64 * HEADS, HIDDEN)
            linear(f"{attention}.to_kv", 128 * HEADS, HIDDEN)
            linear(f"{attention}.to_out", HIDDEN, 64 * HEADS)
            norm(f"{feed}.0", HIDDEN)
            linear(f"{feed}.1", 4 * HIDDEN, HIDDEN)
            linear(f"{feed}.3", HIDDEN, 4 * HIDDEN)
        linear("image_proj.proj_out", context, HIDDEN, True)
        norm("image_proj.norm_out", context)
    else:
        linear("image_proj.proj", N_TOKENS * context, embed, True)
        norm("image_proj.norm", context)
    # Of every layer of attention the second half looks at words.
    crossing = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for i, name in enumerate(crossing):
        channels = unet.get_submodule(name.removesuffix(".processor")).to_q.weight.shape[0]
        for letter in "kv":
            linear(f"ip_adapter.{2 * i + 1}.to_{letter}_ip", channels, context, gain=1.5)
    return {name: tensor.half() for name, tensor in tensors.items()}


def state_dict(tensors):
    """By diffusers' two keys, in the precision in which both sides calculate."""
    parts = {"image_proj": {}, "ip_adapter": {}}
    for name, tensor in tensors.items():
        part, rest = name.split(".", 1)
        parts[part][rest] = tensor.float()
    return parts


def pictures(source, n):
    """One, or beside it the same upside down."""
    return [source, source.rotate(180)][:n]


@torch.no_grad()
def draw(pipe, model, case, source):
    pipe.set_ip_adapter_scale(case["scale"])
    words = dict(prompt=case["prompt"], negative_prompt=case["negative"])
    if model == "sd":
        words = dict(
            prompt_embeds=sd.tokens_of(pipe, case["prompt"], 0),
            negative_prompt_embeds=sd.tokens_of(pipe, case["negative"] or "", 0),
        )
    pipe.scheduler, kept = shared.scheduler_of(pipe, case["sampler"]), pipe.scheduler
    picture = pipe(
        ip_adapter_image=[pictures(source, case["pictures"])], num_inference_steps=case["steps"],
        guidance_scale=case["guidance"], height=case["height"], width=case["width"],
        generator=torch.Generator("cpu").manual_seed(case["seed"]), output_type="np", **words,
    ).images[0]
    pipe.scheduler = kept
    return picture


@torch.no_grad()
def tokens_of(pipe, encoder, is_plus, generator):
    """Features of a picture, and the tokens that the adapter makes of them."""
    width, embed = ENCODERS[encoder]
    features = torch.randn(*((1, 10, width) if is_plus else (1, 1, embed)), generator=generator)
    layer = pipe.unet.encoder_hid_proj.image_projection_layers[0]
    return features, layer(features if is_plus else features[:, 0])


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    encoders = {name: image_encoder(*widths, 60 + i) for i, (name, widths) in enumerate(ENCODERS.items())}
    processor = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    source = shared.source_picture(DEFAULTS["width"], DEFAULTS["height"])
    generator = torch.Generator().manual_seed(8)
    tensors, drawn = {"source": shared.bytes_of(source)}, {}
    cases = {name: DEFAULTS | case for name, case in CASES.items()}
    for i, (name, (model, encoder, is_plus)) in enumerate(ADAPTERS.items()):
        pipe = sd.make_pipeline() if model == "sd" else xl.make_pipeline(xl.BASE)
        pipe.set_progress_bar_config(disable=True)
        pipe.register_modules(image_encoder=encoders[encoder], feature_extractor=processor)
        own = adapter(pipe.unet, encoder, is_plus, 70 + i)
        save_file(own, FOLDER / f"{name}.safetensors")
        pipe.load_ip_adapter(state_dict(own), subfolder="", weight_name="")
        tensors[f"{name}.features"], tensors[f"{name}.tokens"] = tokens_of(pipe, encoder, is_plus, generator)
        for case_name, case in cases.items():
            if case["adapter"] != name:
                continue
            case["model"] = model
            picture = torch.from_numpy(draw(pipe, model, case, source)) * 255
            spread = picture.std(dim=(0, 1))
            assert 15 < spread.min() and spread.max() < 110, (case_name, spread)
            for other, before in drawn.items():
                assert (before - picture).abs().max() > 10, f"{case_name} shows what {other} shows"
            drawn[case_name] = picture
            tensors[f"{case_name}.pixels"] = picture.round().to(torch.uint8)
    for name, encoder in encoders.items():
        encoder.half().save_pretrained(FOLDER / name)
    save_file({key: value.contiguous() for key, value in tensors.items()}, FOLDER / "expected.safetensors")
    (FOLDER / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
