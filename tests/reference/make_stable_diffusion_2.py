"""Writes tests/fixtures/stable_diffusion_2/: a tiny Stable Diffusion 2 with random weights, and the pictures it makes.

It predicts velocity; the cases that name `epsilon` are drawn by the same weights read as noise.

    python tests/reference/make_stable_diffusion_2.py
"""

from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel

import latent_diffusion as shared
from make_pipeline import randomise
from make_stable_diffusion import FIXTURES, UNET, WIDTH, draw


def make_pipeline(prediction):
    tokens = shared.tokens(pad="!")
    unet = UNet2DConditionModel(
        in_channels=4, sample_size=12, attention_head_dim=(2, 4), use_linear_projection=True, **UNET
    )
    return StableDiffusionPipeline(
        text_encoder=randomise(shared.text_encoder(tokens, WIDTH, 3, "gelu"), 20), tokenizer=tokens,
        unet=randomise(unet, 21), vae=shared.autoencoder(2),
        scheduler=DDIMScheduler(
            clip_sample=False, set_alpha_to_one=False, prediction_type=prediction, **shared.TRAINED
        ),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )


CASES = dict(
    default=dict(),
    negative=dict(negative="blue and dark"),
    clip_skip=dict(clip_skip=1),
    euler=dict(sampler="euler", seed=12),
    dpmpp_2m_karras=dict(sampler="dpmpp_2m_karras"),
    img2img=dict(strength=0.6),
)
EPSILON = dict(default=dict(), img2img_euler=dict(strength=0.6, sampler="euler"))


def main():
    shared.write(FIXTURES / "stable_diffusion_2", make_pipeline("v_prediction"), CASES, draw)
    shared.write(FIXTURES / "stable_diffusion_2_base", make_pipeline("epsilon"), EPSILON, draw)


if __name__ == "__main__":
    main()
