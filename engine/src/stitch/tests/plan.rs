//! Where edits look, work and write.
#![allow(clippy::float_cmp)] // Lengths are halves and tenths of small numbers.

use super::Random;
use crate::PixelRect;
use crate::stitch::plan::{EditPlan, MAX_EDGE_PX, plan};
use crate::stitch::{EditSettings, Fill, ModelSize, tiles};

const LARGE: ModelSize = ModelSize::new((1024, 1024), 64);
const SMALL: ModelSize = ModelSize::new((256, 256), 64);

fn planned(mask: PixelRect, frame: PixelRect, strength: f32, model: ModelSize) -> EditPlan {
    plan(mask, frame, &EditSettings::for_strength(strength), model)
}

#[test]
fn the_soft_edge_follows_krita() {
    // Mask of 300 × 400: a diagonal of 500.
    let mask = PixelRect::new(500, 500, 300, 400);
    let frame = PixelRect::from_size(2048, 2048);
    for (strength, model, grow, feather, blend) in [
        (1.0, LARGE, 29.0, 50.0, 25.0),
        (0.5, LARGE, 4.0 + 12.5, 25.0, 25.0),
        (0.1, LARGE, 4.0 + 2.5, 5.0, 9.0),
        (0.0, LARGE, 4.0, 0.0, 4.0),
        (7.0, LARGE, 29.0, 50.0, 25.0),
        (0.5, SMALL, 2.0 + 12.5, 25.0, 25.0),
    ] {
        let plan = planned(mask, frame, strength, model);
        let edge = [plan.grow_px, plan.feather_px, plan.blend_px];
        assert_eq!(edge, [grow, feather, blend], "{strength} {model:?}");
    }
}

#[test]
fn every_length_can_be_chosen() {
    let settings = EditSettings {
        grow_px: Some(0.0),
        feather_px: Some(10.0),
        ..EditSettings::for_strength(1.0)
    };
    let mask = PixelRect::new(10, 10, 30, 40);
    let frame = PixelRect::from_size(512, 512);
    let chosen = plan(mask, frame, &settings, LARGE);
    assert_eq!(
        [chosen.grow_px, chosen.feather_px, chosen.blend_px],
        [0.0, 10.0, 5.0]
    );
    let only_feather = EditSettings {
        grow_px: None,
        ..settings
    };
    assert_eq!(plan(mask, frame, &only_feather, LARGE).grow_px, 9.0);
    let nonsense = EditSettings {
        grow_px: Some(-3.0),
        feather_px: Some(1e9),
        ..only_feather
    };
    let chosen = plan(mask, frame, &nonsense, LARGE);
    assert_eq!((chosen.grow_px, chosen.feather_px), (0.0, MAX_EDGE_PX));
}

/// In a picture larger than the model's.
#[test]
fn the_context_box() {
    let frame = PixelRect::from_size(4096, 3000);
    for (name, mask, frame, strength, model, context, work) in [
        (
            "full strength sees a square with room",
            PixelRect::new(2000, 1000, 800, 400),
            frame,
            1.0,
            LARGE,
            PixelRect::new(1700, 500, 1400, 1400),
            (1024, 1024),
        ),
        (
            "a small mask sees the native size",
            PixelRect::new(2000, 1000, 10, 10),
            frame,
            1.0,
            LARGE,
            PixelRect::new(1493, 493, 1024, 1024),
            (1024, 1024),
        ),
        (
            "at the corner the box moves inwards",
            PixelRect::new(0, 2999, 1, 1),
            frame,
            1.0,
            LARGE,
            PixelRect::new(0, 1976, 1024, 1024),
            (1024, 1024),
        ),
        (
            "the least strength sees the padded mask",
            PixelRect::new(1000, 1000, 1400, 1400),
            PixelRect::from_size(4096, 4096),
            0.0,
            LARGE,
            // Nothing but the 4 px of its growth.
            PixelRect::new(996, 996, 1408, 1408),
            (1024, 1024),
        ),
        (
            "everything masked",
            frame,
            frame,
            1.0,
            LARGE,
            frame,
            (1216, 896),
        ),
        (
            "no mask",
            PixelRect::default(),
            PixelRect::new(-100, 50, 1024, 1024),
            0.4,
            LARGE,
            PixelRect::new(-100, 50, 1024, 1024),
            (1024, 1024),
        ),
    ] {
        let plan = planned(mask, frame, strength, model);
        assert_eq!((plan.context, plan.work_size), (context, work), "{name}");
    }
}

/// In one that is hardly larger than the model's, or not even that.
#[test]
fn the_context_box_of_a_small_picture() {
    for (name, mask, frame, strength, model, context, work) in [
        (
            "a picture smaller than the model is seen whole",
            PixelRect::new(3, 3, 1, 1),
            PixelRect::from_size(100, 100),
            1.0,
            SMALL,
            PixelRect::from_size(100, 100),
            (256, 256),
        ),
        (
            "in a picture of the model's size a small mask sees half of it",
            PixelRect::new(200, 0, 56, 40),
            PixelRect::from_size(256, 256),
            1.0,
            SMALL,
            PixelRect::new(128, 0, 128, 128),
            (256, 256),
        ),
        (
            "one pixel",
            PixelRect::from_size(1, 1),
            PixelRect::from_size(1, 1),
            1.0,
            LARGE,
            PixelRect::from_size(1, 1),
            (1024, 1024),
        ),
        (
            "a thread",
            PixelRect::from_size(4, 1),
            PixelRect::from_size(10_000, 1),
            0.5,
            SMALL,
            // Its length and a quarter of the native size on both sides, less than that size.
            PixelRect::from_size(256, 1),
            (1024, 64),
        ),
        (
            "a small model is given a wide picture in the proportions that it has",
            PixelRect::from_size(228, 128),
            PixelRect::from_size(228, 128),
            1.0,
            ModelSize::new((128, 128), 64),
            PixelRect::from_size(228, 128),
            (192, 128),
        ),
    ] {
        let plan = planned(mask, frame, strength, model);
        assert_eq!((plan.context, plan.work_size), (context, work), "{name}");
    }
}

#[test]
fn whole_looks_at_the_whole_picture_and_keeps_the_soft_edge() {
    let settings = EditSettings {
        whole: true,
        ..EditSettings::for_strength(1.0)
    };
    let frame = PixelRect::new(-64, 0, 2048, 1024);
    let plan = plan(PixelRect::new(0, 0, 8, 8), frame, &settings, LARGE);
    assert_eq!((plan.context, plan.feather_px), (frame, 32.0));
}

/// Over many masks, frames and strengths: the box lies in the frame, holds all that the edit may write,
/// is as large as the model's native size or half of the picture, and its proportions are kept.
#[test]
fn the_box_holds_the_edit() {
    let mut random = Random::new(3);
    for _ in 0..2000 {
        let origin = |r: &mut Random| r.below(2000) as i32 - 1000;
        let frame = PixelRect {
            x: origin(&mut random),
            y: origin(&mut random),
            width: 1 + random.below(5000) as u32,
            height: 1 + random.below(5000) as u32,
        };
        let x = random.below(u64::from(frame.width)) as u32;
        let y = random.below(u64::from(frame.height)) as u32;
        let mask = PixelRect {
            x: frame.x + x as i32,
            y: frame.y + y as i32,
            width: 1 + random.below(u64::from(frame.width - x)) as u32,
            height: 1 + random.below(u64::from(frame.height - y)) as u32,
        };
        let model = [LARGE, SMALL][random.below(2) as usize];
        let plan = planned(mask, frame, random.below(11) as f32 / 10.0, model);
        let reach = mask.expand(plan.reach_px().ceil() as i32).intersect(&frame);
        assert!(
            frame.contains_rect(&plan.context),
            "{mask:?} {frame:?} {plan:?}"
        );
        assert!(
            plan.context.contains_rect(&reach),
            "{mask:?} {frame:?} {plan:?}"
        );
        let half = frame.width.max(frame.height) / 2;
        assert!(plan.context.width >= frame.width.min(model.native().0).min(half));
        assert!(plan.context.height >= frame.height.min(model.native().1).min(half));
        let (width, height) = plan.work_size;
        assert!(
            width > 0 && width.is_multiple_of(model.stride()),
            "{plan:?}"
        );
        assert!(
            height > 0 && height.is_multiple_of(model.stride()),
            "{plan:?}"
        );
        let has_room = plan.context.width < frame.width && plan.context.height < frame.height;
        if has_room {
            let across = f64::from(plan.context.width) / f64::from(width);
            let down = f64::from(plan.context.height) / f64::from(height);
            assert!(
                (across / down - 1.0).abs() < 0.15,
                "{mask:?} {frame:?} {plan:?}"
            );
        }
    }
}

#[test]
fn fill_follows_strength() {
    assert_eq!(Fill::for_strength(1.0), Fill::Blur);
    assert_eq!(Fill::for_strength(0.99), Fill::Keep);
}

/// Whatever a far engine says of its models and a document of its frame.
#[test]
fn no_numbers_are_too_wild_for_a_plan() {
    let sides = [0, 1, 63, 64, 8_192, 8_193, 1 << 31, u32::MAX];
    let starts = [i32::MIN, -1, 0, 7, i32::MAX];
    let strengths = [f32::NAN, -1.0, 0.0, 0.3, 1.0, f32::INFINITY];
    let mut n_plans = 0;
    for (i, native) in pairs(&sides).enumerate() {
        for stride in sides {
            let model = ModelSize::new(native, stride);
            for (k, size) in pairs(&sides).enumerate() {
                let x = starts[(i + k) % starts.len()];
                let y = starts[(i + 2 * k) % starts.len()];
                let frame = PixelRect::new(x, y, size.0, size.1);
                let masked = PixelRect::new(x, y, size.1 / 2, size.0 / 3);
                let settings = EditSettings {
                    whole: k % 3 == 0,
                    ..EditSettings::for_strength(strengths[k % strengths.len()])
                };
                let plan = plan(masked, frame, &settings, model);
                let (width, height) = plan.work_size;
                let most = 8_192.max(model.stride());
                assert!(
                    (1..=most).contains(&width) && (1..=most).contains(&height),
                    "{plan:?}"
                );
                assert!(plan.context.width <= frame.width && plan.context.height <= frame.height);
                n_plans += 1 + tiles(masked, frame, &settings, model).len();
            }
        }
    }
    assert!(n_plans > 100_000, "{n_plans}");
}

fn pairs(sides: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    sides
        .iter()
        .flat_map(|&a| sides.iter().map(move |&b| (a, b)))
}
