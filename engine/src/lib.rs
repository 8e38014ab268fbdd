//! Limn's engine: diffusion models on burn, in a process of their own.
//!
//! What is here, in the order a picture takes:
//!
//! - [`catalogue`] finds model folders and knows their families;
//! - [`weights`] checks and reads safetensors; every component is built from [`weights::Parameters`];
//! - [`tokenizer`], [`text_encoders`], [`vision_encoder`], [`prior`], [`denoisers`], [`autoencoder`]
//!   are the components, made of [`layers`]; [`image_preprocessor`] and [`resample`] prepare pictures
//!   for the vision encoder;
//! - [`upscaler`] makes pictures larger, by networks that people have as single files;
//! - [`schedules`], [`prediction`], [`samplers`], [`guidance`], [`noise`] are the sampling mathematics,
//!   plain functions that know no model;
//! - [`embedding`] keeps and compares where CLIP lays pictures and texts;
//! - [`stitch`] cuts out what an edit sees and makes the patch that is written back, in pixels;
//! - [`pipelines`] put them together, one function per deed;
//! - [`worker`] runs pipelines as jobs and speaks [`protocol`] with the window or the command line;
//! - [`device`] knows what the machine has and what it may be trusted with;
//! - [`foreign_text`] is the door for what others wrote, on its way to a message or a log; [`standard_error`] takes a
//!   line where people may not listen.
//!
//! Invariants: the arrows point one way (`pipelines` → components → `weights`); nothing here names
//! egui; nothing writes to standard output but protocol frames; noise is made on the CPU and is
//! PyTorch's, so that a seed means the same picture on every device.
//!
//! Deliberately absent: training, an async runtime, pickle, a backend type parameter.

pub mod autoencoder;
pub mod catalogue;
pub mod denoisers;
pub mod device;
mod diffusers_config;
pub mod embedding;
pub mod error;
pub mod foreign_text;
pub mod guidance;
pub mod image;
pub mod image_preprocessor;
pub mod layers;
pub mod noise;
pub mod pipelines;
mod pixel_rect;
pub mod prediction;
pub mod prior;
pub mod protocol;
mod pulse;
pub mod resample;
pub mod samplers;
pub mod schedules;
pub mod standard_error;
pub mod stitch;
pub mod text_encoders;
pub mod tokenizer;
pub mod upscaler;
pub mod vision_encoder;
pub mod weights;
pub mod worker;

pub use error::{Error, Result};
pub use pixel_rect::PixelRect;
