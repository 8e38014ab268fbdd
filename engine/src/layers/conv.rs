use burn::tensor::{Tensor, module, ops::ConvOptions};

use crate::{Result, weights::Parameters};

/// A 2-D convolution with a square kernel and a bias.
#[derive(Debug, Clone)]
pub struct Conv2d {
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
}

impl Conv2d {
    pub fn init(
        parameters: &Parameters,
        channels: [usize; 2],
        kernel_size: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let [input, output] = channels;
        Ok(Self {
            weight: parameters.tensor("weight", [output, input, kernel_size, kernel_size])?,
            bias: Some(parameters.tensor("bias", [output])?),
            stride,
            padding,
        })
    }

    /// # Shapes: `[batch, input, height, width]` → `[batch, output, height′, width′]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new(
            [self.stride; 2],
            [self.padding; 2],
            [1; 2],
            1,
        );
        module::conv2d(x, self.weight.clone(), self.bias.clone(), options)
    }
}
