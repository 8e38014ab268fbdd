//! Components put together, one function per deed, for the worker to run as jobs.
//!
//! The door: open a [`LoadedModel`] once, then call the `run` of a deed for every job. All that draw put their own
//! beginning before one loop (`making`), and tell it as a `Deed` what they do differently. A pipeline talks back
//! through one callback that takes [`PipelineEvent`]s; an error that the callback returns, such as
//! [`Error::Cancelled`](crate::Error::Cancelled), ends the run before the next step and comes back unchanged.

pub mod blend;
mod component_fit;
mod conditioned_unet;
mod conditioning;
mod deed;
pub mod edit;
pub mod embed;
mod event;
mod gesture;
mod initial_latents;
mod inversion;
mod latent_mask;
mod loaded_model;
mod making;
mod memory;
mod order;
mod preview_map;
mod progress;
pub mod redraw;
pub mod shift;
mod similarity;
mod slerp;
mod source_picture;
pub mod text_to_image;
pub mod upscale;
mod value_cache;
pub mod variations;

pub use blend::BlendPart;
pub use edit::EditInput;
pub use event::{FinishedPicture, PipelineEvent};
pub use initial_latents::InitialLatents;
pub use loaded_model::{LoadedModel, Runtime};
pub use source_picture::SourcePicture;
pub use upscale::{LoadedUpscaler, UpscaleOrder};

use crate::Result;

/// Where a pipeline tells what it does.
pub type OnEvent<'a> = dyn FnMut(PipelineEvent) -> Result<()> + 'a;
