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
    model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    by_denoised_steps(
        model,
        latents,
        schedule,
        on_step,
        |at, latents, denoised, _| {
            let stepped = euler_step(latents, &denoised, (at.sigma, at.next));
            Ok((denoised, stepped))
        },
    )
}

/// Euler's method that steps too far down and adds fresh noise: k-diffusion's `sample_euler_ancestral`.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn euler_ancestral<const D: usize>(
    model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    generator: &mut Generator,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    by_denoised_steps(
        model,
        latents,
        schedule,
        on_step,
        |at, latents, denoised, _| {
            let (sigma_down, sigma_up) = ancestral_step(at.sigma, at.next);
            // The reference draws at the last step too, where none of it is added.
            let fresh = generator.randn_tensor(latents.dims(), &latents.device());
            let stepped = euler_step(latents, &denoised, (at.sigma, sigma_down)) + fresh * sigma_up;
            Ok((denoised, stepped))
        },
    )
}

/// Heun's method, Karras et al. 2022, algorithm 1 without churn: the model is asked twice for every step but the last.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn heun<const D: usize>(
    model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    by_denoised_steps(
        model,
        latents,
        schedule,
        on_step,
        |at, latents, mut denoised, ask| {
            let At { sigma, next, .. } = at;
            let mut derivative = (latents.clone() - denoised.clone()) / sigma;
            if let Some(&timestep) = schedule.timesteps.get(at.index + 1) {
                let ahead = latents.clone() + derivative.clone() * (next - sigma);
                denoised = ask(&ahead, (next, timestep))?;
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
    model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    generator: &mut Generator,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    by_denoised_steps(
        model,
        latents,
        schedule,
        on_step,
        |at, latents, mut denoised, ask| {
            let At { sigma, next, .. } = at;
            let Some(&middle_timestep) = schedule.middle_timesteps.get(at.index) else {
                let stepped = euler_step(latents, &denoised, (sigma, next));
                return Ok((denoised, stepped));
            };
            let middle = (sigma * next).sqrt();
            let mut draw = || generator.randn_tensor(latents.dims(), &latents.device());
            let (first, second) = (draw(), draw());
            let whole = (first.clone() * (sigma - middle).sqrt() + second * (middle - next).sqrt())
                / (sigma - next).sqrt();
            let half_way = reverse_sde_step(&latents, &denoised, (sigma, middle), first);
            denoised = ask(&half_way, (middle, middle_timestep))?;
            let stepped = reverse_sde_step(&latents, &denoised, (sigma, next), whole);
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

/// Euler's step between two sigmas.
fn euler_step<const D: usize>(
    latents: Tensor<D>,
    denoised: &Tensor<D>,
    (sigma, next): (f32, f32),
) -> Tensor<D> {
    let derivative = (latents.clone() - denoised.clone()) / sigma;
    latents + derivative * (next - sigma)
}

/// Asks the model what it predicts of latents at a sigma and its timestep.
type Ask<'a, const D: usize> = dyn FnMut(&Tensor<D>, (f32, f32)) -> Result<Tensor<D>> + 'a;

/// [`by_steps`], each of which begins with what the model predicts of the picture; `step` may ask it again.
fn by_denoised_steps<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    on_step: impl FnMut(Step<D>) -> Result<()>,
    mut step: impl FnMut(At, Tensor<D>, Tensor<D>, &mut Ask<D>) -> Result<(Tensor<D>, Tensor<D>)>,
) -> Result<Tensor<D>> {
    let level = NoiseLevel::beside_picture;
    by_steps(latents, schedule, on_step, level, |at, latents| {
        let mut ask = |latents: &Tensor<D>, place| denoise(&mut model, latents, schedule, place);
        let denoised = ask(&latents, (at.sigma, at.timestep))?;
        step(at, latents, denoised, &mut ask)
    })
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
