//! What holds for every edit, over many random ones.

use super::*;
use crate::stitch::masks::Mask;

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
                    // A single pixel of one half keeps nine sixteenths of it where the model works twice as large.
                    assert!(
                        prepared.change.iter().any(|&change| change > 0.27),
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
/// to change, though the patch covers it.
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
    // How much of a row's detail is gone, where the patch covers it.
    let difference = |row: usize| {
        let pixels = 4 * 300 * row..4 * 300 * (row + 1);
        let pairs = scene.rgba[pixels.clone()].iter().zip(&before[pixels]);
        let sum: f32 = pairs.map(|(a, b)| f32::from(a.abs_diff(*b))).sum();
        let coverage = f32::from(covered[300 * row + 150]) / 255.0;
        assert!(coverage > 0.5, "{row}");
        sum / 900.0 / coverage
    };
    assert!(difference(40) > 50.0, "{}", difference(40));
    // Eleven pixels beyond the mask a third may change.
    assert!(
        difference(111) < 0.4 * difference(40),
        "{}",
        difference(111)
    );
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
