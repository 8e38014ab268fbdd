/// From one embedding towards another: the direction along the great circle, the length in a straight line.
///
/// Where the directions are the same, or opposite so that there are many ways, it goes straight.
pub(crate) fn slerp(from: &[f32], to: &[f32], weight: f32) -> Vec<f32> {
    /// Below this sine, the great circle is a straight line to f32's precision, or not one circle.
    const LEAST_SINE: f64 = 1e-4;
    let weight = f64::from(weight);
    let lengths = [length(from), length(to)];
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

/// Several folded in their order, each by its part of the weights so far. Weights are 0 or more, and not all 0.
pub(crate) fn slerp_all(vectors: &[Vec<f32>], weights: &[f32]) -> Vec<f32> {
    let mut mixed = Vec::new();
    let mut weight_so_far = 0.0;
    for (vector, &weight) in vectors.iter().zip(weights) {
        if weight == 0.0 {
            continue;
        }
        mixed = if weight_so_far == 0.0 {
            vector.clone()
        } else {
            slerp(&mixed, vector, weight / (weight_so_far + weight))
        };
        weight_so_far += weight;
    }
    mixed
}

/// The weighted sum, the weights' sum being taken for one.
pub(crate) fn weighted_mean(vectors: &[Vec<f32>], weights: &[f32]) -> Vec<f32> {
    let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let mut mean = vec![0.0; vectors[0].len()];
    for (vector, &weight) in vectors.iter().zip(weights) {
        let share = f64::from(weight) / sum;
        mean = mix(&mean, vector, 1.0, share);
    }
    mean
}

/// Of a vector.
pub(crate) fn length(vector: &[f32]) -> f64 {
    dot(vector, vector).sqrt()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    let terms = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
    terms.sum()
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

    #[test]
    fn several_are_folded_in_their_order() {
        let half = std::f32::consts::FRAC_1_SQRT_2;
        let axes = [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]].map(|axis| axis.to_vec());
        // A third of the way from half-way between two axes to the third axis.
        let (sine, cosine) = (std::f32::consts::FRAC_PI_2 / 3.0).sin_cos();
        for (weights, expected) in [
            ([1.0, 0.0, 0.0], [2.0, 0.0, 0.0]),
            ([0.0, 0.0, 0.3], [0.0, 0.0, 2.0]),
            ([0.0, 4.0, 4.0], [0.0, 2.0 * half, 2.0 * half]),
            (
                [1.0, 1.0, 1.0],
                [cosine * 2.0 * half, cosine * 2.0 * half, sine * 2.0],
            ),
        ] {
            let actual = slerp_all(&axes, &weights);
            let is_close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
            assert!(
                actual.iter().zip(&expected).all(is_close),
                "{weights:?}: {actual:?}"
            );
        }
        assert_eq!(weighted_mean(&axes, &[0.5, 0.25, 0.25]), [1.0, 0.5, 0.5]);
        assert_eq!(weighted_mean(&axes, &[4.0, 4.0, 0.0]), [1.0, 1.0, 0.0]);
    }
}
