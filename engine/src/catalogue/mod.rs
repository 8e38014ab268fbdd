//! Families, the formats of their folders, and which models are there.

mod card;
mod folder;

pub use card::{ModelCard, PreviewMap};
pub use folder::ModelFolder;
