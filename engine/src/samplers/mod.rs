//! The samplers, as plain functions from noise to a picture.
//!
//! A sampler knows its model only as a closure that is told the latents and the timestep, and answers with
//! its prediction. After every step it calls `on_step`, which may put other latents in place, and whose error
//! ends the run.

mod ancestral;
mod beside_picture;
mod by_steps;
mod consistency;
mod ddim;
mod multistep;
mod noise_level;
mod sampler;
mod schedule;
mod spacing;

use burn::tensor::Tensor;

pub use ancestral::{AncestralSchedule, ddpm};
pub use beside_picture::OdeSolver;
pub use consistency::{ConsistencySampler, ConsistencySchedule};
pub use ddim::{DdimSchedule, ddim, ddim_inversion};
pub use multistep::MultistepSolver;
pub use noise_level::NoiseLevel;
pub use sampler::{Sampler, SamplerInfo, Spacings};
pub use schedule::{Schedule, sample};
pub use spacing::Spacing;

/// What a model answers at one step.
#[derive(Debug, Clone)]
pub struct ModelOutput<const D: usize> {
    /// Noise, picture or velocity, as the schedule's prediction type says; shaped as the latents.
    pub prediction: Tensor<D>,
    /// What a model with a learned variance says of it, in [-1, 1]; shaped as the latents.
    pub variance: Option<Tensor<D>>,
}

/// A step that is done.
#[derive(Debug)]
pub struct Step<'a, const D: usize> {
    /// From 0.
    pub index: usize,
    pub n_steps: usize,
    /// The picture that the model now predicts, in latents.
    pub denoised: &'a Tensor<D>,
    /// Where the next step starts. What an edit holds fast is put in here.
    pub latents: &'a mut Tensor<D>,
    /// How noisy the latents are now.
    pub level: NoiseLevel,
}
