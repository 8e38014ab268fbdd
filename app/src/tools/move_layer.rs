//! Move: drags the selected layer.

use super::hand::{Hand, ToolOutcome};
use super::pointer::{Point, PointerEvent, PointerKind};
use crate::document::{Document, LayerId, StepName};

#[derive(Debug, Default)]
pub(super) enum MoveState {
    #[default]
    Ready,
    /// The document's gesture is open.
    Dragging {
        layer: LayerId,
        from: Point,
        offset: (i32, i32),
    },
}

impl MoveState {
    #[must_use]
    pub fn transition(self, event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        match (self, event.kind) {
            (Self::Ready, PointerKind::Down) => Self::begin(event, hand),
            (Self::Dragging { .. }, PointerKind::Down) => {
                // The release got lost.
                hand.commit();
                Self::begin(event, hand)
            }
            (state @ Self::Dragging { .. }, PointerKind::Moved) => {
                state.drag(event, hand);
                state
            }
            (state @ Self::Dragging { .. }, PointerKind::Up) => {
                state.drag(event, hand);
                hand.commit();
                Self::Ready
            }
            (Self::Dragging { .. }, PointerKind::Cancelled) => {
                hand.roll_back();
                Self::Ready
            }
            (state, _) => state,
        }
    }

    fn begin(event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        if !hand.has_picture() {
            return Self::Ready;
        }
        let Some(layer) = hand.document.content().selected_layer() else {
            hand.outcome = ToolOutcome::NoLayer;
            return Self::Ready;
        };
        let state = Self::Dragging {
            layer: layer.id,
            from: event.point(),
            offset: layer.offset,
        };
        hand.document.begin(StepName::MoveLayer);
        state
    }

    fn drag(&self, event: &PointerEvent, hand: &mut Hand<'_>) {
        let Self::Dragging {
            layer,
            from,
            offset,
        } = self
        else {
            return;
        };
        let mut way = event.point() - *from;
        if event.modifiers.shift {
            if way.x.abs() > way.y.abs() {
                way.y = 0.0;
            } else {
                way.x = 0.0;
            }
        }
        let offset = (
            offset.0 + way.x.round() as i32,
            offset.1 + way.y.round() as i32,
        );
        let content = hand.document.content();
        if content
            .layer(*layer)
            .is_none_or(|layer| layer.offset == offset)
        {
            return;
        }
        if let Some(layer) = hand.document.content_mut().layer_mut(*layer) {
            layer.offset = offset;
            hand.outcome = ToolOutcome::Changed;
        }
    }
}

/// Moves the selected layer by whole pixels, as one step.
pub(super) fn nudge(document: &mut Document, dx: i32, dy: i32) -> ToolOutcome {
    let Some(layer) = document.content().selected_layer().map(|layer| layer.id) else {
        return ToolOutcome::NoLayer;
    };
    let is_changed = document.change(StepName::MoveLayer, |content| {
        if let Some(layer) = content.layer_mut(layer) {
            layer.offset = (layer.offset.0 + dx, layer.offset.1 + dy);
        }
    });
    if is_changed {
        ToolOutcome::Committed
    } else {
        ToolOutcome::Nothing
    }
}
