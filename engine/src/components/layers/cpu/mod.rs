//! The CPU's own kernels, in f32.
//!
//! burn-flex runs every element-wise operation as a pass of its own over memory, on one core and with the
//! C library's scalar `exp`; it copies what is shared or lies otherwise than it likes, and multiplies whole tensors only.
//! These kernels work on the tensors' own memory, on all cores. Callers ask [`is_on_cpu`] first and take
//! the tensor operations everywhere else.

#![expect(
    clippy::inline_always,
    reason = "what `vectorised` runs has to become a part of it"
)]

mod activation;
mod attention;
mod convolution;
mod exponential;
mod linear;
mod norm;
mod product;
mod weight;

use burn::{
    backend::Flex,
    tensor::{DType, Device, Tensor, TensorData},
};
use rayon::prelude::*;

pub(super) use self::{
    activation::{activate, gated_gelu},
    attention::attention,
    convolution::{ConvSpec, conv2d},
    linear::linear,
    norm::{GroupNormSpec, group_norm},
};

/// Whether a tensor's memory is at hand: on the CPU backend, in f32.
pub(super) fn is_on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && x.device() == Device::flex()
}

/// A tensor's values, row by row, read where they lie if they lie so.
pub(super) struct Values(FlexTensor);

type FlexTensor = <Flex as burn::backend::BackendTypes>::FloatTensorPrimitive;

impl Values {
    pub fn of<const D: usize>(x: Tensor<D>) -> Self {
        Self(primitive(x).to_contiguous())
    }

    pub fn as_slice(&self) -> &[f32] {
        self.0.as_slice().expect("f32, and contiguous")
    }
}

fn primitive<const D: usize>(x: Tensor<D>) -> FlexTensor {
    x.try_into_primitive::<Flex>()
        .expect("callers ask `is_on_cpu`")
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

/// A leaky `ReLU` with a slope for each channel, or one for all.
pub(super) fn leaky_relu(x: Tensor<4>, slopes: &[f32]) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    in_place(x, |x| {
        x.par_chunks_mut(height * width)
            .enumerate()
            .for_each(|(i_plane, plane)| {
                let slope = slopes[i_plane % slopes.len()];
                for value in plane {
                    *value = if *value < 0.0 { *value * slope } else { *value };
                }
            });
    })
}

/// Lets `kernel` change the values of a tensor on the CPU in f32. Copies only what something else shares.
fn in_place<const D: usize>(x: Tensor<D>, kernel: impl FnOnce(&mut [f32])) -> Tensor<D> {
    let device = x.device();
    let mut data = x.into_data();
    kernel(data.as_mut_slice().expect("the dtype is f32"));
    Tensor::from_data(data, (&device, DType::F32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from −1 to 1 without a pattern.
    pub(super) fn values<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        let n_values = shape.iter().product::<usize>() as u32;
        let value = |i: u32| (i.wrapping_mul(0x9E37_79B9) >> 8) as f32 / 8_388_608.0 - 1.0;
        tensor((0..n_values).map(value).collect(), shape, &Device::flex())
    }
}
