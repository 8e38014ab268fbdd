//! Colours that drifted on the way through the model, put right by the pixels that it left alone.

use rayon::prelude::*;

use crate::image::RgbPicture;

/// Fewer untouched pixels say nothing about colours.
const LEAST_PIXELS: usize = 64;
/// More contrast than this is a guess.
const LARGEST_GAIN: f32 = 1.25;

/// Shifts `result` in CIE Lab so that its mean and deviation on the ring are those of `source`, after Reinhard et
/// al. 2001. Without enough of a ring it stays as it is.
pub(super) fn match_ring(result: &RgbPicture, source: &RgbPicture, ring: &[bool]) -> RgbPicture {
    let converter = Converter::new();
    let on_ring = |picture: &RgbPicture| -> Vec<[f32; 3]> {
        let pixels = picture.rgb.as_chunks::<3>().0.iter().zip(ring);
        let pixels = pixels.filter(|(_, is_ring)| **is_ring);
        pixels.map(|(&rgb, _)| converter.lab(rgb)).collect()
    };
    let (drawn, wanted) = (on_ring(result), on_ring(source));
    if wanted.len() < LEAST_PIXELS {
        return result.clone();
    }
    let shifts = [0, 1, 2].map(|axis| Shift::new(&drawn, &wanted, axis));
    let mut matched = result.clone();
    let pixels = matched.rgb.as_chunks_mut::<3>().0;
    pixels.par_iter_mut().for_each(|pixel| {
        let lab = converter.lab(*pixel);
        *pixel = converter.rgb([0, 1, 2].map(|axis| shifts[axis].apply(lab[axis])));
    });
    matched
}

/// What brings one axis of one picture to the mean and deviation of another.
struct Shift {
    from_mean: f32,
    gain: f32,
    to_mean: f32,
}

impl Shift {
    fn new(from: &[[f32; 3]], to: &[[f32; 3]], axis: usize) -> Self {
        let (from_mean, from_deviation) = mean_and_deviation(from, axis);
        let (to_mean, to_deviation) = mean_and_deviation(to, axis);
        // An even ring has no contrast to compare.
        let gain = if from_deviation > 0.5 {
            (to_deviation / from_deviation).clamp(1.0 / LARGEST_GAIN, LARGEST_GAIN)
        } else {
            1.0
        };
        Self {
            from_mean,
            gain,
            to_mean,
        }
    }

    fn apply(&self, value: f32) -> f32 {
        (value - self.from_mean) * self.gain + self.to_mean
    }
}

fn mean_and_deviation(pixels: &[[f32; 3]], axis: usize) -> (f32, f32) {
    let n_pixels = pixels.len() as f64;
    let mean = pixels.iter().map(|lab| f64::from(lab[axis])).sum::<f64>() / n_pixels;
    let squares = pixels
        .iter()
        .map(|lab| (f64::from(lab[axis]) - mean).powi(2));
    let variance = squares.sum::<f64>() / n_pixels;
    (mean as f32, variance.sqrt() as f32)
}

/// Between sRGB bytes and CIE Lab under D65.
struct Converter {
    linear: [f32; 256],
}

/// sRGB's white in XYZ.
const WHITE: [f32; 3] = [0.950_47, 1.0, 1.088_83];
/// IEC 61966-2-1.
const XYZ_FROM_RGB: [[f32; 3]; 3] = [
    [0.412_456_4, 0.357_576_1, 0.180_437_5],
    [0.212_672_9, 0.715_152_2, 0.072_175],
    [0.019_333_9, 0.119_192, 0.950_304_1],
];
const RGB_FROM_XYZ: [[f32; 3]; 3] = [
    [3.240_454_2, -1.537_138_5, -0.498_531_4],
    [-0.969_266, 1.876_010_8, 0.041_556],
    [0.055_643_4, -0.204_025_9, 1.057_225_2],
];

impl Converter {
    fn new() -> Self {
        Self {
            linear: std::array::from_fn(|byte| {
                let value = byte as f32 / 255.0;
                if value <= 0.040_45 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            }),
        }
    }

    fn lab(&self, rgb: [u8; 3]) -> [f32; 3] {
        let xyz = transform(&XYZ_FROM_RGB, rgb.map(|byte| self.linear[byte as usize]));
        let [x, y, z] = [0, 1, 2].map(|i| compress(xyz[i] / WHITE[i]));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[expect(clippy::unused_self, reason = "the other half of `lab`")]
    fn rgb(&self, [lightness, a, b]: [f32; 3]) -> [u8; 3] {
        let middle = (lightness + 16.0) / 116.0;
        let relative = [middle + a / 500.0, middle, middle - b / 200.0].map(expand);
        let xyz = [0, 1, 2].map(|i| relative[i] * WHITE[i]);
        transform(&RGB_FROM_XYZ, xyz).map(|value| {
            let value = if value <= 0.003_130_8 {
                12.92 * value
            } else {
                1.055 * value.powf(1.0 / 2.4) - 0.055
            };
            (value * 255.0).round() as u8
        })
    }
}

fn transform(matrix: &[[f32; 3]; 3], [x, y, z]: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row[0] * x + row[1] * y + row[2] * z)
}

/// CIE 15: the cube root, straight near black.
fn compress(value: f32) -> f32 {
    if value > 216.0 / 24_389.0 {
        value.cbrt()
    } else {
        (24_389.0 / 27.0 * value + 16.0) / 116.0
    }
}

fn expand(value: f32) -> f32 {
    if value > 6.0 / 29.0 {
        value.powi(3)
    } else {
        (116.0 * value - 16.0) * 27.0 / 24_389.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::tests::Random;

    #[test]
    fn lab_of_known_colours() {
        let converter = Converter::new();
        for (rgb, lab) in [
            ([0, 0, 0], [0.0, 0.0, 0.0]),
            ([255, 255, 255], [100.0, 0.0, 0.0]),
            ([255, 0, 0], [53.24, 80.09, 67.20]),
            ([0, 0, 255], [32.30, 79.19, -107.86]),
        ] {
            for (value, expected) in converter.lab(rgb).into_iter().zip(lab) {
                assert!(
                    (value - expected).abs() < 0.03,
                    "{rgb:?}: {value} for {expected}"
                );
            }
        }
    }

    #[test]
    fn every_colour_survives_the_way_to_lab_and_back() {
        let converter = Converter::new();
        for colour in (0..1 << 24).step_by(37) {
            let [red, green, blue, _] = u32::to_le_bytes(colour);
            let rgb = [red, green, blue];
            assert_eq!(converter.rgb(converter.lab(rgb)), rgb);
        }
    }

    fn picture(pixel: impl FnMut(usize) -> [u8; 3]) -> RgbPicture {
        RgbPicture {
            width: 32,
            height: 32,
            rgb: (0..32 * 32).flat_map(pixel).collect(),
        }
    }

    #[test]
    fn a_drift_on_the_ring_is_taken_back_everywhere() {
        let mut random = Random::new(5);
        let colours: Vec<[u8; 3]> = (0..32 * 32)
            .map(|_| [0, 0, 0].map(|_: u8| 80 + random.below(90) as u8))
            .collect();
        let source = picture(|i| colours[i]);
        // Darker, bluer.
        let drifted = picture(|i| {
            let [red, green, blue] = colours[i];
            [red - 12, green - 9, blue - 2]
        });
        let ring: Vec<bool> = (0..32 * 32).map(|i| i % 32 < 6).collect();
        let matched = match_ring(&drifted, &source, &ring);
        let distance = |a: &RgbPicture| {
            let differences = a.rgb.iter().zip(&source.rgb).map(|(a, b)| a.abs_diff(*b));
            differences.map(u32::from).sum::<u32>() as f32 / source.rgb.len() as f32
        };
        assert!(distance(&drifted) > 7.0);
        assert!(distance(&matched) < 1.5, "{}", distance(&matched));
        assert_eq!(match_ring(&source, &source, &ring), source);
    }

    #[test]
    fn only_the_ring_counts_and_too_little_of_it_changes_nothing() {
        let source = picture(|i| {
            if i % 32 < 6 {
                [100, 100, 100]
            } else {
                [0, 0, 0]
            }
        });
        let result = picture(|i| {
            if i % 32 < 6 {
                [100, 100, 100]
            } else {
                [250, 10, 10]
            }
        });
        let ring: Vec<bool> = (0..32 * 32).map(|i| i % 32 < 6).collect();
        assert_eq!(match_ring(&result, &source, &ring), result);
        let drifted = picture(|_| [90, 90, 90]);
        let few: Vec<bool> = (0..32 * 32).map(|i| i < LEAST_PIXELS - 1).collect();
        assert_eq!(match_ring(&drifted, &source, &few), drifted);
    }
}
