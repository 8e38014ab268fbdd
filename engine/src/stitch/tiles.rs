//! An edit of more than the model draws at once, as several of the model's own size, one after the other: each
//! sees what those before it have made, so that the picture's detail stays.

use super::plan::{EditPlan, SoftEdge, box_around};
use super::settings::{EditSettings, ModelSize};
use crate::PixelRect;

/// One of the edits.
#[derive(Debug, Clone, PartialEq)]
pub struct EditTile {
    /// What of the mask it changes. Parts overlap, so that every seam is painted over by the later one.
    pub part: PixelRect,
    pub plan: EditPlan,
}

/// Of the model's side: how much a part overlaps the next, and how much is seen round a part at least.
const OVERLAP: f32 = 1.0 / 8.0;
const SURROUNDINGS: f32 = 1.0 / 8.0;
/// A part is never less of it, however soft its edge is to be.
const LEAST_PART: f32 = 1.0 / 4.0;

/// Parts what is masked, row by row. A single tile where one is enough.
///
/// Empty `mask_bounds` mean, as in [`plan`](super::plan), that all of the frame changes.
pub fn tiles(
    mask_bounds: PixelRect,
    frame: PixelRect,
    settings: &EditSettings,
    model: ModelSize,
) -> Vec<EditTile> {
    let masked = mask_bounds.intersect(&frame);
    let masked = if masked.is_empty() { frame } else { masked };
    if masked.is_empty() {
        return Vec::new();
    }
    let native = (model.native().0 as f32, model.native().1 as f32);
    let (width, height) = (
        largest_part(native.0, native, settings, model),
        largest_part(native.1, native, settings, model),
    );
    let overlap = |native: f32, part: u32| ((OVERLAP * native) as u32).min(part / 2);
    let columns = spans(masked.x, masked.width, width, overlap(native.0, width));
    let rows = spans(masked.y, masked.height, height, overlap(native.1, height));
    let parts = rows.iter().flat_map(|(y, height)| {
        let part = move |(x, width): &(i32, u32)| PixelRect::new(*x, *y, *width, *height);
        columns.iter().map(part)
    });
    parts
        .map(|part| tile(part, frame, settings, model))
        .collect()
}

fn tile(part: PixelRect, frame: PixelRect, settings: &EditSettings, model: ModelSize) -> EditTile {
    let edge = SoftEdge::new(part, settings, model);
    let room = |side: u32, native: u32| {
        let surroundings = SURROUNDINGS * native as f32;
        let surroundings = surroundings.max(edge.reach_px()).ceil() as u32;
        side.saturating_add(surroundings.saturating_mul(2))
    };
    let size = (
        room(part.width, model.native().0),
        room(part.height, model.native().1),
    );
    let (context, work_size) = box_around(part, size, frame, model);
    EditTile {
        part,
        plan: EditPlan {
            context,
            work_size,
            grow_px: edge.grow_px,
            feather_px: edge.feather_px,
            blend_px: edge.blend_px,
            extension: None,
        },
    }
}

/// The side of a part that is seen with its surroundings, and with its own soft edge, in `side` pixels.
fn largest_part(side: f32, native: (f32, f32), settings: &EditSettings, model: ModelSize) -> u32 {
    let usual = (1.0 - 2.0 * SURROUNDINGS) * side;
    let of_usual_size = PixelRect::from_size(
        ((1.0 - 2.0 * SURROUNDINGS) * native.0) as u32,
        ((1.0 - 2.0 * SURROUNDINGS) * native.1) as u32,
    );
    // A smaller part has no wider edge.
    let reach = SoftEdge::new(of_usual_size, settings, model).reach_px();
    let part = usual.min(side - 2.0 * reach.ceil());
    part.max(LEAST_PART * side).max(1.0) as u32
}

/// Stretches of at most `most` that cover `length` from `start` on, evenly and by at least `overlap` over each other.
fn spans(start: i32, length: u32, most: u32, overlap: u32) -> Vec<(i32, u32)> {
    /// More are not waited for: a picture so far beyond its model is changed in larger parts.
    const MAX_SPANS: u32 = 64;
    let most = most.max((length / MAX_SPANS).saturating_add(overlap));
    if length <= most {
        return vec![(start, length)];
    }
    let n = (length - overlap).div_ceil(most - overlap);
    let room = u64::from(length - most);
    let first = |i: u32| (room * u64::from(i) / u64::from(n - 1)) as i32;
    (0..n)
        .map(|i| (start.saturating_add(first(i)), most))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: ModelSize = ModelSize::new((256, 256), 64);

    fn of(masked: PixelRect, frame: PixelRect, strength: f32) -> Vec<EditTile> {
        tiles(masked, frame, &EditSettings::for_strength(strength), MODEL)
    }

    #[test]
    fn a_small_mask_is_one_tile() {
        let masked = PixelRect::new(300, 400, 90, 60);
        let frame = PixelRect::from_size(2000, 2000);
        let all = of(masked, frame, 1.0);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].part, masked);
        assert_eq!(all[0].plan.work_size, (256, 256));
        assert!(of(PixelRect::default(), PixelRect::default(), 1.0).is_empty());
    }

    /// Over many sizes and strengths: every masked pixel is in a part, what a part may change is seen, and a pixel
    /// of the picture is a pixel for the model.
    #[test]
    fn parts_cover_the_mask_at_full_detail() {
        for (masked, frame) in [
            (
                PixelRect::new(3, 5, 1400, 900),
                PixelRect::from_size(2000, 1500),
            ),
            (
                PixelRect::new(-50, 0, 193, 2000),
                PixelRect::new(-50, 0, 900, 2000),
            ),
            (
                PixelRect::from_size(257, 257),
                PixelRect::from_size(257, 257),
            ),
            (PixelRect::default(), PixelRect::new(7, 9, 1000, 300)),
            (
                PixelRect::from_size(4000, 100),
                PixelRect::from_size(4000, 100),
            ),
        ] {
            for strength in [0.05, 0.5, 1.0] {
                let all = of(masked, frame, strength);
                let covered = if masked.is_empty() { frame } else { masked };
                for y in (covered.y..covered.bottom()).step_by(31) {
                    for x in (covered.x..covered.right()).step_by(29) {
                        assert!(all.iter().any(|tile| tile.part.contains(x, y)), "{x} {y}");
                    }
                }
                for EditTile { part, plan } in &all {
                    let reach = plan.reach_px().ceil() as i32;
                    let changed = part.expand(reach).intersect(&frame);
                    assert!(plan.context.contains_rect(&changed), "{part:?} {plan:?}");
                    assert!(frame.contains_rect(&plan.context), "{plan:?}");
                    let has_room = frame.width >= 256 && frame.height >= 256;
                    assert!(!has_room || plan.reduction() <= 1.0, "{part:?} {plan:?}");
                }
            }
        }
    }

    #[test]
    fn neighbours_overlap_by_an_eighth_of_the_model() {
        let frame = PixelRect::from_size(3000, 200);
        let all = of(PixelRect::new(10, 10, 2900, 50), frame, 1.0);
        assert!(all.len() > 10);
        for pair in all.windows(2) {
            let shared = pair[0].part.intersect(&pair[1].part);
            assert!(shared.width >= 31, "{pair:?}");
        }
    }

    #[test]
    fn an_edge_as_wide_as_the_model_still_leaves_parts() {
        let settings = EditSettings {
            grow_px: Some(400.0),
            feather_px: Some(400.0),
            ..EditSettings::for_strength(1.0)
        };
        let frame = PixelRect::from_size(3000, 3000);
        let all = tiles(
            PixelRect::new(500, 500, 2000, 2000),
            frame,
            &settings,
            MODEL,
        );
        assert!(all.iter().all(|tile| tile.part.width >= 64), "{all:?}");
    }
}
