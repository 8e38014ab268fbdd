//! Limn's app.
pub mod cli;
pub mod engine_link;
pub mod files;
pub mod gallery;
pub mod paths;
pub mod settings;
