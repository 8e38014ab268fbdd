//! The samplers in the noise levels of Karras et al. 2022, where noise comes on top of the whole picture.

use burn::tensor::Tensor;

use super::{
    ModelOutput, NoiseLevel, Step,
    by_steps::{At, by_steps},
};
use crate::{Result, noise::Generator, schedules::SigmaSchedule};

/// Which of them takes the steps of a [`SigmaSchedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OdeSolver {
    Euler,
    EulerAncestral,
    Heun,
    DpmppSde,
}

impl OdeSolver {
    pub(super) fn run<const D: usize>(
        self,
        model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
        latents: Tensor<D>,
        schedule: &SigmaSchedule,
        generator: &mut Generator,
        on_step: impl FnMut(Step<D>) -> Result<()>,
    ) -> Result<Tensor<D>> {
        match self {
            Self::Euler => euler(model, latents, schedule, on_step),
            Self::EulerAncestral => euler_ancestral(model, latents, schedule, generator, on_step),
            Self::Heun => heun(model, latents, schedule, on_step),
            Self::DpmppSde => dpmpp_sde(model, latents, schedule, generator, on_step),
        }
    }
}

/// Euler's method, Karras et al. 2022, algorithm 2 without churn.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn euler<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    by_steps(
        latents,
        schedule,
        on_step,
        NoiseLevel::beside_picture,
        |at, latents| {
            let At {
                sigma,
                next,
                timestep,
                ..
            } = at;
            let denoised = denoise(&mut model, &latents, schedule, (sigma, timestep))?;
            let derivative = (latents.clone() - denoised.clone()) / sigma;
            let stepped = latents + derivative * (next - sigma);
            Ok((denoised, stepped))
        },
    )
}

/// Euler's method that steps too far down and adds fresh noise: k-diffusion's `sample_euler_ancestral`.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn euler_ancestral<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    generator: &mut Generator,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    by_steps(
        latents,
        schedule,
        on_step,
        NoiseLevel::beside_picture,
        |at, latents| {
            let At {
                sigma,
                next,
                timestep,
                ..
            } = at;
            let (sigma_down, sigma_up) = ancestral_step(sigma, next);
            let denoised = denoise(&mut model, &latents, schedule, (sigma, timestep))?;
            let derivative = (latents.clone() - denoised.clone()) / sigma;
            // The reference draws at the last step too, where none of it is added.
            let fresh = generator.randn_tensor(latents.dims(), &latents.device());
            let stepped = latents + derivative * (sigma_down - sigma) + fresh * sigma_up;
            Ok((denoised, stepped))
        },
    )
}

/// Heun's method, Karras et al. 2022, algorithm 1 without churn: the model is asked twice for every step but the last.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn heun<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    by_steps(
        latents,
        schedule,
        on_step,
        NoiseLevel::beside_picture,
        |at, latents| {
            let At {
                sigma,
                next,
                timestep,
                index,
                ..
            } = at;
            let mut denoised = denoise(&mut model, &latents, schedule, (sigma, timestep))?;
            let mut derivative = (latents.clone() - denoised.clone()) / sigma;
            if let Some(&timestep) = schedule.timesteps.get(index + 1) {
                let ahead = latents.clone() + derivative.clone() * (next - sigma);
                denoised = denoise(&mut model, &ahead, schedule, (next, timestep))?;
                derivative = (derivative + (ahead - denoised.clone()) / next) / 2.0;
            }
            let stepped = latents + derivative * (next - sigma);
            Ok((denoised, stepped))
        },
    )
}

/// DPM-Solver++(S) for the reverse SDE, with half of a step ahead: k-diffusion's `sample_dpmpp_sde` with η = 1, r = 1/2.
///
/// Each step draws the increments of a Brownian motion over σ to its middle and from there to its end; the last step
/// is Euler's and draws nothing.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn dpmpp_sde<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    generator: &mut Generator,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    by_steps(
        latents,
        schedule,
        on_step,
        NoiseLevel::beside_picture,
        |at, latents| {
            let At {
                sigma,
                next,
                timestep,
                index,
                ..
            } = at;
            let mut denoised = denoise(&mut model, &latents, schedule, (sigma, timestep))?;
            let stepped = if let Some(&middle_timestep) = schedule.middle_timesteps.get(index) {
                let middle = (sigma * next).sqrt();
                let mut draw = || generator.randn_tensor(latents.dims(), &latents.device());
                let (first, second) = (draw(), draw());
                let whole = (first.clone() * (sigma - middle).sqrt()
                    + second * (middle - next).sqrt())
                    / (sigma - next).sqrt();
                let half_way = reverse_sde_step(&latents, &denoised, (sigma, middle), first);
                let level = (middle, middle_timestep);
                denoised = denoise(&mut model, &half_way, schedule, level)?;
                reverse_sde_step(&latents, &denoised, (sigma, next), whole)
            } else {
                let derivative = (latents.clone() - denoised.clone()) / sigma;
                latents + derivative * (next - sigma)
            };
            Ok((denoised, stepped))
        },
    )
}

/// The exact step of the reverse SDE between two sigmas for a picture that stays as predicted.
fn reverse_sde_step<const D: usize>(
    latents: &Tensor<D>,
    denoised: &Tensor<D>,
    (sigma, next): (f32, f32),
    noise: Tensor<D>,
) -> Tensor<D> {
    let (sigma_down, sigma_up) = ancestral_step(sigma, next);
    let kept = sigma_down / sigma;
    latents.clone() * kept + denoised.clone() * (1.0 - kept) + noise * sigma_up
}

/// How far a step from `sigma` goes down, and how much fresh noise brings it back up to `next`.
fn ancestral_step(sigma: f32, next: f32) -> (f32, f32) {
    let sigma_up = (next * next * (sigma * sigma - next * next) / (sigma * sigma)).sqrt();
    ((next * next - sigma_up * sigma_up).sqrt(), sigma_up)
}

/// Asks the model about latents of variance one, as it was trained, and reads its answer at this sigma.
fn denoise<const D: usize>(
    model: &mut impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: &Tensor<D>,
    schedule: &SigmaSchedule,
    (sigma, timestep): (f32, f32),
) -> Result<Tensor<D>> {
    let input = latents.clone() / (sigma * sigma + 1.0).sqrt();
    let output = model(input, timestep)?;
    Ok(schedule
        .prediction_type
        .denoised_beside_noise(output.prediction, latents.clone(), sigma))
}
