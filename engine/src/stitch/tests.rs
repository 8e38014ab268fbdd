//! What holds for every edit, over many random ones.

#![allow(clippy::unwrap_used)]

use super::{masks::Mask, *};
use crate::{PixelRect, image::RgbPicture};

/// SplitMix64, Steele et al. 2014: small, seeded, good enough for tests.
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

const MODEL: ModelSize = ModelSize {
    native: (64, 64),
    stride: 16,
};

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
        let part = plan.context;
        let (rgba, mask) = (self.cut::<4>(&self.rgba, part), self.cut::<1>(mask, part));
        let crop = Crop {
            size: part.size(),
            rgba: &rgba,
            mask: Some(&mask),
        };
        let prepared = prepare(&crop, &plan, settings, 1).unwrap();
        assert_eq!((prepared.rgb.width, prepared.rgb.height), plan.work_size);
        let patch = finish(&crop, &plan, settings, &model(&prepared)).unwrap();
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
        (plan, covered)
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

/// Guarantee 1: whatever a model draws, fifty edits in a row leave every pixel that none of them covered as it
/// was, and cover none that is further from the mask than the edit reaches.
#[test]
fn pixels_outside_are_identical_after_any_number_of_edits() {
    for seed in 0..8 {
        let mut random = Random::new(seed);
        let size = (1 + random.below(160) as u32, 1 + random.below(160) as u32);
        let mut scene = Scene::new(size.0, size.1, |_, _| {
            let [red, green, blue, alpha, ..] = random.next().to_le_bytes();
            [
                red,
                green,
                blue,
                if alpha < 128 { 255 } else { alpha - 128 },
            ]
        });
        let original = scene.rgba.clone();
        let mut was_covered = vec![false; original.len() / 4];
        for _ in 0..50 {
            let mask = random_mask(&mut random, size);
            let settings = random_settings(&mut random);
            let before = scene.rgba.clone();
            let (plan, covered) = scene.edit(&mask, &settings, |prepared| RgbPicture {
                rgb: prepared
                    .rgb
                    .rgb
                    .iter()
                    .map(|_| random.next() as u8)
                    .collect(),
                ..prepared.rgb
            });
            let width = size.0 as usize;
            let near = Mask::new(size.0, mask).within(plan.reach_px() as usize);
            for (i, &coverage) in covered.iter().enumerate() {
                if coverage == 0 {
                    let pixel = 4 * i..4 * i + 4;
                    assert_eq!(scene.rgba[pixel.clone()], before[pixel], "{settings:?}");
                } else {
                    was_covered[i] = true;
                    assert!(
                        near[i],
                        "{} {}: {settings:?} {plan:?}",
                        i % width,
                        i / width
                    );
                }
            }
        }
        for (i, covered) in was_covered.iter().enumerate() {
            let pixel = 4 * i..4 * i + 4;
            assert!(*covered || scene.rgba[pixel.clone()] == original[pixel]);
        }
    }
}

impl Mask {
    /// Whether a masked pixel is at most so many rows and columns away, by looking at each.
    fn within(&self, reach: usize) -> Vec<bool> {
        let (width, height) = (self.width, self.values.len() / self.width);
        let mut within = vec![false; self.values.len()];
        for (i, _) in self
            .values
            .iter()
            .enumerate()
            .filter(|(_, value)| **value > 0)
        {
            let (x, y) = (i % width, i / width);
            for row in y.saturating_sub(reach)..(y + reach + 1).min(height) {
                let columns = x.saturating_sub(reach)..(x + reach + 1).min(width);
                within[row * width..][columns].fill(true);
            }
        }
        within
    }
}

/// Guarantee 2: a mask of any size changes its pixels, however wide its soft edge.
#[test]
fn a_mask_smaller_than_its_feather_still_edits() {
    for side in [1, 2, 5, 11] {
        for (grow_px, feather_px) in [(None, None), (Some(0.0), None), (Some(0.0), Some(90.0))] {
            for (strength, scene_side) in [(1.0, 40), (0.3, 64), (1.0, 400), (0.05, 400)] {
                let settings = EditSettings {
                    grow_px,
                    feather_px,
                    match_colours: false,
                    ..EditSettings::for_strength(strength)
                };
                let mut scene = Scene::new(scene_side, scene_side, |_, _| [0, 0, 0, 255]);
                let corner = scene_side / 2;
                let inside = |i: u32| {
                    let (x, y) = (i % scene_side, i / scene_side);
                    x.wrapping_sub(corner) < side && y.wrapping_sub(corner) < side
                };
                let mask: Vec<u8> = (0..scene_side * scene_side)
                    .map(|i| if inside(i) { 255 } else { 0 })
                    .collect();
                scene.edit(&mask, &settings, |prepared| {
                    assert!(
                        prepared.change.iter().any(|&change| change > 0.3),
                        "{settings:?}"
                    );
                    // As much as the model may.
                    let values = prepared.change.iter().map(|change| (255.0 * change) as u8);
                    RgbPicture {
                        rgb: values.flat_map(|value| [value; 3]).collect(),
                        ..prepared.rgb
                    }
                });
                for (i, pixel) in scene.rgba.chunks_exact(4).enumerate() {
                    assert!(
                        !inside(i as u32) || pixel[0] > 30,
                        "{side} {settings:?}: {pixel:?}"
                    );
                }
            }
        }
    }
}

/// The seam test: where the model returns its input, so does the edit, whether it is scaled up, down or not.
#[test]
fn a_model_that_changes_nothing_leaves_no_seam() {
    let mut random = Random::new(11);
    for (width, height) in [(64, 64), (40, 40), (200, 150), (600, 600), (64, 500)] {
        for strength in [0.2, 0.6, 1.0] {
            for whole in [false, true] {
                let before = Scene::gradient(width, height);
                let mut scene = Scene::gradient(width, height);
                let mask = random_mask(&mut random, (width, height));
                let settings = EditSettings {
                    fill: Fill::Keep,
                    whole,
                    ..EditSettings::for_strength(strength)
                };
                scene.edit(&mask, &settings, unchanged);
                let difference = scene.difference(&before);
                assert!(
                    difference <= 1,
                    "{difference} at {width}×{height}, {settings:?}"
                );
            }
        }
    }
}

/// The model works on a fifth of the pixels here, and returns its input: the finest detail survives where little was
/// to change, though all of it is written.
#[test]
fn detail_is_kept_where_little_was_to_change() {
    let mut random = Random::new(2);
    let mut scene = Scene::new(300, 300, |_, _| {
        let [red, green, blue, ..] = random.next().to_le_bytes();
        [red, green, blue, 255]
    });
    let before = scene.rgba.clone();
    let mut mask = vec![0; 300 * 300];
    mask[..300 * 100].fill(255);
    let settings = EditSettings {
        grow_px: Some(0.0),
        feather_px: Some(60.0),
        fill: Fill::Keep,
        whole: true,
        match_colours: false,
        ..EditSettings::for_strength(1.0)
    };
    let (_, covered) = scene.edit(&mask, &settings, unchanged);
    let difference = |row: usize| {
        assert!(
            covered[300 * row..300 * (row + 1)]
                .iter()
                .all(|&coverage| coverage == 255)
        );
        let pixels = 4 * 300 * row..4 * 300 * (row + 1);
        let pairs = scene.rgba[pixels.clone()].iter().zip(&before[pixels]);
        pairs.map(|(a, b)| f32::from(a.abs_diff(*b))).sum::<f32>() / 900.0
    };
    assert!(difference(40) > 50.0, "{}", difference(40));
    assert!(difference(124) < 12.0, "{}", difference(124));
}

#[test]
fn colours_that_drift_leave_no_seam() {
    let before = Scene::gradient(200, 200);
    let mut scene = Scene::gradient(200, 200);
    let mask: Vec<u8> = (0..200 * 200)
        .map(|i| {
            if (80..120).contains(&(i % 200)) && (90..110).contains(&(i / 200)) {
                255
            } else {
                0
            }
        })
        .collect();
    let settings = EditSettings {
        fill: Fill::Keep,
        ..EditSettings::for_strength(0.8)
    };
    let darker = |prepared: &Prepared| RgbPicture {
        rgb: prepared
            .rgb
            .rgb
            .iter()
            .map(|value| value.saturating_sub(14))
            .collect(),
        ..prepared.rgb
    };
    scene.edit(&mask, &settings, darker);
    assert!(
        scene.difference(&before) <= 4,
        "{}",
        scene.difference(&before)
    );
    let unmatched = EditSettings {
        match_colours: false,
        ..settings
    };
    scene.edit(&mask, &unmatched, darker);
    assert!(scene.difference(&before) > 10);
}

/// A picture that grew is opaque everywhere, goes on as it was, and is as it was elsewhere.
#[test]
fn outpainting_fills_all_of_the_new_ground() {
    for margins in [
        Margins {
            right: 40,
            ..Margins::default()
        },
        Margins {
            left: 30,
            top: 10,
            right: 20,
            bottom: 70,
        },
    ] {
        let old = Scene::gradient(90, 60);
        let extension = extend(old.frame, margins);
        let mut scene = Scene {
            frame: extension.frame,
            rgba: vec![0; 4 * extension.frame.n_pixels() as usize],
        };
        let index = |scene: &Scene, x: i32, y: i32| {
            4 * ((y - scene.frame.y) as usize * scene.frame.width as usize
                + (x - scene.frame.x) as usize)
        };
        for y in 0..60 {
            for x in 0..90 {
                let (to, from) = (index(&scene, x, y), index(&old, x, y));
                scene.rgba[to..to + 4].copy_from_slice(&old.rgba[from..from + 4]);
            }
        }
        let mask = extension.mask(extension.frame);
        let (_, covered) = scene.edit(&mask, &EditSettings::default(), unchanged);
        assert!(scene.rgba.chunks_exact(4).all(|pixel| pixel[3] == 255));
        for y in 0..60 {
            for x in 0..90 {
                let (new, from) = (index(&scene, x, y), index(&old, x, y));
                let (new_pixel, old_pixel) = (&scene.rgba[new..new + 4], &old.rgba[from..from + 4]);
                assert!(covered[new / 4] > 0 || new_pixel == old_pixel);
                for (a, b) in new_pixel.iter().zip(old_pixel) {
                    assert!(
                        a.abs_diff(*b) < 32,
                        "{margins:?} {x} {y}: {new_pixel:?} {old_pixel:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn edits_at_the_boundaries() {
    let full = |n: usize| vec![255; n];
    for (name, width, height, mask) in [
        ("one pixel", 1, 1, full(1)),
        ("a row", 300, 1, full(300)),
        ("a column", 1, 300, full(300)),
        ("everything", 80, 50, full(80 * 50)),
        ("a corner", 80, 50, [full(1), vec![0; 80 * 50 - 1]].concat()),
        ("the faintest mask", 80, 50, vec![1; 80 * 50]),
    ] {
        for strength in [0.0, 0.5, 1.0] {
            let before = Scene::gradient(width, height);
            let mut scene = Scene::gradient(width, height);
            let settings = EditSettings {
                fill: Fill::Keep,
                ..EditSettings::for_strength(strength)
            };
            scene.edit(&mask, &settings, unchanged);
            assert!(scene.difference(&before) <= 1, "{name} at {strength}");
        }
    }
}

#[test]
fn without_a_mask_everything_changes_but_what_is_not_there() {
    let scene = Scene::new(64, 64, |x, _| [9, 9, 9, if x < 8 { 0 } else { 255 }]);
    let settings = EditSettings::for_strength(1.0);
    let plan = plan(PixelRect::default(), scene.frame, &settings, MODEL);
    let crop = Crop {
        size: (64, 64),
        rgba: &scene.rgba,
        mask: None,
    };
    let prepared = prepare(&crop, &plan, &settings, 0).unwrap();
    assert_eq!(
        prepared.rgb.rgb,
        vec![9; 64 * 64 * 3],
        "nothing is filled but what is transparent"
    );
    assert!(prepared.change.iter().all(|&change| change >= 1.0));
    let white = RgbPicture {
        rgb: vec![255; 64 * 64 * 3],
        ..prepared.rgb
    };
    let patch = finish(&crop, &plan, &settings, &white).unwrap();
    assert_eq!([patch.mask[7], patch.mask[8]], [0, 255]);
    assert_eq!(
        patch.rgb[3 * 8..3 * 9],
        [255; 3],
        "without a ring there is nothing to match"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let settings = EditSettings::default();
    let mask = PixelRect::new(0, 0, 4, 4);
    let sound = plan(mask, PixelRect::from_size(8, 8), &settings, MODEL);
    let nowhere = plan(mask, PixelRect::default(), &settings, MODEL);
    let crop = |size, n_bytes, mask| (size, vec![255; n_bytes], mask);
    for (name, plan, (size, rgba, mask), expected) in [
        (
            "empty mask",
            &sound,
            crop((8, 8), 256, Some(vec![0; 64])),
            "nothing is masked",
        ),
        (
            "short mask",
            &sound,
            crop((8, 8), 256, Some(vec![255; 63])),
            "the mask is not 8×8",
        ),
        (
            "long picture",
            &sound,
            crop((8, 8), 260, None),
            "the picture is not 8×8",
        ),
        (
            "other size",
            &sound,
            crop((4, 16), 256, None),
            "the picture is not 8×8",
        ),
        (
            "no picture",
            &nowhere,
            crop((0, 0), 0, None),
            "there is no picture",
        ),
    ] {
        let crop = Crop {
            size,
            rgba: &rgba,
            mask: mask.as_deref(),
        };
        let error = prepare(&crop, plan, &settings, 0)
            .err()
            .unwrap()
            .to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
    }
    let rgba = [255; 256];
    let crop = Crop {
        size: (8, 8),
        rgba: &rgba,
        mask: None,
    };
    let small = RgbPicture {
        width: 8,
        height: 8,
        rgb: vec![0; 192],
    };
    let error = finish(&crop, &sound, &settings, &small)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("the result is not 64×64"), "{error}");
}
