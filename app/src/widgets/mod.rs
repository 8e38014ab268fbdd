//! The few controls that everything drawn in the window shares.

mod popover;
mod rows;
mod words;

use std::ops::RangeInclusive;

use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind,
    TextureHandle, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::command::Command;
use crate::icons::{self, Icon};
use crate::theme::{self, Theme};
pub use popover::{close_popover, is_popover_open, popover};
pub use rows::{choice_ui, menu_row_ui, name_text_field};
pub use words::{bytes, count, duration, pictures, shown, shown_lines, shown_message};

/// How loud a button is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loudness {
    /// Only text until the pointer comes.
    Quiet,
    Plain,
    /// The one that is meant.
    Primary,
}

/// A button as high as its text with some air, or as wide as `width` says.
pub fn button(ui: &mut Ui, text: &str, loudness: Loudness, width: Option<f32>) -> Response {
    named_button(ui, text, text, loudness, width)
}

/// As wide as [`button`] makes itself.
pub fn button_width(ui: &Ui, text: &str) -> f32 {
    let font = theme::label_medium();
    let colour = theme::of(ui).text;
    let galley = ui.painter().layout_no_wrap(shown(text), font, colour);
    galley.size().x + 24.0
}

/// A lower one, for bars.
pub fn small_button(ui: &mut Ui, text: &str, loudness: Loudness) -> Response {
    sized_button(ui, text, text, loudness, (None, 25.0))
}

/// As [`button`], with another name for screen readers.
pub fn named_button(
    ui: &mut Ui,
    text: &str,
    label: &str,
    loudness: Loudness,
    width: Option<f32>,
) -> Response {
    sized_button(ui, text, label, loudness, (width, 31.0))
}

fn sized_button(
    ui: &mut Ui,
    text: &str,
    label: &str,
    loudness: Loudness,
    (width, height): (Option<f32>, f32),
) -> Response {
    let theme = theme::of(ui);
    let font = theme::label_medium();
    let galley = ui.painter().layout_no_wrap(shown(text), font, theme.text);
    let size = vec2(width.unwrap_or(galley.size().x + 24.0), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, shown(label)));
    if ui.is_rect_visible(rect) {
        let (fill, outline, colour) = button_colours(theme, &response, loudness);
        ui.painter().rect(
            rect,
            theme::RADIUS,
            fill,
            Stroke::new(1.0, outline),
            StrokeKind::Inside,
        );
        let text_pos = Align2::CENTER_CENTER
            .anchor_size(rect.center(), galley.size())
            .min;
        ui.painter()
            .galley_with_override_text_color(text_pos, galley, colour);
        focus_ring(ui, &response, rect, theme::RADIUS);
    }
    response
}

fn button_colours(
    theme: &Theme,
    response: &Response,
    loudness: Loudness,
) -> (Color32, Color32, Color32) {
    let pressed = response.is_pointer_button_down_on();
    let hovered = response.hovered();
    match loudness {
        Loudness::Primary if pressed => {
            (theme.accent_pressed, theme.accent_pressed, theme.on_accent)
        }
        Loudness::Primary if hovered => (theme.accent_hover, theme.accent_hover, theme.on_accent),
        Loudness::Primary => (theme.accent, theme.accent, theme.on_accent),
        Loudness::Plain if hovered => (theme.bg3, theme.border, theme.text),
        Loudness::Plain => (theme.bg2, theme.line, theme.text),
        Loudness::Quiet if hovered => (theme.bg3, theme.bg3, theme.text),
        Loudness::Quiet => (Color32::TRANSPARENT, Color32::TRANSPARENT, theme.text2),
    }
}

/// A small rounded button that shows a value, as in "4 results".
pub fn pill(ui: &mut Ui, text: &str, label: &str, is_on: bool) -> Response {
    pill_ui(ui, text, label, is_on, None)
}

/// As [`pill`], with an icon after the text that says what a click does.
pub fn pill_with_icon(ui: &mut Ui, text: &str, label: &str, is_on: bool, icon: Icon) -> Response {
    assert_names_its_job(icon, label);
    pill_ui(ui, text, label, is_on, Some(icon))
}

fn pill_ui(ui: &mut Ui, text: &str, label: &str, is_on: bool, icon: Option<Icon>) -> Response {
    let theme = theme::of(ui);
    let galley = ui
        .painter()
        .layout_no_wrap(shown(text), theme::label(), theme.text2);
    let icon_width = if icon.is_some() { 19.0 } else { 0.0 };
    let size = vec2(galley.size().x + icon_width + 18.0, 25.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, shown(label)));
    if ui.is_rect_visible(rect) {
        let lit = response.hovered() || is_on;
        let fill = if lit { theme.bg3 } else { theme.bg1 };
        let outline = if lit { theme.border } else { theme.line };
        let colour = if lit { theme.text } else { theme.text2 };
        ui.painter()
            .rect(rect, 7, fill, Stroke::new(1.0, outline), StrokeKind::Inside);
        let centre = rect.center() - vec2(icon_width / 2.0, 0.0);
        let text_pos = Align2::CENTER_CENTER.anchor_size(centre, galley.size()).min;
        if let Some(icon) = icon {
            let at =
                Rect::from_center_size(rect.right_center() - vec2(14.0, 0.0), Vec2::splat(12.0));
            icons::paint(ui.painter(), at, 12.0, icon, colour);
        }
        ui.painter()
            .galley_with_override_text_color(text_pos, galley, colour);
        focus_ring(ui, &response, rect, 7);
    }
    response
}

/// A tab: a word with a soft ground when chosen.
pub fn tab(ui: &mut Ui, text: &str, is_selected: bool) -> Response {
    let theme = theme::of(ui);
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), theme::body_medium(), theme.text2);
    let size = vec2(galley.size().x + 24.0, 31.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Tab, enabled, is_selected, text));
    if ui.is_rect_visible(rect) {
        let (fill, colour) = if is_selected {
            (theme.bg3, theme.text)
        } else if response.hovered() {
            (theme.bg2, theme.text)
        } else {
            (Color32::TRANSPARENT, theme.text2)
        };
        ui.painter().rect_filled(rect, theme::RADIUS, fill);
        let text_pos = Align2::CENTER_CENTER
            .anchor_size(rect.center(), galley.size())
            .min;
        ui.painter()
            .galley_with_override_text_color(text_pos, galley, colour);
        focus_ring(ui, &response, rect, theme::RADIUS);
    }
    response
}

/// An icon on a square of `side` points; `label` is its tooltip and what a screen reader says.
pub fn icon_button(ui: &mut Ui, icon: Icon, label: &str, side: f32) -> Response {
    icon_toggle(ui, icon, label, side, false)
}

/// What a ✕ closes, cancels or takes away nobody sees: its label must say it, in more than a word.
fn assert_names_its_job(icon: Icon, label: &str) {
    debug_assert!(
        icon != Icon::Close || label.contains(' '),
        "a ✕ is only called “{label}”"
    );
}

/// Something to click on, greyed where there is an obstacle, which its tooltip then tells.
pub fn obstructed(ui: &mut Ui, obstacle: Option<&str>, add: impl FnOnce(&mut Ui) -> Response) {
    // In no part of its own, so that what stands in a row is wrapped.
    let response = ui.add_enabled(obstacle.is_none(), add);
    if let Some(obstacle) = obstacle {
        response.on_disabled_hover_text(obstacle);
    }
}

/// An icon that sends `command` when clicked; its tooltip has the keys too.
pub fn command_icon(
    ui: &mut Ui,
    icon: Icon,
    command: &Command,
    side: f32,
    is_on: bool,
) -> Response {
    let tip = command_tooltip(ui, command);
    icon_ui(ui, icon, &command.label(), side, is_on).on_hover_text(tip)
}

pub fn icon_toggle(ui: &mut Ui, icon: Icon, label: &str, side: f32, is_on: bool) -> Response {
    icon_ui(ui, icon, label, side, is_on).on_hover_text(shown(label))
}

fn icon_ui(ui: &mut Ui, icon: Icon, label: &str, side: f32, is_on: bool) -> Response {
    assert_names_its_job(icon, label);
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, shown(label)));
    if ui.is_rect_visible(rect) {
        let radius = if side > 34.0 { 9 } else { 7 };
        let (fill, colour) = if is_on {
            (theme.tool, theme.on_tool)
        } else if response.hovered() {
            (theme.bg3, theme.text)
        } else {
            (Color32::TRANSPARENT, theme.text2)
        };
        ui.painter().rect_filled(rect, radius, fill);
        let size = if side >= 34.0 {
            theme::ICON
        } else {
            side * 0.6
        };
        icons::paint(ui.painter(), rect, size, icon, colour);
        focus_ring(ui, &response, rect, radius);
    }
    response
}

/// A slider with the accent up to its bright handle; the value stands beside it.
pub fn slider(
    ui: &mut Ui,
    name: &str,
    value: &mut f32,
    range: RangeInclusive<f32>,
    is_logarithmic: bool,
) -> Response {
    const WIDTH: f32 = 92.0;
    const HEIGHT: f32 = 15.0;
    let theme = theme::of(ui);
    let (low, high) = (*range.start(), *range.end());
    ui.scope(|ui| {
        ui.spacing_mut().slider_width = WIDTH;
        ui.spacing_mut().interact_size.y = HEIGHT;
        ui.visuals_mut().selection.bg_fill = theme.accent;
        ui.visuals_mut().widgets.inactive.bg_fill = theme.bg3;
        let slider = egui::Slider::new(value, range)
            .logarithmic(is_logarithmic)
            .show_value(false);
        let response = ui.add(slider).on_hover_text(name).accessible_name(name);
        // The handle that egui draws takes the rail's colour: a bright one covers it.
        let part = if is_logarithmic {
            (*value / low).ln() / (high / low).ln()
        } else {
            (*value - low) / (high - low)
        };
        let rail = response.rect.x_range().shrink(response.rect.height() / 2.5);
        let centre = pos2(
            rail.min + rail.span() * part.clamp(0.0, 1.0),
            response.rect.center().y,
        );
        let radius = response.rect.height() / 2.5 + 0.5;
        let colour = if ui.is_enabled() {
            theme.handle
        } else {
            theme.text3
        };
        let outline = Stroke::new(1.5, theme.handle_line);
        ui.painter().circle(centre, radius, colour, outline);
        focus_ring(ui, &response, response.rect, 6);
        response
    })
    .inner
}

/// A command's label with its shortcut and, on a second line, what more there is to say.
pub fn command_tooltip(ui: &Ui, command: &Command) -> String {
    let mut text = shown(&command.label());
    if let Some(shortcut) = command.shortcut() {
        text.push_str("   ");
        text.push_str(&shortcut.text(ui.ctx().os() == egui::os::OperatingSystem::Mac));
    }
    if let Some(more) = command.tooltip() {
        text.push('\n');
        text.push_str(more);
    }
    text
}

/// The ring of what has the keyboard focus; clicks never bring it.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect, radius: u8) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, theme::of(ui).accent);
        ui.painter().rect_stroke(
            rect.expand(1.0),
            CornerRadius::same(radius + 1),
            stroke,
            StrokeKind::Outside,
        );
    }
}

/// A picture that covers `rect`, its ends cut where the shapes differ.
pub fn cover(ui: &Ui, rect: Rect, radius: u8, texture: &TextureHandle, opacity: f32) {
    let [width, height] = texture.size().map(|side| side.max(1) as f32);
    let (picture, place) = (width / height, rect.width() / rect.height().max(1.0));
    let uv = if picture > place {
        let part = place / picture / 2.0;
        Rect::from_min_max(pos2(0.5 - part, 0.0), pos2(0.5 + part, 1.0))
    } else {
        let part = picture / place / 2.0;
        Rect::from_min_max(pos2(0.0, 0.5 - part), pos2(1.0, 0.5 + part))
    };
    let tint = Color32::WHITE.gamma_multiply(opacity);
    let shape = egui::epaint::RectShape::filled(rect, CornerRadius::same(radius), tint)
        .with_texture(texture.id(), uv);
    ui.painter().add(Shape::Rect(shape));
}

/// A picture as large as `rect` holds it, all of it to be seen.
pub fn contain(ui: &Ui, rect: Rect, radius: u8, texture: &TextureHandle) {
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    let shape = egui::epaint::RectShape::filled(
        contained(texture.size_vec2(), rect),
        CornerRadius::same(radius),
        Color32::WHITE,
    );
    ui.painter()
        .add(Shape::Rect(shape.with_texture(texture.id(), whole)));
}

/// The largest rectangle of a picture's proportions in the middle of `rect`.
pub fn contained(size: egui::Vec2, rect: Rect) -> Rect {
    let size = size.max(egui::Vec2::splat(1.0));
    let scale = (rect.width() / size.x).min(rect.height() / size.y);
    Rect::from_center_size(rect.center(), size * scale)
}

/// A thin bar with a rounded fill, from 0 to 1.
pub fn progress_bar(ui: &Ui, rect: Rect, fraction: f32, groove: Color32, fill: Color32) {
    let radius = CornerRadius::same((rect.height() / 2.0) as u8);
    ui.painter().rect_filled(rect, radius, groove);
    let width = (rect.width() * fraction.clamp(0.0, 1.0)).max(rect.height());
    let filled = Rect::from_min_size(rect.min, vec2(width, rect.height()));
    ui.painter().rect_filled(filled, radius, fill);
}

/// Where nothing is yet but something will be: a slow swell of light.
pub fn breathing(ui: &Ui, theme: &Theme) -> Color32 {
    if theme::is_sparing(ui.ctx()) {
        return theme.bg2.lerp_to_gamma(theme.bg3, 0.5);
    }
    let phase = (ui.input(|input| input.time) * 1.6).sin() as f32 * 0.5 + 0.5;
    ui.ctx()
        .request_repaint_after(std::time::Duration::from_millis(50));
    theme.bg2.lerp_to_gamma(theme.bg3, phase)
}

/// A run of words in two tones.
pub fn two_tone(parts: &[(&str, FontId, Color32)]) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (text, font, colour) in parts {
        job.append(&shown(text), 0.0, TextFormat::simple(font.clone(), *colour));
    }
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    job
}

/// A text that stops with an ellipsis at `width`.
pub fn clipped(text: &str, font: FontId, colour: Color32, width: f32) -> LayoutJob {
    let mut job = LayoutJob::simple_singleline(shown_message(text), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    job
}

/// A heading of a section with a quiet remark at the right end.
pub fn section(ui: &mut Ui, title: &str, remark: &str) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        ui.label(
            egui::RichText::new(shown(title))
                .font(theme::label_semibold())
                .color(theme.text2),
        );
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(
                egui::RichText::new(shown(remark))
                    .font(theme::label())
                    .color(theme.text3),
            );
        });
    });
}

/// Round what is not there any more.
pub fn dashed_edge(ui: &Ui, rect: Rect) {
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    let stroke = Stroke::new(1.0, theme::of(ui).border);
    let dashes = egui::Shape::dashed_line(&corners, stroke, 4.0, 3.0);
    ui.painter().extend(dashes);
}

/// Paragraphs in the second tone.
pub fn remark(ui: &mut Ui, text: &str) {
    let theme = theme::of(ui);
    ui.label(
        egui::RichText::new(shown_lines(text))
            .font(theme::label())
            .color(theme.text2),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contained_picture_is_seen_whole() {
        let place = Rect::from_min_max(pos2(10.0, 10.0), pos2(110.0, 110.0));
        for (size, expected) in [
            (vec2(160.0, 90.0), vec2(100.0, 56.25)),
            (vec2(1.0, 4.0), vec2(25.0, 100.0)),
            (vec2(7.0, 7.0), vec2(100.0, 100.0)),
            (vec2(0.0, 0.0), vec2(100.0, 100.0)),
        ] {
            let rect = contained(size, place);
            assert_eq!((rect.size(), rect.center()), (expected, place.center()));
        }
    }
}
