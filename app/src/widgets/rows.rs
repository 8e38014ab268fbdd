//! Lines that are chosen, and fields that are named.

use egui::{Align2, Response, Role, Sense, Ui, WidgetInfo, vec2};

use super::{clipped, focus_ring, shown, shown_message};
use crate::icons::{self, Icon};
use crate::theme;

/// Left of what a line says.
const INDENT: f32 = 10.0;

/// A line of a menu: what it does at the left, its keys at the right.
pub fn menu_row_ui(
    ui: &mut Ui,
    label: &str,
    shortcut: Option<&str>,
    is_chosen: bool,
    width: f32,
) -> Response {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 30.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::MenuItem, true, is_chosen, shown(label)));
    if response.hovered() || is_chosen {
        ui.painter().rect_filled(rect, theme::RADIUS, theme.bg3);
    }
    let shortcut = shortcut.map(|shortcut| {
        let painter = ui.painter();
        painter.layout_no_wrap(shortcut.to_owned(), theme::label(), theme.text2)
    });
    let shortcut_width = shortcut
        .as_ref()
        .map_or(0.0, |shortcut| shortcut.size().x + 12.0);
    let text_width = width - 20.0 - shortcut_width;
    let text = clipped(label, theme::body(), theme.text, text_width);
    let galley = ui.painter().layout_job(text);
    let at = Align2::LEFT_CENTER
        .anchor_size(rect.left_center() + vec2(INDENT, 0.0), galley.size())
        .min;
    ui.painter().galley(at, galley, theme.text);
    if let Some(shortcut) = shortcut {
        let at = Align2::RIGHT_CENTER
            .anchor_size(rect.right_center() - vec2(10.0, 0.0), shortcut.size())
            .min;
        ui.painter().galley(at, shortcut, theme.text2);
    }
    focus_ring(ui, &response, rect, theme::RADIUS);
    response
}

/// A line to choose, with what there is to say about it.
pub fn choice_ui(ui: &mut Ui, name: &str, description: &str, is_chosen: bool) -> Response {
    let theme = theme::of(ui);
    let width = ui.available_width();
    let text_width = width - 44.0;
    let mut job = egui::text::LayoutJob::simple(
        shown_message(description),
        theme::caption(),
        theme.text2,
        text_width,
    );
    job.wrap.max_rows = 3;
    let description_galley = ui.painter().layout_job(job);
    let has_description = !description.is_empty();
    let height = 30.0
        + if has_description {
            description_galley.size().y
        } else {
            0.0
        };
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_chosen, shown(name)));
    if response.hovered() || is_chosen {
        ui.painter().rect_filled(
            rect,
            theme::RADIUS,
            if response.hovered() {
                theme.bg3
            } else {
                theme.bg2
            },
        );
    }
    let inner = rect.shrink2(vec2(10.0, 7.0));
    let name = clipped(name, theme::label_medium(), theme.text, text_width);
    ui.painter()
        .galley(inner.min, ui.painter().layout_job(name), theme.text);
    if has_description {
        ui.painter()
            .galley(inner.min + vec2(0.0, 17.0), description_galley, theme.text2);
    }
    if is_chosen {
        let check = egui::Rect::from_center_size(
            egui::pos2(inner.right() - 8.0, rect.center().y),
            vec2(16.0, 16.0),
        );
        icons::paint(ui.painter(), check, 16.0, Icon::Check, theme.accent_text);
    }
    focus_ring(ui, &response, rect, theme::RADIUS);
    response
}

/// A text field's name for screen readers; its text is its value.
pub fn name_text_field(response: &Response, name: &str, text: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| {
        node.set_label(name.to_owned());
        node.set_value(text.to_owned());
    });
    if response.changed() {
        // The hint is laid out before the letter that replaces it.
        response.ctx.request_repaint();
    }
}
