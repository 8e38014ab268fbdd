use burn::tensor::{Tensor, activation};
use serde::Deserialize;

/// The activations that configs name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// With the error function, not its tanh approximation (Hendrycks and Gimpel 2016).
    Gelu,
    /// `x · σ(1.702 x)`, which the first CLIP was trained with.
    QuickGelu,
    #[serde(alias = "swish")]
    Silu,
}

impl Activation {
    pub fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => activation::gelu(x),
            Self::QuickGelu => x.clone() * activation::sigmoid(x * 1.702),
            Self::Silu => activation::silu(x),
        }
    }
}
