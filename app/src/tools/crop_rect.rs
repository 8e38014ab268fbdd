//! The rectangle of the crop tool: which part of it a pointer holds, and where it goes when that is dragged.

use limn_engine::PixelRect;
use limn_engine::stitch::Margins;

use super::pointer::{Point, PointerEvent};

/// Width and height as in 16:9.
pub type Aspect = (u32, u32);

/// No picture is wider or higher than this.
pub const MAX_SIDE_PX: u32 = 16_384;
/// Nor is anything cropped to less.
pub const MIN_SIDE_PX: u32 = 8;
/// So near to an edge the pointer holds it.
const REACH_POINTS: f32 = 12.0;
/// The terms of a shape that a person would name: its sides are whole multiples of them.
const MAX_TERM: u32 = 32;

/// What of a rectangle is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grip {
    /// Edges; both are at a corner, neither is the whole rectangle.
    Edges {
        horizontal: Option<End>,
        vertical: Option<End>,
    },
    /// Another rectangle is being drawn.
    New,
}

impl Grip {
    pub const WHOLE: Self = Self::Edges {
        horizontal: None,
        vertical: None,
    };
}

/// The left or top edge, or the right or bottom one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Low,
    High,
}

/// The edge or the corner under the pointer.
pub(super) fn edge_at(rect: PixelRect, event: &PointerEvent) -> Option<Grip> {
    let at = event.point();
    // At a small one the reach leaves room between its edges.
    let reach = |side: u32| event.px_from_points(REACH_POINTS).min(side as f32 / 3.0);
    let (reach_x, reach_y) = (reach(rect.width), reach(rect.height));
    let outside = event.px_from_points(REACH_POINTS);
    let is_beside = |value: f32, low: i32, high: i32| {
        value >= low as f32 - outside && value <= high as f32 + outside
    };
    if !is_beside(at.x, rect.x, rect.right()) || !is_beside(at.y, rect.y, rect.bottom()) {
        return None;
    }
    let end = |value: f32, low: i32, high: i32, reach: f32| {
        if value <= low as f32 + reach {
            Some(End::Low)
        } else if value >= high as f32 - reach {
            Some(End::High)
        } else {
            None
        }
    };
    let grip = Grip::Edges {
        horizontal: end(at.x, rect.x, rect.right(), reach_x),
        vertical: end(at.y, rect.y, rect.bottom(), reach_y),
    };
    (grip != Grip::WHOLE).then_some(grip)
}

/// With the held edges moved by `way`.
pub(super) fn dragged(start: PixelRect, grip: Grip, way: Point) -> PixelRect {
    let Grip::Edges {
        horizontal,
        vertical,
    } = grip
    else {
        return start;
    };
    let span = |end: Option<End>, way: f32, low: i32, high: i32| {
        let way = way.round() as i32;
        let (least, most) = (MIN_SIDE_PX as i32, MAX_SIDE_PX as i32);
        match end {
            Some(End::Low) => ((low + way).clamp(high - most, high - least), high),
            Some(End::High) => (low, (high + way).clamp(low + least, low + most)),
            None => (low, high),
        }
    };
    let (left, right) = span(horizontal, way.x, start.x, start.right());
    let (top, bottom) = span(vertical, way.y, start.y, start.bottom());
    PixelRect::from_corners(left, top, right, bottom)
}

/// As [`dragged`], in a shape that it keeps, and inside the frame: a corner goes from the one across, an edge takes both
/// ends of the other side with it.
pub(super) fn reshaped(
    start: PixelRect,
    grip: Grip,
    way: Point,
    aspect: Aspect,
    frame: PixelRect,
) -> PixelRect {
    let Grip::Edges {
        horizontal,
        vertical,
    } = grip
    else {
        return start;
    };
    let free = dragged(start, grip, way);
    let across = Fixed::of(
        horizontal,
        (start.x, start.right()),
        (frame.x, frame.right()),
    );
    let down = Fixed::of(
        vertical,
        (start.y, start.bottom()),
        (frame.y, frame.bottom()),
    );
    let wanted = match (horizontal, vertical) {
        (Some(_), None) => free.width as f32 / aspect.0 as f32,
        (None, Some(_)) => free.height as f32 / aspect.1 as f32,
        _ => (free.width as f32 / aspect.0 as f32).max(free.height as f32 / aspect.1 as f32),
    };
    let most = (across.room / aspect.0 as f32).min(down.room / aspect.1 as f32);
    let (width, height) = sides(aspect, wanted.min(most));
    PixelRect::new(across.low(width), down.low(height), width, height)
}

/// What of one side stays where it is.
struct Fixed {
    at: f32,
    /// Where on the side that is, from 0 to 1.
    part: f32,
    /// How long the side can get.
    room: f32,
}

impl Fixed {
    fn of(held: Option<End>, (low, high): (i32, i32), frame: (i32, i32)) -> Self {
        let (low, high) = (low as f32, high as f32);
        let (first, last) = (frame.0 as f32, frame.1 as f32);
        let (at, part, room) = match held {
            Some(End::Low) => (high, 1.0, high - first),
            Some(End::High) => (low, 0.0, last - low),
            None => {
                let middle = f32::midpoint(low, high);
                (middle, 0.5, 2.0 * (middle - first).min(last - middle))
            }
        };
        Self { at, part, room }
    }

    fn low(&self, side: u32) -> i32 {
        (self.at - self.part * side as f32).round() as i32
    }
}

/// Width and height of a shape at a scale: exactly of the shape where its terms are small.
fn sides(aspect: Aspect, scale: f32) -> (u32, u32) {
    let scale = if aspect.0.max(aspect.1) <= MAX_TERM {
        let least = MIN_SIDE_PX.div_ceil(aspect.0.min(aspect.1).max(1)) as f32;
        scale.floor().max(least)
    } else {
        scale
    };
    let side = |term: u32| ((term as f32 * scale).round() as u32).clamp(MIN_SIDE_PX, MAX_SIDE_PX);
    (side(aspect.0), side(aspect.1))
}

/// Moved as a whole, but not out of the frame.
pub(super) fn moved(start: PixelRect, way: Point, frame: PixelRect) -> PixelRect {
    let place = |low: i32, side: u32, way: f32, first: i32, last: i32| {
        let room = last - side as i32;
        let to = low + way.round() as i32;
        // One that is larger than the frame stays where it is.
        if room < first {
            low
        } else {
            to.clamp(first, room)
        }
    };
    PixelRect::new(
        place(start.x, start.width, way.x, frame.x, frame.right()),
        place(start.y, start.height, way.y, frame.y, frame.bottom()),
        start.width,
        start.height,
    )
}

/// From one corner to the other, inside the frame.
pub(super) fn between(
    from: Point,
    to: Point,
    aspect: Option<Aspect>,
    frame: PixelRect,
) -> PixelRect {
    let inside = |point: Point| {
        let x = point.x.round().clamp(frame.x as f32, frame.right() as f32);
        let y = point.y.round().clamp(frame.y as f32, frame.bottom() as f32);
        (x as i32, y as i32)
    };
    let ((x, y), (to_x, to_y)) = (inside(from), inside(to));
    let end = |from: i32, to: i32| if to < from { End::Low } else { End::High };
    let grip = Grip::Edges {
        horizontal: Some(end(x, to_x)),
        vertical: Some(end(y, to_y)),
    };
    let start = PixelRect::new(x, y, 0, 0);
    let way = Point::new((to_x - x) as f32, (to_y - y) as f32);
    let rect = match aspect {
        Some(aspect) => reshaped(start, grip, way, aspect, frame),
        None => dragged(start, grip, way),
    };
    // The least one may not fit between the point and the frame's edge.
    moved(rect, Point::default(), frame)
}

/// The largest rectangle of a shape in the middle of a frame.
pub(super) fn largest(frame: PixelRect, aspect: Aspect) -> PixelRect {
    let scale = (frame.width as f32 / aspect.0 as f32).min(frame.height as f32 / aspect.1 as f32);
    let (width, height) = sides(aspect, scale);
    PixelRect::new(
        frame.x + (frame.width as i32 - width as i32) / 2,
        frame.y + (frame.height as i32 - height as i32) / 2,
        width,
        height,
    )
}

/// How far `outer` reaches beyond `inner`.
pub fn margins_around(inner: PixelRect, outer: PixelRect) -> Margins {
    let beyond = |by: i32| by.max(0) as u32;
    Margins {
        left: beyond(inner.x - outer.x),
        top: beyond(inner.y - outer.y),
        right: beyond(outer.right() - inner.right()),
        bottom: beyond(outer.bottom() - inner.bottom()),
    }
}

/// How a frame grows, evenly at both ends, until it is as wide for its height as `aspect` says. It never
/// shrinks, so only one of the two sides grows.
pub fn margins_for_aspect(frame: PixelRect, aspect: Aspect) -> Margins {
    let (width, height) = (u64::from(frame.width), u64::from(frame.height));
    let (across, down) = (u64::from(aspect.0.max(1)), u64::from(aspect.1.max(1)));
    let wanted_width = (height * across).div_ceil(down).max(width);
    let wanted_height = (width * down).div_ceil(across).max(height);
    let split = |wanted: u64, side: u64| {
        let added = wanted.min(u64::from(MAX_SIDE_PX)).saturating_sub(side) as u32;
        (added / 2, added - added / 2)
    };
    let ((left, right), (top, bottom)) = if width * down < height * across {
        (split(wanted_width, width), (0, 0))
    } else {
        ((0, 0), split(wanted_height, height))
    };
    Margins {
        left,
        top,
        right,
        bottom,
    }
}
