//! Denoising along the training timesteps without fresh noise, and back again.

use burn::tensor::Tensor;

use super::{ModelOutput, NoiseLevel, Step};
use crate::{
    Result,
    prediction::PredictionType,
    schedules::{NoiseLevels, SchedulerConfig, ancestral_timesteps},
};

/// A DDIM run with η = 0.
#[derive(Debug, Clone)]
pub struct DdimSchedule {
    pub timesteps: Vec<usize>,
    pub levels: NoiseLevels,
    pub prediction_type: PredictionType,
    pub clip_range: Option<f32>,
    /// How far before a timestep the next one is taken to lie, whatever the spacing.
    pub gap: usize,
    /// ᾱ of the finished picture.
    pub final_alpha_prod: f32,
}

impl DdimSchedule {
    pub fn new(config: &SchedulerConfig, n_steps: usize) -> Result<Self> {
        let timesteps = ancestral_timesteps(config, n_steps)?;
        let levels = NoiseLevels::new(config);
        let final_alpha_prod = if config.set_alpha_to_one {
            1.0
        } else {
            levels.alphas_cumprod[0]
        };
        Ok(Self {
            timesteps,
            levels,
            prediction_type: config.prediction_type,
            clip_range: config.clip_range(),
            gap: config.n_train_timesteps / n_steps,
            final_alpha_prod,
        })
    }

    pub(super) fn skip_steps(&mut self, n_skipped: usize) {
        self.timesteps.drain(..n_skipped);
    }

    /// Latents of level ᾱ = `from` at level ᾱ = `to`, and the picture that the model predicts: equation 12 of Song et
    /// al. 2021.
    fn moved<const D: usize>(
        &self,
        output: Tensor<D>,
        latents: Tensor<D>,
        from: f32,
        to: f32,
    ) -> (Tensor<D>, Tensor<D>) {
        let (alpha, sigma) = (from.sqrt(), (1.0 - from).sqrt());
        let kind = self.prediction_type;
        let epsilon = kind.epsilon(output.clone(), latents.clone(), alpha, sigma);
        let denoised = clip(
            kind.denoised(output, latents, alpha, sigma),
            self.clip_range,
        );
        let moved = denoised.clone() * to.sqrt() + epsilon * (1.0 - to).sqrt();
        (moved, denoised)
    }

    /// ᾱ of a timestep, and of where its step leads.
    fn alpha_prods(&self, timestep: usize) -> [f32; 2] {
        let alphas_cumprod = &self.levels.alphas_cumprod;
        let previous = timestep.checked_sub(self.gap);
        let previous = previous.map_or(self.final_alpha_prod, |previous| alphas_cumprod[previous]);
        [alphas_cumprod[timestep], previous]
    }

    /// The level that step `index` starts from; after the last, a clean picture.
    pub(super) fn level(&self, index: usize) -> NoiseLevel {
        self.timesteps
            .get(index)
            .map_or(NoiseLevel::CLEAN, |&timestep| {
                NoiseLevel::variance_preserving(self.levels.alphas_cumprod[timestep])
            })
    }
}

/// Denoising diffusion without fresh noise, Song et al. 2021, equation 12 with η = 0.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn ddim<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    mut latents: Tensor<D>,
    schedule: &DdimSchedule,
    mut on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    let n_steps = schedule.timesteps.len();
    for (index, &timestep) in schedule.timesteps.iter().enumerate() {
        let [from, to] = schedule.alpha_prods(timestep);
        let output = model(latents.clone(), timestep as f32)?.prediction;
        let denoised;
        (latents, denoised) = schedule.moved(output, latents, from, to);
        on_step(Step {
            index,
            n_steps,
            denoised: &denoised,
            latents: &mut latents,
            level: schedule.level(index + 1),
        })?;
    }
    Ok(latents)
}

/// DDIM backwards: the noise that [`ddim`] makes a picture from. Song et al. 2021, section 4.3, as in diffusers'
/// `DDIMInverseScheduler`.
///
/// `latents` are a picture's, without noise. `on_step` is told how many steps are done and what has come of them.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn ddim_inversion<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    mut latents: Tensor<D>,
    schedule: &DdimSchedule,
    mut on_step: impl FnMut(usize, &Tensor<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    for (index, &timestep) in schedule.timesteps.iter().rev().enumerate() {
        let [to, from] = schedule.alpha_prods(timestep);
        // The model is asked as if the latents were where the step leads.
        let output = model(latents.clone(), timestep as f32)?.prediction;
        (latents, _) = schedule.moved(output, latents, from, to);
        on_step(index + 1, &latents)?;
    }
    Ok(latents)
}

/// Keeps a predicted picture within what the scheduler's config allows.
pub(super) fn clip<const D: usize>(denoised: Tensor<D>, range: Option<f32>) -> Tensor<D> {
    match range {
        Some(range) => denoised.clamp(-range, range),
        None => denoised,
    }
}
