//! Polygon: a click for each corner; near the first one, twice, or with Enter it closes.

use super::hand::Hand;
use super::overlay::Overlay;
use super::pointer::{Point, PointerEvent, PointerKind};
use super::select::fill;
use super::shapes::Outline;

#[derive(Debug, Default)]
pub(super) enum PolygonState {
    #[default]
    Ready,
    Drawing {
        corners: Vec<Point>,
        /// Where the next corner would be.
        pointer: Point,
        /// The pointer is at the first corner: a click closes.
        closes: bool,
        subtracts: bool,
    },
}

/// So near to the first corner a click closes, and so near to the last one it is the same corner.
const CLOSE_POINTS: f32 = 9.0;
const SAME_CORNER_POINTS: f32 = 2.0;

impl PolygonState {
    #[must_use]
    pub fn transition(self, event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        match (self, event.kind) {
            (Self::Ready, PointerKind::Down) if hand.has_picture() => Self::Drawing {
                corners: vec![event.point()],
                pointer: event.point(),
                closes: false,
                subtracts: event.modifiers.alt,
            },
            (Self::Ready, _) | (_, PointerKind::Cancelled) => Self::Ready,
            (state, PointerKind::Moved) => state.pointed(event),
            (state, PointerKind::Down) => state.pointed(event).clicked(event, hand),
            (state, PointerKind::DoubleClick) => state.finish(event.modifiers.alt, hand),
            (state, PointerKind::Up | PointerKind::Left) => state,
        }
    }

    /// Fills what is drawn so far; fewer than three corners enclose nothing.
    #[must_use]
    pub fn finish(self, subtracts: bool, hand: &mut Hand<'_>) -> Self {
        if let Self::Drawing { corners, .. } = self
            && corners.len() > 2
        {
            fill(hand, Outline::polygon(corners), subtracts);
        }
        Self::Ready
    }

    pub fn is_drawing(&self) -> bool {
        matches!(self, Self::Drawing { .. })
    }

    fn pointed(self, event: &PointerEvent) -> Self {
        let Self::Drawing { corners, .. } = self else {
            return self;
        };
        let at = match corners.last() {
            Some(last) if event.modifiers.shift => event.point().snapped_to_eighths(*last),
            _ => event.point(),
        };
        let is_at_start = corners[0].distance(event.point()) <= event.px_from_points(CLOSE_POINTS);
        Self::Drawing {
            closes: corners.len() > 2 && is_at_start,
            pointer: at,
            corners,
            subtracts: event.modifiers.alt,
        }
    }

    fn clicked(self, event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        match self {
            Self::Ready => Self::Ready,
            Self::Drawing {
                closes: true,
                subtracts,
                ..
            } => self.finish(subtracts, hand),
            Self::Drawing {
                mut corners,
                pointer,
                subtracts,
                ..
            } => {
                let same = event.px_from_points(SAME_CORNER_POINTS);
                if corners
                    .last()
                    .is_none_or(|last| last.distance(pointer) > same)
                {
                    corners.push(pointer);
                }
                Self::Drawing {
                    corners,
                    pointer,
                    closes: false,
                    subtracts,
                }
            }
        }
    }

    pub fn overlay(&self) -> Overlay<'_> {
        match self {
            Self::Ready => Overlay::Nothing,
            Self::Drawing {
                corners,
                pointer,
                closes,
                subtracts,
            } => {
                let loose = (!closes).then_some(*pointer);
                Overlay::Outline {
                    points: corners.iter().copied().chain(loose).collect(),
                    is_closed: *closes,
                    subtracts: *subtracts,
                }
            }
        }
    }
}
