use burn::tensor::{DType, Int, Tensor, module};

use super::cpu;
use crate::{
    Result,
    profile::{Kind, timed},
    weights::{Parameters, lora::Adaptable},
};

/// `y = x Wᵀ + b`.
#[derive(Debug, Clone)]
pub struct Linear {
    /// `[d_input, d_output]`, of the file's `[out, in]`.
    weight: Adaptable<2>,
    bias: Option<Tensor<1>>,
}

impl Linear {
    pub fn init(parameters: &Parameters, d_input: usize, d_output: usize) -> Result<Self> {
        Ok(Self {
            bias: Some(parameters.tensor("bias", [d_output])?),
            ..Self::init_without_bias(parameters, d_input, d_output)?
        })
    }

    pub fn init_without_bias(
        parameters: &Parameters,
        d_input: usize,
        d_output: usize,
    ) -> Result<Self> {
        Ok(Self {
            weight: parameters.linear_weight([d_output, d_input])?,
            bias: None,
        })
    }

    /// # Shapes: `[…, d_input]` → `[…, d_output]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        timed(Kind::Matmul, x, |x| self.multiply(x))
    }

    fn multiply<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let weight = self.weight.weight();
        match self.weight.low_rank() {
            None => linear(x, weight, self.bias.clone()),
            Some([down, up]) => {
                let added = linear(linear(x.clone(), down, None), up, None);
                linear(x, weight, self.bias.clone()) + added
            }
        }
    }
}

fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    if cpu::is_on_cpu(&x) {
        return cpu::linear(x, weight, bias);
    }
    module::linear(x, weight, bias)
}

/// A table of vectors, one per id.
#[derive(Debug, Clone)]
pub struct Embedding {
    weight: Tensor<2>,
    dtype: DType,
}

impl Embedding {
    pub fn init(parameters: &Parameters, n_embeddings: usize, width: usize) -> Result<Self> {
        Ok(Self {
            weight: parameters.weight("weight", [n_embeddings, width])?,
            dtype: parameters.dtype(),
        })
    }

    /// # Shapes: ids `[batch, length]` → `[batch, length, width]`
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        module::embedding(self.weight.clone(), ids).cast(self.dtype)
    }
}
