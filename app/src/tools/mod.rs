//! What the pointer does on the canvas: painting masks and sketches, selecting, moving, cropping.
//!
//! - [`Toolbox`] has the chosen tool and its state; the canvas feeds it [`PointerEvent`]s, and what it does to
//!   the [`Document`](crate::document::Document) is one step for each gesture;
//! - [`brush`], [`path`], [`sweep`] and [`stroke`] are the pixels of a stroke, [`fill`] of filled [`shapes`],
//!   [`flood`] of the wand; [`mask_ops`] changes a mask as a whole; [`MaskWork`] is such a change where it takes
//!   its time;
//! - `paint`, `select`, `polygon`, `move_layer` and [`crop`] are the tools' states. Each is a
//!   transition: from a state and an event to the next state.
//!
//! Invariants: Esc, and a pointer that the system takes away, leave the document as it was before the gesture;
//! a gesture that changes nothing is no step; nothing here draws or knows of a window.

pub mod blend;
pub mod brush;
pub mod crop;
pub mod crop_rect;
pub mod fill;
pub mod flood;
mod hand;
pub mod mask_ops;
mod mask_work;
mod move_layer;
mod overlay;
mod paint;
pub mod path;
mod pointer;
mod polygon;
mod select;
mod settings;
pub mod shapes;
pub mod stroke;
mod stroke_tile;
pub mod sweep;
#[cfg(test)]
mod tests;
mod tool;
mod toolbox;

pub use brush::Brush;
pub use hand::ToolOutcome;
pub use limn_engine::stitch::Margins;
pub use mask_ops::MaskAction;
pub use mask_work::{MaskWork, NewMasks, Stop, Stopped};
pub use overlay::Overlay;
pub use pointer::{Point, PointerEvent, PointerKind, PointerModifiers};
pub use settings::{ToolSettings, Wand};
pub use tool::Tool;
pub use toolbox::Toolbox;
