//! The loop that all operations and families share: for each picture its conditioning, latents from noise, pixels.
//!
//! Each picture has a generator of its own, and draws in the reference pipelines' order: what the family draws of its
//! conditioning, the initial noise, the noise of every step. So f32 on the CPU gives the picture that diffusers gives
//! for the same model, prompt, seed and steps.
//!
//! Nothing here knows a family: conditioning is opaque, and the denoiser a closure.

mod initial_latents;
mod inversion;
mod latent_mask;
mod prepared_run;
mod run;
mod similarity;
mod strategy;
mod wordings;

pub use initial_latents::InitialLatents;
pub(crate) use inversion::{Turn, invert, settings as inversion_settings};
pub(crate) use latent_mask::LatentMask;
pub(crate) use prepared_run::{PreparedRun, out_of_range};
pub(crate) use run::Generation;
pub(crate) use strategy::{FromNoise, Strategy};
