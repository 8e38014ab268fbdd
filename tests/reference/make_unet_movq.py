"""Makes small random-weight U-Nets and autoencoders with the outputs that diffusers gives for them.

    python tests/reference/make_unet_movq.py

Weights are rounded to half precision before anything is computed, so the files can hold them in half the
size and both sides still calculate with the same numbers in f32.
"""

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel, VQModel
from safetensors.torch import save_file

FIXTURES = Path(__file__).parent.parent / "fixtures"


def randomise(model: torch.nn.Module) -> None:
    """Random norms too: at 1 and 0, as they start, a forgotten one would not show."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.normal_(std=0.3)
                if "norm" in name and name.endswith("weight"):
                    parameter += 1
            parameter.copy_(parameter.half().float())


def save(model: torch.nn.Module, name: str, expected: dict[str, torch.Tensor]) -> None:
    folder = FIXTURES / name
    model.half().save_pretrained(folder)
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")


def make_unet(name: str, latents_shape: list[int], timesteps: list[float], **config) -> None:
    torch.manual_seed(7)
    unet = UNet2DConditionModel(
        act_fn="silu",
        addition_embed_type="image",
        encoder_hid_dim_type="image_proj",
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        out_channels=8,
        **config,
    ).eval()
    randomise(unet)
    latents = torch.randn(latents_shape)
    image_embeds = torch.randn(latents_shape[0], config["encoder_hid_dim"])
    with torch.no_grad():
        output = unet(
            latents,
            torch.tensor(timesteps),
            encoder_hidden_states=None,
            added_cond_kwargs={"image_embeds": image_embeds},
        ).sample
    tensors = {
        "latents": latents,
        "timesteps": torch.tensor(timesteps),
        "image_embeds": image_embeds,
        "output": output,
    }
    save(unet, name, tensors)


def make_autoencoder(name: str, image_shape: list[int], latents_shape: list[int], **config) -> None:
    torch.manual_seed(11)
    movq = VQModel(in_channels=3, out_channels=3, num_vq_embeddings=16, **config).eval()
    randomise(movq)
    image = torch.rand(image_shape) * 2 - 1
    latents = torch.randn(latents_shape)
    with torch.no_grad():
        encoded = movq.encode(image).latents
        decoded = movq.decode(latents, force_not_quantize=True).sample
    save(movq, name, {"image": image, "encoded": encoded, "latents": latents, "decoded": decoded})


# Three levels, every kind of block, heads' widths that differ from one end to the other.
make_unet(
    "unet",
    latents_shape=[2, 4, 8, 12],
    timesteps=[999.0, 3.5],
    in_channels=4,
    block_out_channels=(8, 16, 24),
    layers_per_block=(1, 2, 1),
    down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"),
    up_block_types=("SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
    attention_head_dim=(8, 4, 12),
    norm_num_groups=4,
    resnet_time_scale_shift="scale_shift",
    cross_attention_dim=20,
    encoder_hid_dim=12,
)
# Inpainting, and the other value of every switch.
make_unet(
    "unet_inpaint",
    latents_shape=[1, 9, 6, 10],
    timesteps=[480.0],
    in_channels=9,
    block_out_channels=(16, 24),
    layers_per_block=1,
    down_block_types=("SimpleCrossAttnDownBlock2D", "ResnetDownsampleBlock2D"),
    up_block_types=("ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"),
    attention_head_dim=8,
    norm_num_groups=8,
    norm_eps=1e-4,
    resnet_time_scale_shift="default",
    resnet_skip_time_act=True,
    time_embedding_dim=40,
    flip_sin_to_cos=False,
    freq_shift=1,
    cross_attention_dim=16,
    encoder_hid_dim=12,
)
# MoVQ: 32 groups are built into its norms, so the widths are multiples of 32.
make_autoencoder(
    "movq",
    image_shape=[1, 3, 12, 20],
    latents_shape=[2, 4, 6, 10],
    block_out_channels=(32, 32),
    down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
    up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
    layers_per_block=1,
    latent_channels=4,
    norm_type="spatial",
)
# The older VQ-VAE, with widths that differ and without attention in the middle.
make_autoencoder(
    "vqvae",
    image_shape=[2, 3, 8, 16],
    latents_shape=[1, 6, 3, 2],
    block_out_channels=(8, 12, 16),
    down_block_types=("DownEncoderBlock2D",) * 3,
    up_block_types=("UpDecoderBlock2D",) * 3,
    layers_per_block=1,
    latent_channels=4,
    vq_embed_dim=6,
    norm_num_groups=4,
    norm_type="group",
    mid_block_add_attention=False,
)
