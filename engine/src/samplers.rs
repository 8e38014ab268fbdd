//! The samplers, as plain functions.

use serde::{Deserialize, Serialize};

/// The samplers by the field's names. Variants are only appended (they travel in the protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    Ddpm,
    Ddim,
    Euler,
    EulerAncestral,
    Dpmpp2m,
    Dpmpp2mKarras,
}
