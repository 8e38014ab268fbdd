//! The samplers that follow the probability-flow ODE, in the noise levels of Karras et al. 2022.

use burn::tensor::Tensor;

use super::{ModelOutput, NoiseLevel, Step};
use crate::{Result, noise::Generator, schedules::SigmaSchedule};

/// Euler's method, Karras et al. 2022, algorithm 2 without churn.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn euler<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    mut latents: Tensor<D>,
    schedule: &SigmaSchedule,
    mut on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    let n_steps = schedule.timesteps.len();
    for index in 0..n_steps {
        let (sigma, next) = (schedule.sigmas[index], schedule.sigmas[index + 1]);
        let denoised = denoise_beside_noise(&mut model, &latents, schedule, index)?;
        let derivative = (latents.clone() - denoised.clone()) / sigma;
        latents = latents + derivative * (next - sigma);
        on_step(Step {
            index,
            n_steps,
            denoised: &denoised,
            latents: &mut latents,
            level: NoiseLevel::beside_picture(next),
        })?;
    }
    Ok(latents)
}

/// Euler's method that steps too far down and adds fresh noise: k-diffusion's `sample_euler_ancestral`.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn euler_ancestral<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    mut latents: Tensor<D>,
    schedule: &SigmaSchedule,
    generator: &mut Generator,
    mut on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    let n_steps = schedule.timesteps.len();
    for index in 0..n_steps {
        let (sigma, next) = (schedule.sigmas[index], schedule.sigmas[index + 1]);
        let sigma_up = (next * next * (sigma * sigma - next * next) / (sigma * sigma)).sqrt();
        let sigma_down = (next * next - sigma_up * sigma_up).sqrt();
        let denoised = denoise_beside_noise(&mut model, &latents, schedule, index)?;
        let derivative = (latents.clone() - denoised.clone()) / sigma;
        // The reference draws at the last step too, where none of it is added.
        let fresh = generator.randn_tensor(latents.dims(), &latents.device());
        latents = latents + derivative * (sigma_down - sigma) + fresh * sigma_up;
        on_step(Step {
            index,
            n_steps,
            denoised: &denoised,
            latents: &mut latents,
            level: NoiseLevel::beside_picture(next),
        })?;
    }
    Ok(latents)
}

/// Asks the model about latents of variance one, as it was trained, and reads its answer at this noise level.
fn denoise_beside_noise<const D: usize>(
    model: &mut impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: &Tensor<D>,
    schedule: &SigmaSchedule,
    index: usize,
) -> Result<Tensor<D>> {
    let sigma = schedule.sigmas[index];
    let input = latents.clone() / (sigma * sigma + 1.0).sqrt();
    let output = model(input, schedule.timesteps[index])?;
    Ok(schedule
        .prediction_type
        .denoised_beside_noise(output.prediction, latents.clone(), sigma))
}

/// DPM-Solver++(2M), Lu et al. 2022, midpoint form. The latents keep variance one throughout.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn dpmpp_2m<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    mut latents: Tensor<D>,
    schedule: &SigmaSchedule,
    mut on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    let n_steps = schedule.timesteps.len();
    let mut last_denoised: Option<Tensor<D>> = None;
    for (index, &timestep) in schedule.timesteps.iter().enumerate() {
        let from = Level::new(schedule.sigmas[index]);
        let to = Level::new(schedule.sigmas[index + 1]);
        let output = model(latents.clone(), timestep)?.prediction;
        let denoised =
            schedule
                .prediction_type
                .denoised(output, latents.clone(), from.alpha, from.sigma);

        let h = to.lambda - from.lambda;
        let picture_part = to.alpha * ((-h).exp() - 1.0);
        let first_order = latents * (to.sigma / from.sigma) - denoised.clone() * picture_part;
        let is_last = index + 1 == n_steps;
        latents = match last_denoised {
            Some(last) if !(is_last && schedule.first_order_last) => {
                let h_last = from.lambda - Level::new(schedule.sigmas[index - 1]).lambda;
                let change = (denoised.clone() - last) * (1.0 / (h_last / h));
                first_order - change * (0.5 * picture_part)
            }
            _ => first_order,
        };
        last_denoised = Some(denoised.clone());
        on_step(Step {
            index,
            n_steps,
            denoised: &denoised,
            latents: &mut latents,
            level: to.noise_level(),
        })?;
    }
    Ok(latents)
}

/// One noise level as DPM-Solver names it: `latents = alpha · picture + sigma · noise`, λ = ln(α/σ).
pub(super) struct Level {
    alpha: f32,
    sigma: f32,
    lambda: f32,
}

impl Level {
    pub fn new(sigma_beside_picture: f32) -> Self {
        let alpha = 1.0 / (sigma_beside_picture * sigma_beside_picture + 1.0).sqrt();
        let sigma = sigma_beside_picture * alpha;
        Self {
            alpha,
            sigma,
            lambda: alpha.ln() - sigma.ln(),
        }
    }

    pub fn noise_level(&self) -> NoiseLevel {
        NoiseLevel {
            signal: self.alpha,
            noise: self.sigma,
        }
    }
}
