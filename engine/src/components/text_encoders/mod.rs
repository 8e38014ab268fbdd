//! Prompts, as token ids, to embeddings.

mod clip;

pub use clip::{ClipTextConfig, ClipTextEncoder, ClipTextOutput};
