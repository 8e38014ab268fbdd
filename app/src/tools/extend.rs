//! Extend: drags the frame's edges and corners outwards, to make room for new picture.

use limn_engine::PixelRect;
use limn_engine::stitch::Margins;

use super::hand::{Hand, ToolOutcome};
use super::overlay::Overlay;
use super::pointer::{Point, PointerEvent, PointerKind};

/// No picture is wider or higher than this.
const MAX_SIDE_PX: u32 = 16_384;
/// So near to an edge the pointer holds it.
const REACH_POINTS: f32 = 12.0;

/// Which edges are held; both are at a corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grip {
    pub horizontal: Option<End>,
    pub vertical: Option<End>,
}

/// The left or top edge, or the right or bottom one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Low,
    High,
}

#[derive(Debug)]
pub(super) enum ExtendState {
    Ready {
        hot: Option<Grip>,
    },
    Dragging {
        grip: Grip,
        from: Point,
        margins: Margins,
    },
}

impl Default for ExtendState {
    fn default() -> Self {
        Self::Ready { hot: None }
    }
}

impl ExtendState {
    #[must_use]
    pub fn transition(self, event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        let frame = hand.frame();
        match (self, event.kind) {
            // Also where a release got lost.
            (_, PointerKind::Down) => {
                hand.has_picture();
                match grip_at(frame, event) {
                    Some(grip) => Self::Dragging {
                        grip,
                        from: event.point(),
                        margins: Margins::default(),
                    },
                    None => Self::default(),
                }
            }
            (Self::Ready { .. }, PointerKind::Moved) => Self::Ready {
                hot: grip_at(frame, event),
            },
            (Self::Dragging { grip, from, .. }, PointerKind::Moved) => Self::Dragging {
                margins: dragged(frame, grip, event.point() - from),
                grip,
                from,
            },
            (Self::Dragging { grip, from, .. }, PointerKind::Up) => {
                let margins = dragged(frame, grip, event.point() - from);
                if margins != Margins::default() {
                    hand.outcome = ToolOutcome::Extend(margins);
                }
                Self::default()
            }
            (Self::Ready { .. }, PointerKind::Left) | (_, PointerKind::Cancelled) => {
                Self::default()
            }
            (state, _) => state,
        }
    }

    pub fn overlay(&self) -> Overlay<'static> {
        match self {
            Self::Ready { hot } => Overlay::Extend {
                margins: Margins::default(),
                hot: *hot,
            },
            Self::Dragging { grip, margins, .. } => Overlay::Extend {
                margins: *margins,
                hot: Some(*grip),
            },
        }
    }

    pub fn is_dragging(&self) -> bool {
        matches!(self, Self::Dragging { .. })
    }
}

/// The edge or the corner under the pointer.
fn grip_at(frame: PixelRect, event: &PointerEvent) -> Option<Grip> {
    let at = event.point();
    // At a small frame the reach leaves room between its edges.
    let reach = |side: u32| event.px_from_points(REACH_POINTS).min(side as f32 / 3.0);
    let (reach_x, reach_y) = (reach(frame.width), reach(frame.height));
    let outside = event.px_from_points(REACH_POINTS);
    let is_beside = |value: f32, low: i32, high: i32| {
        value >= low as f32 - outside && value <= high as f32 + outside
    };
    if !is_beside(at.x, frame.x, frame.right()) || !is_beside(at.y, frame.y, frame.bottom()) {
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
    let grip = Grip {
        horizontal: end(at.x, frame.x, frame.right(), reach_x),
        vertical: end(at.y, frame.y, frame.bottom(), reach_y),
    };
    (grip.horizontal.is_some() || grip.vertical.is_some()).then_some(grip)
}

fn dragged(frame: PixelRect, grip: Grip, way: Point) -> Margins {
    let grow = |end: Option<End>, way: f32, side: u32| {
        let room = MAX_SIDE_PX.saturating_sub(side);
        // A cast from below zero stays at zero: a picture is never cut.
        match end {
            Some(End::Low) => (((-way).round() as u32).min(room), 0),
            Some(End::High) => (0, (way.round() as u32).min(room)),
            None => (0, 0),
        }
    };
    let (left, right) = grow(grip.horizontal, way.x, frame.width);
    let (top, bottom) = grow(grip.vertical, way.y, frame.height);
    Margins {
        left,
        top,
        right,
        bottom,
    }
}

/// How a frame grows, evenly at both ends, until it is as wide for its height as `aspect` says. It never
/// shrinks, so only one of the two sides grows.
pub fn margins_for_aspect(frame: PixelRect, aspect: (u32, u32)) -> Margins {
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
