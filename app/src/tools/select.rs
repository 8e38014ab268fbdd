//! Rectangle, ellipse, lasso and wand: one press and one release.

use std::borrow::Cow;

use super::blend;
use super::flood;
use super::hand::{Hand, ToolOutcome};
use super::overlay::Overlay;
use super::pointer::{Point, PointerEvent, PointerKind};
use super::shapes::{self, Outline, dragged_corner};
use super::tool::Tool;
use crate::document::StepName;
use crate::document::tiles::{TileIndex, Tiles};

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
    let blend = if subtracts {
        blend::subtract
    } else {
        blend::add
    };
    let step = match hand.tool {
        Tool::Lasso => StepName::Lasso,
        Tool::Polygon => StepName::Polygon,
        Tool::Ellipse => StepName::Ellipse,
        _ => StepName::Rectangle,
    };
    hand.change_mask(step, |mask, clip, offset| {
        let outline = outline.translated(-offset.0, -offset.1);
        shapes::fill(&outline, clip, mask, blend);
    });
}

fn select_by_colour(hand: &mut Hand<'_>, at: Point, subtracts: bool) {
    let (x, y) = at.pixel();
    let wand = hand.settings.wand;
    let content = hand.document.content();
    let found = flood::flood(
        |index| content.composite_tile(index),
        content.frame,
        (x, y),
        wand.tolerance,
        wand.is_contiguous,
    );
    if found.is_empty() {
        hand.outcome = ToolOutcome::Nothing;
        return;
    }
    hand.change_mask(StepName::Wand, |mask, _, offset| {
        lay_tiles(found, mask, offset, subtracts);
    });
}

/// Lays a mask of 0 and 255 in document pixels over a mask that lies at `offset`.
fn lay_tiles(found: Tiles<u8>, mask: &mut Tiles<u8>, offset: (i32, i32), subtracts: bool) {
    if offset == (0, 0) && !subtracts && mask.is_empty() {
        *mask = found;
        return;
    }
    let indices: Vec<TileIndex> = found.iter().map(|(index, _)| index).collect();
    for index in indices {
        let pixels = found.read(index.rect());
        let rect = index.rect().translate(-offset.0, -offset.1);
        let width = rect.width as usize;
        mask.change_rows(rect, |x, y, row| {
            let start = (y - rect.y) as usize * width + (x - rect.x) as usize;
            for (mask, found) in row.iter_mut().zip(&pixels[start..]) {
                *mask = if subtracts {
                    *mask & !found
                } else {
                    *mask | found
                };
            }
        });
    }
}
