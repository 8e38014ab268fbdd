"""The configs of Doodle's components, all diffusers' and transformers' own classes."""

from __future__ import annotations

from diffusers import DDPMScheduler, PriorTransformer, UnCLIPScheduler, UNet2DConditionModel, VQModel
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection

from settings import Setting
from tokenizer import MAX_LENGTH

EMBED_DIM = 256
VISION_SIZE_PX = 64


def text_encoder(vocab_size: int) -> CLIPTextModelWithProjection:
    """Ids end with the last of the vocabulary, which also pads."""
    return CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=vocab_size,
            hidden_size=EMBED_DIM,
            intermediate_size=2 * EMBED_DIM,
            projection_dim=EMBED_DIM,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=MAX_LENGTH,
            hidden_act="gelu",
            bos_token_id=vocab_size - 2,
            eos_token_id=vocab_size - 1,
            pad_token_id=vocab_size - 1,
        )
    )


def image_encoder() -> CLIPVisionModelWithProjection:
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=256,
            intermediate_size=768,
            projection_dim=EMBED_DIM,
            num_hidden_layers=4,
            num_attention_heads=4,
            image_size=VISION_SIZE_PX,
            patch_size=8,
            hidden_act="gelu",
        )
    )


def prior(setting: Setting) -> PriorTransformer:
    return PriorTransformer(
        num_attention_heads=4,
        attention_head_dim=64,
        num_layers=setting.prior_layers,
        embedding_dim=EMBED_DIM,
        num_embeddings=MAX_LENGTH,
        additional_embeddings=4,
    )


def unet(setting: Setting) -> UNet2DConditionModel:
    channels = setting.latent_channels
    return UNet2DConditionModel(
        sample_size=setting.latent_size,
        in_channels=channels,
        out_channels=2 * channels,
        block_out_channels=setting.unet_widths,
        layers_per_block=setting.unet_blocks,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        norm_num_groups=16,
        attention_head_dim=32,
        cross_attention_dim=setting.unet_widths[-1],
        encoder_hid_dim=EMBED_DIM,
        encoder_hid_dim_type="image_proj",
        addition_embed_type="image",
        resnet_time_scale_shift="scale_shift",
    )


def movq(setting: Setting) -> VQModel:
    """MoVQ (Zheng et al. 2022): spatially conditioned norms. They have 32 groups built in, so widths are multiples of 32."""
    plain = len(setting.movq_widths) - 1
    return VQModel(
        in_channels=3,
        out_channels=3,
        latent_channels=setting.latent_channels,
        vq_embed_dim=setting.latent_channels,
        num_vq_embeddings=64,
        down_block_types=(*["DownEncoderBlock2D"] * plain, "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", *["UpDecoderBlock2D"] * plain),
        block_out_channels=setting.movq_widths,
        layers_per_block=1,
        norm_num_groups=8,
        norm_type="spatial",
        mid_block_add_attention=True,
    )


def decoder_scheduler() -> DDPMScheduler:
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        clip_sample=False,
        prediction_type="epsilon",
        variance_type="fixed_small",
    )


def prior_scheduler() -> UnCLIPScheduler:
    return UnCLIPScheduler(
        num_train_timesteps=1000,
        variance_type="fixed_small_log",
        clip_sample=True,
        clip_sample_range=5.0,
        prediction_type="sample",
    )
