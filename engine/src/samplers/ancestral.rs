//! The samplers that walk along the training timesteps themselves.

use burn::tensor::Tensor;

use super::{ModelOutput, NoiseLevel, Step, ddim::clip};
use crate::{
    Result,
    noise::Generator,
    prediction::PredictionType,
    schedules::{
        NoiseLevels, SchedulerConfig, VarianceType, ancestral_timesteps, unclip_timesteps,
    },
};

/// No variance is smaller, so that its logarithm exists.
const MIN_VARIANCE: f32 = 1e-20;

/// A run along the training timesteps that adds fresh noise on its way: DDPM's, or that of unCLIP's prior.
#[derive(Debug, Clone)]
pub struct AncestralSchedule {
    pub timesteps: Vec<usize>,
    /// One for each timestep, down to the next.
    transitions: Vec<Transition>,
    prediction_type: PredictionType,
    variance_type: VarianceType,
    clip_range: Option<f32>,
}

impl AncestralSchedule {
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a number of steps that the config does not have.
    pub fn ddpm(config: &SchedulerConfig, n_steps: usize) -> Result<Self> {
        let levels = NoiseLevels::new(config);
        Ok(Self::new(
            config,
            ancestral_timesteps(config, n_steps)?,
            |timestep, previous| {
                let alpha_prod = levels.alphas_cumprod[timestep];
                let alpha_prod_previous = levels.alpha_prod_before(previous);
                let alpha = alpha_prod / alpha_prod_previous;
                Transition {
                    alpha_prod,
                    alpha_prod_previous,
                    alpha,
                    beta: 1.0 - alpha,
                }
            },
        ))
    }

    /// Its β is the trained one between neighbours and made anew for a jump.
    ///
    /// # Errors
    /// When the config is not an UnCLIP scheduler's, or for fewer than two steps.
    pub fn unclip(config: &SchedulerConfig, n_steps: usize) -> Result<Self> {
        config.check_is_unclip()?;
        let levels = NoiseLevels::new(config);
        Ok(Self::new(
            config,
            unclip_timesteps(config, n_steps)?,
            |timestep, previous| {
                let alpha_prod = levels.alphas_cumprod[timestep];
                let alpha_prod_previous = levels.alpha_prod_before(previous);
                let beta = if previous.map_or(0, |previous| previous + 1) == timestep {
                    levels.betas[timestep]
                } else {
                    1.0 - alpha_prod / alpha_prod_previous
                };
                Transition {
                    alpha_prod,
                    alpha_prod_previous,
                    alpha: 1.0 - beta,
                    beta,
                }
            },
        ))
    }

    pub(super) fn skip_steps(&mut self, n_skipped: usize) {
        self.timesteps.drain(..n_skipped);
        self.transitions.drain(..n_skipped);
    }

    pub(super) fn first_level(&self) -> NoiseLevel {
        NoiseLevel::variance_preserving(self.transitions[0].alpha_prod)
    }

    fn new(
        config: &SchedulerConfig,
        timesteps: Vec<usize>,
        transition: impl Fn(usize, Option<usize>) -> Transition,
    ) -> Self {
        let transitions = timesteps
            .iter()
            .enumerate()
            .map(|(index, &timestep)| transition(timestep, timesteps.get(index + 1).copied()))
            .collect();
        Self {
            timesteps,
            transitions,
            prediction_type: config.prediction_type,
            variance_type: config.variance_type(),
            clip_range: config.clip_range(),
        }
    }
}

/// Denoising diffusion with fresh noise: Ho et al. 2020, and over a prior's schedule Ramesh et al. 2022.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn ddpm<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    mut latents: Tensor<D>,
    schedule: &AncestralSchedule,
    generator: &mut Generator,
    mut on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    let n_steps = schedule.timesteps.len();
    for (index, &timestep) in schedule.timesteps.iter().enumerate() {
        let transition = &schedule.transitions[index];
        let output = model(latents.clone(), timestep as f32)?;
        let denoised = schedule.prediction_type.denoised(
            output.prediction,
            latents.clone(),
            transition.alpha_prod.sqrt(),
            (1.0 - transition.alpha_prod).sqrt(),
        );
        let denoised = clip(denoised, schedule.clip_range);
        latents = transition.mean(denoised.clone(), latents);
        if timestep > 0 {
            let noise = generator.randn_tensor(latents.dims(), &latents.device());
            latents =
                latents + transition.scale_noise(noise, output.variance, schedule.variance_type);
        }
        on_step(Step {
            index,
            n_steps,
            denoised: &denoised,
            latents: &mut latents,
            level: NoiseLevel::variance_preserving(transition.alpha_prod_previous),
        })?;
    }
    Ok(latents)
}

/// From one noise level to a lower one: equations 6 and 7 of Ho et al. 2020.
#[derive(Debug, Clone)]
struct Transition {
    alpha_prod: f32,
    alpha_prod_previous: f32,
    alpha: f32,
    beta: f32,
}

impl Transition {
    /// µ̃: the mean of the less noisy latents.
    fn mean<const D: usize>(&self, denoised: Tensor<D>, latents: Tensor<D>) -> Tensor<D> {
        let beta_prod = 1.0 - self.alpha_prod;
        let beta_prod_previous = 1.0 - self.alpha_prod_previous;
        let denoised_part = self.alpha_prod_previous.sqrt() * self.beta / beta_prod;
        let latents_part = self.alpha.sqrt() * beta_prod_previous / beta_prod;
        denoised * denoised_part + latents * latents_part
    }

    /// Noise of this transition's variance from standard normal `noise`.
    fn scale_noise<const D: usize>(
        &self,
        noise: Tensor<D>,
        learned: Option<Tensor<D>>,
        variance_type: VarianceType,
    ) -> Tensor<D> {
        let beta_prod = 1.0 - self.alpha_prod;
        let beta_prod_previous = 1.0 - self.alpha_prod_previous;
        let variance = (beta_prod_previous / beta_prod * self.beta).max(MIN_VARIANCE);
        match (variance_type, learned) {
            (VarianceType::FixedSmallLog, _) => noise * (0.5 * variance.ln()).exp(),
            (VarianceType::FixedLarge, _) => noise * self.beta.sqrt(),
            (VarianceType::Learned, Some(learned)) => noise * learned.sqrt(),
            (VarianceType::LearnedRange, Some(learned)) => {
                let towards_largest = (learned + 1.0) / 2.0;
                let log_variance = towards_largest.clone() * self.beta.ln()
                    + (-towards_largest + 1.0) * variance.ln();
                noise * (log_variance * 0.5).exp()
            }
            (VarianceType::FixedSmall | VarianceType::Learned | VarianceType::LearnedRange, _) => {
                noise * variance.sqrt()
            }
        }
    }
}
