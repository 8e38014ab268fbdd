//! What the pointer does on the canvas: painting masks and sketches, selecting, moving, extending.
//!
//! - [`brush`], [`path`] and [`stroke`] are the pixels of a stroke, [`shapes`] of filled outlines, [`flood`] of
//!   the wand; [`blend`] is what a covered pixel becomes.
//!
//! Nothing here draws or knows of a window.

pub mod blend;
pub mod brush;
pub mod flood;
pub mod path;
mod pointer;
mod settings;
pub mod shapes;
pub mod stroke;
mod tool;

pub use brush::Brush;
pub use pointer::{Point, PointerEvent, PointerKind, PointerModifiers};
pub use settings::{ToolSettings, Wand};
pub use tool::Tool;
