//! Pictures to latents and back.

mod kl;
mod tiles;
mod vq;

pub use kl::{KlAutoencoder, KlConfig};
pub use tiles::TILE_CELLS;
pub use vq::{Autoencoder, AutoencoderConfig, AutoencoderParts};
