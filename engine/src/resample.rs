//! Resizing as Pillow does it, to the bit, for encoders were trained on pictures resized by it; and enlarging for the eye.

use std::ops::Range;

use rayon::prelude::*;

use crate::image::RgbPicture;

/// Bits after the point of the fixed-point weights; eight bits of value and two of overshoot remain.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// How pixels are weighed, by Pillow's numbers for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampling {
    Lanczos,
    Bilinear,
    Bicubic,
}

impl Resampling {
    /// From Pillow's number, as `preprocessor_config.json` has it.
    pub fn from_pillow(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Lanczos),
            2 => Some(Self::Bilinear),
            3 => Some(Self::Bicubic),
            _ => None,
        }
    }

    /// How far the filter reaches, in pixels of the larger of the two pictures' grids.
    fn support(self) -> f64 {
        match self {
            Self::Lanczos => 3.0,
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            Self::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
            Self::Bilinear if x < 1.0 => 1.0 - x,
            // Keys 1981 with a = -1/2.
            Self::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            _ => 0.0,
        }
    }
}

/// A picture of another size, for the eye: itself where it has that already.
pub(crate) fn resized(picture: RgbPicture, (width, height): (u32, u32)) -> RgbPicture {
    let source_size = [picture.width, picture.height];
    let size = [width, height];
    if size == source_size {
        return picture;
    }
    let rgb = if width >= picture.width && height >= picture.height {
        enlarge::<3>(&picture.rgb, source_size, size)
    } else {
        resize::<3>(&picture.rgb, source_size, size, Resampling::Lanczos)
    };
    RgbPicture { width, height, rgb }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * std::f64::consts::PI;
    x.sin() / x
}

/// A part of `picture` resized to `size`, without making the rest.
///
/// `columns` and `rows` are the part, in pixels of the resized picture and within it.
///
/// # Panics
/// When a size is zero or the part is not within `size`.
pub fn resample(
    picture: &RgbPicture,
    size: [u32; 2],
    columns: Range<u32>,
    rows: Range<u32>,
    resampling: Resampling,
) -> RgbPicture {
    let (width, height) = (columns.len() as u32, rows.len() as u32);
    let source_size = [picture.width, picture.height];
    let rgb = resample_part::<3>(&picture.rgb, source_size, size, columns, rows, resampling);
    RgbPicture { width, height, rgb }
}

/// All of a picture of `CHANNELS` bytes a pixel, resized.
///
/// # Panics
/// When a size is zero.
pub fn resize<const CHANNELS: usize>(
    pixels: &[u8],
    source_size: [u32; 2],
    size: [u32; 2],
    resampling: Resampling,
) -> Vec<u8> {
    let [width, height] = size;
    resample_part::<CHANNELS>(pixels, source_size, size, 0..width, 0..height, resampling)
}

/// A picture of `CHANNELS` bytes a pixel made larger, for people to look at: Lanczos without its rings.
///
/// Lanczos keeps edges sharpest, but paints faint lines beside them. Held between the two pixels on either side, no
/// value can leave what is there, and there is nothing beside an edge but the edge. The numbers are taken as they are,
/// in sRGB: in linear light an edge grows towards its bright side. On drawn scenes, 128² to 512²: 33.05 dB so, 33.07
/// with the rings, 32.65 in linear light, 32.66 by Catmull-Rom, 31.97 by Mitchell.
///
/// # Panics
/// When a size is zero or the target is smaller along an axis.
pub fn enlarge<const CHANNELS: usize>(
    pixels: &[u8],
    [source_width, source_height]: [u32; 2],
    [width, height]: [u32; 2],
) -> Vec<u8> {
    assert!(width >= source_width && height >= source_height);
    let (width, source_stride) = (width as usize, CHANNELS * source_width as usize);
    let columns = weighted(
        source_width,
        0..width as u32,
        width as u32,
        Resampling::Lanczos,
    );
    let mut wider = vec![0f32; source_height as usize * CHANNELS * width];
    (wider.par_chunks_mut(CHANNELS * width))
        .zip(pixels.par_chunks(source_stride))
        .for_each(|(row, source)| {
            for (pixel, column) in row.chunks_exact_mut(CHANNELS).zip(&columns) {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    *value = column.held(|i| f32::from(source[CHANNELS * i + channel]));
                }
            }
        });
    let stride = CHANNELS * width;
    let rows = weighted(source_height, 0..height, height, Resampling::Lanczos);
    let mut larger = vec![0; height as usize * stride];
    larger
        .par_chunks_mut(stride)
        .zip(&rows)
        .for_each(|(line, row)| {
            for (i, value) in line.iter_mut().enumerate() {
                *value = row.held(|i_row| wider[i_row * stride + i]).round() as u8;
            }
        });
    larger
}

fn resample_part<const CHANNELS: usize>(
    pixels: &[u8],
    source_size: [u32; 2],
    [width, height]: [u32; 2],
    columns: Range<u32>,
    rows: Range<u32>,
    resampling: Resampling,
) -> Vec<u8> {
    let [source_width, source_height] = source_size;
    let part_width = columns.len();
    let column_taps = taps(source_width, width, columns, resampling);
    let row_taps = taps(source_height, height, rows, resampling);
    // The two passes round to bytes in between, so their order shows. Pillow 13's, as observed on some
    // thousand sizes: rows first where they shrink, and by more than twice what the columns do.
    let n_rows_less = i64::from(source_height) - i64::from(height);
    let n_columns_less = i64::from(source_width) - i64::from(width);
    let rows_first = n_rows_less > (2 * n_columns_less).max(0);
    let source_stride = CHANNELS * source_width as usize;
    if rows_first {
        let flattened = resample_rows(pixels, source_stride, &row_taps, 0);
        resample_columns::<CHANNELS>(&flattened, source_stride, &column_taps)
    } else {
        let first_row = row_taps.iter().map(|taps| taps.start).min().unwrap_or(0);
        let end_row = row_taps.iter().map(Taps::end).max().unwrap_or(0);
        let source = &pixels[first_row * source_stride..end_row * source_stride];
        let narrowed = resample_columns::<CHANNELS>(source, source_stride, &column_taps);
        resample_rows(&narrowed, CHANNELS * part_width, &row_taps, first_row)
    }
}

/// Makes each row of `stride` bytes one of as many pixels as there are taps.
fn resample_columns<const CHANNELS: usize>(pixels: &[u8], stride: usize, taps: &[Taps]) -> Vec<u8> {
    let n_rows = pixels.len() / stride;
    let mut resampled = vec![0; n_rows * CHANNELS * taps.len()];
    resampled
        .par_chunks_mut(CHANNELS * taps.len())
        .zip(pixels.par_chunks(stride))
        .for_each(|(row, source)| {
            for (pixel, taps) in row.chunks_exact_mut(CHANNELS).zip(taps) {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    *value = taps.weigh(|i| source[CHANNELS * i + channel]);
                }
            }
        });
    resampled
}

/// Makes the rows of `stride` bytes, of which `pixels` begins with `first_row`, as many rows as there are taps.
fn resample_rows(pixels: &[u8], stride: usize, taps: &[Taps], first_row: usize) -> Vec<u8> {
    let mut resampled = vec![0; taps.len() * stride];
    resampled
        .par_chunks_mut(stride)
        .zip(taps)
        .for_each(|(row, taps)| {
            for (i, value) in row.iter_mut().enumerate() {
                *value = taps.weigh(|i_row| pixels[(i_row - first_row) * stride + i]);
            }
        });
    resampled
}

/// What an axis of `n_source` numbers becomes as one of `n_target`: for each of those, the weights of all before.
///
/// # Panics
/// When a size is zero.
pub(crate) fn weights(n_source: u32, n_target: u32, resampling: Resampling) -> Vec<Vec<f32>> {
    weighted(n_source, 0..n_target, n_target, resampling)
        .into_iter()
        .map(|Weighted { start, weights, .. }| {
            let mut row = vec![0.0; n_source as usize];
            for (weight, place) in weights.into_iter().zip(&mut row[start..]) {
                *place = weight as f32;
            }
            row
        })
        .collect()
}

/// The pixels along one axis that make one pixel, from `start` on, with fixed-point weights.
struct Taps {
    start: usize,
    weights: Vec<i32>,
}

impl Taps {
    fn end(&self) -> usize {
        self.start + self.weights.len()
    }

    fn weigh(&self, pixel: impl Fn(usize) -> u8) -> u8 {
        let half = 1 << (PRECISION_BITS - 1);
        let sum = self
            .weights
            .iter()
            .enumerate()
            .map(|(i, weight)| weight * i32::from(pixel(self.start + i)))
            .sum::<i32>();
        ((sum + half) >> PRECISION_BITS).clamp(0, 255) as u8
    }
}

/// The taps of the pixels `part` when an axis of `n_source` pixels becomes one of `n_target`.
fn taps(n_source: u32, n_target: u32, part: Range<u32>, resampling: Resampling) -> Vec<Taps> {
    let one = f64::from(1 << PRECISION_BITS);
    weighted(n_source, part, n_target, resampling)
        .into_iter()
        .map(|Weighted { start, weights, .. }| Taps {
            start,
            weights: weights
                .iter()
                .map(|weight| (weight * one).round() as i32)
                .collect(),
        })
        .collect()
}

/// The pixels along one axis that make one pixel, from `start` on, with weights of 1 in all.
struct Weighted {
    start: usize,
    weights: Vec<f64>,
    /// The two between whose middles the new pixel lies.
    nearest: [usize; 2],
}

impl Weighted {
    /// The weighted sum, held between the nearest two.
    fn held(&self, pixel: impl Fn(usize) -> f32) -> f32 {
        let weights = self.weights.iter().zip(self.start..);
        let sum: f32 = weights.map(|(&weight, i)| weight as f32 * pixel(i)).sum();
        let [a, b] = self.nearest.map(&pixel);
        sum.clamp(a.min(b), a.max(b))
    }
}

/// For each of the pixels `part` of an axis of `n_source` pixels that becomes one of `n_target`.
fn weighted(
    n_source: u32,
    part: Range<u32>,
    n_target: u32,
    resampling: Resampling,
) -> Vec<Weighted> {
    assert!(n_source > 0 && n_target > 0, "an empty picture");
    assert!(part.start < part.end && part.end <= n_target, "{part:?}");
    let scale = f64::from(n_source) / f64::from(n_target);
    // Making smaller widens the filter, so that every pixel counts.
    let filter_scale = scale.max(1.0);
    let support = resampling.support() * filter_scale;
    // Multiplied with, as in Pillow: dividing rounds otherwise.
    let inverse_scale = 1.0 / filter_scale;
    let last = n_source as usize - 1;
    part.map(|i_target| {
        let centre = (f64::from(i_target) + 0.5) * scale;
        let start = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(n_source as usize);
        let weights: Vec<f64> = (start..end)
            .map(|i| resampling.weight((i as f64 - centre + 0.5) * inverse_scale))
            .collect();
        let sum: f64 = weights.iter().sum();
        let before = (centre - 0.5).floor();
        Weighted {
            start,
            weights: weights.iter().map(|weight| weight / sum).collect(),
            nearest: [before, before + 1.0].map(|i| (i.max(0.0) as usize).min(last)),
        }
    })
    .collect()
}
