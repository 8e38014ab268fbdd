//! Everything that is tested across crates, in one binary: components against the reference libraries,
//! whole pipelines, and with the feature `app` the window and the command line.
#![allow(clippy::unwrap_used)]

mod harness;

mod autoencoder;
mod catalogue;
#[cfg(feature = "app")]
mod command_line;
mod components;
#[cfg(feature = "app")]
mod documents;
#[cfg(feature = "app")]
mod edit_commands;
mod edits;
#[cfg(feature = "app")]
mod engine_gestures;
#[cfg(feature = "app")]
mod engine_process;
#[cfg(feature = "app")]
mod gallery;
#[cfg(feature = "app")]
mod gallery_changes;
#[cfg(feature = "app")]
mod gallery_commands;
#[cfg(feature = "app")]
mod gesture_commands;
mod gestures;
#[cfg(feature = "app")]
mod meaning;
mod mixed_models;
mod pipelines;
mod redraw;
mod sampling;
mod tokenizer;
#[cfg(feature = "app")]
mod tool_panels;
mod unet;
#[cfg(feature = "app")]
mod upscale_command;
mod upscalers;
#[cfg(feature = "app")]
mod window;
