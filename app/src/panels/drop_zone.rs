//! How every place looks where something may be dropped.

use egui::{Align2, Context, Id, LayerId, Order, Rect, Stroke, StrokeKind, pos2, vec2};

use crate::theme;

/// A ring around a place while something is dragged, and what dropping there does. With `is_over` it is the one
/// that would take it.
pub fn drop_zone_ui(ctx: &Context, rect: Rect, words: &str, is_over: bool) {
    let theme = theme::of_ctx(ctx);
    let layer = LayerId::new(Order::Foreground, Id::unique("drop zones"));
    let painter = ctx.layer_painter(layer);
    let colour = if is_over { theme.accent } else { theme.border };
    let ring = Stroke::new(2.0, colour);
    let ring_rect = rect.shrink(6.0);
    painter.rect_stroke(ring_rect, theme::RADIUS_CARD, ring, StrokeKind::Inside);
    let galley = painter.layout_no_wrap(words.to_owned(), theme::label_medium(), theme.text);
    let size = galley.size() + vec2(20.0, 12.0);
    let chip = Align2::CENTER_BOTTOM.anchor_size(pos2(rect.center().x, rect.bottom() - 22.0), size);
    painter.rect_filled(chip, theme::RADIUS, theme.float);
    let at = Align2::CENTER_CENTER.anchor_size(chip.center(), galley.size());
    painter.galley(at.min, galley, theme.text);
}
