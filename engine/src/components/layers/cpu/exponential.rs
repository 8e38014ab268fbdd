//! Powers of e and of 2 without branches or calls, so that the compiler makes vector instructions of them, and the door
//! to the processor's widest ones.

use pulp::{Arch, NullaryFnOnce};

/// 1.5 · 2²³: adding it leaves the nearest integer in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;

/// Runs `work` compiled for the widest vectors that this processor has.
///
/// What `work` calls has to be inlined into it, or it stays as narrow as the whole program.
#[inline]
pub(super) fn vectorised<W: NullaryFnOnce>(work: W) -> W::Output {
    Arch::new().dispatch(work)
}

/// `eˣ` to within a few units in the last place.
///
/// Cody and Waite 1980: x = n ln 2 + r with |r| ≤ ln 2 / 2, then 2ⁿ · eʳ. The coefficients are Cephes' `expf`.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
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

/// `2ˣ` for x of at most 0, to within a few units in the last place; what is below the normal numbers is nearly zero.
///
/// The polynomial is Taylor's of 2ʳ about 0 for |r| ≤ ½.
#[inline(always)]
pub(super) fn exp2(x: f32) -> f32 {
    // Not `max`, which would make a number of what is none.
    let x = if x < -126.0 { -126.0 } else { x };
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    let mut power = 1.540_353e-4;
    for coefficient in [
        1.333_355_8e-3,
        9.618_129e-3,
        5.550_411e-2,
        2.402_265e-1,
        std::f32::consts::LN_2,
        1.0,
    ] {
        power = power * r + coefficient;
    }
    f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_the_standard_librarys() {
        for i in -8_700..=8_800 {
            let x = i as f32 / 100.0;
            let error = (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs();
            assert!(error < 3e-7, "exp({x}) is off by {error}");
        }
        for i in 0..=12_600 {
            let x = i as f32 / -100.0;
            let error = (f64::from(exp2(x)) / f64::from(x).exp2() - 1.0).abs();
            assert!(error < 3e-7, "exp2({x}) is off by {error}");
        }
    }
}
