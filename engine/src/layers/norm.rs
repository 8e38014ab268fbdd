use burn::tensor::{DType, Tensor, activation, module};

use super::cpu;
use crate::{Result, weights::Parameters};

/// Layer normalisation over the last dimension.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
}

impl LayerNorm {
    pub fn init(parameters: &Parameters, width: usize, epsilon: f64) -> Result<Self> {
        Ok(Self {
            weight: parameters.tensor("weight", [width])?,
            bias: parameters.tensor("bias", [width])?,
            epsilon,
        })
    }

    /// # Shapes: `[…, width]` → `[…, width]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        module::layer_norm(
            x,
            self.weight.clone(),
            Some(self.bias.clone()),
            self.epsilon,
        )
    }
}

/// Group normalisation (Wu and He 2018) over channels and pixels.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    weight: Tensor<1>,
    bias: Tensor<1>,
    n_groups: usize,
    epsilon: f64,
}

/// What a conditional normalisation does after the norm: `x · scale + shift`.
///
/// # Shapes
/// scale and shift `[batch, channels, rows, columns]`, where each value rules a block of pixels: rows and
/// columns divide the picture's height and width. `1, 1` is one value for the whole channel.
#[derive(Debug, Clone)]
pub struct Modulation {
    pub scale: Tensor<4>,
    pub shift: Tensor<4>,
}

/// What follows a norm, computed in the same pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Nothing,
    Silu,
}

impl GroupNorm {
    pub fn init(
        parameters: &Parameters,
        n_groups: usize,
        n_channels: usize,
        epsilon: f64,
    ) -> Result<Self> {
        Ok(Self {
            weight: parameters.tensor("weight", [n_channels])?,
            bias: parameters.tensor("bias", [n_channels])?,
            n_groups,
            epsilon,
        })
    }

    /// # Shapes: `[batch, channels, height, width]` → the same
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.forward_fused(x, None, Then::Nothing)
    }

    /// The norm, then the modulation, then the activation.
    ///
    /// # Shapes: `[batch, channels, height, width]` → the same
    pub fn forward_fused(
        &self,
        x: Tensor<4>,
        modulation: Option<&Modulation>,
        then: Then,
    ) -> Tensor<4> {
        if cpu::is_on_cpu(&x) {
            let spec = cpu::GroupNormSpec {
                weight: &self.weight,
                bias: &self.bias,
                n_groups: self.n_groups,
                epsilon: self.epsilon as f32,
                modulation,
                then,
            };
            return cpu::group_norm(x, &spec);
        }
        let x = self.normalise(x);
        let x = match modulation {
            Some(modulation) => modulation.apply(x),
            None => x,
        };
        match then {
            Then::Nothing => x,
            Then::Silu => activation::silu(x),
        }
    }

    /// The norm from tensor operations. Sums over a group overflow half precision, so they run in f32.
    fn normalise(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let dtype = x.dtype();
        let n_elements = channels / self.n_groups * height * width;
        let grouped = x
            .reshape([batch, self.n_groups, n_elements])
            .cast(DType::F32);
        let centred = grouped.clone() - grouped.mean_dim(2);
        let variance = centred.clone().square().mean_dim(2);
        let normalised = (centred / (variance + self.epsilon).sqrt())
            .cast(dtype)
            .reshape([batch, channels, height, width]);
        normalised * self.weight.clone().reshape([1, channels, 1, 1])
            + self.bias.clone().reshape([1, channels, 1, 1])
    }
}

impl Modulation {
    /// # Shapes: `[batch, channels, height, width]` → the same
    fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let [_, _, rows, columns] = self.scale.dims();
        let spread = |per_block: &Tensor<4>| {
            per_block
                .clone()
                .reshape([batch, channels, rows, 1, columns, 1])
        };
        let blocks = x.reshape([
            batch,
            channels,
            rows,
            height / rows,
            columns,
            width / columns,
        ]);
        (blocks * spread(&self.scale) + spread(&self.shift))
            .reshape([batch, channels, height, width])
    }
}
