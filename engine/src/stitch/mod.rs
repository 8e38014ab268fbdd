//! Crop and stitch: what an edit sees of a picture, what the model works on, and what is written back. Pixels only.
//!
//! - [`plan`] says where an edit looks, works and writes, before anything runs;
//! - [`tiles`] parts an edit that is larger than the model into several of the model's own size;
//! - [`prepare`] makes of that part of the picture what the model works on: scaled, its holes filled;
//! - [`finish`] makes of the model's answer a [`Patch`]: scaled back, its colours matched, also along its border, its edge soft;
//! - [`extend`] makes room for new picture at the edges, and masks it;
//! - [`colour_transparent`] lets colours go on under what is transparent;
//! - [`changed_area`] tells which pixels that will be, before anything runs;
//! - [`over`] lays a pixel of a patch on the picture;
//! - [`grow`], [`shrink`] and [`feather`] change a mask as a whole.
//!
//! Invariant: a pixel whose coverage in the patch is 0 stays as it is, bit for bit, alpha included.

mod colour;
mod crop;
mod extend;
mod fill;
mod masks;
mod patch;
mod plan;
mod seam;
mod settings;
mod soft_edge;
#[cfg(test)]
mod tests;
mod thickness;
mod tiles;

pub use crop::{Crop, Prepared, prepare};
pub use extend::{Extension, MAX_BLEND_INWARD_PX, Margins, extend};
pub use fill::colour_transparent;
pub use masks::{feather, grow, shrink};
pub use patch::{Patch, finish, over};
pub use plan::{EditPlan, plan, work_size};
pub use settings::{EditSettings, Fill, ModelSize};
pub use soft_edge::changed_area;
pub use tiles::{EditTile, tiles};
