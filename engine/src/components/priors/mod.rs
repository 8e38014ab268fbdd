//! Text embeddings to image embeddings.

mod decoder_projection;
mod transformer;

pub use decoder_projection::{DecoderInput, DecoderProjection, DecoderProjectionConfig};
pub use transformer::{
    AddedEmbeddingType, NormType, Prior, PriorConditioning, PriorConfig, ProjectionType,
};
