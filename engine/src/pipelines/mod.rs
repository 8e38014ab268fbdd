//! Components put together, one function per deed, for the worker to run as jobs.
//!
//! The door: open a [`LoadedModel`] once, then call [`text_to_image::run`] for every job. A pipeline talks
//! back through one callback that takes [`PipelineEvent`]s; an error that the callback returns, such as
//! [`Error::Cancelled`](crate::Error::Cancelled), ends the run before the next step and comes back unchanged.

mod component_fit;
mod conditioning;
mod event;
mod initial_latents;
mod loaded_model;
mod memory;
mod preview_map;
mod progress;
mod similarity;
pub mod text_to_image;
mod value_cache;

pub use event::{FinishedPicture, PipelineEvent};
pub use loaded_model::{LoadedModel, Runtime};

use crate::Result;

/// Where a pipeline tells what it does.
type OnEvent<'a> = dyn FnMut(PipelineEvent) -> Result<()> + 'a;
