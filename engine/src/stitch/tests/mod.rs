//! A scene to edit with models that are plain functions, and random numbers to vary it by.

#![allow(clippy::unwrap_used)]

mod boundaries;
mod guarantees;
mod plan;
mod seams;

use super::*;
use crate::{PixelRect, image::RgbPicture};

/// `SplitMix64`, Steele et al. 2014: small, seeded, good enough for tests.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// At least 0 and less than `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

const MODEL: ModelSize = ModelSize::new((64, 64), 16);

/// A picture in straight alpha with a mask, changed by one edit after the other.
struct Scene {
    frame: PixelRect,
    rgba: Vec<u8>,
}

impl Scene {
    fn new(width: u32, height: u32, mut pixel: impl FnMut(u32, u32) -> [u8; 4]) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self {
            frame: PixelRect::from_size(width, height),
            rgba: pixels.flat_map(|(x, y)| pixel(x, y)).collect(),
        }
    }

    /// Smooth at the size that the model works at, too: neighbours there differ by hardly more than one.
    fn gradient(width: u32, height: u32) -> Self {
        let shade = |at: u32, of: u32| (40 + 90 * at / of.max(180)) as u8;
        Self::new(width, height, |x, y| {
            [
                shade(x, width),
                shade(y, height),
                shade(x + y, width + height),
                255,
            ]
        })
    }

    /// The pixels of `part` of a plane of `CHANNELS` bytes a pixel.
    fn cut<const CHANNELS: usize>(&self, plane: &[u8], part: PixelRect) -> Vec<u8> {
        let rows = (part.y..part.bottom()).map(|y| (y - self.frame.y) as usize);
        let start = (part.x - self.frame.x) as usize;
        rows.flat_map(|y| {
            let first = CHANNELS * (y * self.frame.width as usize + start);
            &plane[first..first + CHANNELS * part.width as usize]
        })
        .copied()
        .collect()
    }

    /// Runs one edit with a model, and returns how much each pixel of the whole picture was covered.
    fn edit(
        &mut self,
        mask: &[u8],
        settings: &EditSettings,
        model: impl FnOnce(&Prepared) -> RgbPicture,
    ) -> (EditPlan, Vec<u8>) {
        let plan = plan(self.bounds(mask), self.frame, settings, MODEL);
        let covered = self.edit_as_planned(&plan, mask, settings, model);
        (plan, covered)
    }

    fn edit_as_planned(
        &mut self,
        plan: &EditPlan,
        mask: &[u8],
        settings: &EditSettings,
        model: impl FnOnce(&Prepared) -> RgbPicture,
    ) -> Vec<u8> {
        let part = plan.context;
        let (rgba, mask) = (self.cut::<4>(&self.rgba, part), self.cut::<1>(mask, part));
        let crop = Crop {
            size: part.size(),
            rgba: &rgba,
            mask: Some(&mask),
        };
        let prepared = prepare(&crop, plan, settings, 1).unwrap();
        assert_eq!((prepared.rgb.width, prepared.rgb.height), plan.work_size);
        let patch = finish(&crop, plan, settings, &model(&prepared)).unwrap();
        assert_eq!(patch.size, part.size());
        let mut covered = vec![0; mask.len().max(self.rgba.len() / 4)];
        for (i, (rgb, &coverage)) in patch.rgb.as_chunks().0.iter().zip(&patch.mask).enumerate() {
            let (x, y) = (i as u32 % part.width, i as u32 / part.width);
            let row = (part.y - self.frame.y) as u32 + y;
            let index =
                (row * self.frame.width) as usize + (part.x - self.frame.x) as usize + x as usize;
            let pixel = &mut self.rgba.as_chunks_mut::<4>().0[index];
            *pixel = over(*pixel, *rgb, coverage);
            covered[index] = coverage;
        }
        covered
    }

    fn bounds(&self, mask: &[u8]) -> PixelRect {
        let width = self.frame.width as usize;
        let masked = mask.iter().enumerate().filter(|(_, value)| **value > 0);
        masked.fold(PixelRect::default(), |bounds, (i, _)| {
            let (x, y) = ((i % width) as i32, (i / width) as i32);
            bounds.union(&PixelRect::new(self.frame.x + x, self.frame.y + y, 1, 1))
        })
    }

    /// The largest difference of any channel.
    fn difference(&self, other: &Self) -> u8 {
        let differences = self
            .rgba
            .iter()
            .zip(&other.rgba)
            .map(|(a, b)| a.abs_diff(*b));
        differences.max().unwrap_or(0)
    }
}

fn unchanged(prepared: &Prepared) -> RgbPicture {
    prepared.rgb.clone()
}

/// Some soft and hard rectangles; at least one pixel.
fn random_mask(random: &mut Random, (width, height): (u32, u32)) -> Vec<u8> {
    let mut mask = vec![0; (width * height) as usize];
    for _ in 0..=random.below(3) {
        let (x, y) = (
            random.below(width.into()) as u32,
            random.below(height.into()) as u32,
        );
        let right = (x + 1 + random.below(30) as u32).min(width);
        let bottom = (y + 1 + random.below(30) as u32).min(height);
        let value = if random.below(3) == 0 {
            1 + random.below(255) as u8
        } else {
            255
        };
        for row in y..bottom {
            mask[(row * width + x) as usize..(row * width + right) as usize].fill(value);
        }
    }
    mask
}

fn random_settings(random: &mut Random) -> EditSettings {
    let fills = [Fill::Keep, Fill::Blur, Fill::Neutral, Fill::Noise];
    let mut length = || (random.below(2) == 0).then(|| random.below(40) as f32 / 2.0);
    EditSettings {
        grow_px: length(),
        feather_px: length(),
        strength: random.below(11) as f32 / 10.0,
        fill: fills[random.below(4) as usize],
        whole: random.below(4) == 0,
        match_colours: random.below(2) == 0,
    }
}
