//! Group normalisation for the CPU backend: statistics, modulation and activation in one go.

use burn::tensor::Tensor;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

use super::{
    Values,
    exponential::{exp, vectorised},
    in_place,
};
use crate::components::layers::norm::{Modulation, Then};

/// Sums run in this many independent lanes, which the compiler turns into vector instructions.
const N_LANES: usize = 16;

/// What one group normalisation does.
pub(in crate::components::layers) struct GroupNormSpec<'a> {
    pub weight: &'a Tensor<1>,
    pub bias: &'a Tensor<1>,
    pub n_groups: usize,
    pub epsilon: f32,
    pub modulation: Option<&'a Modulation>,
    pub then: Then,
}

/// Normalises over groups of channels, modulates and activates in one go.
pub(in crate::components::layers) fn group_norm(x: Tensor<4>, spec: &GroupNormSpec) -> Tensor<4> {
    let [_, channels, height, width] = x.dims();
    let group_channels = channels / spec.n_groups;
    let n_pixels = height * width;
    in_place(x, |x| {
        let weight = Values::of(spec.weight.clone());
        let bias = Values::of(spec.bias.clone());
        let modulation = spec.modulation.map(|modulation| PixelModulation {
            scale: Values::of(modulation.scale.clone()),
            shift: Values::of(modulation.shift.clone()),
            blocks: modulation.scale.dims()[2..]
                .try_into()
                .expect("two dimensions"),
            size: [height, width],
        });
        x.par_chunks_mut(group_channels * n_pixels)
            .enumerate()
            .for_each(|(i_group, group)| {
                vectorised(Group {
                    values: group,
                    first_plane: i_group * group_channels,
                    n_channels: channels,
                    n_pixels,
                    weight: weight.as_slice(),
                    bias: bias.as_slice(),
                    epsilon: spec.epsilon,
                    modulation: modulation.as_ref(),
                    then: spec.then,
                });
            });
    })
}

/// The channels of one group in one picture.
struct Group<'a> {
    values: &'a mut [f32],
    /// Counted through all pictures.
    first_plane: usize,
    n_channels: usize,
    n_pixels: usize,
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f32,
    modulation: Option<&'a PixelModulation>,
    then: Then,
}

impl NullaryFnOnce for Group<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (mean, deviation) = mean_and_deviation(self.values, self.epsilon);
        for (i, plane) in self.values.chunks_mut(self.n_pixels).enumerate() {
            let i_plane = self.first_plane + i;
            let channel = i_plane % self.n_channels;
            let factor = self.weight[channel] / deviation;
            let offset = self.bias[channel] - mean * factor;
            match self.modulation {
                None => affine(plane, factor, offset, self.then),
                Some(modulation) => modulation.apply(plane, i_plane, [factor, offset], self.then),
            }
        }
    }
}

/// [`Modulation`] as plain values.
struct PixelModulation {
    scale: Values,
    shift: Values,
    /// Rows and columns of blocks.
    blocks: [usize; 2],
    /// Height and width of the picture.
    size: [usize; 2],
}

impl PixelModulation {
    /// The norm's own factor and offset, then this, on one channel of one picture.
    #[inline(always)]
    fn apply(&self, plane: &mut [f32], i_plane: usize, [factor, offset]: [f32; 2], then: Then) {
        let [rows, columns] = self.blocks;
        let [height, width] = self.size;
        let (block_height, block_width) = (height / rows, width / columns);
        let first_block = i_plane * rows * columns;
        let combine = |i_block: usize| {
            let scale = self.scale.as_slice()[i_block];
            (
                factor * scale,
                offset * scale + self.shift.as_slice()[i_block],
            )
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

#[inline(always)]
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
#[inline(always)]
fn mean_and_deviation(values: &[f32], epsilon: f32) -> (f32, f32) {
    let n_values = values.len() as f32;
    let mean = sum(values, |x| x) / n_values;
    let variance = sum(values, |x| (x - mean) * (x - mean)) / n_values;
    (mean, (variance + epsilon).sqrt())
}

#[inline(always)]
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

#[cfg(test)]
mod tests {
    use super::*;

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
