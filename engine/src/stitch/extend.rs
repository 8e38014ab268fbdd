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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    pub frame: PixelRect,
    /// The old picture without the strip along its grown edges that changes with the new part. All else is masked.
    pub kept: PixelRect,
}

/// A picture's outermost pixels are often not like the rest: a border, a compressed edge. Where it grows, so
/// much of it is painted anew.
const OVERLAP_PX: u32 = 8;

/// Grows a frame. Its old pixels stay where they are.
pub fn extend(frame: PixelRect, margins: Margins) -> Extension {
    let grown = PixelRect::from_corners(
        frame.x.saturating_sub_unsigned(margins.left),
        frame.y.saturating_sub_unsigned(margins.top),
        frame.right().saturating_add_unsigned(margins.right),
        frame.bottom().saturating_add_unsigned(margins.bottom),
    );
    // Of a tiny picture something must be kept to go on from.
    let overlap = |margin: u32, side: u32| {
        if margin > 0 {
            OVERLAP_PX.min(side / 4)
        } else {
            0
        }
    };
    let kept = PixelRect::from_corners(
        frame
            .x
            .saturating_add_unsigned(overlap(margins.left, frame.width)),
        frame
            .y
            .saturating_add_unsigned(overlap(margins.top, frame.height)),
        frame
            .right()
            .saturating_sub_unsigned(overlap(margins.right, frame.width)),
        frame
            .bottom()
            .saturating_sub_unsigned(overlap(margins.bottom, frame.height)),
    );
    Extension { frame: grown, kept }
}

impl Extension {
    /// The smallest rectangle round what is masked; empty where nothing grew.
    pub fn mask_bounds(&self) -> PixelRect {
        let (frame, kept) = (self.frame, self.kept);
        if kept == frame {
            return PixelRect::default();
        }
        let strips = [
            PixelRect::from_corners(frame.x, frame.y, kept.x, frame.bottom()),
            PixelRect::from_corners(kept.right(), frame.y, frame.right(), frame.bottom()),
            PixelRect::from_corners(frame.x, frame.y, frame.right(), kept.y),
            PixelRect::from_corners(frame.x, kept.bottom(), frame.right(), frame.bottom()),
        ];
        strips
            .iter()
            .fold(PixelRect::default(), |bounds, strip| bounds.union(strip))
    }

    /// The mask within `part`, row by row: 255 for what is painted, 0 for what is kept and what is outside the frame.
    pub fn mask(&self, part: PixelRect) -> Vec<u8> {
        let masked = |x, y| self.frame.contains(x, y) && !self.kept.contains(x, y);
        (part.y..part.bottom())
            .flat_map(|y| (part.x..part.right()).map(move |x| if masked(x, y) { 255 } else { 0 }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_grows_at_the_edges_asked_for() {
        let frame = PixelRect::from_size(100, 80);
        for (margins, grown, kept, bounds) in [
            (Margins::default(), frame, frame, PixelRect::default()),
            (
                Margins {
                    right: 28,
                    ..Margins::default()
                },
                PixelRect::from_size(128, 80),
                PixelRect::from_size(92, 80),
                PixelRect::new(92, 0, 36, 80),
            ),
            (
                Margins {
                    left: 10,
                    top: 20,
                    right: 30,
                    bottom: 40,
                },
                PixelRect::new(-10, -20, 140, 140),
                PixelRect::new(8, 8, 84, 64),
                PixelRect::new(-10, -20, 140, 140),
            ),
        ] {
            let extension = extend(frame, margins);
            assert_eq!(
                (extension.frame, extension.kept),
                (grown, kept),
                "{margins:?}"
            );
            assert_eq!(extension.mask_bounds(), bounds, "{margins:?}");
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
            assert!(!extension.kept.is_empty(), "{side}");
        }
    }

    #[test]
    fn the_mask_is_white_where_the_picture_is_new() {
        let margins = Margins {
            left: 2,
            ..Margins::default()
        };
        let extension = extend(PixelRect::from_size(4, 2), margins);
        // Two new columns and one of overlap; the part begins outside the frame.
        let mask = extension.mask(PixelRect::new(-3, 0, 7, 2));
        assert_eq!(mask, [0, 255, 255, 255, 0, 0, 0].repeat(2));
    }
}
