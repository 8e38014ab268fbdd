use std::borrow::Cow;

use limn_engine::PixelRect;

use super::brush::Brush;
use super::crop_rect::Grip;
use super::pointer::Point;

/// What the canvas draws over the picture for the tool, in document pixels.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay<'a> {
    Nothing,
    /// The brush under the pointer.
    Ring {
        centre: Point,
        brush: Brush,
        erases: bool,
        /// Where a straight line would come from.
        line_from: Option<Point>,
    },
    /// A selection on its way.
    Outline {
        points: Cow<'a, [Point]>,
        /// The last point is joined to the first.
        is_closed: bool,
        subtracts: bool,
    },
    /// The handles of what will be the frame.
    Crop {
        rect: PixelRect,
        hot: Option<Grip>,
        /// Something of the picture will be hidden.
        is_inward: bool,
    },
}
