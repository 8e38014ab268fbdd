//! The language of prompts that the field has grown: `(word:1.2)`, `[word]`, `\(`, `BREAK`, `{a|b|c}`, `__name__`,
//! `<lora:name:0.8>`, and styles.
//!
//! A text goes through it in this order: [`styles`] are laid around it, [`wildcards`] become choices, [`choices`] are
//! made by the seed, [`parse`] reads what is left into parts with weights, and [`TokenChunks`] cuts their tokens into
//! chunks of the text encoder's length. All of it is text and numbers: what weights do to tokens is the text encoders'.
//!
//! Whatever is written is read: brackets that do not close, braces without end and numbers that are none mean
//! themselves. Nothing takes longer than its length, and beyond [`MAX_BYTES`] nothing is read.

pub mod choices;
mod chunks;
pub mod marks;
mod parse;
pub mod styles;
pub mod wildcards;

pub use chunks::{Chunk, EmbeddingName, Insert, TokenChunks, mentions};
pub use parse::{LoraWord, Part, Prompt, parse};

/// Of a text, after its choices: several times what the longest prompts have.
pub const MAX_BYTES: usize = 64 << 10;

/// As much of a text as is read, on a character's boundary.
fn readable(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_BYTES)]
}
