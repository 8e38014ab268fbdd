//! The soft edges of an edit: of what the model may change, and of what is written back.

use super::{masks::Mask, plan::EditPlan};

/// How much the model may change each pixel of the crop: the mask grown, then feathered.
pub(super) fn change(mask: &Mask, plan: &EditPlan) -> Mask {
    // A pixel of what the model works on must lie in it as a whole, or a thin mask would vanish there.
    let least = if plan.reduction() > 1.0 {
        plan.reduction().ceil() as u32
    } else {
        0
    };
    let masked = mask.dilated(least);
    let grown = masked.dilated((plan.grow_px.round() as u32).saturating_sub(least));
    let mut change = grown.blurred((plan.feather_px / 2.0).round() as u32);
    // Where the edge is softer than the mask is wide, the blur leaves next to nothing of it. Half is what a blurred
    // edge has at its middle, so this shows only there.
    for (change, masked) in change.values.iter_mut().zip(&masked.values) {
        *change = (*change).max(masked / 2);
    }
    change
}

/// How much of the patch is laid over each pixel of the crop: soft where the edit's reach ends, and nothing where
/// `change` is nothing.
pub(super) fn coverage(mask: &Mask, plan: &EditPlan, change: &Mask) -> Mask {
    // What changed in part is shown in full: half of the old over half of the new would be a ghost of both.
    let shown = mask.values.iter().map(|value| value.saturating_mul(4));
    let shown = Mask {
        width: mask.width,
        values: shown.collect(),
    };
    let soften = (plan.blend_px / 2.0) as u32;
    let reach = plan.reach_px() as u32;
    let mut coverage = shown.dilated(reach.saturating_sub(soften)).blurred(soften);
    for (coverage, change) in coverage.values.iter_mut().zip(&change.values) {
        if *change == 0 {
            *coverage = 0;
        }
    }
    coverage
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
        }
    }

    #[test]
    fn the_soft_edge_is_where_the_plan_says() {
        // White from column 40 on.
        let row: Vec<u8> = (0..64).map(|x| if x < 40 { 0 } else { 255 }).collect();
        let mask = Mask::new(64, row.repeat(64));
        let plan = edge(12.0, 16.0, 10.0);
        let change = change(&mask, &plan);
        let coverage = coverage(&mask, &plan, &change);
        let at = |mask: &Mask, x: usize| mask.values[64 * 32 + x];
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
        let change = change(&mask, &plan);
        assert_eq!(change, mask);
        let coverage = coverage(&mask, &plan, &change);
        assert_eq!([coverage.values[0], coverage.values[1]], [120, 0]);
        assert_eq!(coverage.values[32 * 64 + 32], 255);
    }

    #[test]
    fn a_mask_narrower_than_its_feather_still_changes_something() {
        for (grow, feather) in [(0.0, 60.0), (1.0, 30.0), (20.0, 32.0)] {
            let mask = dot();
            let plan = edge(grow, feather, 25f32.min(grow + feather / 2.0));
            let change = change(&mask, &plan);
            let middle = 32 * 64 + 32;
            assert!(change.values[middle] >= 100, "{grow} {feather}");
            let coverage = coverage(&mask, &plan, &change);
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
            let scaled = change(&mask, &plan).scaled(plan.work_size);
            assert!(scaled.values.iter().any(|&value| value > 200), "{x}");
        }
    }
}
