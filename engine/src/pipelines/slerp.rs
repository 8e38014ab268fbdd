/// From one embedding towards another: the direction along the great circle, the length in a straight line.
///
/// Where the directions are the same, or opposite so that there are many ways, it goes straight.
pub(super) fn slerp(from: &[f32], to: &[f32], weight: f32) -> Vec<f32> {
    /// Below this sine, the great circle is a straight line to f32's precision, or not one circle.
    const LEAST_SINE: f64 = 1e-4;
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let terms = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        terms.sum()
    };
    let weight = f64::from(weight);
    let lengths = [dot(from, from).sqrt(), dot(to, to).sqrt()];
    let cosine = (dot(from, to) / (lengths[0] * lengths[1])).clamp(-1.0, 1.0);
    let angle = cosine.acos();
    // A zero embedding has no direction, and not-a-number for its angle.
    if angle.is_nan() || angle.sin() < LEAST_SINE {
        return mix(from, to, 1.0 - weight, weight);
    }
    let length = lengths[0] + (lengths[1] - lengths[0]) * weight;
    let share = |weight: f64| (weight * angle).sin() / angle.sin() * length;
    mix(
        from,
        to,
        share(1.0 - weight) / lengths[0],
        share(weight) / lengths[1],
    )
}

fn mix(from: &[f32], to: &[f32], from_share: f64, to_share: f64) -> Vec<f32> {
    from.iter()
        .zip(to)
        .map(|(from, to)| (f64::from(*from) * from_share + f64::from(*to) * to_share) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_turn_and_lengths_go_straight() {
        let half = std::f32::consts::FRAC_1_SQRT_2;
        for (from, to, weight, expected) in [
            ([2.0, 0.0], [0.0, 4.0], 0.0, [2.0, 0.0]),
            ([2.0, 0.0], [0.0, 4.0], 1.0, [0.0, 4.0]),
            ([2.0, 0.0], [0.0, 4.0], 0.5, [3.0 * half, 3.0 * half]),
            // The same direction, the opposite one, and none.
            ([1.0, 1.0], [3.0, 3.0], 0.25, [1.5, 1.5]),
            ([1.0, 0.0], [-1.0, 0.0], 0.25, [0.5, 0.0]),
            ([0.0, 0.0], [0.0, 4.0], 0.5, [0.0, 2.0]),
        ] {
            let actual = slerp(&from, &to, weight);
            let is_close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
            assert!(
                actual.iter().zip(&expected).all(is_close),
                "{from:?} {to:?} {weight}: {actual:?}"
            );
        }
    }
}
