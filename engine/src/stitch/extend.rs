//! Outpainting: room at the edges of a picture, and the mask of what is new.

use serde::{Deserialize, Serialize};

use crate::PixelRect;

/// How many pixels a picture grows by at each edge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Margins {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

/// A picture's frame after it has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    pub frame: PixelRect,
    /// The picture as it was. Only what is outside of it is masked.
    pub original: PixelRect,
    /// The part of the original that no edit may change: all of it, unless [`Self::blending_inward`] is asked for.
    pub kept: PixelRect,
}

/// The most that new picture may blend into the original.
pub const MAX_BLEND_INWARD_PX: u32 = 4;

/// Grows a frame. Its old pixels stay where and as they are.
pub fn extend(frame: PixelRect, margins: Margins) -> Extension {
    let grown = PixelRect::from_corners(
        frame.x.saturating_sub_unsigned(margins.left),
        frame.y.saturating_sub_unsigned(margins.top),
        frame.right().saturating_add_unsigned(margins.right),
        frame.bottom().saturating_add_unsigned(margins.bottom),
    );
    Extension {
        frame: grown,
        original: frame,
        kept: frame,
    }
}

impl Extension {
    /// Lets what is new fade into the original over `px`, at most [`MAX_BLEND_INWARD_PX`], at the edges that grew.
    #[must_use]
    pub fn blending_inward(self, px: u32) -> Self {
        let px = px.min(MAX_BLEND_INWARD_PX);
        let original = self.original;
        // Of a tiny picture something must be kept to go on from.
        let inward = |grew: bool, side: u32| if grew { px.min(side / 4) } else { 0 };
        let across = |grew| inward(grew, original.width);
        let down = |grew| inward(grew, original.height);
        let (right, bottom) = (original.right(), original.bottom());
        let kept = PixelRect::from_corners(
            original
                .x
                .saturating_add_unsigned(across(self.frame.x < original.x)),
            original
                .y
                .saturating_add_unsigned(down(self.frame.y < original.y)),
            right.saturating_sub_unsigned(across(right < self.frame.right())),
            bottom.saturating_sub_unsigned(down(bottom < self.frame.bottom())),
        );
        Self { kept, ..self }
    }

    /// The smallest rectangle round what is masked; empty where nothing grew.
    pub fn mask_bounds(&self) -> PixelRect {
        let (frame, original) = (self.frame, self.original);
        if original == frame {
            return PixelRect::default();
        }
        let strips = [
            PixelRect::from_corners(frame.x, frame.y, original.x, frame.bottom()),
            PixelRect::from_corners(original.right(), frame.y, frame.right(), frame.bottom()),
            PixelRect::from_corners(frame.x, frame.y, frame.right(), original.y),
            PixelRect::from_corners(frame.x, original.bottom(), frame.right(), frame.bottom()),
        ];
        strips
            .iter()
            .fold(PixelRect::default(), |bounds, strip| bounds.union(strip))
    }

    /// What of the original lies far from all edges that grew: its subject, as a rule, which is not to be painted once
    /// more beyond them. Empty where nothing grew.
    pub fn depth(&self) -> PixelRect {
        let (frame, original) = (self.frame, self.original);
        if original == frame {
            return PixelRect::default();
        }
        let inward = |grew: bool, side: u32| if grew { side / 4 } else { 0 };
        let across = |grew| inward(grew, original.width);
        let down = |grew| inward(grew, original.height);
        let (right, bottom) = (original.right(), original.bottom());
        PixelRect::from_corners(
            original
                .x
                .saturating_add_unsigned(across(frame.x < original.x)),
            original
                .y
                .saturating_add_unsigned(down(frame.y < original.y)),
            right.saturating_sub_unsigned(across(right < frame.right())),
            bottom.saturating_sub_unsigned(down(bottom < frame.bottom())),
        )
    }

    /// Whether the pixel is new.
    pub fn is_room(&self, x: i32, y: i32) -> bool {
        self.frame.contains(x, y) && !self.original.contains(x, y)
    }

    /// The mask within `part`, row by row: 255 for what is painted, 0 for what is kept and what is outside the frame.
    pub fn mask(&self, part: PixelRect) -> Vec<u8> {
        (part.y..part.bottom())
            .flat_map(|y| (part.x..part.right()).map(move |x| (x, y)))
            .map(|(x, y)| if self.is_room(x, y) { 255 } else { 0 })
            .collect()
    }

    /// How much of what is new may cover a pixel of the original: nothing in what is kept, the more the nearer to
    /// an edge that grew.
    pub(super) fn most_coverage(&self, x: i32, y: i32) -> u8 {
        let (kept, original) = (self.kept, self.original);
        // How far into the strip, and how wide that is, along the axis where the pixel is further out.
        let into = |at: i32, low: i32, high: i32, edges: [i32; 2]| {
            let [at, low, high] = [at, low, high].map(i64::from);
            let edges = edges.map(i64::from);
            if at < low {
                (low - at, low - edges[0])
            } else if at >= high {
                (at - high + 1, edges[1] - high)
            } else {
                (0, 1)
            }
        };
        let across = into(x, kept.x, kept.right(), [original.x, original.right()]);
        let down = into(y, kept.y, kept.bottom(), [original.y, original.bottom()]);
        let share = |(into, width): (i64, i64)| 255 * into / (width + 1);
        share(across).max(share(down)).clamp(0, 255) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_of_a_picture_is_far_from_the_edges_that_grew() {
        let frame = PixelRect::from_size(100, 80);
        let sides = Margins {
            left: 30,
            right: 30,
            ..Margins::default()
        };
        let below = Margins {
            bottom: 1,
            ..Margins::default()
        };
        for (margins, depth) in [
            (Margins::default(), PixelRect::default()),
            (sides, PixelRect::new(25, 0, 50, 80)),
            (below, PixelRect::new(0, 0, 100, 60)),
        ] {
            assert_eq!(extend(frame, margins).depth(), depth);
        }
    }

    #[test]
    fn a_picture_grows_at_the_edges_asked_for() {
        let frame = PixelRect::from_size(100, 80);
        for (margins, grown, blended, bounds) in [
            (Margins::default(), frame, frame, PixelRect::default()),
            (
                Margins {
                    right: 28,
                    ..Margins::default()
                },
                PixelRect::from_size(128, 80),
                PixelRect::from_size(96, 80),
                PixelRect::new(100, 0, 28, 80),
            ),
            (
                Margins {
                    left: 10,
                    top: 20,
                    right: 30,
                    bottom: 40,
                },
                PixelRect::new(-10, -20, 140, 140),
                PixelRect::new(4, 4, 92, 72),
                PixelRect::new(-10, -20, 140, 140),
            ),
        ] {
            let extension = extend(frame, margins);
            assert_eq!(
                (extension.frame, extension.original, extension.kept),
                (grown, frame, frame),
                "{margins:?}"
            );
            assert_eq!(extension.mask_bounds(), bounds, "{margins:?}");
            for (px, kept) in [(0, frame), (4, blended), (90, blended)] {
                let blending = extension.blending_inward(px);
                assert_eq!(blending.kept, kept, "{margins:?} {px}");
                assert_eq!(blending.mask_bounds(), bounds, "{margins:?} {px}");
            }
        }
    }

    #[test]
    fn of_a_tiny_picture_something_is_kept() {
        for side in 1..20 {
            let margins = Margins {
                left: 5,
                top: 5,
                right: 5,
                bottom: 5,
            };
            let extension = extend(PixelRect::from_size(side, side), margins);
            assert!(!extension.blending_inward(4).kept.is_empty(), "{side}");
        }
    }

    #[test]
    fn the_mask_is_white_where_the_picture_is_new() {
        let margins = Margins {
            left: 2,
            ..Margins::default()
        };
        let extension = extend(PixelRect::from_size(4, 2), margins);
        // Two new columns; the part begins outside the frame.
        let mask = extension.mask(PixelRect::new(-3, 0, 7, 2));
        assert_eq!(mask, [0, 255, 255, 0, 0, 0, 0].repeat(2));
    }

    #[test]
    fn a_blend_fades_inward_from_the_edges_that_grew() {
        let margins = Margins {
            left: 9,
            ..Margins::default()
        };
        let extension = extend(PixelRect::from_size(40, 40), margins);
        let row = |extension: Extension| {
            let most = [0, 1, 2, 3, 4, 39].map(|x| extension.most_coverage(x, 0));
            (most, extension.most_coverage(20, 39))
        };
        assert_eq!(row(extension), ([0; 6], 0));
        assert_eq!(
            row(extension.blending_inward(3)),
            ([191, 127, 63, 0, 0, 0], 0)
        );
    }
}
