use burn::tensor::Tensor;

use super::{
    AncestralSchedule, ConsistencySampler, ConsistencySchedule, DdimSchedule, ModelOutput,
    MultistepSolver, NoiseLevel, OdeSolver, Sampler, Step, ddim, ddpm, multistep::Level,
};
use crate::{
    Result,
    noise::Generator,
    schedules::{SchedulerConfig, SigmaSchedule},
};

/// A sampler and the steps that it will take, by the space that it works in.
#[derive(Debug, Clone)]
pub enum Schedule {
    Ddpm(AncestralSchedule),
    Ddim(DdimSchedule),
    /// Noise on top of the whole picture.
    BesidePicture(OdeSolver, SigmaSchedule),
    /// Latents of variance one.
    Multistep(MultistepSolver, SigmaSchedule),
    Consistency(ConsistencySampler, ConsistencySchedule),
}

impl Schedule {
    /// From the model folder's own config.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a number of steps that the sampler cannot take over it.
    pub fn new(sampler: Sampler, config: &SchedulerConfig, n_steps: usize) -> Result<Self> {
        let beside_picture = |solver| {
            let schedule = SigmaSchedule::euler(config, sampler, n_steps)?;
            Ok(Self::BesidePicture(solver, schedule))
        };
        let multistep = |solver| {
            let schedule = SigmaSchedule::dpmpp(config, sampler, n_steps)?;
            Ok(Self::Multistep(solver, schedule))
        };
        let consistency = |sampler| {
            let schedule = ConsistencySchedule::new(config, n_steps)?;
            Ok(Self::Consistency(sampler, schedule))
        };
        match sampler {
            Sampler::Ddpm if config.is_unclip() => {
                Ok(Self::Ddpm(AncestralSchedule::unclip(config, n_steps)?))
            }
            Sampler::Ddpm => Ok(Self::Ddpm(AncestralSchedule::ddpm(config, n_steps)?)),
            Sampler::Ddim => Ok(Self::Ddim(DdimSchedule::new(config, n_steps)?)),
            Sampler::Euler => beside_picture(OdeSolver::Euler),
            Sampler::EulerAncestral => beside_picture(OdeSolver::EulerAncestral),
            Sampler::Heun => beside_picture(OdeSolver::Heun),
            Sampler::DpmppSde => beside_picture(OdeSolver::DpmppSde),
            Sampler::Dpmpp2m | Sampler::Dpmpp2mKarras => multistep(MultistepSolver::Dpmpp2m),
            Sampler::Dpmpp2mSde => multistep(MultistepSolver::Dpmpp2mSde),
            Sampler::UniPc => multistep(MultistepSolver::UniPc),
            Sampler::Lcm => consistency(ConsistencySampler::Lcm),
            Sampler::Tcd => consistency(ConsistencySampler::Tcd),
        }
    }

    pub fn n_steps(&self) -> usize {
        match self {
            Self::Ddpm(schedule) => schedule.timesteps.len(),
            Self::Ddim(schedule) => schedule.timesteps.len(),
            Self::BesidePicture(_, schedule) | Self::Multistep(_, schedule) => {
                schedule.timesteps.len()
            }
            Self::Consistency(_, schedule) => schedule.timesteps.len(),
        }
    }

    /// Leaves out the noisiest steps, but never the last one: `SDEdit`, Meng et al. 2022.
    pub fn skip_steps(&mut self, n_skipped: usize) {
        let n_skipped = n_skipped.min(self.n_steps().saturating_sub(1));
        match self {
            Self::Ddpm(schedule) => schedule.skip_steps(n_skipped),
            Self::Ddim(schedule) => schedule.skip_steps(n_skipped),
            Self::BesidePicture(_, schedule) | Self::Multistep(_, schedule) => {
                schedule.skip_steps(n_skipped);
            }
            Self::Consistency(_, schedule) => schedule.skip_steps(n_skipped),
        }
    }

    /// The level of the latents that the first step takes.
    pub fn first_level(&self) -> NoiseLevel {
        match self {
            Self::Ddpm(schedule) => schedule.first_level(),
            Self::Ddim(schedule) => schedule.level(0),
            Self::BesidePicture(_, schedule) => NoiseLevel::beside_picture(schedule.sigmas[0]),
            Self::Multistep(_, schedule) => Level::noise_level_at(schedule.sigmas[0]),
            Self::Consistency(_, schedule) => schedule.level(0),
        }
    }

    /// The first latents of a picture made from nothing but standard normal noise.
    pub fn initial_latents<const D: usize>(&self, noise: Tensor<D>) -> Tensor<D> {
        match self {
            Self::BesidePicture(_, schedule) => noise * schedule.initial_sigma,
            Self::Ddpm(_) | Self::Ddim(_) | Self::Multistep(..) | Self::Consistency(..) => noise,
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
        Schedule::BesidePicture(solver, schedule) => {
            solver.run(model, latents, schedule, generator, on_step)
        }
        Schedule::Multistep(solver, schedule) => {
            solver.run(model, latents, schedule, generator, on_step)
        }
        Schedule::Consistency(sampler, schedule) => {
            sampler.run(model, latents, schedule, generator, on_step)
        }
    }
}
