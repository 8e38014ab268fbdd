//! Fused kernels for the CPU backend.
//!
//! burn-flex runs every element-wise operation as a pass of its own over memory, on one core and with the
//! C library's scalar `exp`, so that at small sizes norms and activations cost as much as convolutions.
//! These kernels work on the tensor's own memory, once, on all cores. Callers ask [`is_on_cpu`] first and take
//! the tensor operations everywhere else.

use burn::tensor::{DType, Device, Tensor};
use rayon::prelude::*;

use super::norm::{Modulation, Then};

/// Sums run in this many independent lanes, which the compiler turns into vector instructions.
const N_LANES: usize = 16;

/// What one group normalisation does.
pub(super) struct GroupNormSpec<'a> {
    pub weight: &'a Tensor<1>,
    pub bias: &'a Tensor<1>,
    pub n_groups: usize,
    pub epsilon: f32,
    pub modulation: Option<&'a Modulation>,
    pub then: Then,
}

/// Normalises over groups of channels, modulates and activates in one go.
pub(super) fn group_norm(x: Tensor<4>, spec: &GroupNormSpec) -> Tensor<4> {
    let [_, channels, height, width] = x.dims();
    let group_channels = channels / spec.n_groups;
    let n_pixels = height * width;
    in_place(x, |x| {
        let weight = values_of(spec.weight);
        let bias = values_of(spec.bias);
        let modulation = spec.modulation.map(|modulation| PixelModulation {
            scale: values_of(&modulation.scale),
            shift: values_of(&modulation.shift),
            blocks: modulation.scale.dims()[2..]
                .try_into()
                .expect("two dimensions"),
            size: [height, width],
        });
        x.par_chunks_mut(group_channels * n_pixels)
            .enumerate()
            .for_each(|(i_group, group)| {
                let (mean, deviation) = mean_and_deviation(group, spec.epsilon);
                for (i, plane) in group.chunks_mut(n_pixels).enumerate() {
                    let i_plane = i_group * group_channels + i;
                    let channel = i_plane % channels;
                    let factor = weight[channel] / deviation;
                    let offset = bias[channel] - mean * factor;
                    match &modulation {
                        None => affine(plane, factor, offset, spec.then),
                        Some(modulation) => {
                            modulation.apply(plane, i_plane, [factor, offset], spec.then);
                        }
                    }
                }
            });
    })
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

/// Whether a tensor's memory is at hand: on the CPU backend, in f32.
pub(super) fn is_on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && x.device() == Device::flex()
}

pub(super) fn values_of<const D: usize>(x: &Tensor<D>) -> Vec<f32> {
    x.to_data().try_into_vec().expect("the dtype is f32")
}

/// [`Modulation`] as plain values.
struct PixelModulation {
    scale: Vec<f32>,
    shift: Vec<f32>,
    /// Rows and columns of blocks.
    blocks: [usize; 2],
    /// Height and width of the picture.
    size: [usize; 2],
}

impl PixelModulation {
    /// The norm's own factor and offset, then this, on one channel of one picture.
    fn apply(&self, plane: &mut [f32], i_plane: usize, [factor, offset]: [f32; 2], then: Then) {
        let [rows, columns] = self.blocks;
        let [height, width] = self.size;
        let (block_height, block_width) = (height / rows, width / columns);
        let first_block = i_plane * rows * columns;
        let combine = |i_block: usize| {
            let scale = self.scale[i_block];
            (factor * scale, offset * scale + self.shift[i_block])
        };
        if rows * columns == 1 {
            let (factor, offset) = combine(first_block);
            affine(plane, factor, offset, then);
            return;
        }
        for (y, line) in plane.chunks_mut(width).enumerate() {
            let row_start = first_block + y / block_height * columns;
            for (column, run) in line.chunks_mut(block_width).enumerate() {
                let (factor, offset) = combine(row_start + column);
                for value in run {
                    *value = *value * factor + offset;
                }
            }
            if then == Then::Silu {
                affine(line, 1.0, 0.0, then);
            }
        }
    }
}

fn affine(values: &mut [f32], factor: f32, offset: f32, then: Then) {
    match then {
        Then::Nothing => {
            for value in values {
                *value = *value * factor + offset;
            }
        }
        Then::Silu => {
            for value in values {
                let x = *value * factor + offset;
                *value = x / (1.0 + exp(-x));
            }
        }
    }
}

/// The mean, and √(variance + ε) about it in a second pass: one pass would cancel.
fn mean_and_deviation(values: &[f32], epsilon: f32) -> (f32, f32) {
    let n_values = values.len() as f32;
    let mean = sum(values, |x| x) / n_values;
    let variance = sum(values, |x| (x - mean) * (x - mean)) / n_values;
    (mean, (variance + epsilon).sqrt())
}

fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    // Partial sums over a few thousand values keep f32 exact enough for pictures of millions of pixels.
    const SPAN: usize = 256 * N_LANES;
    values
        .chunks(SPAN)
        .map(|span| {
            let (lanes, rest) = span.as_chunks::<N_LANES>();
            let mut sums = [0.0; N_LANES];
            for lane in lanes {
                for (sum, &x) in sums.iter_mut().zip(lane) {
                    *sum += term(x);
                }
            }
            f64::from(sums.iter().sum::<f32>() + rest.iter().map(|&x| term(x)).sum::<f32>())
        })
        .sum::<f64>() as f32
}

/// `eˣ` to within a few units in the last place, without branches or calls so that it becomes vector
/// instructions.
///
/// Cody and Waite 1980: x = n ln 2 + r with |r| ≤ ln 2 / 2, then 2ⁿ · eʳ. The coefficients are Cephes' `expf`.
#[inline]
fn exp(x: f32) -> f32 {
    /// 1.5 · 2²³: adding it leaves the nearest integer in the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut polynomial = 1.987_569_1e-4;
    for coefficient in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        5e-1,
    ] {
        polynomial = polynomial * r + coefficient;
    }
    let e_r = polynomial * r * r + r + 1.0;
    f32::from_bits(e_r.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_the_standard_librarys() {
        for i in -8_700..=8_800 {
            let x = i as f32 / 100.0;
            let error = (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs();
            assert!(error < 3e-7, "exp({x}) is off by {error}");
        }
    }

    #[test]
    fn silu_keeps_infinities_and_not_a_number_visible() {
        let mut values = [f32::NAN, f32::INFINITY, -1e30, 0.0];
        affine(&mut values, 1.0, 0.0, Then::Silu);
        assert!(values[0].is_nan());
        assert!(values[1].is_infinite());
        assert!(values[2].abs() < 1e-6);
        assert!(values[3].abs() < f32::EPSILON);
    }
}
