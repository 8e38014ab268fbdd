use std::borrow::Cow;

use limn_engine::stitch::Margins;

use super::extend::Grip;
use super::pointer::Point;

/// What the canvas draws over the picture for the tool, in document pixels.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay<'a> {
    Nothing,
    /// The brush under the pointer.
    Ring {
        centre: Point,
        diameter_px: f32,
        hardness: f32,
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
    /// The frame's handles, and how far it would grow.
    Extend {
        margins: Margins,
        hot: Option<Grip>,
    },
}
