"""Writes tests/fixtures/stable_diffusion_xl/ and its kin: tiny Stable Diffusion XLs with random weights.

    python tests/reference/make_stable_diffusion_xl.py
"""

import torch
from diffusers import (
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)

import latent_diffusion as shared
from make_pipeline import randomise
from make_stable_diffusion import FIXTURES, HELD, MASKED

FIRST, SECOND, EMBED, NUMBER = 12, 20, 24, 8
KINDS = (StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline)


def make_pipeline(scheduler, kind=StableDiffusionXLPipeline, in_channels=4, zeros=True):
    tokens, tokens_2 = shared.tokens(), shared.tokens(pad="!")
    unet = UNet2DConditionModel(
        in_channels=in_channels, out_channels=4, sample_size=8, block_out_channels=(8, 16, 16), layers_per_block=1,
        norm_num_groups=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=(1, 2, 4),
        transformer_layers_per_block=(1, 2, 3), use_linear_projection=True, cross_attention_dim=FIRST + SECOND,
        addition_embed_type="text_time", addition_time_embed_dim=NUMBER,
        projection_class_embeddings_input_dim=EMBED + 6 * NUMBER,
    )
    return kind(
        text_encoder=randomise(shared.text_encoder(tokens, FIRST, 3, "quick_gelu"), 30), tokenizer=tokens,
        text_encoder_2=randomise(shared.text_encoder(tokens_2, SECOND, 4, "gelu", projection=EMBED), 31),
        tokenizer_2=tokens_2, unet=randomise(unet, 32), vae=shared.autoencoder(33, scaling_factor=0.13025),
        scheduler=scheduler, force_zeros_for_empty_prompt=zeros, add_watermarker=False,
    )


BASE = EulerDiscreteScheduler(timestep_spacing="leading", **shared.TRAINED)
# Zero terminal SNR and velocity, as NoobAI's v-prediction has them.
VELOCITY = EulerDiscreteScheduler(
    timestep_spacing="trailing", prediction_type="v_prediction", rescale_betas_zero_snr=True, **shared.TRAINED
)
TURBO = EulerAncestralDiscreteScheduler(timestep_spacing="trailing", **shared.TRAINED)
CASES = dict(
    default=dict(guidance=5.0),
    other_seed=dict(seed=2**32 + 77, width=32, height=24),
    negative=dict(negative="blue and dark"),
    empty_negative=dict(negative=""),
    unguided=dict(guidance=1.0),
    clip_skip=dict(clip_skip=1),
    ddim=dict(sampler="ddim"),
    dpmpp_2m_karras=dict(sampler="dpmpp_2m_karras"),
    img2img=dict(strength=0.6),
)
FEW = dict(default=dict(), img2img=dict(strength=0.6))


@torch.no_grad()
def draw(pipe, case, source, mask):
    words = dict(prompt=case["prompt"], negative_prompt=case["negative"], clip_skip=case["clip_skip"] or None)
    return shared.run(pipe, KINDS, case, source, mask, **words)


def main():
    shared.write(FIXTURES / "stable_diffusion_xl", make_pipeline(BASE), CASES | HELD, draw)
    shared.write(FIXTURES / "stable_diffusion_xl_velocity", make_pipeline(VELOCITY, zeros=False), FEW, draw)
    turbo = dict(one_step=dict(steps=1, guidance=0.0), four_steps=dict(steps=4, guidance=0.0))
    shared.write(FIXTURES / "stable_diffusion_xl_turbo", make_pipeline(TURBO), turbo, draw)
    repainting = make_pipeline(BASE, StableDiffusionXLInpaintPipeline, in_channels=9)
    shared.write(FIXTURES / "stable_diffusion_xl_inpaint", repainting, MASKED, draw)


if __name__ == "__main__":
    main()
