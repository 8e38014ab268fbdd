"""Writes tests/fixtures/stable_diffusion/: a tiny Stable Diffusion with random weights, and the pictures it makes.

The folder is what `StableDiffusionPipeline.save_pretrained` leaves, in half precision; the weights are rounded to it
before anything is computed, so both sides calculate with the same numbers in f32. `expected.safetensors` holds a
picture for each case of `cases.json`, and what the components make of given tensors.

    python tests/reference/make_stable_diffusion.py
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from make_pipeline import MAX_LENGTH, PROMPT, randomise, tokenizer

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "stable_diffusion"
WIDTH = 32
UNET = dict(
    in_channels=4, out_channels=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    cross_attention_dim=WIDTH,
)


def make_pipeline():
    tokens = tokenizer()
    n_tokens = len(tokens)
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=n_tokens, hidden_size=WIDTH, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
            max_position_embeddings=MAX_LENGTH, hidden_act="quick_gelu",
            bos_token_id=n_tokens - 2, eos_token_id=n_tokens - 1, pad_token_id=n_tokens - 1,
        )
    )
    unet = UNet2DConditionModel(sample_size=8, attention_head_dim=4, **UNET)
    vae = AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(8, 8), layers_per_block=1,
        norm_num_groups=4, down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )
    text_encoder, unet, vae = [randomise(model, seed) for seed, model in enumerate([text_encoder, unet, vae])]
    # A saturated picture would hide what differs, and so would a source that is nothing but its own noise.
    with torch.no_grad():
        vae.decoder.conv_out.weight.copy_((vae.decoder.conv_out.weight * 0.03).half().float())
        vae.quant_conv.bias[4:].copy_(torch.tensor(-1.0))
    return StableDiffusionPipeline(
        vae=vae, text_encoder=text_encoder, tokenizer=tokens, unet=unet,
        scheduler=DDIMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
            set_alpha_to_one=False, steps_offset=1,
        ),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )


CASES = dict(
    default=dict(),
    other_seed=dict(seed=2**32 + 77, width=32, height=24),
    negative=dict(negative="blue and dark"),
    unguided=dict(guidance=1.0),
    long_prompt=dict(prompt="a boat on the sea " * 8),
    clip_skip=dict(clip_skip=1),
    euler=dict(sampler="euler"),
    euler_ancestral=dict(sampler="euler_ancestral"),
    dpmpp_2m_karras=dict(sampler="dpmpp_2m_karras"),
    img2img=dict(strength=0.6),
    img2img_euler=dict(strength=0.6, sampler="euler"),
)
DEFAULTS = dict(
    prompt=PROMPT, negative=None, seed=11, width=24, height=32, steps=5, guidance=7.5, sampler=None, clip_skip=0,
    strength=None,
)


def scheduler_of(pipe, sampler):
    config = pipe.scheduler.config
    return {
        None: lambda: DDIMScheduler.from_config(config),
        "euler": lambda: EulerDiscreteScheduler.from_config(config),
        "euler_ancestral": lambda: EulerAncestralDiscreteScheduler.from_config(config),
        "dpmpp_2m_karras": lambda: DPMSolverMultistepScheduler.from_config(config, use_karras_sigmas=True),
    }[sampler]()


def tokens_of(pipe, text, clip_skip):
    """The encoder's own, for the pipeline's `clip_skip` asks for an attribute that transformers has no more."""
    ids = pipe.tokenizer(
        text, padding="max_length", max_length=MAX_LENGTH, truncation=True, return_tensors="pt"
    ).input_ids
    output = pipe.text_encoder(ids, output_hidden_states=True)
    if clip_skip == 0:
        return output.last_hidden_state
    norm = [module for name, module in pipe.text_encoder.named_modules() if name.endswith("final_layer_norm")][0]
    return norm(output.hidden_states[-(clip_skip + 1)])


@torch.no_grad()
def run(pipe, case, source):
    asked = dict(
        prompt_embeds=tokens_of(pipe, case["prompt"], case["clip_skip"]),
        negative_prompt_embeds=tokens_of(pipe, case["negative"] or "", case["clip_skip"]),
        num_inference_steps=case["steps"], guidance_scale=case["guidance"],
        generator=torch.Generator("cpu").manual_seed(case["seed"]), output_type="np",
    )
    scheduler = scheduler_of(pipe, case["sampler"])
    if case["strength"] is None:
        pipe = StableDiffusionPipeline.from_pipe(pipe, scheduler=scheduler)
        pipe.set_progress_bar_config(disable=True)
        return pipe(height=case["height"], width=case["width"], **asked).images[0]
    pipe = StableDiffusionImg2ImgPipeline.from_pipe(pipe, scheduler=scheduler)
    pipe.set_progress_bar_config(disable=True)
    return pipe(image=source, strength=case["strength"], **asked).images[0]


def source_picture(width, height):
    """Slow waves of colour."""
    x = torch.linspace(0, 3, width)[None, :, None]
    y = torch.linspace(0, 2, height)[:, None, None]
    waves = torch.sin(x + y * torch.tensor([1.0, 2.0, 3.0]) + torch.tensor([0.0, 1.0, 2.0]))
    return Image.fromarray(((waves * 0.5 + 0.5) * 255).round().byte().numpy())


@torch.no_grad()
def components(pipe, tensors):
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(1, 3, 12, 8, generator=generator) * 2 - 1
    latents = torch.randn(1, 4, 6, 4, generator=generator)
    posterior = pipe.vae.encode(image).latent_dist
    tensors |= {
        "vae.image": image, "vae.mean": posterior.mean, "vae.deviation": posterior.std, "vae.latents": latents,
        "vae.decoded": pipe.vae.decode(latents).sample,
    }
    # By levels of heads, with linear layers and more than one block, as Stable Diffusion 2 and XL have them.
    deep = UNet2DConditionModel(
        attention_head_dim=(2, 4), transformer_layers_per_block=2, use_linear_projection=True, **UNET
    )
    latents = torch.randn(2, 4, 8, 6, generator=generator)
    context = torch.randn(2, 5, WIDTH, generator=generator)
    for name, unet in (("unet", pipe.unet), ("unet_deep", randomise(deep, 9))):
        output = unet(latents, torch.tensor([999, 3]), encoder_hidden_states=context).sample
        tensors[f"{name}.output"] = output
    tensors |= {"unet.latents": latents, "unet.context": context}
    deep.half().save_pretrained(FOLDER / "unet_deep")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    pipe = make_pipeline()
    pipe.set_progress_bar_config(disable=True)
    cases = {name: DEFAULTS | case for name, case in CASES.items()}
    source = source_picture(DEFAULTS["width"], DEFAULTS["height"])
    tensors = {"source": torch.frombuffer(bytearray(source.tobytes()), dtype=torch.uint8).reshape(32, 24, 3).clone()}
    for name, case in cases.items():
        picture = torch.from_numpy(run(pipe, case, source))
        assert 8 < (picture * 255).std() < 120, (name, (picture * 255).std())
        tensors[f"{name}.pixels"] = (picture * 255).round().to(torch.uint8)
    components(pipe, tensors)
    pipe.to(torch.float16).save_pretrained(FOLDER)
    save_file({key: value.contiguous() for key, value in tensors.items()}, FOLDER / "expected.safetensors")
    (FOLDER / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
