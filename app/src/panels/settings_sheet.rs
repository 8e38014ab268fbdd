//! Settings: where pictures go, how the window looks, what computes. Everything holds at once.

use egui::{Id, Modal, Ui, vec2};

use super::mask_colour::mask_colour_ui;
use crate::command::{Command, ModelsCommand};
use crate::gallery::meaning::{Activity, State};
use crate::scene::Scene;
use crate::settings::Theme;
use crate::theme;
use crate::widgets::{self, Loudness};
use limn_engine::catalogue::BUILT_IN_ID;
use limn_engine::protocol::{DeviceChoice, Feature, ModelId};

const WIDTH: f32 = 600.0;

/// Draws the sheet; whether it is to be closed.
pub fn settings_sheet_ui(ui: &Ui, scene: &mut Scene<'_>, gallery_folder: &str) -> bool {
    let theme = theme::of(ui);
    let modal = Modal::new(Id::unique("settings"))
        .backdrop_color(theme.veil)
        .frame(egui::Frame::popup(ui.style()).inner_margin(20));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
        ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
        let mut closes = false;
        ui.horizontal(|ui| {
            ui.label(
                egui::RichText::new("Settings")
                    .font(theme::title())
                    .color(theme.text),
            );
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                closes = widgets::icon_button(
                    ui,
                    crate::icons::Icon::Close,
                    "Close the settings   Esc",
                    28.0,
                )
                .clicked();
            });
        });
        let height = ui.ctx().content_rect().height() - 140.0;
        egui::ScrollArea::vertical()
            .max_height(height)
            // A sheet is as high as it was before, and so would never show more.
            .min_scrolled_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                look_ui(ui, scene);
                row_ui(ui, "Mask colour", |ui| mask_colour_ui(ui, scene));
                ui.separator();
                folder_ui(ui, scene, gallery_folder);
                ui.separator();
                ui.scope(|ui| meaning_ui(ui, scene));
                ui.separator();
                network_ui(ui, scene);
                ui.separator();
                device_ui(ui, scene);
            });
        closes
    });
    shown.inner || shown.backdrop_response.clicked()
}

fn row_ui(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui)) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        ui.allocate_ui(vec2(140.0, 30.0), |ui| {
            ui.set_min_size(vec2(140.0, 30.0));
            ui.centered_and_justified(|ui| {
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.label(
                        egui::RichText::new(name)
                            .font(theme::body())
                            .color(theme.text2),
                    );
                });
            });
        });
        contents(ui);
    });
}

fn look_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    row_ui(ui, "Theme", |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (choice, name) in [
            (Theme::System, "System"),
            (Theme::Dark, "Dark"),
            (Theme::Light, "Light"),
        ] {
            if widgets::tab(ui, name, scene.settings.theme == choice).clicked() {
                scene.send(Command::SetTheme(choice));
            }
        }
    });
    row_ui(ui, "Interface scale", |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let now = scene.settings.ui_scale.unwrap_or(1.0);
        for scale in [0.8_f32, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0] {
            let is_now = (now - scale).abs() < 0.01;
            if widgets::tab(ui, &format!("{:.0} %", scale * 100.0), is_now).clicked() {
                scene.send(Command::SetScale(scale));
            }
        }
    });
    let is = ui.ctx().zoom_factor();
    if is + 0.005 < scene.settings.ui_scale.unwrap_or(1.0) {
        let text = format!("{:.0} % is as much as fits into this window.", is * 100.0);
        row_ui(ui, "", |ui| widgets::remark(ui, &text));
    }
}

fn folder_ui(ui: &mut Ui, scene: &mut Scene<'_>, gallery_folder: &str) {
    row_ui(ui, "Gallery folder", |ui| {
        if widgets::button(ui, "Choose…", Loudness::Plain, None).clicked() {
            scene.send(Command::ChooseGalleryFolder);
        }
        if widgets::button(ui, "Open", Loudness::Plain, None).clicked() {
            scene.send(Command::OpenFolder);
        }
    });
    widgets::remark(ui, gallery_folder);
}

fn network_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    row_ui(ui, "Network", |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (offline, name) in [(false, "Models when I ask"), (true, "Never")] {
            if widgets::tab(ui, name, scene.settings.offline == offline).clicked() {
                let command = ModelsCommand::SetOffline(offline);
                scene.send(Command::Models(command));
            }
        }
    });
}

/// By which model pictures are found, and how far it is with them.
fn meaning_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let state = scene.gallery.meaning.clone();
    widgets::section(ui, "Find by what pictures show", &progress_words(&state));
    if let Activity::Failed(reason) = &state.activity {
        widgets::remark(ui, reason);
    }
    ui.spacing_mut().item_spacing.y = 2.0;
    let chosen = scene.settings.index_model.clone().map(ModelId);
    let built_in = "The built-in model: small, quick, and it knows its own pictures best";
    let mut choices = vec![(None, "Automatic".to_owned(), built_in.to_owned())];
    let others = scene
        .session
        .models
        .iter()
        .filter(|model| model.id.0 != BUILT_IN_ID && model.has(Feature::Embeddings));
    for model in others {
        let description = "All pictures are looked at anew, while nothing else is to be done";
        choices.push((
            Some(model.id.clone()),
            model.name.clone(),
            description.to_owned(),
        ));
    }
    for (choice, name, description) in choices {
        if widgets::choice_ui(ui, &name, &description, choice == chosen).clicked() {
            scene.send(Command::SetIndexModel(choice));
        }
    }
}

fn progress_words(state: &State) -> String {
    let (n_done, n_total) = (widgets::count(state.n_done), widgets::count(state.n_total));
    match &state.activity {
        Activity::Off => String::new(),
        Activity::Idle => format!("{n_total} pictures"),
        Activity::Encoding | Activity::Failed(_) => format!("{n_done} of {n_total} pictures"),
        Activity::Paused => format!("{n_done} of {n_total} pictures · your run comes first"),
        Activity::Resting => format!("{n_done} of {n_total} pictures · goes on in a while"),
    }
}

fn device_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    widgets::section(ui, "Compute on", "");
    ui.spacing_mut().item_spacing.y = 2.0;
    let chosen = scene.settings.compute.device.clone();
    let mut choices = vec![
        (
            DeviceChoice::Auto,
            "Automatic".to_owned(),
            "The best GPU that passes its self-test, else the CPU".to_owned(),
        ),
        (
            DeviceChoice::Cpu,
            "CPU".to_owned(),
            "Slower, and always there".to_owned(),
        ),
    ];
    for device in scene
        .session
        .devices
        .iter()
        .filter(|device| device.is_gpu && !device.is_software)
    {
        let choice = DeviceChoice::Named(device.name.clone());
        choices.push((
            choice,
            device.name.clone(),
            crate::scene::device_words(device),
        ));
    }
    for (choice, name, description) in choices {
        if widgets::choice_ui(ui, &name, &description, choice == chosen).clicked() {
            scene.send(Command::SetDevice(choice));
        }
    }
}
