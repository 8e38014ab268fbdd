//! The samplers of models that were distilled to see the picture at once: a few jumps along the training timesteps,
//! with fresh noise after each but the last.

use burn::tensor::Tensor;

use super::{ModelOutput, NoiseLevel, Step, ddim::clip};
use crate::{
    Result,
    noise::Generator,
    prediction::PredictionType,
    schedules::{NoiseLevels, SchedulerConfig, distilled_timesteps},
};

/// γ of Zheng et al. 2024, which diffusers calls η: how much of each jump is noise.
const TCD_GAMMA: f32 = 0.3;

/// Which of them takes the steps of a [`ConsistencySchedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsistencySampler {
    Lcm,
    Tcd,
}

impl ConsistencySampler {
    pub(super) fn run<const D: usize>(
        self,
        model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
        latents: Tensor<D>,
        schedule: &ConsistencySchedule,
        generator: &mut Generator,
        on_step: impl FnMut(Step<D>) -> Result<()>,
    ) -> Result<Tensor<D>> {
        match self {
            Self::Lcm => lcm(model, latents, schedule, generator, on_step),
            Self::Tcd => tcd(model, latents, schedule, generator, on_step),
        }
    }
}

/// A run over some of the timesteps that a model was distilled at.
#[derive(Debug, Clone)]
pub struct ConsistencySchedule {
    pub timesteps: Vec<usize>,
    levels: NoiseLevels,
    prediction_type: PredictionType,
    clip_range: Option<f32>,
    timestep_scaling: f32,
}

impl ConsistencySchedule {
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for more steps than the model was distilled at, or none.
    pub fn new(config: &SchedulerConfig, n_steps: usize) -> Result<Self> {
        Ok(Self {
            timesteps: distilled_timesteps(config, n_steps)?,
            levels: NoiseLevels::new(config),
            prediction_type: config.prediction_type,
            clip_range: config.clip_range(),
            timestep_scaling: config.timestep_scaling,
        })
    }

    pub(super) fn skip_steps(&mut self, n_skipped: usize) {
        self.timesteps.drain(..n_skipped);
    }

    /// The level that step `index` starts from; after the last, a clean picture.
    pub(super) fn level(&self, index: usize) -> NoiseLevel {
        let alpha = |&timestep: &usize| {
            NoiseLevel::variance_preserving(self.levels.alphas_cumprod[timestep])
        };
        self.timesteps.get(index).map_or(NoiseLevel::CLEAN, alpha)
    }

    fn alpha_prod(&self, timestep: usize) -> f32 {
        self.levels.alphas_cumprod[timestep]
    }
}

/// Multistep sampling of a latent consistency model, Luo et al. 2023, algorithm 3.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn lcm<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    mut latents: Tensor<D>,
    schedule: &ConsistencySchedule,
    generator: &mut Generator,
    mut on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    /// σ_data² of the boundary condition.
    const DATA_VARIANCE: f32 = 0.25;
    let n_steps = schedule.timesteps.len();
    for (index, &timestep) in schedule.timesteps.iter().enumerate() {
        let here = schedule.level(index);
        let output = model(latents.clone(), timestep as f32)?.prediction;
        let kind = schedule.prediction_type;
        let denoised = kind.denoised(output, latents.clone(), here.signal, here.noise);
        let time = timestep as f32 * schedule.timestep_scaling;
        let total = time * time + DATA_VARIANCE;
        let (skip, out) = (DATA_VARIANCE / total, time / total.sqrt());
        let denoised = clip(denoised, schedule.clip_range) * out + latents * skip;
        let next = schedule.level(index + 1);
        latents = if index + 1 == n_steps {
            denoised.clone()
        } else {
            let fresh = generator.randn_tensor(denoised.dims(), &denoised.device());
            next.mix(denoised.clone(), fresh)
        };
        on_step(Step {
            index,
            n_steps,
            denoised: &denoised,
            latents: &mut latents,
            level: next,
        })?;
    }
    Ok(latents)
}

/// Strategic stochastic sampling of a trajectory consistency model, Zheng et al. 2024, algorithm 4.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn tcd<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    mut latents: Tensor<D>,
    schedule: &ConsistencySchedule,
    generator: &mut Generator,
    mut on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    let n_steps = schedule.timesteps.len();
    for (index, &timestep) in schedule.timesteps.iter().enumerate() {
        let here = schedule.level(index);
        let next_timestep = schedule.timesteps.get(index + 1).copied();
        let end = next_timestep.unwrap_or_default();
        let lowest = ((1.0 - TCD_GAMMA) * end as f32) as usize;
        let alpha_lowest = schedule.alpha_prod(lowest);
        let output = model(latents.clone(), timestep as f32)?.prediction;
        let kind = schedule.prediction_type;
        let epsilon = kind.epsilon(output.clone(), latents.clone(), here.signal, here.noise);
        let denoised = kind.denoised(output, latents, here.signal, here.noise);
        latents = NoiseLevel::variance_preserving(alpha_lowest).mix(denoised.clone(), epsilon);
        if next_timestep.is_some() {
            let kept = schedule.alpha_prod(end) / alpha_lowest;
            let fresh = generator.randn_tensor(latents.dims(), &latents.device());
            latents = NoiseLevel::variance_preserving(kept).mix(latents, fresh);
        }
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
