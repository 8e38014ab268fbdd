//! CLIP embeddings as they are kept and compared: of unit length, in half precision.
//!
//! Plain arithmetic on the CPU, here because a search goes over a hundred million numbers while someone types.

pub use half::f16;
use half::slice::HalfFloatSliceExt;

/// Sums that are kept apart, so that the compiler may add several at once.
const N_LANES: usize = 16;

/// The embedding's direction; `None` where it has none: empty, all zeros, or not finite.
pub fn normalised(embed: &[f32]) -> Option<Vec<f32>> {
    let norm = dot(embed, embed).sqrt();
    (norm.is_finite() && norm > 0.0).then(|| embed.iter().map(|x| x / norm).collect())
}

/// In half precision: an error of 2⁻¹¹ of each number at most, which moves a cosine by less than 0.0005.
pub fn to_half(embed: &[f32]) -> Vec<f16> {
    let mut half = vec![f16::ZERO; embed.len()];
    half.convert_from_f32_slice(embed);
    half
}

pub fn from_half(half: &[f16]) -> Vec<f32> {
    let mut embed = vec![0.0; half.len()];
    half.convert_to_f32_slice(&mut embed);
    embed
}

/// The scalar product of two vectors of one length: the cosine, where both are of unit length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len());
    let (a_lanes, a_rest) = a.as_chunks::<N_LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<N_LANES>();
    let mut sums = [0.0_f32; N_LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// The scalar product of every row with `query`, into `products`.
///
/// # Shapes: `rows` `[products.len(), query.len()]`, row by row
pub fn dot_rows(rows: &[f16], query: &[f32], products: &mut [f32]) {
    assert_eq!(rows.len(), query.len() * products.len());
    // One row at a time stays in the fastest cache.
    let mut wide = vec![0.0; query.len()];
    for (row, product) in rows.chunks_exact(query.len().max(1)).zip(products) {
        row.convert_to_f32_slice(&mut wide);
        *product = dot(&wide, query);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn products_are_those_of_plain_sums() {
        for n in [0, 1, 15, 16, 17, 256, 1_283] {
            let a: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin()).collect();
            let b: Vec<f32> = (0..n).map(|i| (i as f32 * 0.11).cos()).collect();
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a * b)).sum();
            assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-3, "{n}");
        }
    }

    #[test]
    fn rows_give_the_cosines_that_full_precision_gives() {
        let dim = 70;
        let row = |k: usize| -> Vec<f32> {
            let row: Vec<f32> = (0..dim).map(|i| ((i * 7 + k * 13) as f32).sin()).collect();
            normalised(&row).unwrap()
        };
        let rows: Vec<Vec<f32>> = (0..9).map(row).collect();
        let half: Vec<f16> = rows.iter().flat_map(|row| to_half(row)).collect();
        let mut products = [0.0; 9];
        dot_rows(&half, &rows[4], &mut products);
        for (row, product) in rows.iter().zip(products) {
            assert!((dot(row, &rows[4]) - product).abs() < 5e-4);
        }
    }

    #[test]
    fn half_precision_comes_back_within_its_step() {
        let numbers = [0.0, 1.0, -1.0, 0.5, 1e-5, -0.123_456, 0.999_9];
        for (there, back) in numbers.iter().zip(from_half(&to_half(&numbers))) {
            assert!(
                (there - back).abs() <= there.abs() / 2048.0 + 1e-7,
                "{there}"
            );
        }
    }

    #[test]
    fn only_what_has_a_direction_is_of_unit_length() {
        assert_eq!(normalised(&[3.0, 4.0]), Some(vec![0.6, 0.8]));
        for bad in [
            &[][..],
            &[0.0, 0.0],
            &[f32::NAN, 1.0],
            &[f32::INFINITY, 1.0],
        ] {
            assert_eq!(normalised(bad), None);
        }
    }
}
