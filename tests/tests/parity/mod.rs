//! The engine against the reference libraries: components, samplers, and whole pictures.

mod autoencoder;
mod components;
mod edits;
mod gestures;
mod ip_adapters;
mod latent_diffusion;
mod latent_edits;
mod loras;
mod mixed_models;
pub mod pipelines;
mod redraw;
mod sampling;
mod stable_diffusion;
mod tokenizer;
mod unet;
mod upscalers;
#[cfg(unix)]
mod warm_up;
mod wrapped_upscalers;
