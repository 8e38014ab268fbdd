//! Families, the formats of their folders, and which models are there.

mod card;

pub use card::{ModelCard, PreviewMap};
pub use crate::weights::ModelFolder;
