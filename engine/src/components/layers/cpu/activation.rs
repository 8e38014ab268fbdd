//! Activations for the CPU backend, in one pass over memory on all cores.

use burn::tensor::Tensor;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

use super::{
    Values,
    exponential::{exp, vectorised},
    in_place, tensor,
};
use crate::components::layers::Activation;

/// Values that one core takes at a time.
const CHUNK: usize = 16 * 1024;

pub(in crate::components::layers) fn activate<const D: usize>(
    x: Tensor<D>,
    activation: Activation,
) -> Tensor<D> {
    in_place(x, |x| {
        x.par_chunks_mut(CHUNK)
            .for_each(|values| vectorised(Activate { values, activation }));
    })
}

struct Activate<'a> {
    values: &'a mut [f32],
    activation: Activation,
}

impl NullaryFnOnce for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        match self.activation {
            Activation::Gelu => {
                for value in self.values {
                    *value = gelu(*value);
                }
            }
            Activation::QuickGelu => {
                for value in self.values {
                    *value = *value / (1.0 + exp(-1.702 * *value));
                }
            }
            Activation::Silu => {
                for value in self.values {
                    *value = *value / (1.0 + exp(-*value));
                }
            }
        }
    }
}

/// The first half of the last dimension times the GELU of the second (Shazeer 2020).
///
/// # Shapes: `[batch, length, 2 · width]` → `[batch, length, width]`
pub(in crate::components::layers) fn gated_gelu(x: Tensor<3>) -> Tensor<3> {
    let [batch, length, double] = x.dims();
    let (width, device) = (double / 2, x.device());
    let x = Values::of(x);
    let mut y = vec![0.0; batch * length * width];
    let rows = y.par_chunks_mut(width).zip(x.as_slice().par_chunks(double));
    rows.for_each(|(y, x)| {
        let (x, gate) = x.split_at(width);
        vectorised(Gated { y, x, gate });
    });
    tensor(y, [batch, length, width], &device)
}

struct Gated<'a> {
    y: &'a mut [f32],
    x: &'a [f32],
    gate: &'a [f32],
}

impl NullaryFnOnce for Gated<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for ((y, x), gate) in self.y.iter_mut().zip(self.x).zip(self.gate) {
            *y = x * gelu(*gate);
        }
    }
}

/// `x · Φ(x)`, within 5e-7 (for x of at most 4).
///
/// With the error function by Abramowitz and Stegun 1964, 7.1.26.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut polynomial = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        polynomial = polynomial * t + coefficient;
    }
    // Half of what erf lacks to 1: the share of the normal distribution beyond |x|.
    let beyond = 0.5 * polynomial * t * exp(-z * z);
    x * if x < 0.0 { beyond } else { 1.0 - beyond }
}

#[cfg(test)]
mod tests {
    use burn::tensor::activation;

    use super::{super::tests::values, *};

    #[test]
    fn activations_agree_with_the_backends() {
        let x = values([3, 1000, 17]) * 12.0;
        for (kind, right) in [
            (Activation::Gelu, activation::gelu(x.clone())),
            (Activation::Silu, activation::silu(x.clone())),
            (
                Activation::QuickGelu,
                x.clone() * activation::sigmoid(x.clone() * 1.702),
            ),
        ] {
            let worst = (activate(x.clone(), kind) - right).abs().max();
            let worst = worst.into_scalar::<f32>();
            assert!(worst < 2e-6, "{kind:?}: off by {worst}");
        }
    }

    #[test]
    fn the_gate_is_the_second_half() {
        let x = values([2, 5, 24]) * 4.0;
        let [value, gate] = [0, 12].map(|start| x.clone().narrow(2, start, 12));
        let right = value * activation::gelu(gate);
        let worst = (gated_gelu(x) - right).abs().max().into_scalar::<f32>();
        assert!(worst < 2e-6, "off by {worst}");
    }

    #[test]
    fn what_is_no_number_stays_visible() {
        for activation in [Activation::Gelu, Activation::Silu, Activation::QuickGelu] {
            let x = values([2, 3]) * f32::NAN;
            let y = activate(x, activation).into_data();
            let y = y.as_slice::<f32>().expect("f32");
            assert!(y.iter().all(|y| y.is_nan()), "{activation:?}");
        }
    }
}
