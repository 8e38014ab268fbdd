//! Everything that is tested across crates, in one binary: components against the reference libraries,
//! whole pipelines, and with the feature `app` the window and the command line.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // Until every component has its parity tests.
mod harness;

mod autoencoder;
mod catalogue;
mod components;
#[cfg(feature = "app")]
mod gallery;
mod pipelines;
mod sampling;
mod unet;
