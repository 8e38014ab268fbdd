//! Networks that predict the noise in latents.

pub mod unet;

pub use unet::{UNet, UNetConditioning, UNetConfig, VectorInput};
