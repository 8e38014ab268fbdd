use burn::tensor::{Tensor, module};

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
        let [batch, channels, height, width] = x.dims();
        let n_elements = channels / self.n_groups * height * width;
        let grouped = x.reshape([batch, self.n_groups, n_elements]);
        let centred = grouped.clone() - grouped.mean_dim(2);
        let variance = centred.clone().square().mean_dim(2);
        let normalised = (centred / (variance + self.epsilon).sqrt())
            .reshape([batch, channels, height, width]);
        normalised * self.weight.clone().reshape([1, channels, 1, 1])
            + self.bias.clone().reshape([1, channels, 1, 1])
    }
}
