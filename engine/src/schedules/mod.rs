//! When a model is asked, and how noisy it thinks its input is.
//!
//! Everything follows diffusers' schedulers, their rounding and their order of operations included, so that
//! a model is asked at exactly the timesteps that the reference would ask it at.

mod config;
mod noise_levels;
mod sigmas;
mod timesteps;

pub use config::{SchedulerConfig, TimestepSpacing, VarianceType};
pub use noise_levels::NoiseLevels;
pub use sigmas::SigmaSchedule;
pub use timesteps::{ancestral_timesteps, distilled_timesteps, unclip_timesteps};
