//! The samplers, as plain functions from noise to a picture.
//!
//! A sampler knows its model only as a closure that is told the latents and the timestep, and answers with
//! its prediction. After every step it calls `on_step`, which may put other latents in place, and whose error
//! ends the run.

mod ancestral;
mod ddim;
mod deterministic;
mod noise_level;
mod schedule;

use std::{fmt, str::FromStr};

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

pub use ancestral::{AncestralSchedule, ddpm};
pub use ddim::{DdimSchedule, ddim, ddim_inversion};
pub use deterministic::{dpmpp_2m, euler, euler_ancestral};
pub use noise_level::NoiseLevel;
pub use schedule::Schedule;

use crate::{Error, Result, noise::Generator};

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

/// The samplers by the field's names. Variants are only appended (they travel in the protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    Ddpm,
    Ddim,
    Euler,
    EulerAncestral,
    #[serde(rename = "dpmpp_2m")]
    Dpmpp2m,
    #[serde(rename = "dpmpp_2m_karras")]
    Dpmpp2mKarras,
}

impl Sampler {
    pub const ALL: [Self; 6] = [
        Self::Ddpm,
        Self::Ddim,
        Self::Euler,
        Self::EulerAncestral,
        Self::Dpmpp2m,
        Self::Dpmpp2mKarras,
    ];

    /// The name that `--sampler`, recipes and `limn.json` use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddpm => "ddpm",
            Self::Ddim => "ddim",
            Self::Euler => "euler",
            Self::EulerAncestral => "euler_ancestral",
            Self::Dpmpp2m => "dpmpp_2m",
            Self::Dpmpp2mKarras => "dpmpp_2m_karras",
        }
    }
}

impl fmt::Display for Sampler {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Sampler {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|sampler| sampler.name() == name)
            .ok_or_else(|| Error::UnknownSampler {
                name: name.to_owned(),
                valid: Self::ALL.map(|sampler| sampler.name().to_owned()).to_vec(),
            })
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
