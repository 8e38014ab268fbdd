"""Writes tests/fixtures/stable_diffusion_2_unclip/: a tiny Stable Diffusion 2.1 unCLIP with random weights.

    python tests/reference/make_stable_diffusion_2_unclip.py
"""

import torch
from diffusers import DDIMScheduler, DDPMScheduler, StableUnCLIPImg2ImgPipeline, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

import latent_diffusion as shared
from make_pipeline import randomise
from make_stable_diffusion import FIXTURES, UNET, WIDTH, tokens_of

EMBED = 20


def make_pipeline():
    tokens = shared.tokens(pad="!")
    unet = UNet2DConditionModel(
        in_channels=4, sample_size=12, attention_head_dim=(2, 4), use_linear_projection=True,
        class_embed_type="projection", projection_class_embeddings_input_dim=2 * EMBED, **UNET
    )
    image_encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=32, intermediate_size=48, projection_dim=EMBED, num_hidden_layers=2, num_attention_heads=4,
            image_size=24, patch_size=8, hidden_act="gelu",
        )
    )
    normalizer = randomise(StableUnCLIPImageNormalizer(EMBED), 43)
    with torch.no_grad():
        normalizer.std.copy_((normalizer.std.abs() + 0.5).half().float())
    return StableUnCLIPImg2ImgPipeline(
        feature_extractor=CLIPImageProcessorPil(size={"shortest_edge": 24}, crop_size={"height": 24, "width": 24}),
        image_encoder=randomise(image_encoder, 42), image_normalizer=normalizer,
        image_noising_scheduler=DDPMScheduler(beta_schedule="squaredcos_cap_v2"),
        text_encoder=randomise(shared.text_encoder(tokens, WIDTH, 3, "gelu"), 40), tokenizer=tokens,
        unet=randomise(unet, 41), vae=shared.autoencoder(2),
        scheduler=DDIMScheduler(
            clip_sample=False, set_alpha_to_one=False, prediction_type="v_prediction", **shared.TRAINED
        ),
    )


CASES = dict(
    default=dict(guidance=10.0), no_words=dict(prompt=""), negative=dict(negative="blue and dark"),
    unguided=dict(guidance=1.0), euler_ancestral=dict(sampler="euler_ancestral"),
)


@torch.no_grad()
def draw(pipe, case, source, mask):
    pipe.scheduler, kept = shared.scheduler_of(pipe, case["sampler"]), pipe.scheduler
    picture = pipe(
        image=source, prompt_embeds=tokens_of(pipe, case["prompt"], 0),
        negative_prompt_embeds=tokens_of(pipe, case["negative"] or "", 0),
        num_inference_steps=case["steps"], guidance_scale=case["guidance"], height=case["height"], width=case["width"],
        generator=torch.Generator("cpu").manual_seed(case["seed"]), output_type="np",
    ).images[0]
    pipe.scheduler = kept
    return picture


def main():
    shared.write(FIXTURES / "stable_diffusion_2_unclip", make_pipeline(), CASES, draw)


if __name__ == "__main__":
    main()
