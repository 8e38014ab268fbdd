//! Models that can be had: by a link, or from a list of good ones; and how those get on that are being fetched.

use egui::{Align, Key, Layout, Margin, RichText, Sense, TextEdit, Ui, vec2};

use super::fit::{Fit, fit};
use super::{card_ui, card_width};
use crate::command::{Command, ModelsCommand};
use crate::icons::Icon;
use crate::model_library::{KnownModel, Row, Stage, known_models};
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Loudness};

const LINK_HINT: &str = "Paste a link, or owner/name";

/// The field for a link, and what is on its way.
pub(super) fn fetching_ui(ui: &mut Ui, scene: &mut Scene<'_>, link: &mut String, rows: &[Row]) {
    if scene.settings.offline {
        offline_ui(ui, scene);
    } else {
        link_ui(ui, scene, link);
    }
    // Known ones get on where they stand in their list.
    let is_known = |row: &&Row| known_models().iter().any(|model| model.link == row.link);
    for row in rows.iter().filter(|row| !is_known(row)) {
        card_ui(ui, |ui| row_ui(ui, scene, row));
    }
}

fn offline_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    card_ui(ui, |ui| {
        ui.horizontal(|ui| {
            widgets::remark(ui, "Limn stays offline: nothing is fetched.");
            let allow = Command::Models(ModelsCommand::SetOffline(false));
            if widgets::small_button(ui, &allow.label(), Loudness::Plain).clicked() {
                scene.send(allow);
            }
        });
    });
}

fn link_ui(ui: &mut Ui, scene: &mut Scene<'_>, link: &mut String) {
    let theme = theme::of(ui);
    card_ui(ui, |ui| {
        widgets::section(ui, "Fetch a model", "");
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let can_find = !link.trim().is_empty();
                let button = ui
                    .add_enabled_ui(can_find, |ui| {
                        widgets::button(ui, "Find", Loudness::Primary, None)
                    })
                    .inner;
                let field = TextEdit::singleline(link)
                    .hint_text(RichText::new(LINK_HINT).color(theme.text3))
                    .margin(Margin::symmetric(10, 8))
                    .desired_width(f32::INFINITY);
                let response = ui.add(field);
                widgets::name_text_field(&response, "Link of a model", link);
                let enter =
                    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                if can_find && (button.clicked() || enter) {
                    scene.send(Command::Models(ModelsCommand::Find(std::mem::take(link))));
                }
            });
        });
        let words = "From Hugging Face, Civitai or any https address of a .safetensors file. Only what you ask for is fetched.";
        widgets::remark(ui, words);
    });
}

fn row_ui(ui: &mut Ui, scene: &mut Scene<'_>, row: &Row) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        let width = ui.available_width();
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let forget = Command::Models(ModelsCommand::Forget(row.id));
            if widgets::command_icon(ui, Icon::Close, &forget, 28.0, false).clicked() {
                scene.send(forget);
            }
            if let Some((text, loudness, command)) = next_step(row) {
                let command = Command::Models(command);
                if widgets::named_button(ui, text, &command.label(), loudness, None).clicked() {
                    scene.send(command);
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_size(vec2(0.0, 31.0));
                let title = widgets::shown(&row.title);
                let shown = widgets::clipped(&title, theme::title(), theme.text, width * 0.6);
                ui.label(shown).on_hover_text(title);
            });
        });
    });
    if let Stage::Running {
        n_bytes,
        total_bytes,
        ..
    } = row.stage
    {
        let (rect, response) = ui.allocate_exact_size(vec2(card_width(ui), 4.0), Sense::hover());
        let fraction = n_bytes as f32 / total_bytes.max(1) as f32;
        let fraction = fraction.min(1.0);
        response.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(
                egui::accesskit::Role::ProgressIndicator,
                true,
                "Fetched",
            );
            info.value = Some(f64::from(fraction));
            info
        });
        widgets::progress_bar(ui, rect, fraction, theme.bg3, theme.accent);
    }
    let colour = if matches!(row.stage, Stage::Failed(_)) {
        theme.error
    } else {
        theme.text2
    };
    let words = RichText::new(widgets::shown_message(&stage_words(row))).font(theme::label());
    ui.label(words.color(colour));
}

/// What can be done with it next.
fn next_step(row: &Row) -> Option<(&'static str, Loudness, ModelsCommand)> {
    match row.stage {
        Stage::Asking => None,
        Stage::Offered { .. } => Some(("Fetch", Loudness::Primary, ModelsCommand::Get(row.id))),
        Stage::Running { .. } => Some(("Pause", Loudness::Plain, ModelsCommand::Pause(row.id))),
        Stage::Paused => Some(("Go on", Loudness::Primary, ModelsCommand::Get(row.id))),
        Stage::Failed(_) => Some(("Try again", Loudness::Plain, ModelsCommand::Get(row.id))),
    }
}

fn stage_words(row: &Row) -> String {
    match &row.stage {
        Stage::Asking => "Asking what there is…".to_owned(),
        Stage::Offered {
            n_files,
            total_bytes,
            licence,
        } => {
            let files = if *n_files == 1 {
                "1 file".to_owned()
            } else {
                format!("{n_files} files")
            };
            let size = if *total_bytes == 0 {
                "of unknown size".to_owned()
            } else {
                widgets::bytes(*total_bytes)
            };
            let licence = licence.as_deref().map_or_else(
                || "licence not told".to_owned(),
                |licence| format!("licence {licence}"),
            );
            format!("{files} · {size} · {licence}")
        }
        Stage::Running { waits: true, .. } => {
            "The server does not answer: it is asked again…".to_owned()
        }
        Stage::Running {
            n_bytes,
            total_bytes,
            ..
        } => {
            let mut words = widgets::bytes(*n_bytes);
            if *total_bytes > 0 {
                words = format!("{words} of {}", widgets::bytes(*total_bytes));
            }
            if let Some(speed) = row.bytes_per_second().filter(|speed| *speed > 0.0) {
                let left = total_bytes.saturating_sub(*n_bytes) as f64 / speed;
                words = format!(
                    "{words} · {}/s · {} left",
                    widgets::bytes(speed as u64),
                    widgets::duration(left as f32)
                );
            }
            words
        }
        Stage::Paused => "Paused: what is there stays".to_owned(),
        Stage::Failed(reason) => reason.clone(),
    }
}

/// Good models that are not installed.
pub(super) fn known_ui(ui: &mut Ui, scene: &mut Scene<'_>, rows: &[Row]) {
    if scene.settings.offline {
        return;
    }
    let theme = theme::of(ui);
    ui.add_space(8.0);
    let heading = RichText::new("Models you can fetch").font(theme::title());
    ui.label(heading.color(theme.text));
    let is_there = |model: &KnownModel| {
        let name = model.link.rsplit('/').next().unwrap_or_default();
        let name = name.trim_end_matches(".safetensors");
        scene
            .session
            .models
            .iter()
            .any(|installed| installed.id.0 == name)
            || scene
                .session
                .loras
                .installed()
                .iter()
                .any(|lora| lora.name == name)
    };
    let offered: Vec<&KnownModel> = known_models()
        .iter()
        .filter(|model| !is_there(model))
        .collect();
    for model in offered {
        let row = rows.iter().find(|row| row.link == model.link);
        card_ui(ui, |ui| match row {
            Some(row) => row_ui(ui, scene, row),
            None => known_model_ui(ui, scene, model),
        });
    }
}

fn known_model_ui(ui: &mut Ui, scene: &mut Scene<'_>, model: &KnownModel) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let size = widgets::bytes(model.size_mb * 1_000_000);
            let label = format!("Fetch {}", model.title);
            if widgets::named_button(ui, &format!("Get · {size}"), &label, Loudness::Plain, None)
                .clicked()
            {
                scene.send(Command::Models(ModelsCommand::Find(model.link.clone())));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_size(vec2(0.0, 31.0));
                ui.label(
                    RichText::new(&model.title)
                        .font(theme::title())
                        .color(theme.text),
                );
            });
        });
    });
    let good_for = RichText::new(format!("For {}", model.good_for)).font(theme::body());
    ui.label(good_for.color(theme.text2));
    if let Some(fit) = fit(model, &scene.session.devices) {
        let colour = match fit {
            Fit::Well(_) => theme.ok,
            Fit::Slowly(_) => theme.text2,
            Fit::Not(_) => theme.error,
        };
        ui.label(
            RichText::new(fit.words())
                .font(theme::label())
                .color(colour),
        );
    }
    widgets::remark(ui, &format!("{}: {}", model.licence, model.duty));
}
