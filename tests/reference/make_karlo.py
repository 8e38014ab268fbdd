"""Writes tests/fixtures/karlo/ and karlo_variations/: tiny Karlos with random weights, and the pictures they make.

    python tests/reference/make_karlo.py
"""

import torch
from diffusers import (
    PriorTransformer,
    UnCLIPImageVariationPipeline,
    UnCLIPPipeline,
    UnCLIPScheduler,
    UNet2DConditionModel,
    UNet2DModel,
)
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

import latent_diffusion as shared
from make_pipeline import MAX_LENGTH, randomise
from make_stable_diffusion import FIXTURES

WIDTH, CONTEXT, TIME = 32, 24, 32


def super_resolution(seed):
    unet = UNet2DModel(
        sample_size=32, in_channels=6, out_channels=3, layers_per_block=1, block_out_channels=(8, 16),
        down_block_types=("ResnetDownsampleBlock2D",) * 2, up_block_types=("ResnetUpsampleBlock2D",) * 2,
        norm_num_groups=4, resnet_time_scale_shift="scale_shift", add_attention=False,
    )
    return randomise(unet, seed)


def parts():
    tokens = shared.tokens()
    decoder = UNet2DConditionModel(
        sample_size=8, in_channels=3, out_channels=6, block_out_channels=(8, 16), layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", norm_num_groups=4, cross_attention_dim=CONTEXT,
        attention_head_dim=4, resnet_time_scale_shift="scale_shift", class_embed_type="identity",
    )
    projection = UnCLIPTextProjModel(clip_embeddings_dim=WIDTH, time_embed_dim=TIME, cross_attention_dim=CONTEXT)
    return dict(
        decoder=randomise(decoder, 50), text_proj=randomise(projection, 51),
        text_encoder=randomise(shared.text_encoder(tokens, WIDTH, 2, "quick_gelu", projection=WIDTH), 52),
        tokenizer=tokens, super_res_first=super_resolution(53), super_res_last=super_resolution(54),
        decoder_scheduler=UnCLIPScheduler(variance_type="learned_range", prediction_type="epsilon"),
        super_res_scheduler=UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="epsilon"),
    )


def from_text():
    prior = PriorTransformer(
        num_attention_heads=2, attention_head_dim=8, num_layers=2, embedding_dim=WIDTH, num_embeddings=MAX_LENGTH
    )
    scheduler = UnCLIPScheduler(
        variance_type="fixed_small_log", prediction_type="sample", clip_sample_range=5.0
    )
    return UnCLIPPipeline(prior=randomise(prior, 55), prior_scheduler=scheduler, **parts())


def from_pictures():
    image_encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=32, intermediate_size=48, projection_dim=WIDTH, num_hidden_layers=2, num_attention_heads=4,
            image_size=24, patch_size=8, hidden_act="quick_gelu",
        )
    )
    return UnCLIPImageVariationPipeline(
        feature_extractor=CLIPImageProcessorPil(size={"shortest_edge": 24}, crop_size={"height": 24, "width": 24}),
        image_encoder=randomise(image_encoder, 56), **parts()
    )


SIZE = dict(width=32, height=32)
CASES = dict(
    default=dict(guidance=8.0, prior_guidance=4.0, **SIZE),
    other_seed=dict(seed=2**32 + 78, guidance=8.0, prior_guidance=4.0, **SIZE),
    long_prompt=dict(prompt="a boat on the sea " * 8, guidance=3.0, prior_guidance=2.0, steps=9, **SIZE),
    unguided=dict(guidance=1.0, prior_guidance=1.0, **SIZE),
)
VARIED = dict(default=dict(guidance=8.0, **SIZE), unguided=dict(guidance=1.0, seed=5, **SIZE))


@torch.no_grad()
def draw(pipe, case, source, mask):
    generator = torch.Generator("cpu").manual_seed(case["seed"])
    asked = dict(
        decoder_num_inference_steps=case["steps"], decoder_guidance_scale=case["guidance"], generator=generator,
        output_type="np",
    )
    if "prior_guidance" in case:
        asked |= dict(
            prompt=case["prompt"], prior_num_inference_steps=case["steps"],
            prior_guidance_scale=case["prior_guidance"],
        )
    else:
        asked |= dict(image=source)
    return pipe(**asked).images[0]


def nudging(pipe):
    """Lets every network of `pipe` answer up to a hundred-thousandth off; the hooks are to be removed."""
    generator = torch.Generator().manual_seed(1)

    def nudge(module, inputs, output):
        name, values = next(iter(output.items()))
        output[name] = values * (1 + 1e-5 * torch.randn(values.shape, generator=generator))
        return output

    networks = [getattr(pipe, name, None) for name in ("prior", "decoder", "super_res_first", "super_res_last")]
    return [network.register_forward_hook(nudge) for network in networks if network is not None]


def drawn(pipe, case, source, mask):
    """A case's picture, which must not hang on how a device rounds.

    Stochastic steps through random weights may tear apart what began next to each other: such a picture would say nothing
    of the engine.
    """
    still = draw(pipe, case, source, mask)
    hooks = nudging(pipe)
    nudged = draw(pipe, case, source, mask)
    for hook in hooks:
        hook.remove()
    levels = 255 * abs(nudged - still).max()
    assert levels < 1, f"{case} needs another seed: unsteady by {levels}"
    return still


def main():
    shared.write(FIXTURES / "karlo", from_text(), CASES, drawn)
    shared.write(FIXTURES / "karlo_variations", from_pictures(), VARIED, drawn)


if __name__ == "__main__":
    main()
