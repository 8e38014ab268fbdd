"""Writes tests/fixtures/schedules.json: what PyTorch's generator and diffusers' schedulers say.

Tables:
- noise: draws of `torch.randn` from one CPU generator after another;
- schedules: timesteps and sigmas of every scheduler, spacing, prediction type and beta schedule, Karras or not;
- loops: whole runs around a fixed analytic model, so that a sampler can be checked without any weights;
- crossed: such runs of every sampler over the configs that other schedulers wrote, with every final sigma;
- spaced: such runs of every sampler under every spacing that it can take;
- rescaled: guidance with some of its contrast taken back.

Run from the repository's root: `python tests/reference/make_schedules.py`.
"""

import itertools
import json
import math
import sys
import types
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    TCDScheduler,
    UnCLIPScheduler,
    UniPCMultistepScheduler,
)
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

# This scheduler asks for a package with a Brownian tree, which is not used here: its noise is drawn below.
sys.modules.setdefault("torchsde", types.ModuleType("torchsde"))
from diffusers.schedulers.scheduling_dpmsolver_sde import DPMSolverSDEScheduler  # noqa: E402

SPACINGS = ["linspace", "leading", "trailing"]
PREDICTIONS = ["epsilon", "sample", "v_prediction"]
BETAS = {
    "linear": dict(beta_schedule="linear", beta_start=0.00085, beta_end=0.012),
    "scaled_linear": dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
    "squaredcos_cap_v2": dict(beta_schedule="squaredcos_cap_v2"),
}


def rounded(tensor):
    """Nine significant digits: enough to name any float32."""
    return [float(f"{x:.9g}") for x in torch.as_tensor(tensor).double().flatten().tolist()]


def noise_table():
    table = []
    for seed in [0, 1, 42, 2**32 - 1, 2**32 + 5, 2**63 + 11]:
        sizes = [1, 5, 15, 16, 17, 31, 64, 3, 1, 33]
        generator = torch.Generator("cpu").manual_seed(seed)
        table.append(
            dict(
                seed=seed,
                draws=[rounded(torch.randn(size, generator=generator)) for size in sizes],
            )
        )
    generator = torch.Generator("cpu").manual_seed(7)
    table.append(dict(seed=7, draws=[rounded(torch.randn(1000, generator=generator))]))
    return table


def config_of(scheduler):
    return scheduler.to_json_string()


def schedule_table():
    table = []

    def add(scheduler, n_steps):
        scheduler.set_timesteps(n_steps)
        entry = dict(
            config=config_of(scheduler),
            n_steps=n_steps,
            timesteps=rounded(scheduler.timesteps),
        )
        if hasattr(scheduler, "sigmas"):
            entry["sigmas"] = rounded(scheduler.sigmas)
            entry["initial_sigma"] = rounded(scheduler.init_noise_sigma)[0]
        table.append(entry)

    for spacing, (name, betas), prediction in itertools.product(SPACINGS, BETAS.items(), PREDICTIONS):
        # The prediction type never changes a schedule: one beta schedule is enough to show it.
        if prediction != "epsilon" and name != "linear":
            continue
        common = dict(timestep_spacing=spacing, prediction_type=prediction, **betas)
        for n_steps, offset in [(1, 0), (4, 1), (7, 0), (50, 1)]:
            if (prediction != "epsilon" and n_steps != 7) or (n_steps == 50 and name != "scaled_linear"):
                continue
            add(DDPMScheduler(steps_offset=offset, **common), n_steps)
            add(DDIMScheduler(steps_offset=offset, **common), n_steps)
            for karras in [False, True]:
                add(EulerDiscreteScheduler(steps_offset=offset, use_karras_sigmas=karras, **common), n_steps)
                add(DPMSolverMultistepScheduler(steps_offset=offset, use_karras_sigmas=karras, **common), n_steps)
            add(EulerAncestralDiscreteScheduler(steps_offset=offset, **common), n_steps)
    zero = dict(rescale_betas_zero_snr=True, prediction_type="v_prediction", timestep_spacing="trailing")
    for betas in BETAS.values():
        for scheduler in [
            DDIMScheduler,
            EulerDiscreteScheduler,
            EulerAncestralDiscreteScheduler,
            DPMSolverMultistepScheduler,
        ]:
            add(scheduler(**zero, **betas), 9)
    final = dict(final_sigmas_type="sigma_min", **BETAS["scaled_linear"])
    add(EulerDiscreteScheduler(**final), 6)
    add(DPMSolverMultistepScheduler(**final), 6)
    add(DDPMScheduler(num_train_timesteps=400, trained_betas=[0.001 + 0.00002 * i for i in range(400)]), 6)
    for n_steps in [2, 3, 5, 25]:
        add(UnCLIPScheduler(), n_steps)
    return table


def level_table():
    """Betas and cumulative alphas at some timesteps of every beta schedule."""
    table = []
    for betas, zero in itertools.product(BETAS.values(), [False, True]):
        scheduler = DDPMScheduler(rescale_betas_zero_snr=zero, **betas)
        at = [0, 1, 2, 499, 500, 998, 999]
        table.append(
            dict(
                config=config_of(scheduler),
                timesteps=at,
                betas=rounded(scheduler.betas[at]),
                alphas_cumprod=rounded(scheduler.alphas_cumprod[at]),
            )
        )
    return table


def analytic_model(latents, timestep, with_variance):
    """What the Rust tests compute too: a prediction that depends on latents and timestep."""
    t = float(timestep)
    prediction = latents * 0.3 + 0.1 * math.cos(0.01 * t)
    if not with_variance:
        return prediction
    variance = latents.clamp(-1, 1) * 0.25 + 0.3
    return torch.cat([prediction, variance], dim=1)


class BrownianMotion:
    """The increments that DPM++ SDE asks for: to the middle of a step, then over the whole of it."""

    def __init__(self, shape, generator):
        self.draw = lambda: torch.randn(shape, generator=generator)
        self.middle = None

    def __call__(self, sigma, sigma_next):
        if self.middle is None:
            self.middle = (sigma_next, self.draw(), self.draw())
            return self.middle[1]
        middle, first, second = self.middle
        self.middle = None
        whole = first * (sigma - middle).sqrt() + second * (middle - sigma_next).sqrt()
        return whole / (sigma - sigma_next).sqrt()


def run(scheduler, n_steps, shape, seed, timesteps=None):
    generator = torch.Generator("cpu").manual_seed(seed)
    unclip = isinstance(scheduler, UnCLIPScheduler)
    variance_type = scheduler.config.get("variance_type")
    with_variance = variance_type in ["learned", "learned_range"]
    if timesteps is None:
        scheduler.set_timesteps(n_steps)
    else:
        set_sgm_uniform(scheduler, timesteps)
    latents = torch.randn(shape, generator=generator) * scheduler.init_noise_sigma
    if isinstance(scheduler, DPMSolverSDEScheduler):
        scheduler.noise_sampler = BrownianMotion(shape, generator)
    for index, timestep in enumerate(scheduler.timesteps):
        model_input = scheduler.scale_model_input(latents, timestep)
        output = analytic_model(model_input, timestep, with_variance)
        extra = {}
        if unclip:
            is_last = index + 1 == len(scheduler.timesteps)
            extra["prev_timestep"] = None if is_last else scheduler.timesteps[index + 1]
        if not isinstance(scheduler, (DPMSolverSDEScheduler, HeunDiscreteScheduler, UniPCMultistepScheduler)):
            extra["generator"] = generator
        latents = scheduler.step(output, timestep, latents, **extra).prev_sample
    return latents


def set_sgm_uniform(scheduler, timesteps):
    """Even timesteps of one step more without the last, which not every class takes by itself."""
    if isinstance(scheduler, (EulerDiscreteScheduler, HeunDiscreteScheduler)):
        return scheduler.set_timesteps(timesteps=timesteps)
    if isinstance(scheduler, DPMSolverMultistepScheduler):
        return scheduler.set_timesteps(timesteps=[round(t) for t in timesteps])
    whole = isinstance(scheduler, UniPCMultistepScheduler)
    linspace = np.linspace
    at = np.round(timesteps) if whole else np.array(timesteps)
    try:
        # Where the class lays its own, with one more at the end in the multistep one.
        np.linspace = lambda *_, **__: np.append(at, 0.0)[::-1] if whole else at[::-1]
        scheduler.set_timesteps(len(timesteps))
    finally:
        np.linspace = linspace


def loop_table():
    table = []

    def add(scheduler, n_steps, shape=(1, 4, 3, 3), seed=3):
        table.append(
            dict(
                config=config_of(scheduler),
                n_steps=n_steps,
                shape=list(shape),
                seed=seed,
                latents=rounded(run(scheduler, n_steps, shape, seed)),
            )
        )

    linear = BETAS["linear"]
    scaled = BETAS["scaled_linear"]
    for prediction in PREDICTIONS:
        for spacing in SPACINGS:
            common = dict(prediction_type=prediction, timestep_spacing=spacing, **scaled)
            add(DDPMScheduler(clip_sample=False, **common), 6)
            add(DDIMScheduler(clip_sample=False, **common), 6)
            for karras in [False, True]:
                add(EulerDiscreteScheduler(use_karras_sigmas=karras, **common), 6)
                add(DPMSolverMultistepScheduler(use_karras_sigmas=karras, **common), 6)
            if prediction != "sample":
                add(EulerAncestralDiscreteScheduler(**common), 6)
    for variance in ["fixed_small", "fixed_small_log", "fixed_large", "learned", "learned_range"]:
        add(DDPMScheduler(variance_type=variance, steps_offset=1, clip_sample=False, **linear), 5)
    add(DDPMScheduler(clip_sample=True, clip_sample_range=0.5, **linear), 5)
    add(DDIMScheduler(clip_sample=True, set_alpha_to_one=False, **linear), 5)
    add(DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1, **scaled), 5)
    add(DPMSolverMultistepScheduler(**scaled), 20)
    add(DPMSolverMultistepScheduler(final_sigmas_type="sigma_min", **scaled), 20)
    add(DPMSolverMultistepScheduler(final_sigmas_type="sigma_min", lower_order_final=False, **scaled), 6)
    zero = dict(rescale_betas_zero_snr=True, prediction_type="v_prediction", timestep_spacing="trailing", **scaled)
    add(DDIMScheduler(clip_sample=False, **zero), 5)
    add(EulerDiscreteScheduler(**zero), 5)
    for prediction in ["epsilon", "sample"]:
        for shape in [(1, 10), (2, 10)]:
            add(UnCLIPScheduler(prediction_type=prediction, clip_sample_range=5.0), 5, shape)
    add(UnCLIPScheduler(prediction_type="sample", clip_sample=False), 1000, (2, 24))
    for prediction in ["epsilon", "v_prediction"]:
        for spacing in SPACINGS:
            common = dict(prediction_type=prediction, timestep_spacing=spacing, **scaled)
            for kind in [{}, dict(use_karras_sigmas=True), dict(use_exponential_sigmas=True)]:
                add(HeunDiscreteScheduler(**common, **kind), 6)
                add(DPMSolverSDEScheduler(**common, **kind), 6)
                add(UniPCMultistepScheduler(**common, **kind), 6)
                add(DPMSolverMultistepScheduler(algorithm_type="sde-dpmsolver++", **common, **kind), 6)
            add(EulerDiscreteScheduler(use_exponential_sigmas=True, **common), 6)
    for prediction in PREDICTIONS:
        for n_steps in [1, 4, 7]:
            common = dict(prediction_type=prediction, **scaled)
            add(LCMScheduler(**common), n_steps)
            add(TCDScheduler(**common), n_steps)
    add(LCMScheduler(clip_sample=True, clip_sample_range=0.5, original_inference_steps=100, **linear), 5)
    for solver in [UniPCMultistepScheduler, HeunDiscreteScheduler]:
        add(solver(prediction_type="sample", **scaled), 20)
    add(UniPCMultistepScheduler(lower_order_final=False, final_sigmas_type="sigma_min", **scaled), 6)
    add(UniPCMultistepScheduler(final_sigmas_type="sigma_min", use_karras_sigmas=True, **scaled), 6)
    sde = dict(algorithm_type="sde-dpmsolver++", **scaled)
    add(DPMSolverMultistepScheduler(**sde), 20)
    add(DPMSolverMultistepScheduler(final_sigmas_type="sigma_min", lower_order_final=False, **sde), 6)
    return table


SAMPLERS = {
    "ddpm": (DDPMScheduler, {}),
    "ddim": (DDIMScheduler, {}),
    "euler": (EulerDiscreteScheduler, {}),
    "euler_ancestral": (EulerAncestralDiscreteScheduler, {}),
    "dpmpp_2m": (DPMSolverMultistepScheduler, dict(use_karras_sigmas=False)),
    "dpmpp_2m_karras": (DPMSolverMultistepScheduler, dict(use_karras_sigmas=True)),
    "heun": (HeunDiscreteScheduler, {}),
    "dpmpp_2m_sde": (DPMSolverMultistepScheduler, dict(algorithm_type="sde-dpmsolver++")),
    "dpmpp_sde": (DPMSolverSDEScheduler, {}),
    "unipc": (UniPCMultistepScheduler, {}),
    "lcm": (LCMScheduler, {}),
    "tcd": (TCDScheduler, {}),
}
# What the user's choice of a spacing sets in the config.
CHOSEN = {
    "linspace": dict(timestep_spacing="linspace"),
    "leading": dict(timestep_spacing="leading"),
    "trailing": dict(timestep_spacing="trailing"),
    "karras": dict(use_karras_sigmas=True),
    "exponential": dict(use_exponential_sigmas=True),
    "sgm_uniform": dict(timestep_spacing="linspace"),
}


def spaced_table():
    """Every sampler under every spacing that it can take, over a config that asks for leading and Karras."""
    table = []
    written = DPMSolverMultistepScheduler(timestep_spacing="leading", use_karras_sigmas=True, **BETAS["scaled_linear"])
    n_steps = 6
    even = np.linspace(0, 999, n_steps + 1)[::-1][:-1].tolist()
    for (name, (scheduler, own)), (spacing, chosen) in itertools.product(SAMPLERS.items(), CHOSEN.items()):
        if name in ["lcm", "tcd", "ddpm", "ddim", "euler_ancestral"] and spacing not in SPACINGS:
            continue
        if name in ["lcm", "tcd"]:
            continue
        config = json.loads(config_of(written)) | dict(clip_sample=False)
        kinds = dict(use_karras_sigmas=False, use_exponential_sigmas=False) | own | chosen
        if spacing != "karras":
            kinds["use_karras_sigmas"] = False
        table.append(
            dict(
                config=json.dumps(config),
                sampler=name,
                spacing=spacing,
                n_steps=n_steps,
                shape=[1, 2, 2, 2],
                seed=3,
                latents=rounded(
                    run(
                        scheduler.from_config(config | kinds),
                        n_steps, [1, 2, 2, 2], 3,
                        even if spacing == "sgm_uniform" else None,
                    )
                ),
            )
        )
    return table


def rescaled_table():
    generator = torch.Generator("cpu").manual_seed(5)
    output = torch.randn(4, 3, 2, 2, generator=generator)
    unconditional, conditional = output.chunk(2)
    guided = unconditional + 6.5 * (conditional - unconditional)
    return [
        dict(rescale=rescale, output=rounded(output), result=rounded(rescale_noise_cfg(guided, conditional, rescale)))
        for rescale in [0.0, 0.3, 0.7, 1.0]
    ]


def crossed_table():
    """Every sampler over the config of every folder's own scheduler, as `from_config` takes it over."""
    table = []
    folders = [scheduler for scheduler, _ in list(SAMPLERS.values())[:5]]
    for folder, final, prediction in itertools.product(folders, ["zero", "sigma_min"], ["epsilon", "v_prediction"]):
        written = folder(prediction_type=prediction, **BETAS["scaled_linear"])
        # As a folder may have it, whichever class reads it.
        config = json.loads(config_of(written)) | dict(final_sigmas_type=final, clip_sample=False)
        for name, (scheduler, own) in SAMPLERS.items():
            table.append(
                dict(
                    config=json.dumps(config),
                    sampler=name,
                    n_steps=5,
                    shape=[1, 2, 2, 2],
                    seed=3,
                    latents=rounded(run(scheduler.from_config(config | own), 5, [1, 2, 2, 2], 3)),
                )
            )
    return table


def main():
    tables = dict(
        noise=noise_table(),
        levels=level_table(),
        schedules=schedule_table(),
        loops=loop_table(),
        crossed=crossed_table(),
        spaced=spaced_table(),
        rescaled=rescaled_table(),
    )
    path = Path(__file__).parents[1] / "fixtures" / "schedules.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(tables, separators=(",", ":")) + "\n")
    print({name: len(table) for name, table in tables.items()}, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
