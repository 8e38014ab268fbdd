//! Crop and stitch: what an edit sees of a picture, what the model works on, and what is written back. Pixels only.
//!
//! - [`plan`] says where an edit looks, works and writes, before anything runs;
//! - [`extend`] makes room for new picture at the edges, and masks it;
//! - [`over`] lays a pixel of a patch on the picture.
//!
//! Invariant: a pixel whose coverage in the patch is 0 stays as it is, bit for bit, alpha included.

mod extend;
mod patch;
mod plan;
mod settings;
#[cfg(test)]
mod tests;

pub use extend::{Extension, Margins, extend};
pub use patch::over;
pub use plan::{EditPlan, plan};
pub use settings::{EditSettings, Fill, ModelSize};
