use burn::tensor::Tensor;

use super::{
    AncestralSchedule, DdimSchedule, ModelOutput, NoiseLevel, Sampler, Step, ddim, ddpm,
    deterministic::Level, dpmpp_2m, euler, euler_ancestral,
};
use crate::{
    Result,
    noise::Generator,
    schedules::{SchedulerConfig, SigmaSchedule},
};

/// A sampler and the steps that it will take.
#[derive(Debug, Clone)]
pub enum Schedule {
    Ddpm(AncestralSchedule),
    Ddim(DdimSchedule),
    Euler(SigmaSchedule),
    EulerAncestral(SigmaSchedule),
    Dpmpp2m(SigmaSchedule),
}

impl Schedule {
    /// From the model folder's own config.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a number of steps that the sampler cannot take over it.
    pub fn new(sampler: Sampler, config: &SchedulerConfig, n_steps: usize) -> Result<Self> {
        Ok(match sampler {
            Sampler::Ddpm if config.is_unclip() => {
                Self::Ddpm(AncestralSchedule::unclip(config, n_steps)?)
            }
            Sampler::Ddpm => Self::Ddpm(AncestralSchedule::ddpm(config, n_steps)?),
            Sampler::Ddim => Self::Ddim(DdimSchedule::new(config, n_steps)?),
            Sampler::Euler => Self::Euler(SigmaSchedule::euler(config, sampler, n_steps)?),
            Sampler::EulerAncestral => {
                Self::EulerAncestral(SigmaSchedule::euler(config, sampler, n_steps)?)
            }
            Sampler::Dpmpp2m | Sampler::Dpmpp2mKarras => {
                Self::Dpmpp2m(SigmaSchedule::dpmpp(config, sampler, n_steps)?)
            }
        })
    }

    pub fn n_steps(&self) -> usize {
        match self {
            Self::Ddpm(schedule) => schedule.timesteps.len(),
            Self::Ddim(schedule) => schedule.timesteps.len(),
            Self::Euler(schedule) | Self::EulerAncestral(schedule) | Self::Dpmpp2m(schedule) => {
                schedule.timesteps.len()
            }
        }
    }

    /// Leaves out the noisiest steps, but never the last one: `SDEdit`, Meng et al. 2022.
    pub fn skip_steps(&mut self, n_skipped: usize) {
        let n_skipped = n_skipped.min(self.n_steps().saturating_sub(1));
        match self {
            Self::Ddpm(schedule) => schedule.skip_steps(n_skipped),
            Self::Ddim(schedule) => schedule.skip_steps(n_skipped),
            Self::Euler(schedule) | Self::EulerAncestral(schedule) | Self::Dpmpp2m(schedule) => {
                schedule.timesteps.drain(..n_skipped);
                schedule.sigmas.drain(..n_skipped);
            }
        }
    }

    /// The level of the latents that the first step takes.
    pub fn first_level(&self) -> NoiseLevel {
        match self {
            Self::Ddpm(schedule) => schedule.first_level(),
            Self::Ddim(schedule) => schedule.level(0),
            Self::Euler(schedule) | Self::EulerAncestral(schedule) => {
                NoiseLevel::beside_picture(schedule.sigmas[0])
            }
            Self::Dpmpp2m(schedule) => Level::new(schedule.sigmas[0]).noise_level(),
        }
    }

    /// The first latents of a picture made from nothing but standard normal noise.
    pub fn initial_latents<const D: usize>(&self, noise: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Euler(schedule) | Self::EulerAncestral(schedule) => {
                noise * schedule.initial_sigma
            }
            Self::Ddpm(_) | Self::Ddim(_) | Self::Dpmpp2m(_) => noise,
        }
    }
}

/// Runs a sampler over its schedule.
///
/// The latents are at the schedule's first level; further noise comes from `generator`, in the reference's order.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn sample<const D: usize>(
    schedule: &Schedule,
    model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    generator: &mut Generator,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    match schedule {
        Schedule::Ddpm(schedule) => ddpm(model, latents, schedule, generator, on_step),
        Schedule::Ddim(schedule) => ddim(model, latents, schedule, on_step),
        Schedule::Euler(schedule) => euler(model, latents, schedule, on_step),
        Schedule::EulerAncestral(schedule) => {
            euler_ancestral(model, latents, schedule, generator, on_step)
        }
        Schedule::Dpmpp2m(schedule) => dpmpp_2m(model, latents, schedule, on_step),
    }
}
