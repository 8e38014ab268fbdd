"""Writes tests/fixtures/stable_diffusion/ and stable_diffusion_inpaint/: tiny Stable Diffusions with random weights.

The folders are what `save_pretrained` leaves. `expected.safetensors` holds a picture for each case of `cases.json`, and of
the first what the components make of given tensors.

    python tests/reference/make_stable_diffusion.py
"""

from pathlib import Path

import torch
from diffusers import (
    DDIMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)

import latent_diffusion as shared
from make_pipeline import MAX_LENGTH, PROMPT, randomise

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FOLDER = FIXTURES / "stable_diffusion"
WIDTH = 32
UNET = dict(
    out_channels=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    cross_attention_dim=WIDTH,
)
KINDS = (StableDiffusionPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline)


def make_pipeline(kind=StableDiffusionPipeline, in_channels=4):
    tokens = shared.tokens()
    parts = dict(
        text_encoder=randomise(shared.text_encoder(tokens, WIDTH, 3, "quick_gelu"), 0),
        unet=randomise(UNet2DConditionModel(in_channels=in_channels, sample_size=8, attention_head_dim=4, **UNET), 1),
        vae=shared.autoencoder(2), tokenizer=tokens,
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, **shared.TRAINED),
    )
    return kind(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)


CASES = dict(
    default=dict(),
    other_seed=dict(seed=2**32 + 77, width=32, height=24),
    negative=dict(negative="blue and dark"),
    unguided=dict(guidance=1.0),
    clip_skip=dict(clip_skip=1),
    euler=dict(sampler="euler", seed=12),
    euler_ancestral=dict(sampler="euler_ancestral"),
    dpmpp_2m_karras=dict(sampler="dpmpp_2m_karras"),
    img2img=dict(strength=0.6),
    img2img_euler=dict(strength=0.6, sampler="euler", seed=12),
)
# Over an ordinary U-Net. The reference's pipeline draws noise once more than such a U-Net needs, after the first latents:
# samplers that draw at every step are compared on nine channels only.
HELD = dict(
    inpaint=dict(strength=1.0, mask=True),
    inpaint_some=dict(strength=0.6, mask=True, steps=10),
    inpaint_euler=dict(strength=1.0, mask=True, sampler="euler", negative="blue and dark"),
    inpaint_dpmpp_2m_karras=dict(strength=0.8, mask=True, sampler="dpmpp_2m_karras"),
)
MASKED = dict(
    inpaint=dict(strength=1.0, mask=True),
    inpaint_some=dict(strength=0.6, mask=True),
    inpaint_euler=dict(strength=1.0, mask=True, sampler="euler_ancestral"),
    inpaint_unguided=dict(strength=1.0, mask=True, guidance=1.0),
)


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
def draw(pipe, case, source, mask):
    words = dict(
        prompt_embeds=tokens_of(pipe, case["prompt"], case["clip_skip"]),
        negative_prompt_embeds=tokens_of(pipe, case["negative"] or "", case["clip_skip"]),
    )
    return shared.run(pipe, KINDS, case, source, mask, **words)


@torch.no_grad()
def components(pipe):
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(1, 3, 12, 8, generator=generator) * 2 - 1
    latents = torch.randn(1, 4, 6, 4, generator=generator)
    posterior = pipe.vae.encode(image).latent_dist
    tensors = {
        "vae.image": image, "vae.mean": posterior.mean, "vae.deviation": posterior.std, "vae.latents": latents,
        "vae.decoded": pipe.vae.decode(latents).sample,
    }
    # By levels of heads, with linear layers and more than one block, as Stable Diffusion 2 and XL have them.
    deep = UNet2DConditionModel(
        attention_head_dim=(2, 4), transformer_layers_per_block=2, use_linear_projection=True, **UNET
    )
    deep = randomise(deep, 9)
    latents = torch.randn(2, 4, 8, 6, generator=generator)
    context = torch.randn(2, 5, WIDTH, generator=generator)
    for name, unet in (("unet", pipe.unet), ("unet_deep", deep)):
        output = unet(latents, torch.tensor([999, 3]), encoder_hidden_states=context).sample
        tensors[f"{name}.output"] = output
    tensors |= {"unet.latents": latents, "unet.context": context}
    return tensors, deep


def main():
    pipe = make_pipeline()
    tensors, deep = components(pipe)
    shared.write(FOLDER, pipe, CASES | HELD, draw, tensors, lambda: deep.half().save_pretrained(FOLDER / "unet_deep"))
    repainting = make_pipeline(StableDiffusionInpaintPipeline, in_channels=9)
    shared.write(FIXTURES / "stable_diffusion_inpaint", repainting, MASKED, draw)


if __name__ == "__main__":
    main()
