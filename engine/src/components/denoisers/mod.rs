//! Networks that predict the noise in latents.

pub mod unet;

pub use unet::{PictureContext, UNet, UNetConditioning, UNetConfig, VectorInput};
