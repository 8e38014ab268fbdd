//! How every place looks where something may be dropped.

use egui::{
    Align2, Context, FontId, Id, LayerId, Order, Painter, Pos2, Rect, Stroke, StrokeKind, pos2,
    vec2,
};

use crate::theme;

/// A ring around a place while something is dragged, and what dropping there does. With `is_over` it is the one
/// that would take it.
pub fn drop_zone_ui(ctx: &Context, rect: Rect, words: &str, is_over: bool) {
    let theme = theme::of_ctx(ctx);
    let painter = painter(ctx);
    let colour = if is_over { theme.accent } else { theme.border };
    ring(&painter, rect, colour);
    let bottom = pos2(rect.center().x, rect.bottom() - 22.0);
    chip(
        &painter,
        bottom,
        Align2::CENTER_BOTTOM,
        words,
        theme::label_medium(),
    );
}

/// The same for the window as a whole, whose panels step back.
pub fn drop_anywhere_ui(ctx: &Context, words: &str) {
    let theme = theme::of_ctx(ctx);
    let painter = painter(ctx);
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0, theme.veil);
    ring(&painter, rect, theme.accent);
    chip(
        &painter,
        rect.center(),
        Align2::CENTER_CENTER,
        words,
        theme::title(),
    );
}

fn painter(ctx: &Context) -> Painter {
    let layer = LayerId::new(Order::Foreground, Id::unique("drop zones"));
    ctx.layer_painter(layer)
}

fn ring(painter: &Painter, rect: Rect, colour: egui::Color32) {
    let stroke = Stroke::new(2.0, colour);
    let rect = rect.shrink(6.0);
    painter.rect_stroke(rect, theme::RADIUS_CARD, stroke, StrokeKind::Inside);
}

fn chip(painter: &Painter, at: Pos2, align: Align2, words: &str, font: FontId) {
    let theme = theme::of_ctx(painter.ctx());
    let galley = painter.layout_no_wrap(words.to_owned(), font, theme.text);
    let chip = align.anchor_size(at, galley.size() + vec2(20.0, 12.0));
    painter.rect_filled(chip, theme::RADIUS, theme.float);
    let at = Align2::CENTER_CENTER.anchor_size(chip.center(), galley.size());
    painter.galley(at.min, galley, theme.text);
}
