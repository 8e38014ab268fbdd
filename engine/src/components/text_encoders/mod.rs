//! Prompts, as token ids, to embeddings.

mod clip;
mod learned;
mod weighted;

pub use clip::{ClipTextConfig, ClipTextEncoder, ClipTextOutput};
pub use learned::{EncoderSlot, LearnedEmbeddings};
pub use weighted::{WeightedTexts, unread};
