//! Masks: grown, softened, scaled. A pass costs the same at any radius, or grows with its logarithm.

use rayon::prelude::*;

use crate::resample::{Resampling, resize};

/// Grows a mask of `size` by `px` on all sides.
///
/// # Panics
/// When the mask is not of that size, as in all three.
pub fn grow(mask: &[u8], size: (u32, u32), px: f32) -> Vec<u8> {
    Mask::of_size(size, mask.to_vec())
        .dilated(px.round() as u32)
        .values
}

/// Shrinks a mask; the edges of the picture are no edges of the mask.
pub fn shrink(mask: &[u8], size: (u32, u32), px: f32) -> Vec<u8> {
    let unmasked = mask.iter().map(|value| 255 - value).collect();
    let mut shrunk = Mask::of_size(size, unmasked)
        .dilated(px.round() as u32)
        .values;
    for value in &mut shrunk {
        *value = 255 - *value;
    }
    shrunk
}

/// Makes the edges of a mask soft over a width of `px`.
pub fn feather(mask: &[u8], size: (u32, u32), px: f32) -> Vec<u8> {
    Mask::of_size(size, mask.to_vec())
        .blurred((px / 2.0).round() as u32)
        .values
}

/// How much each pixel may change, row by row: 255 is fully.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mask {
    pub width: usize,
    pub values: Vec<u8>,
}

/// From here on a pixel is as good as fully masked, as in Krita AI Diffusion.
const NEARLY_FULL: u8 = 253;

impl Mask {
    pub fn new(width: u32, values: Vec<u8>) -> Self {
        Self {
            width: width as usize,
            values,
        }
    }

    pub fn full(size: (u32, u32)) -> Self {
        Self::new(size.0, vec![255; size.0 as usize * size.1 as usize])
    }

    pub fn of_size((width, height): (u32, u32), values: Vec<u8>) -> Self {
        assert_eq!(
            values.len(),
            width as usize * height as usize,
            "{width}×{height}"
        );
        Self::new(width, values)
    }

    fn height(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// As large as what the model works on.
    pub fn scaled(&self, (width, height): (u32, u32)) -> Self {
        let source_size = [self.width as u32, self.height() as u32];
        let mut values = resize::<1>(
            &self.values,
            source_size,
            [width, height],
            Resampling::Bilinear,
        );
        for value in &mut values {
            if *value >= NEARLY_FULL {
                *value = 255;
            }
        }
        Self::new(width, values)
    }

    /// Every pixel becomes the largest one near it: within an octagon, which is a disc to within 8 %.
    pub fn dilated(&self, radius_px: u32) -> Self {
        let radius = radius_px as usize;
        if radius == 0 || self.values.is_empty() {
            return self.clone();
        }
        // A regular octagon is a square of half the side `straight` grown along both diagonals. Diagonals alone
        // would leave a chequered pattern, so the square is never nothing.
        let diagonal = ((0.292_9 * radius as f32).round() as usize).min((radius - 1) / 2);
        let straight = radius - 2 * diagonal;
        let padded = self.padded(radius);
        let dilated = padded
            .dilated_along((1, 1), diagonal)
            .dilated_along((-1, 1), diagonal)
            .dilated_along((1, 0), straight)
            .dilated_along((0, 1), straight);
        dilated.unpadded(radius)
    }

    /// Every pixel becomes the largest of those up to `reach` steps before or after it.
    fn dilated_along(&self, step: (isize, isize), reach: usize) -> Self {
        let times = |n: usize| (step.0 * n as isize, step.1 * n as isize);
        let before = |n: usize| (-step.0 * n as isize, -step.1 * n as isize);
        let n_wanted = 2 * reach + 1;
        // Each pixel holds the largest of `n_pixels` from itself on; doubling them is one look.
        let mut largest = self.clone();
        let mut n_pixels = 1;
        while 2 * n_pixels <= n_wanted {
            largest = largest.larger_of([(0, 0), times(n_pixels)]);
            n_pixels *= 2;
        }
        let last_start = n_pixels as isize - 1 - reach as isize;
        let last = (-step.0 * last_start, -step.1 * last_start);
        largest.larger_of([before(reach), last])
    }

    /// The larger of the pixels at two offsets; nothing is outside.
    fn larger_of(&self, offsets: [(isize, isize); 2]) -> Self {
        let (width, height) = (self.width, self.height());
        let mut values = vec![0; self.values.len()];
        values
            .par_chunks_exact_mut(width)
            .enumerate()
            .for_each(|(y, row)| {
                for (dx, dy) in offsets {
                    let Some(source_y) = y.checked_add_signed(dy).filter(|&y| y < height) else {
                        continue;
                    };
                    let source = &self.values[source_y * width..(source_y + 1) * width];
                    let shift = dx.unsigned_abs().min(width);
                    let (row, source) = if dx < 0 {
                        (&mut row[shift..], &source[..width - shift])
                    } else {
                        (&mut row[..width - shift], &source[shift..])
                    };
                    for (value, &other) in row.iter_mut().zip(source) {
                        *value = (*value).max(other);
                    }
                }
            });
        Self { width, values }
    }

    fn padded(&self, by: usize) -> Self {
        let width = self.width + 2 * by;
        let mut values = vec![0; width * (self.height() + 2 * by)];
        let rows = values.chunks_exact_mut(width).skip(by);
        for (row, source) in rows.zip(self.values.chunks_exact(self.width)) {
            row[by..by + self.width].copy_from_slice(source);
        }
        Self { width, values }
    }

    fn unpadded(&self, by: usize) -> Self {
        let width = self.width - 2 * by;
        let rows = self.values.chunks_exact(self.width);
        let rows = rows.skip(by).take(self.height() - 2 * by);
        Self {
            width,
            values: rows.flat_map(|row| &row[by..by + width]).copied().collect(),
        }
    }

    /// The larger of both, pixel by pixel.
    pub fn raise_to(&mut self, other: &Self) {
        for (value, other) in self.values.iter_mut().zip(&other.values) {
            *value = (*value).max(*other);
        }
    }

    pub fn blurred(mut self, radius_px: u32) -> Self {
        box_blur::<1>(&mut self.values, self.width, radius_px as usize);
        self
    }
}

/// Every pixel becomes the mean of the square round it; what is outside the picture does not count.
pub(super) fn box_blur<const CHANNELS: usize>(pixels: &mut [u8], width: usize, radius_px: usize) {
    if radius_px == 0 || pixels.is_empty() {
        return;
    }
    let stride = CHANNELS * width;
    pixels.par_chunks_exact_mut(stride).for_each(|row| {
        let source = row.to_vec();
        box_blur_line(row, CHANNELS, radius_px, |start| {
            &source[start..start + CHANNELS]
        });
    });
    let source = pixels.to_vec();
    box_blur_line(pixels, stride, radius_px, |start| {
        &source[start..start + stride]
    });
}

/// The mean along a line whose elements are `n_values` side by side, each of which is a line of its own.
fn box_blur_line<'a>(
    line: &mut [u8],
    n_values: usize,
    radius: usize,
    source: impl Fn(usize) -> &'a [u8],
) {
    let length = line.len() / n_values;
    let mut sums = vec![0u32; n_values];
    let mut n_summed = 0usize;
    for entering in 0..radius.min(length) {
        add(&mut sums, source(entering * n_values));
        n_summed += 1;
    }
    for (i, means) in line.chunks_exact_mut(n_values).enumerate() {
        if i + radius < length {
            add(&mut sums, source((i + radius) * n_values));
            n_summed += 1;
        }
        if i > radius {
            for (sum, &value) in sums.iter_mut().zip(source((i - radius - 1) * n_values)) {
                *sum -= u32::from(value);
            }
            n_summed -= 1;
        }
        let share = 1.0 / n_summed as f32;
        for (mean, &sum) in means.iter_mut().zip(&sums) {
            *mean = (sum as f32 * share + 0.5) as u8;
        }
    }
}

fn add(sums: &mut [u32], values: &[u8]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += u32::from(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stitch::tests::Random;

    fn dot(side: usize) -> Mask {
        let mut values = vec![0; side * side];
        values[side / 2 * side + side / 2] = 200;
        Mask::new(side as u32, values)
    }

    #[test]
    fn a_dot_grows_to_an_octagon() {
        for radius in 0..40usize {
            let side = 2 * radius + 5;
            let grown = dot(side).dilated(radius as u32);
            let middle = (side / 2) as f32;
            for (i, &value) in grown.values.iter().enumerate() {
                let (x, y) = ((i % side) as f32 - middle, (i / side) as f32 - middle);
                let distance = x.hypot(y);
                let is_octagon =
                    x.abs().max(y.abs()) <= radius as f32 && distance <= 1.09 * radius as f32 + 1.0;
                assert!(
                    value == 0 || value == 200 && is_octagon,
                    "{radius}: {x} {y}"
                );
                let is_disc = distance <= 0.97 * radius as f32 - 0.5;
                assert!(value == 200 || !is_disc, "{radius}: {x} {y}");
            }
        }
    }

    /// Against the definition, at the edges of the picture too.
    #[test]
    fn growing_takes_the_largest_within_reach() {
        let mut random = Random::new(1);
        for (width, height, radius) in [(1, 1, 5), (7, 1, 2), (20, 13, 1), (13, 20, 3), (16, 16, 9)]
        {
            let values: Vec<u8> = (0..width * height)
                .map(|_| {
                    if random.below(9) == 0 {
                        random.below(256) as u8
                    } else {
                        0
                    }
                })
                .collect();
            let shape = dot(2 * radius + 1).dilated(radius as u32);
            let is_within = |dx: isize, dy: isize| {
                let r = radius as isize;
                dx.abs() <= r
                    && dy.abs() <= r
                    && shape.values[((dy + r) * (2 * r + 1) + dx + r) as usize] > 0
            };
            let grown = Mask::new(width as u32, values.clone()).dilated(radius as u32);
            for y in 0..height as isize {
                for x in 0..width as isize {
                    let largest = (0..values.len())
                        .filter(|i| is_within((i % width) as isize - x, (i / width) as isize - y))
                        .map(|i| values[i])
                        .max();
                    let value = grown.values[y as usize * width + x as usize];
                    assert_eq!(
                        Some(value),
                        largest,
                        "{width}×{height}, {radius} px at {x} {y}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_blurred_edge_is_a_ramp_and_even_parts_stay() {
        let row: Vec<u8> = (0..12).map(|x| if x < 6 { 0 } else { 250 }).collect();
        let blurred = Mask::new(12, row.repeat(3)).blurred(2);
        assert_eq!(
            blurred.values[..12],
            [0, 0, 0, 0, 50, 100, 150, 200, 250, 250, 250, 250]
        );
        for (value, radius) in [(0, 3), (255, 1), (255, 100), (7, 2)] {
            let even = Mask::new(5, vec![value; 15]);
            assert_eq!(even.clone().blurred(radius), even);
        }
    }

    #[test]
    fn colours_are_blurred_each_on_its_own() {
        let mut pixels = [0, 90, 3, 30, 90, 6, 60, 90, 9];
        box_blur::<3>(&mut pixels, 3, 1);
        assert_eq!(pixels, [15, 90, 5, 30, 90, 6, 45, 90, 8]);
    }

    #[test]
    fn masks_grow_shrink_and_soften() {
        let row = [0, 0, 0, 255, 255, 255, 0, 0];
        let mask = row.repeat(3);
        for (px, grown) in [
            (0.4, row),
            (1.0, [0, 0, 255, 255, 255, 255, 255, 0]),
            (50.0, [255; 8]),
        ] {
            assert_eq!(grow(&mask, (8, 3), px), grown.repeat(3), "{px}");
        }
        assert_eq!(
            shrink(&mask, (8, 3), 1.0),
            [0, 0, 0, 0, 255, 0, 0, 0].repeat(3)
        );
        assert_eq!(shrink(&[255; 24], (8, 3), 5.0), [255; 24]);
        assert_eq!(
            feather(&mask, (8, 3), 2.0)[..8],
            [0, 0, 85, 170, 255, 170, 85, 0]
        );
        assert!(grow(&[], (0, 0), 3.0).is_empty());
    }
}
