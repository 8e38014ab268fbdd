//! The soft edges of an edit: of what the model may change, and of what is written back.
//!
//! Neither is wider than a quarter of what was painted is thick: a dot stays a dot.

use super::{
    extend::{Extension, MAX_BLEND_INWARD_PX},
    masks::Mask,
    plan::EditPlan,
    thickness::by_thickness,
};

/// Of a blot's thickness: the most that it grows, and the widest soft edge that it has.
const MOST_OF_THICKNESS: f32 = 1.0 / 4.0;

/// What an edit may change and what it writes, at the size of its crop.
pub(super) struct SoftMask {
    /// How much the model may change each pixel.
    pub change: Mask,
    /// How much of the patch is laid over each pixel.
    pub coverage: Mask,
}

impl SoftMask {
    pub fn new(mask: &Mask, plan: &EditPlan) -> Self {
        let empty = Mask::new(mask.width as u32, vec![0; mask.values.len()]);
        let mut soft = Self {
            change: empty.clone(),
            coverage: empty,
        };
        for blots in by_thickness(mask, stepped) {
            let edge = Edge::new(plan, MOST_OF_THICKNESS * blots.thickness_px);
            let change = edge.change(&blots.mask);
            let coverage = edge.coverage(&blots.mask, &change);
            soft.change.raise_to(&change);
            soft.coverage.raise_to(&coverage);
        }
        if let Some(extension) = &plan.extension {
            soft.keep_original(mask, plan, extension);
        }
        soft
    }

    /// What was there before the picture grew is for the model to see, not to change.
    fn keep_original(&mut self, mask: &Mask, plan: &EditPlan, extension: &Extension) {
        let context = plan.context;
        let original = extension.original.intersect(&context);
        let is_near = mask.dilated(MAX_BLEND_INWARD_PX);
        for y in original.y..original.bottom() {
            let start = (y - context.y) as usize * mask.width;
            for x in original.x..original.right() {
                let i = start + (x - context.x) as usize;
                self.change.values[i] = 0;
                self.coverage.values[i] = if is_near.values[i] > 0 {
                    extension.most_coverage(x, y)
                } else {
                    0
                };
            }
        }
    }
}

/// Thicknesses so near to each other that their soft edges hardly differ are one, which saves time.
fn stepped(thickness_px: f32) -> f32 {
    let step = match thickness_px {
        ..16.0 => 1.0,
        16.0..64.0 => 8.0,
        _ => 16.0,
    };
    (thickness_px / step).floor() * step
}

/// The soft edge of blots of one thickness.
#[expect(clippy::struct_field_names, reason = "lengths name their unit")]
struct Edge {
    grow_px: f32,
    feather_px: f32,
    blend_px: f32,
    /// A pixel of what the model works on must lie in the mask as a whole, or a thin mask would vanish there.
    least_grow_px: u32,
}

impl Edge {
    fn new(plan: &EditPlan, most_px: f32) -> Self {
        let (grow_px, feather_px) = (plan.grow_px.min(most_px), plan.feather_px.min(most_px));
        Self {
            grow_px,
            feather_px,
            blend_px: plan.blend_px.min(grow_px + feather_px / 2.0),
            least_grow_px: if plan.reduction() > 1.0 {
                plan.reduction().ceil() as u32
            } else {
                0
            },
        }
    }

    fn reach_px(&self) -> f32 {
        self.grow_px + self.feather_px / 2.0
    }

    /// The mask grown, then feathered.
    fn change(&self, mask: &Mask) -> Mask {
        let least = self.least_grow_px;
        let masked = mask.dilated(least);
        let grown = masked.dilated((self.grow_px.round() as u32).saturating_sub(least));
        let mut change = grown.blurred((self.feather_px / 2.0).round() as u32);
        // Where the edge is softer than the mask is wide, the blur leaves next to nothing of it. Half is what a
        // blurred edge has at its middle, so this shows only there.
        for (change, masked) in change.values.iter_mut().zip(&masked.values) {
            *change = (*change).max(masked / 2);
        }
        change
    }

    /// Soft where the edit's reach ends, and nothing where `change` is nothing.
    fn coverage(&self, mask: &Mask, change: &Mask) -> Mask {
        // What changed in part is shown in full: half of the old over half of the new would be a ghost of both.
        let shown = mask.values.iter().map(|value| value.saturating_mul(4));
        let shown = Mask {
            width: mask.width,
            values: shown.collect(),
        };
        let soften = (self.blend_px / 2.0) as u32;
        let reach = self.reach_px() as u32;
        let mut coverage = shown.dilated(reach.saturating_sub(soften)).blurred(soften);
        if soften == 0 && reach > 0 {
            // Too narrow for a blur: its outermost pixels are half as strong.
            let inner = shown.dilated(reach - 1);
            for (coverage, inner) in coverage.values.iter_mut().zip(&inner.values) {
                *coverage = coverage.midpoint(*inner);
            }
        }
        for (coverage, change) in coverage.values.iter_mut().zip(&change.values) {
            if *change == 0 {
                *coverage = 0;
            }
        }
        coverage
    }
}

/// How much of a patch is laid over each pixel of [`EditPlan::context`]: where it is more than nothing, `plan` changes
/// the picture. `mask` is that of the context, row by row.
///
/// # Panics
/// When the mask is not of the context's size.
pub fn changed_area(mask: &[u8], plan: &EditPlan) -> Vec<u8> {
    let size = plan.context.size();
    let mask = Mask::of_size(size, mask.to_vec());
    SoftMask::new(&mask, plan).coverage.values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelRect;

    fn dot() -> Mask {
        let mut values = vec![0; 64 * 64];
        values[32 * 64 + 32] = 200;
        Mask::new(64, values)
    }

    fn edge(grow_px: f32, feather_px: f32, blend_px: f32) -> EditPlan {
        EditPlan {
            context: PixelRect::from_size(64, 64),
            work_size: (64, 64),
            grow_px,
            feather_px,
            blend_px,
            extension: None,
        }
    }

    #[test]
    fn the_soft_edge_is_where_the_plan_says() {
        // White from column 40 on, and so thick that no edge is too wide.
        let row: Vec<u8> = (0..128).map(|x| if x < 40 { 0 } else { 255 }).collect();
        let mask = Mask::new(128, row.repeat(64));
        let plan = EditPlan {
            context: PixelRect::from_size(128, 64),
            work_size: (128, 64),
            ..edge(12.0, 16.0, 10.0)
        };
        let SoftMask { change, coverage } = SoftMask::new(&mask, &plan);
        let at = |mask: &Mask, x: usize| mask.values[128 * 32 + x];
        // The model may change everything up to 4 px beyond the mask, and nothing from 20 px on.
        assert_eq!(
            [at(&change, 36), at(&change, 20), at(&change, 19)],
            [255, 15, 0]
        );
        // The patch is whole up to 10 px, and its edge ends where the model changes nothing.
        assert_eq!([at(&coverage, 30), at(&coverage, 19)], [255, 0]);
        assert!(
            (100..160).contains(&at(&coverage, 25)),
            "{}",
            at(&coverage, 25)
        );
    }

    #[test]
    fn without_edges_the_mask_is_taken_as_it_is() {
        let mut mask = dot();
        mask.values[0] = 30;
        let plan = edge(0.0, 0.0, 0.0);
        let SoftMask { change, coverage } = SoftMask::new(&mask, &plan);
        assert_eq!(change, mask);
        assert_eq!([coverage.values[0], coverage.values[1]], [120, 0]);
        assert_eq!(coverage.values[32 * 64 + 32], 255);
    }

    #[test]
    fn a_mask_narrower_than_its_feather_still_changes_something() {
        for (grow, feather) in [(0.0, 60.0), (1.0, 30.0), (20.0, 32.0)] {
            let mask = dot();
            let plan = edge(grow, feather, 25f32.min(grow + feather / 2.0));
            let SoftMask { change, coverage } = SoftMask::new(&mask, &plan);
            let middle = 32 * 64 + 32;
            assert!(change.values[middle] >= 100, "{grow} {feather}");
            assert!(coverage.values[middle] >= 128, "{grow} {feather}");
        }
    }

    #[test]
    fn a_thin_mask_survives_being_scaled_down() {
        let plan = EditPlan {
            work_size: (16, 16),
            ..edge(0.0, 0.0, 0.0)
        };
        for x in 0..64 {
            let mut mask = Mask::new(64, vec![0; 64 * 64]);
            mask.values[64 * 31 + x] = 255;
            let change = SoftMask::new(&mask, &plan).change;
            let scaled = change.scaled(plan.work_size);
            assert!(scaled.values.iter().any(|&value| value > 200), "{x}");
        }
    }

    /// Grow and soft edge for a mask of many hundred pixels make no disc of a dot, whatever is masked beside it.
    #[test]
    fn a_dot_stays_a_dot() {
        let context = PixelRect::from_size(200, 200);
        let plan = EditPlan {
            context,
            work_size: (200, 200),
            ..edge(29.0, 50.0, 25.0)
        };
        let mut mask = vec![0; 200 * 200];
        let mut fill = |x: usize, y: usize, side: usize| {
            for row in y..y + side {
                mask[200 * row + x..200 * row + x + side].fill(255);
            }
        };
        fill(30, 160, 4);
        fill(90, 30, 60);
        let changed = changed_area(&mask, &plan);
        let bounds = |columns: std::ops::Range<usize>| {
            let inside = |&i: &usize| changed[i] > 0 && columns.contains(&(i % 200));
            let (columns, rows): (Vec<usize>, Vec<usize>) = (0..200 * 200)
                .filter(inside)
                .map(|i| (i % 200, i / 200))
                .unzip();
            let ends = |at: &[usize]| (at.iter().min().copied(), at.iter().max().copied());
            (ends(&columns), ends(&rows))
        };
        // A pixel more on each side, where a quarter of four is one.
        let dot = (Some(29), Some(34));
        assert_eq!(bounds(0..60), (dot, (Some(159), Some(164))));
        assert_eq!(changed[200 * 161 + 31], 255);
        // A quarter of sixty, and half as much of soft edge.
        let ((first, last), _) = bounds(60..200);
        assert!((68..=71).contains(&first.unwrap_or(0)), "{first:?}");
        assert!((168..=171).contains(&last.unwrap_or(0)), "{last:?}");
    }

    #[test]
    fn no_edge_is_cut_flat() {
        let (context, size) = (PixelRect::from_size(64, 64), (64, 64));
        for side in 2..40 {
            let mask: Vec<u8> = (0..64 * 64)
                .map(|i| {
                    if (12..12 + side).contains(&(i % 64)) && (12..12 + side).contains(&(i / 64)) {
                        255
                    } else {
                        0
                    }
                })
                .collect();
            let plan = EditPlan {
                context,
                work_size: size,
                ..edge(20.0, 32.0, 25.0)
            };
            let changed = changed_area(&mask, &plan);
            let row = &changed[64 * (12 + side / 2)..][..64];
            let is_changed = row.iter().position(|&value| value > 0).unwrap_or(0);
            // Narrower than four there is no room for an edge.
            assert!(side < 4 || row[is_changed] < 200, "{side}: {row:?}");
        }
    }
}
