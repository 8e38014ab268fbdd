"""Adds gestures to tests/fixtures/pipeline/: variations, blends and shifts of small pictures, and CLIP embeddings.

Run it after `make_pipeline.py`, whose model it uses. `gestures.safetensors` holds a picture for each case of
`gestures.json`; `inversion.*` is `DDIMInverseScheduler` over a formula in the place of a model.

    python tests/reference/make_gestures.py
"""

import json

import numpy as np
import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler, DDPMScheduler, KandinskyV22Img2ImgPipeline
from PIL import Image
from safetensors.torch import save_file

from make_edits import slerp, unsteadiness, watch
from make_pipeline import DEFAULTS, FOLDER, make_pipeline

PICTURES = dict(a=(24, 32, 3), b=(32, 24, 4), c=(40, 25, 5))
CASES = dict(
    vary_far=dict(deed="vary", far=1.0),
    vary_far_wide=dict(deed="vary", picture="b", far=1.0, width=32, height=24, steps=8),
    vary_near=dict(deed="vary", far=0.3, steps=10),
    vary_half=dict(deed="vary", picture="b", far=0.5, width=32, height=24, steps=10),
    vary_negative=dict(deed="vary", far=1.0, negative="blue and dark", seed=1),
    vary_prompt=dict(deed="vary", far=0.7, steps=10, prompt="the sea", seed=1),
    vary_unguided=dict(deed="vary", far=1.0, guidance=1.0, prior_guidance=1.0),
    blend_linear=dict(deed="blend", inputs=["a", "b"], weights=[0.3, 0.7], mix="linear"),
    blend_linear_text=dict(deed="blend", inputs=["a", "text:a red boat"], weights=[0.5, 0.5], mix="linear"),
    blend_linear_negative=dict(
        deed="blend", inputs=["text:the sea", "c", "text:a red boat"], weights=[0.25, 0.5, 0.25], mix="linear",
        negative="blue and dark",
    ),
    blend_slerp=dict(deed="blend", inputs=["a", "b", "c"], weights=[1.0, 2.0, 1.0], mix="slerp", seed=1),
    blend_inverted=dict(deed="blend", inputs=["a", "b"], weights=[0.4, 0.6], mix="slerp", noise="inverted"),
    blend_inverted_text=dict(
        deed="blend", inputs=["text:the sea", "a"], weights=[0.75, 0.25], mix="slerp", noise="inverted"
    ),
    shift_0=dict(deed="shift", change=["the sea", "a red boat"], amount=0.0),
    shift_half=dict(deed="shift", change=["the sea", "a red boat"], amount=0.5),
    shift_1=dict(deed="shift", picture="b", change=["a boat", "red"], amount=1.0, width=32, height=24),
)
GESTURE_DEFAULTS = DEFAULTS | dict(
    prompt="", picture="a", far=1.0, inputs=[], weights=[], mix="slerp", noise="seed", change=[], amount=0.0,
)
N_INVERSION_STEPS = 50


def picture(width, height, seed):
    """Smooth colours with some grain."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.BICUBIC), dtype=np.int16)
    return np.clip(smooth + generator.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)


class Gestures:
    def __init__(self, pipe):
        self.pipe = pipe
        self.pictures = {name: Image.fromarray(picture(*args)) for name, args in PICTURES.items()}

    def image_embeds(self, name):
        pixel_values = self.pipe.prior_image_processor(self.pictures[name], return_tensors="pt").pixel_values
        return self.pipe.prior_image_encoder(pixel_values).image_embeds

    def text_embeds(self, text):
        tokens = self.pipe.prior_tokenizer(
            text, padding="max_length", max_length=self.pipe.prior_tokenizer.model_max_length, truncation=True,
            return_tensors="pt",
        )
        return self.pipe.prior_text_encoder(tokens.input_ids).text_embeds

    def draw(self, text, case, generator):
        return self.pipe.prior_pipe(
            text, num_inference_steps=case["prior_steps"], guidance_scale=case["prior_guidance"], generator=generator,
        ).image_embeds

    def negative_embeds(self, case, generator):
        if case["negative"] is None:
            return self.pipe.prior_pipe.get_zero_embed()
        return self.draw(case["negative"], case, generator)

    def latents(self, name, case):
        resized = self.pictures[name].resize((case["width"], case["height"]), Image.BICUBIC)
        pixels = torch.from_numpy(np.asarray(resized)).permute(2, 0, 1)[None].float() / 127.5 - 1
        return self.pipe.movq.encode(pixels).latents

    def noise_prediction(self, latents, timestep, embeds, negative_embeds, scale):
        if scale <= 1:
            negative_embeds, scale = embeds, 1.0
        unconditional, conditional = self.pipe.unet(
            sample=torch.cat([latents] * 2), timestep=timestep, encoder_hidden_states=None,
            added_cond_kwargs=dict(image_embeds=torch.cat([negative_embeds, embeds])), return_dict=False,
        )[0][:, :4].chunk(2)
        return unconditional + scale * (conditional - unconditional)

    def invert(self, name, case):
        scheduler = DDIMInverseScheduler.from_config(self.pipe.scheduler.config)
        scheduler.set_timesteps(N_INVERSION_STEPS)
        latents, embeds = self.latents(name, case), self.image_embeds(name)
        for timestep in scheduler.timesteps:
            epsilon = self.noise_prediction(latents, timestep, embeds, None, 1.0)
            latents = scheduler.step(epsilon, timestep, latents).prev_sample
        return latents

    def walk_forwards(self, latents, embeds, negative_embeds, scale):
        scheduler = DDIMScheduler.from_config(self.pipe.scheduler.config)
        scheduler.set_timesteps(N_INVERSION_STEPS)
        for timestep in scheduler.timesteps:
            epsilon = self.noise_prediction(latents, timestep, embeds, negative_embeds, scale)
            latents = scheduler.step(epsilon, timestep, latents, eta=0.0).prev_sample
        return self.decode(latents)

    def decode(self, latents):
        decoded = self.pipe.movq.decode(latents, force_not_quantize=True).sample
        return (decoded * 0.5 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()

    def decoder(self, embeds, negative_embeds, case, generator):
        return self.pipe.decoder_pipe(
            embeds, negative_embeds, height=case["height"], width=case["width"], num_inference_steps=case["steps"],
            guidance_scale=case["guidance"], generator=generator, output_type="np",
        ).images

    def vary(self, case, generator):
        embeds = self.image_embeds(case["picture"])
        if case["prompt"]:
            embeds = slerp(embeds[0], self.draw(case["prompt"], case, generator)[0], 0.5)[None]
        negative_embeds = self.negative_embeds(case, generator)
        if case["far"] == 1:
            return self.decoder(embeds, negative_embeds, case, generator)
        img2img = KandinskyV22Img2ImgPipeline(self.pipe.unet, self.pipe.scheduler, self.pipe.movq)
        img2img.set_progress_bar_config(disable=True)
        # It hands the two sides to its image processor in the wrong order.
        resized = self.pictures[case["picture"]].resize((case["width"], case["height"]), Image.BICUBIC)
        return img2img(
            embeds, resized, negative_embeds, width=case["height"], height=case["width"], strength=case["far"],
            num_inference_steps=case["steps"], guidance_scale=case["guidance"], generator=generator, output_type="np",
        ).images

    def blend(self, case, generator):
        conditions = [item.removeprefix("text:") if item.startswith("text:") else item for item in case["inputs"]]
        is_text = [item.startswith("text:") for item in case["inputs"]]
        if case["mix"] == "linear":
            embeds, negative_embeds = self.interpolate(conditions, is_text, case, generator)
        else:
            each = [
                self.draw(item, case, generator) if text else self.image_embeds(item)
                for item, text in zip(conditions, is_text)
            ]
            negative_embeds = self.negative_embeds(case, generator)
            embeds = fold([embed[0] for embed in each], case["weights"])[None]
        if case["noise"] == "seed":
            return self.decoder(embeds, negative_embeds, case, generator)
        shape = self.latents("a", case).shape
        of_seed = torch.randn(shape, generator=generator)
        own = [of_seed if text else self.invert(item, case) for item, text in zip(conditions, is_text)]
        latents = fold([noise.flatten() for noise in own], case["weights"]).reshape(shape)
        shares = [weight / sum(case["weights"]) for weight, text in zip(case["weights"], is_text) if not text]
        scale = 1 + (case["guidance"] - 1) * 2 * (1 - max(0.5, *shares))
        return self.walk_forwards(latents, embeds, negative_embeds, scale)

    def interpolate(self, conditions, is_text, case, generator):
        """The reference's own; without a negative prompt it draws one that it then throws away."""
        drawn = generator if case["negative"] else torch.Generator().manual_seed(case["seed"])
        output = self.pipe.prior_pipe.interpolate(
            [item if text else self.pictures[item] for item, text in zip(conditions, is_text)], case["weights"],
            num_inference_steps=case["prior_steps"], guidance_scale=case["prior_guidance"], generator=drawn,
            negative_prompt=case["negative"] or "",
        )
        if not case["negative"]:
            for item, text in zip(conditions, is_text):
                if text:
                    self.draw(item, case, generator)
        return output.image_embeds, output.negative_image_embeds

    def shift(self, case, generator):
        embeds = self.image_embeds(case["picture"])[0]
        before, after = (self.text_embeds(text)[0] for text in case["change"])
        towards = (after - before) / (after - before).norm() * embeds.norm()
        rotated = slerp(embeds, towards, case["amount"] / 2)[None]
        noise = self.invert(case["picture"], case)
        return self.walk_forwards(noise, rotated, self.negative_embeds(case, generator), 1 + case["amount"])

    def run(self, case):
        generator = torch.Generator("cpu").manual_seed(case["seed"])
        return dict(vary=self.vary, blend=self.blend, shift=self.shift)[case["deed"]](case, generator)


def fold(vectors, weights):
    """Spherical interpolation one after the other, each by its part of the weights so far."""
    mixed, total = vectors[0], weights[0]
    for vector, weight in zip(vectors[1:], weights[1:]):
        total += weight
        mixed = slerp(mixed, vector, weight / total)
    return mixed


def inversion(config, tensors):
    """`DDIMInverseScheduler` for each kind of prediction, over a formula in the place of a model."""
    generator = torch.Generator().manual_seed(1)
    tensors["inversion.picture"] = torch.randn(1, 4, 3, 5, generator=generator)
    for kind in ["epsilon", "v_prediction"]:
        scheduler = DDIMInverseScheduler.from_config(config, prediction_type=kind)
        scheduler.set_timesteps(10)
        latents = tensors["inversion.picture"]
        for timestep in scheduler.timesteps:
            output = 0.5 * torch.tanh(latents) + timestep / 10_000
            latents = scheduler.step(output, timestep, latents).prev_sample
        tensors[f"inversion.{kind}"] = latents


@torch.no_grad()
def main():
    pipe = make_pipeline()
    pipe.set_progress_bar_config(disable=True)
    for part in [pipe.prior_pipe, pipe.decoder_pipe]:
        part.set_progress_bar_config(disable=True)
    pipe.scheduler = DDPMScheduler.from_pretrained(FOLDER / "scheduler")
    pipe.decoder_pipe.scheduler = pipe.scheduler
    watch(pipe.movq)
    gestures = Gestures(pipe)
    tensors, cases = {}, {}
    for name, image in gestures.pictures.items():
        tensors[f"picture.{name}"] = torch.from_numpy(np.asarray(image).copy())
        embeds = gestures.image_embeds(name)
        tensors[f"embeds.{name}"] = embeds / embeds.norm()
    for text in ["the sea", "a red boat"]:
        embeds = gestures.text_embeds(text)
        tensors[f"embeds.{text}"] = embeds / embeds.norm()
    for name, changes in CASES.items():
        case = cases[name] = GESTURE_DEFAULTS | changes
        pixels = (gestures.run(case)[0] * 255).round().astype(np.uint8)
        tensors[f"{name}.pixels"] = torch.from_numpy(pixels)
        levels = unsteadiness(pipe.movq)
        print(name, pixels.shape, pixels.mean().round(1), pixels.std().round(1), f"unsteady by {levels:.2f}")
        assert levels < 2, f"{name} needs another seed"
    inversion(pipe.scheduler.config, tensors)
    save_file({key: value.contiguous() for key, value in tensors.items()}, FOLDER / "gestures.safetensors")
    (FOLDER / "gestures.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
