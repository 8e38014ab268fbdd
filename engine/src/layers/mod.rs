//! The layers that every component is made of: parameters and a `forward`, nothing learned here.
//!
//! Layers are built from [`Parameters`] under the reference libraries' names (`weight`, `bias`).

mod attention;
mod conv;
mod linear;
mod norm;

pub use attention::attention;
pub use conv::Conv2d;
pub use linear::{Embedding, Linear};
pub use norm::{GroupNorm, LayerNorm};
