use burn::tensor::{DType, Tensor, activation, module};

use super::cpu;
use crate::{
    Result,
    profile::{Kind, timed},
    weights::Parameters,
};

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
        timed(Kind::Norm, x, |x| {
            let bias = Some(self.bias.clone());
            module::layer_norm(x, self.weight.clone(), bias, self.epsilon)
        })
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
        timed(Kind::Norm, x, |x| self.fused(x, modulation, then))
    }

    fn fused(&self, x: Tensor<4>, modulation: Option<&Modulation>, then: Then) -> Tensor<4> {
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
        self.forward_by_operations(x, modulation, then)
    }

    fn forward_by_operations(
        &self,
        x: Tensor<4>,
        modulation: Option<&Modulation>,
        then: Then,
    ) -> Tensor<4> {
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

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn values<const D: usize>(shape: [usize; D], seed: u32) -> Tensor<D> {
        let n_values = shape.iter().product::<usize>() as u32;
        let values = (0..n_values)
            .map(|i| ((i ^ seed).wrapping_mul(0x9E37_79B9) >> 8) as f32 / 8_388_608.0 - 0.5)
            .collect::<Vec<_>>();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// Each value of `x` over its block of pixels.
    fn repeat(x: &Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
        let [_, _, rows, columns] = x.dims();
        let index = |n_out: usize, n_in: usize| {
            let index: Vec<i32> = (0..n_out).map(|i| (i * n_in / n_out) as i32).collect();
            Tensor::from_data(index.as_slice(), &x.device())
        };
        x.clone()
            .select(2, index(height, rows))
            .select(3, index(width, columns))
    }

    #[test]
    fn the_fused_norm_agrees_with_the_tensor_operations() {
        let [batch, channels, height, width] = [2, 6, 4, 6];
        let x = values([batch, channels, height, width], 1);
        let norm = GroupNorm {
            weight: values([channels], 2),
            bias: values([channels], 3),
            n_groups: 3,
            epsilon: 1e-5,
        };
        for blocks in [None, Some([1, 1]), Some([2, 3]), Some([4, 6])] {
            let modulation = blocks.map(|[rows, columns]| Modulation {
                scale: values([batch, channels, rows, columns], 4),
                shift: values([batch, channels, rows, columns], 5),
            });
            let fused = norm.forward_fused(x.clone(), modulation.as_ref(), Then::Silu);
            let by_operations =
                norm.forward_by_operations(x.clone(), modulation.as_ref(), Then::Silu);
            let normalised = norm.normalise(x.clone());
            let expected = activation::silu(match &modulation {
                Some(Modulation { scale, shift }) => {
                    normalised * repeat(scale, [height, width]) + repeat(shift, [height, width])
                }
                None => normalised,
            });
            for actual in [fused, by_operations] {
                let worst = (actual - expected.clone()).abs().max();
                let worst = worst.into_scalar::<f32>();
                assert!(worst < 1e-5, "{blocks:?} blocks: off by {worst}");
            }
        }
    }
}
