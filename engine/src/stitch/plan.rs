//! Where an edit looks, works and writes. Cheap enough for every frame.

use serde::{Deserialize, Serialize};

use super::settings::{EditSettings, ModelSize};
use crate::PixelRect;

/// Where an edit looks, works and writes. Lengths are in pixels of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditPlan {
    /// The part of the picture that the model sees.
    pub context: PixelRect,
    /// The size at which the model works on it.
    pub work_size: (u32, u32),
    /// How far the mask is grown: the middle of the soft edge.
    pub grow_px: f32,
    /// Width of the soft edge of what the model may change.
    pub feather_px: f32,
    /// Width of the soft edge of what is written back, at the outer end of the edit's reach.
    pub blend_px: f32,
}

impl EditPlan {
    /// How far from the mask a pixel may still change. Nothing beyond is written.
    pub fn reach_px(&self) -> f32 {
        self.grow_px + self.feather_px / 2.0
    }

    /// Pixels of the picture for each pixel that the model works on, along the axis where there are more.
    pub fn reduction(&self) -> f32 {
        let along = |context: u32, work: u32| context as f32 / work.max(1) as f32;
        along(self.context.width, self.work_size.0)
            .max(along(self.context.height, self.work_size.1))
    }
}

/// Plans an edit of the picture in `frame`.
///
/// `mask_bounds` is the smallest rectangle round what is masked; an empty one means that there is no mask and the
/// whole picture changes.
pub fn plan(
    mask_bounds: PixelRect,
    frame: PixelRect,
    settings: &EditSettings,
    model: ModelSize,
) -> EditPlan {
    let masked = mask_bounds.intersect(&frame);
    let edge = if masked.is_empty() {
        SoftEdge::default()
    } else {
        SoftEdge::new(masked, settings, model)
    };
    let (context, work_size) = if masked.is_empty() || settings.whole {
        (frame, work_size(frame.size(), model))
    } else {
        context(masked, frame, edge.reach_px(), settings, model)
    };
    EditPlan {
        context,
        work_size,
        grow_px: edge.grow_px,
        feather_px: edge.feather_px,
        blend_px: edge.blend_px,
    }
}

/// The soft edge by the formulas of Krita AI Diffusion.
#[derive(Default)]
#[expect(clippy::struct_field_names, reason = "lengths name their unit")]
pub(super) struct SoftEdge {
    pub grow_px: f32,
    pub feather_px: f32,
    pub blend_px: f32,
}

impl SoftEdge {
    pub fn new(masked: PixelRect, settings: &EditSettings, model: ModelSize) -> Self {
        let strength = settings.strength.clamp(0.0, 1.0);
        let diagonal = (masked.width as f32).hypot(masked.height as f32);
        // Its feather and grow are for models of 512 px and more: half as much is as soft where all is half as large.
        let unit = (model.native.0.min(model.native.1) as f32 / 512.0).min(1.0);
        let feather_px = settings
            .feather_px
            .unwrap_or_else(|| strength * (0.1 * diagonal).max(32.0 * unit))
            .clamp(0.0, MAX_EDGE_PX);
        let grow_px = settings
            .grow_px
            .unwrap_or(4.0 * unit + feather_px / 2.0)
            .clamp(0.0, MAX_EDGE_PX);
        Self {
            grow_px,
            feather_px,
            blend_px: grow_px.midpoint(grow_px + feather_px).min(25.0),
        }
    }

    pub fn reach_px(&self) -> f32 {
        self.grow_px + self.feather_px / 2.0
    }
}

/// Wider edges than any picture needs.
const MAX_EDGE_PX: f32 = 4096.0;

/// What the model should see of `frame` to change `masked`, and the size to work at.
fn context(
    masked: PixelRect,
    frame: PixelRect,
    reach_px: f32,
    settings: &EditSettings,
    model: ModelSize,
) -> (PixelRect, (u32, u32)) {
    let reach = reach_px.ceil();
    let (masked_width, masked_height) = (masked.width as f32, masked.height as f32);
    // What is new must fit its surroundings, so it needs to see them: a square with room, as Krita AI Diffusion has
    // it at full strength. There the edge is all that is seen below; but a model that is steered by what a picture
    // means paints a little scene of its own into so small a box, so room is left wherever much may change.
    let room = (settings.strength / 0.3).clamp(0.0, 1.0);
    // Of a picture far larger than the model's, not so much that a small mask would be lost in it.
    let longest = frame.width.max(frame.height) as f32;
    let native = model.native.0.min(model.native.1) as f32;
    let surroundings = (longest / 16.0).min(native / 4.0);
    let padding = surroundings.max(masked_width.midpoint(masked_height) / 2.0);
    let padding = reach.max(room * padding);
    let side = masked_width.max(masked_height);
    let with_room = |masked: f32| (masked + room * (side - masked) + 2.0 * padding).ceil() as u32;
    let size = (with_room(masked_width), with_room(masked_height));
    box_around(masked, size, frame, model)
}

/// A box of at least `size`, round `masked` and within the frame, with the size to work at.
///
/// It is at least as large as the model's pictures, so that small masks have their surroundings; but in a picture that
/// is hardly larger itself, half of that is enough: a mask in its corner would else get what belongs in the middle.
pub(super) fn box_around(
    masked: PixelRect,
    (width, height): (u32, u32),
    frame: PixelRect,
    model: ModelSize,
) -> (PixelRect, (u32, u32)) {
    let half = frame.width.max(frame.height) / 2;
    let least = |native: u32| native.min(half.max(native / 2));
    let mut width = width.max(least(model.native.0)).min(frame.width);
    let mut height = height.max(least(model.native.1)).min(frame.height);

    // The model's sizes are few: rather see more than be squeezed.
    let (work_width, work_height) = work_size((width, height), model);
    let proportional = |side: u32, from: u32, to: u32| {
        (u64::from(side) * u64::from(to)).div_ceil(u64::from(from)) as u32
    };
    width = width
        .max(proportional(height, work_height, work_width))
        .min(frame.width);
    height = height
        .max(proportional(width, work_width, work_height))
        .min(frame.height);
    let context = PixelRect {
        x: start(masked.x, masked.width, width, frame.x, frame.width),
        y: start(masked.y, masked.height, height, frame.y, frame.height),
        width,
        height,
    };
    (context, (work_width, work_height))
}

/// Where `length` pixels round the masked ones begin, within the frame.
fn start(masked: i32, n_masked: u32, length: u32, frame: i32, n_frame: u32) -> i32 {
    let centred = i64::from(masked) + (i64::from(n_masked) - i64::from(length)) / 2;
    let first = i64::from(frame);
    let last = first + i64::from(n_frame) - i64::from(length);
    centred.clamp(first, last) as i32
}

/// A size of the model with about the proportions of `size` and about as many pixels as its native size has.
///
/// Where the model's sizes are few, wrong proportions are the worse fault: they squeeze the picture.
pub fn work_size((width, height): (u32, u32), model: ModelSize) -> (u32, u32) {
    let stride = model.stride.max(1);
    if width == 0 || height == 0 {
        return model.native;
    }
    let (width, height) = (f64::from(width), f64::from(height));
    let native_area = f64::from(model.native.0) * f64::from(model.native.1);
    let scale = (native_area / (width * height)).sqrt() / f64::from(stride);
    // A thread of a picture gets the narrowest size that there is, and no more pixels for it.
    let most = (native_area / f64::from(stride * stride)).floor().max(1.0);
    let strides = |pixels: f64| {
        let ideal = pixels * scale;
        [ideal.floor(), ideal.ceil()].map(|n| n.clamp(1.0, most) as u32)
    };
    let fault = |size: (u32, u32)| {
        let (across, down) = (f64::from(size.0), f64::from(size.1));
        let squeeze = (across * height / (down * width)).ln().abs();
        let area = across * down * f64::from(stride * stride);
        2.0 * squeeze + 0.5 * (area / native_area).ln().abs()
    };
    let downs = strides(height);
    let (across, down) = strides(width)
        .into_iter()
        .flat_map(|across| downs.map(|down| (across, down)))
        .min_by(|a, b| fault(*a).total_cmp(&fault(*b)))
        .unwrap_or((1, 1));
    (across * stride, down * stride)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)] // Lengths are halves and tenths of small numbers.

    use super::*;
    use crate::stitch::Fill;

    const LARGE: ModelSize = ModelSize {
        native: (1024, 1024),
        stride: 64,
    };
    const SMALL: ModelSize = ModelSize {
        native: (256, 256),
        stride: 64,
    };

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
                "everything masked",
                frame,
                frame,
                1.0,
                LARGE,
                frame,
                (1216, 896),
            ),
            (
                "a small model is given a wide picture in the proportions that it has",
                PixelRect::from_size(228, 128),
                PixelRect::from_size(228, 128),
                1.0,
                ModelSize {
                    native: (128, 128),
                    stride: 64,
                },
                PixelRect::from_size(228, 128),
                (192, 128),
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
        let mut random = crate::stitch::tests::Random::new(3);
        for _ in 0..2000 {
            let origin = |r: &mut crate::stitch::tests::Random| r.below(2000) as i32 - 1000;
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
            assert!(plan.context.width >= frame.width.min(model.native.0).min(half));
            assert!(plan.context.height >= frame.height.min(model.native.1).min(half));
            let (width, height) = plan.work_size;
            assert!(width > 0 && width.is_multiple_of(model.stride), "{plan:?}");
            assert!(
                height > 0 && height.is_multiple_of(model.stride),
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
}
