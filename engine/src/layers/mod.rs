//! The layers that every component is made of: parameters and a `forward`, nothing learned here.
//!
//! Layers are built from [`Parameters`](crate::weights::Parameters) under the reference libraries' names (`weight`, `bias`).

mod activation;
mod attention;
mod clip_encoder;
mod conv;
mod cpu;
mod cpu_conv;
mod linear;
mod norm;
mod timestep;

pub use activation::Activation;
pub use attention::{MASKED_SCORE, attention, exact_attention};
pub use clip_encoder::{ClipEncoder, ClipEncoderConfig, read_clip_config};
pub use conv::{Conv2d, upsample_nearest_2x};
pub use linear::{Embedding, Linear};
pub use norm::{GroupNorm, LayerNorm, Modulation, Then};
pub use timestep::TimestepEmbedding;
