//! The layers that every component is made of: parameters and a `forward`, nothing learned here.
//!
//! Layers are built from [`Parameters`](crate::weights::Parameters) under the reference libraries' names (`weight`, `bias`).

mod activation;
mod attention;
mod clip_encoder;
mod conv;
mod cpu;
mod linear;
mod norm;
mod pixel_shuffle;
mod timestep;

pub use activation::{Activation, PRelu, gated_gelu, leaky_relu};
pub use attention::{MASKED_SCORE, attention, exact_attention};
pub use clip_encoder::{ClipEncoder, ClipEncoderConfig, read_clip_config};
pub use conv::{Conv2d, upsample_nearest};
pub use linear::{Embedding, Linear};
pub use norm::{GroupNorm, LayerNorm, Modulation, Then};
pub use pixel_shuffle::{pixel_shuffle, pixel_unshuffle};
pub use timestep::TimestepEmbedding;
