//! Text embeddings to image embeddings.

mod transformer;

pub use transformer::{
    AddedEmbeddingType, NormType, Prior, PriorConditioning, PriorConfig, ProjectionType,
};
