//! Limn's engine: diffusion models on burn, in a process of their own.
//!
//! What is here, in the order a picture takes:
//!
//! - [`catalogue`] finds what lies where;
//! - [`families`] know what a folder or file is, one folder of code each: files, components, prompt and pictures to
//!   conditioning, latents to pixels, defaults, what can be asked for, what it costs;
//! - [`weights`] checks and reads safetensors; every component is built from [`weights::Parameters`];
//! - [`components`] are the networks, made of layers, and know no family; [`prompt_language`], [`tokenizer`],
//!   [`image_preprocessor`] and [`resample`] prepare what goes into them;
//! - [`model`] is an opened model of any family: what is in memory of it, within the budget;
//! - [`schedules`], [`prediction`], [`samplers`], [`guidance`], [`noise`] are the sampling mathematics, plain functions
//!   that know no model;
//! - [`generation`] is the loop that all share: seeds, noise, denoising, previews, decoding, progress;
//! - [`operations`] are what can be asked for, one strategy each on top of it;
//! - [`embedding`] keeps and compares where CLIP lays pictures and texts;
//! - [`stitch`] cuts out what an edit sees and makes the patch that is written back, in pixels;
//! - [`worker`] runs operations as jobs and speaks [`protocol`] with the window or the command line;
//! - [`profile`] tells where the time goes;
//! - [`device`] knows what the machine has and what it may be trusted with;
//! - [`regular_file`] is the door to files, the window's too; [`foreign_text`] that for what others wrote, on its way to a message or a log, [`plain_words`] what
//!   programmers call things; [`standard_error`] takes a line where people may not listen.
//!
//! Invariants: the arrows point one way (`operations` → `generation` → `model` ← `families` → `components` →
//! `weights`); nothing but `families` and what opens them names a family; nothing here names egui; nothing writes to
//! standard output but protocol frames; noise is made on the CPU and is PyTorch's, so that a seed means the same
//! picture on every device.
//!
//! Deliberately absent: training, an async runtime, pickle, a backend type parameter.

pub mod catalogue;
pub mod components;
pub mod device;
pub mod embedding;
pub mod error;
pub mod families;
pub mod foreign_text;
pub mod generation;
pub mod guidance;
mod heartbeat;
pub mod image;
pub mod image_preprocessor;
pub mod model;
pub mod noise;
pub mod operations;
mod pixel_rect;
pub mod plain_words;
pub mod prediction;
pub mod profile;
pub mod progress;
pub mod prompt_language;
pub mod protocol;
pub mod regular_file;
pub mod resample;
pub mod samplers;
pub mod schedules;
mod slerp;
pub mod standard_error;
pub mod stitch;
pub mod tokenizer;
pub mod weights;
pub mod worker;

/// Names of temporary files start so, the app's too; whoever finds one that nobody writes any more may remove it.
pub const TEMP_PREFIX: &str = ".limn-temp-";

pub use error::{Error, Result};
pub use pixel_rect::PixelRect;
