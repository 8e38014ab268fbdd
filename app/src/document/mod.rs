//! A picture being worked on: its layers, its mask and every step back.
//!
//! - [`tiles`] are planes of pixels that snapshots share;
//! - [`Content`] is all that the user sees and changes, [`Layer`] a part of it;
//! - [`Document`] has the content now, and undoes and redoes its steps;
//! - [`DocumentStore`] keeps the open documents in files, from their first step on, and saves projects.
//!
//! Nothing here knows of a window.

mod ahead;
mod arrange;
mod composite;
mod content;
mod filed;
mod history;
mod id;
mod journal;
mod kind_outline;
mod layer;
mod layer_picture;
mod open_raster;
mod outline;
mod past_runs;
mod replay;
mod step;
mod steps;
mod store;
mod stored_runs;
#[cfg(test)]
mod tests;
pub mod tiles;
mod title;
mod versions;

pub use crate::blend_mode::BlendMode;
pub use arrange::KeptResult;
pub use content::{Changed, Content};
pub use history::Document;
pub use id::DocumentId;
pub use layer::{Layer, LayerId, LayerKind, Original, PatchSource};
pub use layer_picture::encode_layer;
pub use open_raster::{OPEN_RASTER_EXTENSION, encode_open_raster};
pub use past_runs::{PastResult, PastRun};
pub use step::StepName;
pub use store::{AtStart, DocumentStore, EXTENSION, Event, Places, working_path};
pub use title::title;
