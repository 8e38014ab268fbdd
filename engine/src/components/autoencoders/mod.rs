//! Pictures to latents and back.

mod kl;
mod vq;

pub use kl::{KlAutoencoder, KlConfig};
pub use vq::{Autoencoder, AutoencoderConfig, AutoencoderParts};
