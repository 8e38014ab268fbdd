"""Writes tests/fixtures/pipeline/: a tiny unCLIP model with random weights, and the pictures it makes.

The folder is what `KandinskyV22CombinedPipeline.save_pretrained` leaves, in half precision; the weights are
rounded to it before anything is computed, so both sides calculate with the same numbers in f32.
`expected.safetensors` holds a picture for each case of `cases.json`, with the embeddings it came from.

    python tests/reference/make_pipeline.py
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    KandinskyV22CombinedPipeline,
    PriorTransformer,
    UnCLIPScheduler,
    UNet2DConditionModel,
    VQModel,
)
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "pipeline"
WIDTH = 32
MAX_LENGTH = 16
PROMPT = "A red boat on the sea"
MERGES = ["r e", "re d</w>", "b o", "a t</w>", "bo at</w>", "t h", "th e</w>", "s e", "se a</w>", "o n</w>"]


def byte_letters():
    """GPT-2's printable letter for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def tokenizer():
    letters = byte_letters()
    tokens = letters + [letter + "</w>" for letter in letters] + [merge.replace(" ", "") for merge in MERGES]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: index for index, token in enumerate(tokens)}
    merges = [tuple(merge.split(" ")) for merge in MERGES]
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=MAX_LENGTH)


def randomise(model, seed):
    """Large enough that each part shows in the picture, small enough that errors do not grow on the way."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name and name.endswith("weight") or name.endswith("clip_std"):
                parameter.copy_(1 + 0.1 * noise)
            elif parameter.dim() >= 2 and "embedding" not in name:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.2 * noise)
            parameter.copy_(parameter.half().float())
    return model.eval()


def make_pipeline():
    tokens = tokenizer()
    n_tokens = len(tokens)
    text_encoder = CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=n_tokens, hidden_size=WIDTH, intermediate_size=48, projection_dim=WIDTH, num_hidden_layers=2,
            num_attention_heads=4, max_position_embeddings=MAX_LENGTH, hidden_act="gelu",
            bos_token_id=n_tokens - 2, eos_token_id=n_tokens - 1, pad_token_id=n_tokens - 1,
        )
    )
    image_encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=32, intermediate_size=48, projection_dim=WIDTH, num_hidden_layers=2,
            num_attention_heads=4, image_size=24, patch_size=8, hidden_act="gelu",
        )
    )
    prior = PriorTransformer(
        num_attention_heads=2, attention_head_dim=16, num_layers=2, embedding_dim=WIDTH,
        num_embeddings=MAX_LENGTH, additional_embeddings=4,
    )
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=8, block_out_channels=(8, 16), layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        attention_head_dim=8, norm_num_groups=4, resnet_time_scale_shift="scale_shift", cross_attention_dim=16,
        encoder_hid_dim=WIDTH, encoder_hid_dim_type="image_proj", addition_embed_type="image",
    )
    movq = VQModel(
        in_channels=3, out_channels=3, latent_channels=4, vq_embed_dim=4, num_vq_embeddings=16,
        block_out_channels=(32, 32), layers_per_block=1, norm_type="spatial",
        down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
    )
    models = [text_encoder, image_encoder, prior, unet, movq]
    text_encoder, image_encoder, prior, unet, movq = [randomise(model, seed) for seed, model in enumerate(models)]
    # A saturated picture would hide what differs.
    with torch.no_grad():
        movq.decoder.conv_out.weight.copy_((movq.decoder.conv_out.weight * 0.03).half().float())
    side = dict(shortest_edge=24)
    return KandinskyV22CombinedPipeline(
        unet=unet,
        scheduler=DDPMScheduler(beta_start=0.00085, beta_end=0.012, clip_sample=False, steps_offset=1),
        movq=movq,
        prior_prior=prior,
        prior_image_encoder=image_encoder,
        prior_text_encoder=text_encoder,
        prior_tokenizer=tokens,
        prior_scheduler=UnCLIPScheduler(prediction_type="sample", clip_sample_range=5.0),
        prior_image_processor=CLIPImageProcessorPil(size=side, crop_size=dict(height=24, width=24)),
    )


def own_decoder_loop(pipe, scheduler, case, image_embeds, negative_embeds, generator):
    """KandinskyV22Pipeline's loop with the call to `scale_model_input` that it lacks."""
    scale = case["guidance"]
    scheduler.set_timesteps(case["steps"])
    embeds = torch.cat([negative_embeds, image_embeds])
    shape = (1, 4, case["height"] // 2, case["width"] // 2)
    latents = torch.randn(shape, generator=generator) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        model_input = scheduler.scale_model_input(latents, timestep)
        output = pipe.unet(
            sample=torch.cat([model_input] * 2), timestep=timestep, encoder_hidden_states=None,
            added_cond_kwargs=dict(image_embeds=embeds), return_dict=False,
        )[0]
        unconditional, conditional = output[:, :4].chunk(2)
        guided = unconditional + scale * (conditional - unconditional)
        extra = {} if isinstance(scheduler, EulerDiscreteScheduler) else dict(generator=generator)
        latents = scheduler.step(guided, timestep, latents, **extra).prev_sample
    image = pipe.movq.decode(latents, force_not_quantize=True).sample
    return (image * 0.5 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()


CASES = dict(
    default=dict(),
    other_seed=dict(seed=2**32 + 77, width=32, height=24),
    negative=dict(negative="blue and dark"),
    empty_negative=dict(negative=""),
    unguided=dict(guidance=1.0, prior_guidance=1.0),
    unguided_negative=dict(guidance=1.0, prior_guidance=1.0, negative="the sea"),
    long_prompt=dict(prompt="a boat on the sea " * 8),
    latents=dict(latents=True),
    ddim_folder=dict(folder="ddim"),
    euler=dict(sampler="euler"),
    euler_ancestral=dict(sampler="euler_ancestral"),
    dpmpp_2m=dict(sampler="dpmpp_2m"),
    dpmpp_2m_karras=dict(sampler="dpmpp_2m_karras"),
)
DEFAULTS = dict(
    prompt=PROMPT, negative=None, seed=11, width=24, height=32, steps=5, prior_steps=4, guidance=4.0, prior_guidance=3.0,
)


@torch.no_grad()
def run(pipe, case, name, tensors):
    generator = torch.Generator("cpu").manual_seed(case["seed"])
    image_embeds, negative_embeds = pipe.prior_pipe(
        case["prompt"], negative_prompt=case["negative"], num_inference_steps=case["prior_steps"],
        guidance_scale=case["prior_guidance"], generator=generator, return_dict=False,
    )
    tensors[f"{name}.image_embeds"] = image_embeds
    tensors[f"{name}.negative_image_embeds"] = negative_embeds
    config = pipe.scheduler.config
    schedulers = dict(
        euler=lambda: EulerDiscreteScheduler.from_config(config),
        euler_ancestral=lambda: EulerAncestralDiscreteScheduler.from_config(config),
        dpmpp_2m=lambda: DPMSolverMultistepScheduler.from_config(config),
        dpmpp_2m_karras=lambda: DPMSolverMultistepScheduler.from_config(config, use_karras_sigmas=True),
    )
    if sampler := case.get("sampler"):
        scheduler = schedulers[sampler]()
        return own_decoder_loop(pipe, scheduler, case, image_embeds, negative_embeds, generator)
    latents = None
    if case.get("latents"):
        latents = torch.randn(1, 4, case["height"] // 2, case["width"] // 2, generator=torch.Generator().manual_seed(5))
        tensors["latents"] = latents
    pipe.decoder_pipe.scheduler = DDIMScheduler.from_config(config) if case.get("folder") == "ddim" else pipe.scheduler
    return pipe.decoder_pipe(
        image_embeds, negative_embeds, height=case["height"], width=case["width"], num_inference_steps=case["steps"],
        guidance_scale=case["guidance"], generator=generator, latents=latents, output_type="np",
    ).images


@torch.no_grad()
def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    pipe = make_pipeline()
    pipe.set_progress_bar_config(disable=True)
    # A scheduler from a file knows no defaults: `from_config` must see the same here as there.
    pipe.scheduler.save_pretrained(FOLDER / "scheduler")
    pipe.scheduler = DDPMScheduler.from_pretrained(FOLDER / "scheduler")
    DDIMScheduler.from_config(pipe.scheduler.config).save_pretrained(FOLDER / "ddim")
    tensors, cases = {}, {}
    for name, changes in CASES.items():
        case = cases[name] = DEFAULTS | changes
        image = run(pipe, case, name, tensors)
        # As `numpy_to_pil` rounds.
        pixels = (image[0] * 255).round().astype(np.uint8)
        tensors[f"{name}.pixels"] = torch.from_numpy(pixels)
        print(name, pixels.shape, pixels.mean().round(1), pixels.std().round(1))
    pipe.decoder_pipe.scheduler = pipe.scheduler
    whole = pipe(
        PROMPT, num_inference_steps=5, prior_num_inference_steps=4, guidance_scale=4.0, prior_guidance_scale=3.0,
        width=24, height=32, generator=torch.Generator("cpu").manual_seed(11), output_type="np",
    ).images
    # The combined pipeline itself says the same as its two halves one after the other.
    assert np.array_equal((whole[0] * 255).round().astype(np.uint8), tensors["default.pixels"].numpy())
    prompt_embed = pipe.prior_text_encoder(
        pipe.prior_tokenizer(
            PROMPT, padding="max_length", max_length=MAX_LENGTH, truncation=True, return_tensors="pt"
        ).input_ids
    ).text_embeds
    similarities = []
    for seed in range(DEFAULTS["seed"], DEFAULTS["seed"] + 3):
        image = run(pipe, DEFAULTS | dict(seed=seed), "default", {})
        pixels = (image[0] * 255).round().astype(np.uint8)
        pixel_values = pipe.prior_image_processor(pixels, return_tensors="pt").pixel_values
        image_embed = pipe.prior_image_encoder(pixel_values).image_embeds
        similarities.append(torch.nn.functional.cosine_similarity(image_embed, prompt_embed))
    tensors["similarities"] = torch.cat(similarities)
    pipe.to(torch.float16).save_pretrained(FOLDER)
    save_file({key: value.contiguous() for key, value in tensors.items()}, FOLDER / "expected.safetensors")
    (FOLDER / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    print(sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()), "bytes")


if __name__ == "__main__":
    main()
