//! The button that names what it does, and how far the queue is.

use egui::{
    Align, Align2, Id, Layout, Popup, PopupCloseBehavior, Rect, Role, Sense, Stroke, StrokeKind,
    Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::button_width;
use crate::command::Command;
use crate::icons::{self, Icon};
use crate::scene::{Scene, run_state_words};
use crate::session::{Deed, RunState};
use crate::theme;
use crate::widgets;

/// In a narrow window the other deeds open under the icon, not beside the words.
const CHEVRON_HEIGHT: f32 = 28.0;
const CHEVRON_WIDTH: f32 = 30.0;

/// The button, and under it how far the queue is.
pub(super) fn deed_ui(ui: &mut Ui, scene: &mut Scene<'_>, height: f32) {
    let is_busy = scene.session.running().is_some();
    let size = vec2(button_width(ui), height);
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
    let shortcut = Command::Generate
        .shortcut()
        .map_or(String::new(), |shortcut| {
            shortcut.text(ui.ctx().os() == egui::os::OperatingSystem::Mac)
        });
    let others = others_place(ui, scene, rect);
    face_ui(ui, scene.session.deed(), &shortcut, rect, others);
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
    if let Some(others) = others {
        other_deeds_ui(ui, scene, others.shrink(3.0));
    }
    if clicked {
        scene.send(Command::Generate);
    }
}

/// What stands on the button, beside the chevron of the other deeds: words, or an icon in a narrow window.
fn face_ui(ui: &Ui, deed: Deed, shortcut: &str, rect: Rect, others: Option<Rect>) {
    let theme = theme::of(ui);
    let mut face = rect;
    if theme::is_narrow(ui.ctx()) {
        face.max.y = others.map_or(face.max.y, |others| others.top());
        icons::paint(ui.painter(), face, 24.0, icon(deed), theme.on_accent);
        return;
    }
    face.max.x = others.map_or(face.max.x, |others| others.left());
    let lines = [
        (-9.0, deed.label(), theme::title()),
        (11.0, shortcut, theme::label()),
    ];
    for (dy, text, font) in lines {
        let job = widgets::clipped(text, font, theme.on_accent, face.width() - 12.0);
        let galley = ui.painter().layout_job(job);
        let at = Align2::CENTER_CENTER.anchor_size(face.center() + vec2(0.0, dy), galley.size());
        ui.painter().galley(at.min, galley, theme.on_accent);
    }
}

fn icon(deed: Deed) -> Icon {
    match deed {
        Deed::NewPictures => Icon::Picture,
        Deed::FillMask => Icon::Brush,
        Deed::ChangePicture => Icon::Again,
        Deed::Extend => Icon::Extend,
        Deed::Variations | Deed::Mix => Icon::Layers,
        Deed::Turn => Icon::RotateView,
        Deed::Upscale => Icon::Zoom,
    }
}

/// Where the other deeds are opened, if there are any.
fn others_place(ui: &Ui, scene: &Scene<'_>, rect: Rect) -> Option<Rect> {
    let choices = Deed::CHOICES.into_iter();
    let n_can_do = choices.filter(|deed| scene.session.can_do(*deed)).count();
    (n_can_do > 1).then(|| {
        if theme::is_narrow(ui.ctx()) {
            rect.with_min_y(rect.bottom() - CHEVRON_HEIGHT)
        } else {
            rect.with_min_x(rect.right() - CHEVRON_WIDTH)
        }
    })
}

/// Another deed than the one that the document suggests.
fn other_deeds_ui(ui: &Ui, scene: &mut Scene<'_>, rect: Rect) {
    let can_do: Vec<Deed> = Deed::CHOICES
        .into_iter()
        .filter(|deed| scene.session.can_do(*deed))
        .collect();
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
                    widgets::choice_ui(ui, deed.label(), remark, deed == current)
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
        Some(left) if run.state != RunState::Stopping && run.n_kernels().is_none() => {
            widgets::duration(left)
        }
        _ => run_state_words(run, scene),
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
        let is_narrow = theme::is_narrow(ui.ctx());
        if !is_narrow {
            let words = widgets::clipped(&words, theme::label(), theme.text2, 70.0);
            ui.label(words);
        }
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
        if is_narrow {
            // The words have no room.
            response.on_hover_text(words);
        }
    });
}
