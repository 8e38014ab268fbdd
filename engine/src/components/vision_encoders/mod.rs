//! Pictures to embeddings.

mod clip;

pub use clip::{ClipVisionConfig, ClipVisionEncoder, ClipVisionOutput};
