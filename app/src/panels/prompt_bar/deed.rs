//! The button that names what it does, and how far the queue is.

use egui::{
    Align, Id, Layout, Popup, PopupCloseBehavior, Rect, Role, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};

use super::BUTTON_WIDTH;
use crate::command::Command;
use crate::icons::{self, Icon};
use crate::panels::{Scene, top_bar, widgets};
use crate::session::{Deed, RunState};
use crate::theme;

/// The button, and under it how far the queue is.
pub(super) fn deed_ui(ui: &mut Ui, scene: &mut Scene<'_>, height: f32) {
    let is_busy = scene.session.running().is_some();
    let size = vec2(BUTTON_WIDTH, height);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let button = if is_busy {
        Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - 38.0))
    } else {
        rect
    };
    deed_button_ui(ui, scene, button);
    if is_busy {
        let progress = Rect::from_min_max(pos2(rect.left(), button.bottom() + 8.0), rect.max);
        progress_ui(ui, scene, progress);
    }
}

fn deed_button_ui(ui: &Ui, scene: &mut Scene<'_>, rect: Rect) {
    let theme = theme::of(ui);
    let label = scene.session.deed().label();
    let response = ui.interact(rect, Id::unique("the deed"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    let fill = if response.is_pointer_button_down_on() {
        theme.accent_pressed
    } else if response.hovered() {
        theme.accent_hover
    } else {
        theme.accent
    };
    ui.painter().rect_filled(rect, theme::RADIUS_CARD, fill);
    let centre = rect.center();
    ui.painter().text(
        centre - vec2(0.0, 9.0),
        egui::Align2::CENTER_CENTER,
        label,
        theme::title(),
        theme.on_accent,
    );
    let shortcut = Command::Generate
        .shortcut()
        .map_or(String::new(), |shortcut| {
            shortcut.text(ui.ctx().os() == egui::os::OperatingSystem::Mac)
        });
    ui.painter().text(
        centre + vec2(0.0, 11.0),
        egui::Align2::CENTER_CENTER,
        &shortcut,
        theme::label(),
        theme.on_accent,
    );
    if response.has_focus() {
        let ring = Stroke::new(2.0, theme.text);
        ui.painter()
            .rect_stroke(rect.shrink(3.0), theme::RADIUS, ring, StrokeKind::Inside);
    }
    let tip = format!(
        "{label}   {shortcut}\n{}",
        Command::Generate.tooltip().unwrap_or_default()
    );
    let clicked = response.on_hover_text(tip).clicked();
    let others = Rect::from_min_max(pos2(rect.right() - 30.0, rect.top()), rect.max);
    other_deeds_ui(ui, scene, others.shrink(3.0));
    if clicked {
        scene.send(Command::Generate);
    }
}

/// Another deed than the one that the document suggests.
fn other_deeds_ui(ui: &Ui, scene: &mut Scene<'_>, rect: Rect) {
    let can_do: Vec<Deed> = Deed::CHOICES
        .into_iter()
        .filter(|deed| scene.session.can_do(*deed))
        .collect();
    if can_do.len() < 2 {
        return;
    }
    let theme = theme::of(ui);
    let response = ui.interact(rect, Id::unique("other deeds"), Sense::click());
    let label = "Do something else";
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    if response.hovered() || response.has_focus() {
        let veil = theme.on_accent.gamma_multiply(0.16);
        ui.painter().rect_filled(rect, theme::RADIUS, veil);
    }
    icons::paint(ui.painter(), rect, 13.0, Icon::ChevronDown, theme.on_accent);
    let current = scene.session.deed();
    Popup::from_toggle_button_response(&response)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .align(egui::RectAlign::TOP_END)
        .gap(6.0)
        .show(|ui| {
            ui.set_width(300.0);
            ui.spacing_mut().item_spacing.y = 2.0;
            for deed in can_do {
                let obstacle = scene.session.obstacle(deed);
                let remark = obstacle.as_deref().unwrap_or(deed.remark());
                let choice = ui.add_enabled_ui(obstacle.is_none(), |ui| {
                    top_bar::choice_ui(ui, deed.label(), remark, deed == current)
                });
                if choice.inner.clicked() {
                    scene.send(Command::ChooseDeed(deed));
                    ui.close();
                }
            }
        });
    response.on_hover_text(label);
}

fn progress_ui(ui: &mut Ui, scene: &mut Scene<'_>, rect: Rect) {
    let theme = theme::of(ui);
    let Some(run) = scene.session.running() else {
        return;
    };
    let words = match run.seconds_left(scene.now) {
        Some(left) if run.state != RunState::Stopping => widgets::duration(left),
        _ => top_bar::run_state_words(run, scene),
    };
    let fraction = run.fraction();
    let builder = UiBuilder::new()
        .max_rect(rect)
        .layout(Layout::right_to_left(Align::Center));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        if widgets::command_icon(ui, Icon::Close, &Command::CancelCurrent, 26.0, false).clicked() {
            scene.send(Command::CancelCurrent);
        }
        let words = widgets::clipped(&words, theme::label(), theme.text2, 70.0);
        ui.label(words);
        let (bar, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), 4.0), Sense::hover());
        let percent = format!("{:.0} %", fraction * 100.0);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, "Progress");
            info.value = Some(f64::from(fraction));
            info.current_text_value = Some(percent.clone());
            info
        });
        widgets::progress_bar(ui, bar, fraction, theme.bg3, theme.accent);
    });
}
