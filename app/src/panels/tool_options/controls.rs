//! What the bars of all tools are made of.

use std::ops::RangeInclusive;

use egui::{Align2, DragValue, Response, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use crate::command::Command;
use crate::scene::Scene;
use crate::theme;
use crate::widgets;

/// A fraction as a slider in percent.
pub(super) fn fraction_ui(ui: &mut Ui, name: &'static str, fraction: &mut f32, least: f32) {
    let mut percent = *fraction * 100.0;
    let range = least..=100.0;
    name_ui(ui, name);
    let slider = widgets::slider(ui, name, &mut percent, range.clone(), false);
    let number = number_ui(ui, &format!("{name} in percent"), &mut percent, range, " %");
    if slider.changed() || number.changed() {
        *fraction = percent.round() / 100.0;
    }
}

pub(super) fn name_ui(ui: &mut Ui, name: &str) {
    let colour = theme::of(ui).text2;
    ui.label(egui::RichText::new(name).font(theme::label()).color(colour));
}

pub(super) fn value_ui(ui: &mut Ui, value: &str) {
    let text = egui::RichText::new(value).font(theme::label_semibold());
    ui.label(text.color(theme::of(ui).text));
}

/// A number that looks like text, to drag or to type over.
pub(super) fn number_ui(
    ui: &mut Ui,
    name: &str,
    value: &mut f32,
    range: RangeInclusive<f32>,
    unit: &str,
) -> Response {
    ui.scope(|ui| {
        plain_number(ui);
        let number = DragValue::new(value)
            .range(range)
            .speed(1.0)
            .max_decimals(0)
            .suffix(unit);
        ui.add(number).accessible_name(name)
    })
    .inner
}

/// Numbers of this `Ui` look like text.
pub(super) fn plain_number(ui: &mut Ui) {
    let visuals = ui.visuals_mut();
    for widget in [
        &mut visuals.widgets.inactive,
        &mut visuals.widgets.hovered,
        &mut visuals.widgets.active,
    ] {
        widget.weak_bg_fill = egui::Color32::TRANSPARENT;
        widget.bg_stroke = Stroke::NONE;
    }
    ui.spacing_mut().button_padding = vec2(0.0, 2.0);
    ui.spacing_mut().interact_size = vec2(44.0, 22.0);
}

/// A word that does something.
pub(super) fn action_ui(ui: &mut Ui, scene: &mut Scene<'_>, text: &str, command: Command) {
    let theme = theme::of(ui);
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), theme::label(), theme.text2);
    let size = vec2(galley.size().x + 12.0, 24.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, text));
    let colour = if response.hovered() {
        ui.painter().rect_filled(rect, 6, theme.bg3);
        theme.text
    } else {
        theme.text2
    };
    let at = Align2::CENTER_CENTER
        .anchor_size(rect.center(), galley.size())
        .min;
    ui.painter()
        .galley_with_override_text_color(at, galley, colour);
    widgets::focus_ring(ui, &response, rect, 6);
    let tip = widgets::command_tooltip(ui, &command);
    if response.on_hover_text(tip).clicked() {
        scene.send(command);
    }
}
