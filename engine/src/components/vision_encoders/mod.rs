//! Pictures to embeddings.

mod clip;
mod normalizer;

pub use clip::{ClipVisionConfig, ClipVisionEncoder, ClipVisionOutput};
pub use normalizer::EmbeddingNormalizer;
