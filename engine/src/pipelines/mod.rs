//! Components put together, one function per deed, for the worker to run as jobs.
//!
//! The door: open a [`LoadedModel`] once, then call [`text_to_image::run`] or [`edit::run`] for every job. Both
//! put their own beginning and end around one loop (`making`). A pipeline talks back through one callback that takes [`PipelineEvent`]s; an error that the callback returns, such as
//! [`Error::Cancelled`](crate::Error::Cancelled), ends the run before the next step and comes back unchanged.

mod component_fit;
mod conditioning;
pub mod edit;
mod event;
mod initial_latents;
mod latent_mask;
mod loaded_model;
mod making;
mod memory;
mod preview_map;
mod progress;
mod similarity;
mod slerp;
mod source_picture;
pub mod text_to_image;
mod value_cache;

pub use edit::EditInput;
pub use event::{FinishedPicture, PipelineEvent};
pub use initial_latents::InitialLatents;
pub use loaded_model::{LoadedModel, Runtime};
pub use source_picture::SourcePicture;

use crate::Result;

/// One of what a blend is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlendPart {
    Picture(SourcePicture),
    Text(String),
}

/// Where a pipeline tells what it does.
pub type OnEvent<'a> = dyn FnMut(PipelineEvent) -> Result<()> + 'a;
