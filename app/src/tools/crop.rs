//! Crop: drags the frame's edges and corners. Inward they mark what stays, which Enter then crops to; outward they
//! make room for new picture at once.

use limn_engine::PixelRect;
use limn_engine::stitch::Margins;

use super::crop_rect::{self, Aspect, Grip};
use super::hand::{Hand, ToolOutcome};
use super::overlay::Overlay;
use super::pointer::{Point, PointerEvent, PointerKind};

/// A smaller rectangle was a slip of the hand.
const SLIP_POINTS: f32 = 4.0;

/// What will be left of the picture, until it is cropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    pub rect: PixelRect,
    /// The shape that the handles keep.
    pub aspect: Option<Aspect>,
}

#[derive(Debug)]
pub(super) enum CropState {
    Ready {
        hot: Option<Grip>,
    },
    Dragging(Drag),
    /// Enter crops, Esc drops it.
    Waiting {
        crop: Crop,
        hot: Option<Grip>,
    },
}

/// A rectangle in the hand.
#[derive(Debug)]
pub(super) struct Drag {
    grip: Grip,
    from: Point,
    /// As it was when the pointer took it.
    start: Crop,
    /// It waited already: its edges may go anywhere before it is cropped to.
    was_waiting: bool,
    rect: PixelRect,
}

impl Default for CropState {
    fn default() -> Self {
        Self::Ready { hot: None }
    }
}

impl CropState {
    #[must_use]
    pub fn transition(self, event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        let frame = hand.frame();
        match (self, event.kind) {
            // It comes after the second press.
            (Self::Dragging(drag), PointerKind::DoubleClick)
                if drag.was_waiting && drag.grip == Grip::WHOLE =>
            {
                hand.outcome = ToolOutcome::Crop(drag.start.rect);
                Self::default()
            }
            // Also where a release got lost.
            (state, PointerKind::Down) if hand.has_picture() => state.take(event, frame),
            (_, PointerKind::Down) => Self::default(),
            (Self::Ready { .. }, PointerKind::Moved) => Self::Ready {
                hot: crop_rect::edge_at(frame, event),
            },
            (Self::Waiting { crop, .. }, PointerKind::Moved) => {
                let (x, y) = event.point().pixel();
                let inside = crop.rect.contains(x, y).then_some(Grip::WHOLE);
                let hot = crop_rect::edge_at(crop.rect, event).or(inside);
                Self::Waiting { crop, hot }
            }
            (Self::Dragging(drag), PointerKind::Moved) => Self::Dragging(drag.moved(event, frame)),
            (Self::Dragging(drag), PointerKind::Up) => {
                drag.moved(event, frame).let_go(event, frame, hand)
            }
            (Self::Dragging(drag), PointerKind::Cancelled) if drag.was_waiting => Self::Waiting {
                crop: drag.start,
                hot: None,
            },
            (Self::Ready { .. }, PointerKind::Left) | (_, PointerKind::Cancelled) => {
                Self::default()
            }
            (state, _) => state,
        }
    }

    /// What the pointer takes where it goes down: an edge, else the whole rectangle that waits, else a new one.
    fn take(self, event: &PointerEvent, frame: PixelRect) -> Self {
        let whole = Crop {
            rect: frame,
            aspect: None,
        };
        let waiting = match &self {
            Self::Ready { .. } => None,
            Self::Waiting { crop, .. } => Some(*crop),
            Self::Dragging(drag) => drag.was_waiting.then_some(drag.start),
        };
        let start = waiting.unwrap_or(whole);
        let (x, y) = event.point().pixel();
        let grip = match crop_rect::edge_at(start.rect, event) {
            Some(edge) => edge,
            None if waiting.is_some() && start.rect.contains(x, y) => Grip::WHOLE,
            None if frame.contains(x, y) => Grip::New,
            None => return self,
        };
        Self::Dragging(Drag {
            grip,
            from: event.point(),
            start,
            was_waiting: waiting.is_some(),
            rect: start.rect,
        })
    }

    pub fn overlay(&self, frame: PixelRect) -> Overlay<'static> {
        let rect = self.rect(frame);
        let hot = match self {
            Self::Ready { hot } | Self::Waiting { hot, .. } => *hot,
            Self::Dragging(drag) => Some(drag.grip),
        };
        Overlay::Crop {
            rect,
            hot,
            is_inward: !rect.contains_rect(&frame),
        }
    }

    /// The edges that are drawn.
    pub fn rect(&self, frame: PixelRect) -> PixelRect {
        match self {
            Self::Ready { .. } => frame,
            Self::Dragging(drag) => drag.rect,
            Self::Waiting { crop, .. } => crop.rect,
        }
    }

    /// What will be left, where less than all will be.
    pub fn crop(&self, frame: PixelRect) -> Option<Crop> {
        match self {
            Self::Ready { .. } => None,
            Self::Waiting { crop, .. } => Some(*crop),
            Self::Dragging(drag) => {
                let is_inward = drag.was_waiting || !drag.rect.contains_rect(&frame);
                is_inward.then_some(Crop {
                    rect: drag.rect,
                    ..drag.start
                })
            }
        }
    }

    /// The largest rectangle of a shape in the middle of what is chosen; without a shape the edges are free.
    #[must_use]
    pub fn with_aspect(&self, aspect: Option<Aspect>, frame: PixelRect) -> Self {
        let known = self.crop(frame);
        match (aspect, known) {
            (None, None) => Self::default(),
            (None, Some(crop)) => Self::Waiting {
                crop: Crop { aspect, ..crop },
                hot: None,
            },
            (Some(shape), _) => Self::Waiting {
                crop: Crop {
                    rect: crop_rect::largest(frame, shape),
                    aspect,
                },
                hot: None,
            },
        }
    }

    pub fn is_busy(&self) -> bool {
        !matches!(self, Self::Ready { .. })
    }
}

impl Drag {
    fn moved(mut self, event: &PointerEvent, frame: PixelRect) -> Self {
        let way = event.point() - self.from;
        let start = self.start.rect;
        // Shift keeps the shape that there is.
        let shape = (start.width, start.height);
        let aspect = (self.start.aspect).or(event.modifiers.shift.then_some(shape));
        self.rect = match (self.grip, aspect) {
            (Grip::New, _) => {
                crop_rect::between(self.from, event.point(), self.start.aspect, frame)
            }
            (Grip::WHOLE, _) => crop_rect::moved(start, way, frame),
            (grip, Some(aspect)) => crop_rect::reshaped(start, grip, way, aspect, frame),
            (grip, None) => crop_rect::dragged(start, grip, way),
        };
        self
    }

    fn let_go(self, event: &PointerEvent, frame: PixelRect, hand: &mut Hand<'_>) -> CropState {
        let way = (event.point() - self.from).length();
        let is_slip = self.grip == Grip::New && way < event.px_from_points(SLIP_POINTS);
        if is_slip {
            return if self.was_waiting {
                CropState::Waiting {
                    crop: self.start,
                    hot: None,
                }
            } else {
                CropState::default()
            };
        }
        if !self.was_waiting && self.rect.contains_rect(&frame) {
            let margins = crop_rect::margins_around(frame, self.rect);
            if margins != Margins::default() {
                hand.outcome = ToolOutcome::Extend(margins);
            }
            return CropState::default();
        }
        CropState::Waiting {
            crop: Crop {
                rect: self.rect,
                ..self.start
            },
            hot: None,
        }
    }
}
