use burn::tensor::{Tensor, activation};
use serde::Deserialize;

use super::cpu;
use crate::{Result, weights::Parameters};

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
        if cpu::is_on_cpu(&x) {
            return cpu::activate(x, self);
        }
        match self {
            Self::Gelu => activation::gelu(x),
            Self::QuickGelu => x.clone() * activation::sigmoid(x * 1.702),
            Self::Silu => activation::silu(x),
        }
    }
}

/// The first half of the last dimension times the GELU of the second (Shazeer 2020).
///
/// # Shapes: `[batch, length, 2 · width]` → `[batch, length, width]`
pub fn gated_gelu(x: Tensor<3>) -> Tensor<3> {
    if cpu::is_on_cpu(&x) {
        return cpu::gated_gelu(x);
    }
    let width = x.dims()[2] / 2;
    x.clone().narrow(2, 0, width) * activation::gelu(x.narrow(2, width, width))
}

/// `x`, and `slope · x` where that is negative.
pub fn leaky_relu(x: Tensor<4>, slope: f64) -> Tensor<4> {
    if cpu::is_on_cpu(&x) {
        return cpu::leaky_relu(x, &[slope as f32]);
    }
    activation::leaky_relu(x, slope)
}

/// A leaky `ReLU` that has learned a slope for each channel (He et al. 2015).
#[derive(Debug, Clone)]
pub struct PRelu {
    weight: Tensor<1>,
}

impl PRelu {
    pub fn init(parameters: &Parameters, n_channels: usize) -> Result<Self> {
        Ok(Self {
            weight: parameters.tensor("weight", [n_channels])?,
        })
    }

    /// # Shapes: `[batch, channels, height, width]` → the same
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if cpu::is_on_cpu(&x) {
            return cpu::leaky_relu(x, cpu::Values::of(self.weight.clone()).as_slice());
        }
        activation::prelu(x, self.weight.clone())
    }
}
