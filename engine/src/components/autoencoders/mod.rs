//! Pictures to latents and back.

mod vq;

pub use vq::{Autoencoder, AutoencoderConfig, AutoencoderParts};
