use burn::tensor::{
    Tensor, module,
    ops::{ConvOptions, InterpolateMode, InterpolateOptions},
};

use super::cpu::{self, ConvSpec};
use crate::{
    Result,
    profile::{Kind, timed},
    weights::{Parameters, lora::Adaptable},
};

/// A 2-D convolution with a square kernel.
#[derive(Debug, Clone)]
pub struct Conv2d {
    weight: Adaptable<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    /// Rows and columns of zeros above and left of the picture, and below and right of it.
    padding: (usize, usize),
}

impl Conv2d {
    pub fn init(
        parameters: &Parameters,
        channels: [usize; 2],
        kernel_size: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        Ok(Self {
            bias: Some(parameters.tensor("bias", [channels[1]])?),
            ..Self::init_without_bias(parameters, channels, kernel_size, stride, padding)?
        })
    }

    pub fn init_without_bias(
        parameters: &Parameters,
        channels: [usize; 2],
        kernel_size: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let [input, output] = channels;
        Ok(Self {
            weight: parameters.conv_weight([output, input, kernel_size, kernel_size])?,
            bias: None,
            stride,
            padding: (padding, padding),
        })
    }

    /// A 3×3 convolution with stride 2 whose zeros are only below and right, as the autoencoders' encoders
    /// have it.
    pub fn init_downsample(parameters: &Parameters, channels: [usize; 2]) -> Result<Self> {
        Ok(Self {
            padding: (0, 1),
            ..Self::init(parameters, channels, 3, 2, 0)?
        })
    }

    /// # Shapes: `[batch, input, height, width]` → `[batch, output, height′, width′]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        timed(Kind::Convolution, x, |x| self.convolve(x))
    }

    fn convolve(&self, x: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.weight();
        let whole = |x, weight| convolve(x, weight, self.bias.as_ref(), self.stride, self.padding);
        match self.weight.low_rank() {
            None => whole(x, &weight),
            Some([down, up]) => {
                let thin = convolve(x.clone(), &down, None, self.stride, self.padding);
                whole(x, &weight) + convolve(thin, &up, None, 1, (0, 0))
            }
        }
    }
}

fn convolve(
    x: Tensor<4>,
    weight: &Tensor<4>,
    bias: Option<&Tensor<1>>,
    stride: usize,
    padding: (usize, usize),
) -> Tensor<4> {
    if cpu::is_on_cpu(&x) {
        let spec = ConvSpec {
            weight,
            bias,
            stride,
            padding,
        };
        return cpu::conv2d(x, &spec);
    }
    let options = ConvOptions::new_with_padding([stride; 2], [padding; 2], [1; 2], 1);
    module::conv2d(x, weight.clone(), bias.cloned(), options)
}

/// Makes each pixel a square of `scale` by `scale`.
///
/// # Shapes: `[batch, channels, height, width]` → `[batch, channels, scale · height, scale · width]`
pub fn upsample_nearest(x: Tensor<4>, scale: usize) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let options = InterpolateOptions::new(InterpolateMode::Nearest)
        .with_output_size([scale * height, scale * width]);
    module::interpolate(x, options)
}
