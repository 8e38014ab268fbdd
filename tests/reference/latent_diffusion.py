"""What the scripts of latent diffusion's families share: small parts with random weights, cases, and how they are run."""

import json
import shutil

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
)
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from make_pipeline import MAX_LENGTH, PROMPT, randomise, tokenizer

SAMPLERS = {
    # A folder that asks for another scheduler was never meant to clip.
    "ddim": (DDIMScheduler, dict(clip_sample=False)),
    "euler": (EulerDiscreteScheduler, {}),
    "euler_ancestral": (EulerAncestralDiscreteScheduler, {}),
    "dpmpp_2m_karras": (DPMSolverMultistepScheduler, dict(use_karras_sigmas=True)),
}
TRAINED = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)
DEFAULTS = dict(
    prompt=PROMPT, negative=None, seed=11, width=24, height=32, steps=5, guidance=7.5, sampler=None, clip_skip=0,
    strength=None, mask=False,
)


def tokens(pad=None):
    """The small tokenizer, with another padding where one is named, as OpenCLIP's has."""
    made = tokenizer()
    if pad is not None:
        made.pad_token = pad
    return made


def text_encoder(made, width, n_layers, act, projection=None, **more):
    """`projection` is the width that the end of a text is projected to."""
    n_tokens = len(made)
    config = CLIPTextConfig(
        vocab_size=n_tokens, hidden_size=width, intermediate_size=48, num_hidden_layers=n_layers,
        num_attention_heads=4, max_position_embeddings=MAX_LENGTH, hidden_act=act, bos_token_id=n_tokens - 2,
        eos_token_id=n_tokens - 1, pad_token_id=made.pad_token_id, projection_dim=projection or width, **more,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def autoencoder(seed, **more):
    vae = AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(8, 8), layers_per_block=1,
        norm_num_groups=4, down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        **more,
    )
    vae = randomise(vae, seed)
    # A saturated picture would hide what differs, and so would a source that is nothing but its own noise.
    with torch.no_grad():
        vae.decoder.conv_out.weight.copy_((vae.decoder.conv_out.weight * 0.6).half().float())
        vae.quant_conv.bias[4:].copy_(torch.tensor(-1.0))
    return vae


def scheduler_of(pipe, sampler):
    """Another scheduler over the pipeline's config, as if that had been read from its folder.

    Of a config in memory `from_config` takes only what somebody asked for by name; in a file all entries count.
    """
    if sampler is None:
        return pipe.scheduler
    kind, more = SAMPLERS[sampler]
    entries = {name: value for name, value in pipe.scheduler.config.items() if not name.startswith("_")}
    return kind.from_config(entries, **more)


def source_picture(width, height):
    """Slow waves of colour."""
    x = torch.linspace(0, 3, width)[None, :, None]
    y = torch.linspace(0, 2, height)[:, None, None]
    waves = torch.sin(x + y * torch.tensor([1.0, 2.0, 3.0]) + torch.tensor([0.0, 1.0, 2.0]))
    return Image.fromarray(((waves * 0.5 + 0.5) * 255).round().byte().numpy())


def mask_picture(width, height):
    """White where it is repainted: a box that no latent cell of two pixels is cut by."""
    mask = np.zeros((height, width), np.uint8)
    mask[8:24, 6:20] = 255
    return Image.fromarray(mask)


def bytes_of(picture):
    """A picture's pixels as a tensor: height, width and, of colours, channels."""
    return torch.from_numpy(np.array(picture))


@torch.no_grad()
def run(pipe, kinds, case, source, mask, **words):
    """`kinds` are the pipelines of pictures from text, from a picture, and of a masked one."""
    asked = dict(
        num_inference_steps=case["steps"], guidance_scale=case["guidance"],
        generator=torch.Generator("cpu").manual_seed(case["seed"]), output_type="np", **words,
    )
    size = dict(height=case["height"], width=case["width"])
    from_text, from_picture, of_mask = kinds
    if case["mask"]:
        kind, more = of_mask, dict(image=source, mask_image=mask, strength=case["strength"], **size)
    elif case["strength"] is not None:
        kind, more = from_picture, dict(image=source, strength=case["strength"])
    else:
        kind, more = from_text, size
    made = kind.from_pipe(pipe, scheduler=scheduler_of(pipe, case["sampler"]))
    made.set_progress_bar_config(disable=True)
    return made(**asked, **more).images[0]


def write(folder, pipe, cases, draw, tensors=None, more=lambda: None, least=10):
    """Draws all cases, and saves the pipeline in half precision with what it drew.

    Any two pictures must be further than `least` apart somewhere, or a wrong one could pass for the right one.

    The weights are rounded to half precision before, so both sides calculate with the same numbers in f32. `more` writes
    further parts into the folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    pipe.set_progress_bar_config(disable=True)
    cases = {name: DEFAULTS | case for name, case in cases.items()}
    source, mask = (picture(DEFAULTS["width"], DEFAULTS["height"]) for picture in (source_picture, mask_picture))
    tensors = {"source": bytes_of(source), "mask": bytes_of(mask)} | (tensors or {})
    pictures = {}
    for name, case in cases.items():
        picture = torch.from_numpy(draw(pipe, case, source, mask)) * 255
        # Of each colour by itself: a picture that is one colour all over tells of nothing but biases.
        spread = picture.std(dim=(0, 1))
        assert 15 < spread.min() and spread.max() < 110, (name, spread)
        for other, drawn in pictures.items():
            if drawn.shape == picture.shape:
                difference = (drawn - picture).abs().max()
                assert difference > least, f"{name} shows what {other} shows: {difference}"
        pictures[name] = picture
        tensors[f"{name}.pixels"] = picture.round().to(torch.uint8)
    more()
    pipe.to(torch.float16).save_pretrained(folder)
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "expected.safetensors")
    (folder / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
