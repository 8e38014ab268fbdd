//! What can be asked for, one strategy each on top of [`generation`](crate::generation).
//!
//! The door: open a [`LoadedModel`] once, then call the `run` of an operation for every job. An operation checks what
//! it is asked, says what steers its pictures, and leaves what a model does with that to its family. It talks back
//! through one callback that takes [`PipelineEvent`]s; an error that the callback returns, such as
//! [`Error::Cancelled`](crate::Error::Cancelled), ends the run before the next step and comes back unchanged.

pub mod blend;
pub mod edit;
pub mod embed;
pub mod generate;
mod image_conditioned;
mod latent_blend;
pub mod redraw;
pub mod shift;
mod source_picture;
pub mod upscale;
pub mod variations;

pub use blend::BlendPart;
pub use edit::EditInput;
pub use source_picture::SourcePicture;
pub use upscale::{LoadedUpscaler, UpscaleJob};

pub use crate::{
    generation::InitialLatents,
    model::{LoadedModel, Runtime},
    progress::{FinishedPicture, OnEvent, PipelineEvent},
};
