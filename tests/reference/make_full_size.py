"""Writes a model of full size with random weights in half precision, as a folder: Stable Diffusion XL of about 7 GB, 1.5 of
2 GB, Kandinsky 2.2's decoder and autoencoder of 3 GB behind a prior and encoders of one layer.

For trying by hand that every key is read and how much memory it takes, and for measuring speed; nothing of it is kept.
The configs are the public ones, the names and shapes those of the reference's own classes.

    python tests/reference/make_full_size.py FOLDER [--family stable_diffusion]
    python tests/reference/make_full_size.py FILE.safetensors [--family stable_diffusion]

A file, which Stable Diffusion alone has, has the names of the original checkpoints, and other numbers than the folder.
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, PriorTransformer, UNet2DConditionModel, VQModel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from make_pipeline import byte_letters

SIZE = 1 << 24
SINGLE_FILES = Path(__file__).resolve().parents[1] / "fixtures" / "single_files"
UNET = dict(
    sample_size=128, in_channels=4, out_channels=4, block_out_channels=(320, 640, 1280), layers_per_block=2,
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=(5, 10, 20),
    transformer_layers_per_block=(1, 2, 10), use_linear_projection=True, cross_attention_dim=2048,
    addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
)
VAE = dict(
    block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, scaling_factor=0.13025,
    down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, sample_size=1024,
)
UNET_1 = dict(
    sample_size=64, in_channels=4, out_channels=4, block_out_channels=(320, 640, 1280, 1280), layers_per_block=2,
    down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",), up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    attention_head_dim=8, cross_attention_dim=768,
)
VAE_1 = VAE | dict(scaling_factor=0.18215, sample_size=512)
UNET_KANDINSKY = dict(
    sample_size=64, in_channels=4, out_channels=8, block_out_channels=(384, 768, 1152, 1536), layers_per_block=3,
    down_block_types=("ResnetDownsampleBlock2D",) + ("SimpleCrossAttnDownBlock2D",) * 3,
    mid_block_type="UNetMidBlock2DSimpleCrossAttn",
    up_block_types=("SimpleCrossAttnUpBlock2D",) * 3 + ("ResnetUpsampleBlock2D",),
    attention_head_dim=64, cross_attention_dim=768, resnet_time_scale_shift="scale_shift",
    encoder_hid_dim=1280, encoder_hid_dim_type="image_proj", addition_embed_type="image",
)
MOVQ = dict(
    block_out_channels=(128, 256, 256, 512), layers_per_block=2, latent_channels=4, vq_embed_dim=4, num_vq_embeddings=16384,
    norm_type="spatial", down_block_types=("DownEncoderBlock2D",) * 3 + ("AttnDownEncoderBlock2D",),
    up_block_types=("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * 3,
)
TEXT = dict(vocab_size=49408, max_position_embeddings=77, bos_token_id=49406, eos_token_id=49407)


def encoders():
    first = CLIPTextConfig(
        hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, projection_dim=768,
        hidden_act="quick_gelu", **TEXT,
    )
    second = CLIPTextConfig(
        hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20, projection_dim=1280,
        hidden_act="gelu", **TEXT,
    )
    return CLIPTextModel(first), CLIPTextModelWithProjection(second)


def shapes_of(model):
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items() if "position_ids" not in name}


def write_weights(path, shapes):
    """Each tensor from one pool of numbers, as small as its width asks for: no more than a tensor is in memory."""
    pool = np.random.default_rng(0).standard_normal(SIZE, dtype=np.float32)
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * int(np.prod(shape))
        header[name] = dict(dtype="F16", shape=shape, data_offsets=[start, end])
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            count = int(np.prod(shape))
            scale = 0.02 if len(shape) < 2 else 0.5 / float(np.prod(shape[1:])) ** 0.5
            numbers = np.resize(pool, count) * scale
            if "norm" in name and name.endswith("weight"):
                numbers += 1
            file.write(numbers.astype(np.float16).tobytes())


def write_tokenizer(folder, pad):
    letters = byte_letters()
    tokens = letters + [letter + "</w>" for letter in letters]
    tokens += [f"<|{index}|>" for index in range(len(tokens), 49406)] + ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    special = dict(bos_token="<|startoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>", pad_token=pad)
    (folder / "tokenizer_config.json").write_text(json.dumps(special | dict(model_max_length=77)))


def xl():
    first, second = encoders()
    return dict(unet=UNet2DConditionModel(**UNET), vae=AutoencoderKL(**VAE), text_encoder=first, text_encoder_2=second)


def stable_diffusion():
    return dict(unet=UNet2DConditionModel(**UNET_1), vae=AutoencoderKL(**VAE_1), text_encoder=encoders()[0])


def unclip():
    text = CLIPTextConfig(
        hidden_size=1280, intermediate_size=5120, num_hidden_layers=1, num_attention_heads=20, projection_dim=1280,
        hidden_act="gelu", pad_token_id=49407, **TEXT,
    )
    vision = CLIPVisionConfig(
        hidden_size=64, intermediate_size=128, projection_dim=1280, num_hidden_layers=1, num_attention_heads=1,
        image_size=224, patch_size=14, hidden_act="gelu",
    )
    prior = dict(
        num_attention_heads=32, attention_head_dim=64, num_layers=1, embedding_dim=1280, num_embeddings=77, additional_embeddings=4,
    )
    return dict(
        unet=UNet2DConditionModel(**UNET_KANDINSKY), movq=VQModel(**MOVQ), prior_prior=PriorTransformer(**prior),
        prior_text_encoder=CLIPTextModelWithProjection(text), prior_image_encoder=CLIPVisionModelWithProjection(vision),
    )


DDPM = dict(
    _class_name="DDPMScheduler", beta_start=0.00085, beta_end=0.012, beta_schedule="linear", num_train_timesteps=1000,
    clip_sample=False, prediction_type="epsilon", variance_type="fixed_small",
)
UNCLIP = dict(
    _class_name="UnCLIPScheduler", num_train_timesteps=1000, variance_type="fixed_small_log", clip_sample=True, clip_sample_range=5.0,
    prediction_type="sample",
)
PROCESSOR = dict(
    image_processor_type="CLIPImageProcessor", do_center_crop=True, do_resize=True, do_normalize=True, do_rescale=True, do_convert_rgb=True,
    crop_size=dict(height=224, width=224), size=dict(shortest_edge=224), resample=3, rescale_factor=1 / 255,
    image_mean=[0.48145466, 0.4578275, 0.40821073], image_std=[0.26862954, 0.26130258, 0.27577711],
)


FAMILIES = dict(
    stable_diffusion_xl=(xl, dict(_class_name="StableDiffusionXLPipeline", force_zeros_for_empty_prompt=True), "sdxl.json"),
    stable_diffusion=(stable_diffusion, dict(_class_name="StableDiffusionPipeline"), "sd15.json"),
    unclip=(unclip, dict(_class_name="KandinskyV22CombinedPipeline"), None),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--family", choices=FAMILIES, default="stable_diffusion_xl")
    arguments = parser.parse_args()
    root = arguments.folder
    make, index, names = FAMILIES[arguments.family]
    if root.suffix == ".safetensors":
        tensors = json.loads((SINGLE_FILES / names).read_text())["tensors"]
        write_weights(root, {name: tuple(shape) for name, shape, part in tensors if part})
        return
    with torch.device("meta"):
        parts = make()
    for name, model in parts.items():
        folder = root / name
        folder.mkdir(parents=True)
        model.save_config(folder) if hasattr(model, "save_config") else model.config.save_pretrained(folder)
        stem = "model" if "encoder" in name else "diffusion_pytorch_model"
        write_weights(folder / f"{stem}.safetensors", shapes_of(model))
    index |= {name: [type(model).__module__.split(".")[0], type(model).__name__] for name, model in parts.items()}
    if "movq" in parts:
        index |= write_around_unclip(root)
    else:
        index |= write_around_stable_diffusion(root, parts)
    (root / "model_index.json").write_text(json.dumps(index))


def write_around_stable_diffusion(root, parts):
    """Tokenizers and the schedule. Returns what the index says of them."""
    write_tokenizer(root / "tokenizer", "<|endoftext|>")
    if "text_encoder_2" in parts:
        write_tokenizer(root / "tokenizer_2", "!")
    write_config(
        root / "scheduler" / "scheduler_config.json", _class_name="EulerDiscreteScheduler", beta_start=0.00085, beta_end=0.012,
        beta_schedule="scaled_linear", num_train_timesteps=1000, steps_offset=1, timestep_spacing="leading", prediction_type="epsilon",
    )
    tokenizers = [name.replace("text_encoder", "tokenizer") for name in parts if name.startswith("text")]
    return dict(scheduler=["diffusers", "EulerDiscreteScheduler"]) | {name: ["transformers", "CLIPTokenizer"] for name in tokenizers}


def write_around_unclip(root):
    """The tokenizer, both schedules and the picture's preparation. Returns what the index says of them."""
    write_tokenizer(root / "prior_tokenizer", "<|endoftext|>")
    write_config(root / "scheduler" / "scheduler_config.json", **DDPM)
    write_config(root / "prior_scheduler" / "scheduler_config.json", **UNCLIP)
    write_config(root / "prior_image_processor" / "preprocessor_config.json", **PROCESSOR)
    return dict(
        scheduler=["diffusers", "DDPMScheduler"], prior_scheduler=["diffusers", "UnCLIPScheduler"],
        prior_tokenizer=["transformers", "CLIPTokenizer"], prior_image_processor=["transformers", "CLIPImageProcessor"],
    )


def write_config(path, **config):
    path.parent.mkdir()
    path.write_text(json.dumps(config))


if __name__ == "__main__":
    main()
