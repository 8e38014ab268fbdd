//! Places at the left, documents beside them; queue, model and device at the right.

use egui::{
    Align, Color32, Layout, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};

use super::{Region, document_tabs};
use crate::command::Command;
use crate::icons::{self, Icon};
use crate::scene::{Scene, run_state_words};
use crate::session::{EngineState, Place, Run};
use crate::theme::{self, Theme};
use crate::widgets::{self, Loudness};
use limn_engine::protocol::DeviceChoice;

/// From this width on, in points, the device says how much memory is in use.
const WIDE_WINDOW: f32 = 1400.0;

pub fn top_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let theme = theme::of(ui);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        ui.label(
            egui::RichText::new("Limn")
                .font(theme::title())
                .color(theme.text),
        );
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for place in Place::ALL {
                let tab = widgets::tab(ui, place.label(), scene.session.place == place);
                if tab.clicked() {
                    scene.send(Command::GoTo(place));
                }
                if place == Place::ALL[0] {
                    super::mark_region(ui, Region::TopBar, &tab);
                }
            }
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            settings_button_ui(ui, scene);
            device_chip_ui(ui, scene);
            model_chip_ui(ui, scene);
            queue_chip_ui(ui, scene);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                document_tabs::document_tabs_ui(ui, scene);
            });
        });
    });
}

fn settings_button_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    if widgets::command_icon(ui, Icon::Settings, &Command::Settings, 31.0, false).clicked() {
        scene.send(Command::Settings);
    }
}

fn queue_chip_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let n_active = scene.session.active_runs().count();
    if n_active == 0 && scene.session.held.is_none() {
        return;
    }
    let left = scene.session.seconds_left(scene.now).map(widgets::duration);
    let (quiet, strong) = if scene.session.held.is_some() {
        ("Queue ".to_owned(), "paused".to_owned())
    } else {
        (
            format!("{n_active} in queue"),
            left.map(|left| format!(" · {left}")).unwrap_or_default(),
        )
    };
    let chip = chip(ui, &[(&quiet, false), (&strong, true)], None, false);
    popover(&chip, 320.0, |ui| {
        widgets::section(ui, "Queue", "");
        let runs: Vec<_> = scene.session.active_runs().map(|run| run.id).collect();
        for id in runs {
            queue_row_ui(ui, scene, id);
        }
        if let Some(reason) = &scene.session.held {
            ui.label(
                egui::RichText::new(widgets::shown_message(reason))
                    .font(theme::label())
                    .color(theme::of(ui).error),
            );
            if widgets::button(ui, "Try saving again", Loudness::Plain, None).clicked() {
                scene.send(Command::RetrySaving);
            }
        }
    });
}

/// One waiting or running run with its ✕.
pub fn queue_row_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: crate::session::RunId) {
    let theme = theme::of(ui);
    let Some(run) = scene.session.run(id) else {
        return;
    };
    let (state, fraction) = (run_state_words(run, scene), run.fraction());
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 44.0), Sense::click());
    let title = run.title();
    let label = format!("{}: {state}", widgets::shown(&title));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    let is_selected = scene.session.selected_run() == Some(id);
    if response.hovered() || is_selected {
        ui.painter().rect_filled(rect, theme::RADIUS, theme.bg3);
    }
    let inner = rect.shrink2(vec2(10.0, 6.0));
    let text_width = inner.width() - 32.0;
    let prompt = widgets::clipped(&title, theme::label_medium(), theme.text, text_width);
    ui.painter()
        .galley(inner.min, ui.painter().layout_job(prompt), theme.text);
    let state = widgets::clipped(&state, theme::caption(), theme.text2, text_width);
    ui.painter().galley(
        inner.min + vec2(0.0, 17.0),
        ui.painter().layout_job(state),
        theme.text2,
    );
    if fraction > 0.0 {
        let bar = egui::Rect::from_min_size(
            egui::pos2(rect.left() + 10.0, rect.bottom() - 4.0),
            vec2(text_width, 2.0),
        );
        widgets::progress_bar(ui, bar, fraction, theme.line, theme.accent);
    }
    widgets::focus_ring(ui, &response, rect, theme::RADIUS);
    if response.clicked() {
        scene.send(Command::SelectRun(id));
    }
    let close = egui::Rect::from_center_size(
        egui::pos2(inner.right() - 10.0, rect.center().y),
        vec2(24.0, 24.0),
    );
    let mut close_ui = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(close)
            .id_salt(("cancel", id.0)),
    );
    let cancel = widgets::icon_button(
        &mut close_ui,
        Icon::Close,
        &format!("Cancel “{}”", run_title(scene, id)),
        24.0,
    );
    if cancel.clicked() {
        scene.send(Command::CancelRun(id));
    }
}

fn run_title(scene: &Scene<'_>, id: crate::session::RunId) -> String {
    let title = scene.session.run(id).map(Run::title).unwrap_or_default();
    title.chars().take(40).collect()
}

fn model_chip_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let current = scene.session.current_model();
    let name = current.map_or("…".to_owned(), |model| model.name.clone());
    let is_narrow = theme::is_narrow(ui.ctx());
    let quiet = if is_narrow { "" } else { "Model  " };
    let chip = chip(ui, &[(quiet, false), (&name, true)], None, true);
    let current = current.map(|model| model.id.clone());
    popover(&chip, 320.0, |ui| {
        widgets::section(ui, "Model", "");
        if scene.session.models.is_empty() {
            widgets::remark(ui, "Looking for models…");
        }
        let models: Vec<_> = scene
            .session
            .models
            .iter()
            .map(|model| {
                (
                    model.id.clone(),
                    model.name.clone(),
                    model.description.clone(),
                )
            })
            .collect();
        for (id, name, description) in models {
            let is_current = current.as_ref() == Some(&id);
            if widgets::choice_ui(ui, &name, &description, is_current).clicked() {
                scene.send(Command::SetModel(id));
                ui.close();
            }
        }
        if widgets::button(ui, "All models, and more to fetch", Loudness::Quiet, None).clicked() {
            scene.send(Command::GoTo(Place::Models));
            ui.close();
        }
    });
}

fn device_chip_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let theme = theme::of(ui);
    let (dot, name) = match &scene.session.engine {
        EngineState::Starting => (theme.text3, "Starting…".to_owned()),
        EngineState::Restarting(_) => (theme.warn, "Starting again…".to_owned()),
        EngineState::Loading(fraction) => {
            (theme.warn, format!("Reading {:.0} %", fraction * 100.0))
        }
        EngineState::Ready => (theme.ok, device_name(scene)),
    };
    let memory = scene.session.memory;
    let has_room = ui.ctx().content_rect().width() >= WIDE_WINDOW;
    let memory_text = if has_room && memory.in_use_bytes > 0 && memory.budget_bytes > 0 {
        format!(
            "  {}",
            memory_words(memory.in_use_bytes, memory.budget_bytes)
        )
    } else {
        String::new()
    };
    let chip = chip(
        ui,
        &[(&name, true), (&memory_text, false)],
        Some(dot),
        false,
    );
    popover(&chip, 320.0, |ui| {
        widgets::section(ui, "Compute on", "");
        let chosen = scene.settings.compute.device.clone();
        let mut choices = vec![(
            DeviceChoice::Auto,
            "Automatic".to_owned(),
            "The best GPU that passes its self-test, else the CPU".to_owned(),
        )];
        for device in scene
            .session
            .devices
            .iter()
            .filter(|device| !device.is_software)
        {
            choices.push((
                DeviceChoice::Named(device.name.clone()),
                device.name.clone(),
                crate::scene::device_words(device),
            ));
        }
        for (choice, name, description) in choices {
            if widgets::choice_ui(ui, &name, &description, choice == chosen).clicked() {
                scene.send(Command::SetDevice(choice));
                ui.close();
            }
        }
        if let EngineState::Restarting(reason) = &scene.session.engine {
            ui.label(
                egui::RichText::new(widgets::shown_message(reason))
                    .font(theme::label())
                    .color(theme::of(ui).error),
            );
        }
        if !has_room && memory.in_use_bytes > 0 && memory.budget_bytes > 0 {
            let words = memory_words(memory.in_use_bytes, memory.budget_bytes);
            widgets::remark(ui, &format!("Memory: {words}"));
        }
        if let Some(peak) = memory.peak_resident_bytes {
            widgets::remark(
                ui,
                &format!("The engine used up to {}.", widgets::bytes(peak)),
            );
        }
    });
}

fn device_name(scene: &Scene<'_>) -> String {
    match (&scene.session.device, &scene.settings.compute.device) {
        (Some(device), _) => device.clone(),
        (None, DeviceChoice::Named(name)) => name.clone(),
        (None, DeviceChoice::Cpu) => "CPU".to_owned(),
        (None, _) => match scene
            .session
            .devices
            .iter()
            .find(|device| device.is_gpu && !device.is_software)
        {
            Some(device) => device.name.clone(),
            None => "CPU".to_owned(),
        },
    }
}

fn memory_words(in_use_bytes: u64, budget_bytes: u64) -> String {
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    if budget_bytes >= 1_000_000_000 {
        format!(
            "{:.1} / {:.0} GB",
            gigabytes(in_use_bytes),
            gigabytes(budget_bytes)
        )
    } else {
        format!(
            "{} / {}",
            widgets::bytes(in_use_bytes),
            widgets::bytes(budget_bytes)
        )
    }
}

/// A chip of quiet and strong words, a dot before and a chevron behind them where wanted.
fn chip(ui: &mut Ui, parts: &[(&str, bool)], dot: Option<Color32>, has_chevron: bool) -> Response {
    let theme = theme::of(ui);
    let label: String = parts.iter().map(|(text, _)| widgets::shown(text)).collect();
    let styled: Vec<_> = parts
        .iter()
        .map(|(text, is_strong)| {
            if *is_strong {
                (*text, theme::label_medium(), theme.text)
            } else {
                (*text, theme::label(), theme.text2)
            }
        })
        .collect();
    let mut job = widgets::two_tone(&styled);
    if has_chevron || dot.is_some() {
        job.wrap.max_width = chip_width(ui);
    }
    let galley = ui.painter().layout_job(job);
    let is_cut = galley.elided;
    let before = if dot.is_some() { 15.0 } else { 0.0 };
    let behind = if has_chevron { 20.0 } else { 0.0 };
    let size = vec2(galley.size().x + before + behind + 20.0, 29.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    paint_chip(ui, theme, rect, &response);
    let mut x = rect.left() + 10.0;
    if let Some(dot) = dot {
        ui.painter()
            .circle_filled(egui::pos2(x + 3.5, rect.center().y), 3.5, dot);
        x += before;
    }
    let text_pos = egui::pos2(x, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(text_pos, galley, theme.text);
    if has_chevron {
        let chevron = egui::Rect::from_center_size(
            egui::pos2(rect.right() - 14.0, rect.center().y),
            vec2(12.0, 12.0),
        );
        icons::paint(ui.painter(), chevron, 12.0, Icon::ChevronDown, theme.text2);
    }
    if is_cut {
        return response.on_hover_text(label);
    }
    response
}

/// Names of models and devices may be long: so much of one is shown, in points.
fn chip_width(ui: &Ui) -> f32 {
    const NARROW: f32 = 96.0;
    const USUAL: f32 = 150.0;
    const WIDE: f32 = 280.0;
    if theme::is_narrow(ui.ctx()) {
        NARROW
    } else if ui.ctx().content_rect().width() < WIDE_WINDOW {
        USUAL
    } else {
        WIDE
    }
}

fn paint_chip(ui: &Ui, theme: &Theme, rect: egui::Rect, response: &Response) {
    let fill = if response.hovered() {
        theme.bg3
    } else {
        theme.bg2
    };
    let outline = if response.hovered() {
        theme.border
    } else {
        theme.line
    };
    ui.painter().rect(
        rect,
        theme::RADIUS,
        fill,
        Stroke::new(1.0, outline),
        StrokeKind::Inside,
    );
    widgets::focus_ring(ui, response, rect, theme::RADIUS);
}

fn popover(chip: &Response, width: f32, contents: impl FnOnce(&mut Ui)) {
    widgets::popover(chip, egui::RectAlign::BOTTOM_END, width, contents);
}
