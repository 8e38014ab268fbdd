//! Rectangle, ellipse, lasso and wand: one press and one release.

use std::borrow::Cow;

use super::hand::Hand;
use super::mask_work::MaskDeed;
use super::overlay::Overlay;
use super::pointer::{Point, PointerEvent, PointerKind};
use super::shapes::{Outline, dragged_corner};
use super::tool::Tool;
use crate::document::StepName;

#[derive(Debug, Default)]
pub(super) enum SelectState {
    #[default]
    Ready,
    /// A box from one corner to the other.
    Box {
        tool: Tool,
        from: Point,
        to: Point,
        subtracts: bool,
    },
    Lasso {
        points: Vec<Point>,
        /// With Shift the last point is still loose, so that the way to it is straight.
        is_loose: bool,
        subtracts: bool,
    },
}

/// The lasso takes a point for every so many points on the screen.
const LASSO_STEP_POINTS: f32 = 1.5;

impl SelectState {
    #[must_use]
    pub fn transition(self, event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        match (self, event.kind) {
            // Also where a release got lost: what was not finished is dropped.
            (_, PointerKind::Down) => Self::begin(event, hand),
            (Self::Ready, _) | (_, PointerKind::Cancelled) => Self::Ready,
            (state, PointerKind::Moved) => state.dragged(event),
            (state, PointerKind::Up) => {
                let subtracts = event.modifiers.alt;
                if let Some(outline) = state.dragged(event).outline() {
                    fill(hand, outline, subtracts);
                }
                Self::Ready
            }
            (state, PointerKind::DoubleClick | PointerKind::Left) => state,
        }
    }

    fn begin(event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        if !hand.has_picture() {
            return Self::Ready;
        }
        let (at, subtracts) = (event.point(), event.modifiers.alt);
        match hand.tool {
            Tool::Wand => {
                select_by_colour(hand, at, subtracts);
                Self::Ready
            }
            Tool::Lasso => Self::Lasso {
                points: vec![at],
                is_loose: false,
                subtracts,
            },
            tool => Self::Box {
                tool,
                from: at,
                to: at,
                subtracts,
            },
        }
    }

    fn dragged(self, event: &PointerEvent) -> Self {
        let (at, subtracts) = (event.point(), event.modifiers.alt);
        match self {
            Self::Ready => Self::Ready,
            Self::Box { tool, from, .. } => Self::Box {
                tool,
                from,
                to: dragged_corner(from, at, event.modifiers.shift),
                subtracts,
            },
            Self::Lasso {
                mut points,
                is_loose,
                ..
            } => {
                let step = event.px_from_points(LASSO_STEP_POINTS);
                if is_loose && points.len() > 1 {
                    points.pop();
                }
                let is_far = points.last().is_none_or(|last| last.distance(at) >= step);
                if is_far || event.modifiers.shift {
                    points.push(at);
                }
                Self::Lasso {
                    points,
                    is_loose: event.modifiers.shift,
                    subtracts,
                }
            }
        }
    }

    fn outline(&self) -> Option<Outline> {
        match self {
            Self::Ready => None,
            Self::Box {
                tool: Tool::Ellipse,
                from,
                to,
                ..
            } => Some(Outline::ellipse(*from, *to)),
            Self::Box { from, to, .. } => Some(Outline::rectangle(*from, *to)),
            Self::Lasso { points, .. } => Some(Outline::polygon(points.clone())),
        }
    }

    pub fn overlay(&self) -> Overlay<'_> {
        match self {
            Self::Ready => Overlay::Nothing,
            Self::Lasso {
                points, subtracts, ..
            } => Overlay::Outline {
                points: Cow::Borrowed(points),
                is_closed: false,
                subtracts: *subtracts,
            },
            Self::Box { subtracts, .. } => Overlay::Outline {
                points: self
                    .outline()
                    .map_or_else(Vec::new, Outline::into_points)
                    .into(),
                is_closed: true,
                subtracts: *subtracts,
            },
        }
    }
}

/// Adds what `outline` encloses to the mask, or takes it away, as one step.
pub(super) fn fill(hand: &mut Hand<'_>, outline: Outline, subtracts: bool) {
    let step = match hand.tool {
        Tool::Lasso => StepName::Lasso,
        Tool::Polygon => StepName::Polygon,
        Tool::Ellipse => StepName::Ellipse,
        _ => StepName::Rectangle,
    };
    hand.change_mask(MaskDeed::Fill {
        outline,
        step,
        subtracts,
    });
}

fn select_by_colour(hand: &mut Hand<'_>, at: Point, subtracts: bool) {
    let (at, wand) = (at.pixel(), hand.settings.wand);
    if hand.frame().contains(at.0, at.1) {
        hand.change_mask(MaskDeed::Wand {
            at,
            wand,
            subtracts,
        });
    }
}
