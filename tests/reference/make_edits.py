"""Adds edits to tests/fixtures/pipeline/: a decoder for repainting, and what edits of one picture come to.

Run it after `make_pipeline.py`, whose model it uses. `unet_inpaint/` is a second decoder for that model, with
nine channels. `edits.safetensors` holds a picture for each case of `edits.json`, and schedulers' `add_noise`.

    python tests/reference/make_edits.py
"""

import json

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    KandinskyV22Img2ImgPipeline,
    KandinskyV22InpaintPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from safetensors.torch import save_file

from make_pipeline import DEFAULTS, FOLDER, WIDTH, make_pipeline, randomise

SCALE = 2
SCHEDULERS = dict(
    ddpm=DDPMScheduler,
    ddim=DDIMScheduler,
    euler=EulerDiscreteScheduler,
    euler_ancestral=EulerAncestralDiscreteScheduler,
    dpmpp_2m=DPMSolverMultistepScheduler,
)


def repainting_unet():
    unet = UNet2DConditionModel(
        in_channels=9, out_channels=8, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        attention_head_dim=8, norm_num_groups=4, resnet_time_scale_shift="scale_shift", cross_attention_dim=16,
        encoder_hid_dim=WIDTH, encoder_hid_dim_type="image_proj", addition_embed_type="image",
    )
    return randomise(unet, 9)


def picture(width, height):
    """Smooth colours with some grain."""
    generator = np.random.default_rng(3)
    coarse = Image.fromarray(generator.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.BICUBIC), dtype=np.int16)
    return np.clip(smooth + generator.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)


def masks(width, height):
    """Hard ones at odd places, and a soft one."""
    blocks = np.zeros((height, width), dtype=np.uint8)
    blocks[9:20, 5:14] = 255
    blocks[1, 21] = 255
    blocks[height - 2:, width - 3:] = 255
    edges = np.full((height, width), 255, dtype=np.uint8)
    edges[3:height - 5, 1:width - 7] = 0
    soft = np.zeros((height, width), dtype=np.uint8)
    for inset, value in [(2, 60), (4, 110), (6, 170), (8, 255)]:
        soft[inset:height - inset, inset:width - inset] = value
    return dict(blocks=blocks, edges=edges, soft=soft)


CASES = dict(
    img2img_03=dict(strength=0.3),
    img2img_05=dict(strength=0.5, steps=10),
    img2img_07=dict(strength=0.7, steps=10, width=32, height=24, seed=8),
    img2img_1=dict(strength=1.0),
    img2img_ddim=dict(strength=0.6, sampler="ddim"),
    img2img_negative=dict(strength=0.8, negative="blue and dark"),
    img2img_unguided=dict(strength=0.8, guidance=1.0, prior_guidance=1.0),
    inpaint_blocks=dict(decoder="inpaint", mask="blocks"),
    inpaint_edges=dict(decoder="inpaint", mask="edges", width=32, height=24),
    inpaint_ddim=dict(decoder="inpaint", mask="blocks", sampler="ddim"),
    inpaint_unguided=dict(decoder="inpaint", mask="edges", guidance=1.0),
    differential_soft=dict(mask="soft", strength=1.0, steps=8),
    differential_06=dict(mask="soft", strength=0.6, steps=10, width=32, height=24),
    differential_blocks=dict(mask="blocks", strength=0.8),
    differential_ddim=dict(mask="soft", strength=0.9, steps=10, sampler="ddim", seed=8),
    differential_euler=dict(mask="soft", strength=0.7, steps=10, sampler="euler"),
    differential_euler_ancestral=dict(mask="soft", strength=0.7, steps=10, sampler="euler_ancestral"),
    differential_dpmpp_2m=dict(mask="soft", strength=0.7, steps=10, sampler="dpmpp_2m"),
    blend=dict(mask="soft", strength=0.6, steps=10, steering="blend"),
)
EDIT_DEFAULTS = DEFAULTS | dict(mask=None, strength=1.0, decoder="ordinary", sampler="ddpm", steering="prompt")


def slerp(a, b, weight):
    """Directions along the great circle, lengths in a straight line."""
    length = (1 - weight) * a.norm() + weight * b.norm()
    a, b = a / a.norm(), b / b.norm()
    angle = torch.arccos((a * b).sum())
    return length * (torch.sin((1 - weight) * angle) * a + torch.sin(weight * angle) * b) / torch.sin(angle)


def differential(pipe, scheduler, case, image_embeds, negative_embeds, image, mask, generator):
    """Differential diffusion (Levin and Fried 2023) over Kandinsky's own loop: diffusers has none for it."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    source = pipe.movq.encode(pixels).latents
    change = torch.nn.functional.max_pool2d(torch.from_numpy(mask)[None, None].float() / 255, SCALE)
    scheduler.set_timesteps(case["steps"])
    n_own_steps = int(case["steps"] * case["strength"])
    n_skipped = case["steps"] - n_own_steps
    timesteps = scheduler.timesteps[n_skipped:]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(n_skipped)
    noise = torch.randn(source.shape, generator=generator)
    # At full strength nothing of what is there shines through, as in the pipelines for inpainting.
    if n_skipped:
        latents = scheduler.add_noise(source, noise, timesteps[:1])
    else:
        latents = noise * scheduler.init_noise_sigma
    embeds = torch.cat([negative_embeds, image_embeds])
    for i, timestep in enumerate(timesteps):
        output = pipe.unet(
            sample=torch.cat([scheduler.scale_model_input(latents, timestep)] * 2), timestep=timestep,
            encoder_hidden_states=None, added_cond_kwargs=dict(image_embeds=embeds), return_dict=False,
        )[0]
        unconditional, conditional = output[:, :4].chunk(2)
        guided = unconditional + case["guidance"] * (conditional - unconditional)
        extra = {} if isinstance(scheduler, EulerDiscreteScheduler) else dict(generator=generator)
        latents = scheduler.step(guided, timestep, latents, **extra).prev_sample
        n_left = n_own_steps - (i + 1)
        noised = scheduler.add_noise(source, noise, timesteps[i + 1:i + 2]) if n_left else source
        kept = ((change <= 0) | (change * n_own_steps < n_left)).float()
        latents = kept * noised + (1 - kept) * latents
    decoded = pipe.movq.decode(latents, force_not_quantize=True).sample
    return (decoded * 0.5 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()


@torch.no_grad()
def run(pipe, unet_inpaint, case):
    width, height = case["width"], case["height"]
    image = picture(width, height)
    mask = case["mask"] and masks(width, height)[case["mask"]]
    generator = torch.Generator("cpu").manual_seed(case["seed"])
    image_embeds, negative_embeds = pipe.prior_pipe(
        case["prompt"], negative_prompt=case["negative"], num_inference_steps=case["prior_steps"],
        guidance_scale=case["prior_guidance"], generator=generator, return_dict=False,
    )
    scheduler = SCHEDULERS[case["sampler"]].from_config(pipe.scheduler.config)
    common = dict(
        image_embeds=image_embeds, negative_image_embeds=negative_embeds, num_inference_steps=case["steps"],
        guidance_scale=case["guidance"], generator=generator, output_type="np",
    )
    if case["decoder"] == "inpaint":
        inpaint = KandinskyV22InpaintPipeline(unet_inpaint, scheduler, pipe.movq)
        inpaint.set_progress_bar_config(disable=True)
        return inpaint(
            image=Image.fromarray(image), mask_image=Image.fromarray(mask), width=width, height=height, **common
        ).images
    if mask is None:
        img2img = KandinskyV22Img2ImgPipeline(pipe.unet, scheduler, pipe.movq)
        img2img.set_progress_bar_config(disable=True)
        # It hands the two sides to its image processor in the wrong order.
        return img2img(
            image=Image.fromarray(image), strength=case["strength"], width=height, height=width, **common
        ).images
    if case["steering"] == "blend":
        pixel_values = pipe.prior_image_processor(image, return_tensors="pt").pixel_values
        context_embeds = pipe.prior_image_encoder(pixel_values).image_embeds
        image_embeds = slerp(context_embeds[0], image_embeds[0], case["strength"])[None]
    return differential(pipe, scheduler, case, image_embeds, negative_embeds, image, mask, generator)


def watch(movq):
    """Lets `movq` keep the latents that it has decoded last."""
    decode = movq.decode

    def watched(latents, **options):
        movq.decoded_last = latents
        return decode(latents, **options)

    movq.decode = watched


def unsteadiness(movq):
    """By how many of 255 levels the last picture moves when its latents move by a hundred-thousandth.

    Random weights leave some channels all but even, which a norm then blows up: such a picture would say more of a
    device's rounding than of the engine.
    """
    latents = movq.decoded_last.double()
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    movq.double()
    still, nudged = (
        movq.decode(z, force_not_quantize=True).sample for z in (latents, latents * (1 + 1e-5 * noise))
    )
    movq.float()
    return 127.5 * (nudged - still).abs().max().item()


def noised(config, tensors):
    """What `add_noise` makes of a picture at the first step, one in the middle and the last."""
    generator = torch.Generator().manual_seed(1)
    tensors["noised.picture"] = torch.randn(1, 4, 3, 5, generator=generator)
    tensors["noised.noise"] = torch.randn(1, 4, 3, 5, generator=generator)
    for name, scheduler in SCHEDULERS.items():
        scheduler = scheduler.from_config(config)
        scheduler.set_timesteps(10)
        for index in [0, 4, 9]:
            tensors[f"noised.{name}.{index}"] = scheduler.add_noise(
                tensors["noised.picture"], tensors["noised.noise"], scheduler.timesteps[index:index + 1]
            )


@torch.no_grad()
def main():
    pipe = make_pipeline()
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = DDPMScheduler.from_pretrained(FOLDER / "scheduler")
    watch(pipe.movq)
    unet_inpaint = repainting_unet()
    tensors, cases = {}, {}
    for width, height in [(24, 32), (32, 24)]:
        tensors[f"picture.{width}x{height}"] = torch.from_numpy(picture(width, height))
        for name, mask in masks(width, height).items():
            tensors[f"{name}.{width}x{height}"] = torch.from_numpy(mask)
    for name, changes in CASES.items():
        case = cases[name] = EDIT_DEFAULTS | changes
        pixels = (run(pipe, unet_inpaint, case)[0] * 255).round().astype(np.uint8)
        tensors[f"{name}.pixels"] = torch.from_numpy(pixels)
        levels = unsteadiness(pipe.movq)
        print(name, pixels.shape, pixels.mean().round(1), pixels.std().round(1), f"unsteady by {levels:.2f}")
        assert levels < 2, f"{name} needs another seed"
    noised(pipe.scheduler.config, tensors)
    unet_inpaint.half().save_pretrained(FOLDER / "unet_inpaint")
    save_file({key: value.contiguous() for key, value in tensors.items()}, FOLDER / "edits.safetensors")
    (FOLDER / "edits.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
