//! What can draw here: the installed models, each with an honest line, and the devices.

use egui::{Frame, Margin, ScrollArea, Stroke, Ui};

use super::Scene;
use super::widgets::{self, Loudness};
use crate::command::Command;
use crate::theme;
use limn_engine::protocol::ModelInfo;

const CARD_WIDTH: f32 = 640.0;

pub fn models_place_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let theme = theme::of(ui);
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 12.0;
        ui.label(egui::RichText::new("Models").font(theme::heading()).color(theme.text));
        let models = scene.session.models.clone();
        if models.is_empty() {
            let words = if scene.session.models_are_listed {
                "No model is installed. Put a model's folder, as diffusers writes it, into the library of models."
            } else {
                "Looking for models…"
            };
            widgets::remark(ui, words);
        }
        let current = scene.session.current_model().map(|model| model.id.clone());
        for model in models {
            let is_current = current.as_ref() == Some(&model.id);
            model_card_ui(ui, scene, &model, is_current);
        }
        upscalers_ui(ui, scene);
        ui.add_space(8.0);
        ui.label(egui::RichText::new("Devices").font(theme::title()).color(theme.text));
        if scene.session.devices.is_empty() {
            widgets::remark(ui, "Looking for devices…");
        }
        for device in scene.session.devices.clone() {
            card_ui(ui, |ui| {
                ui.label(egui::RichText::new(widgets::shown(&device.name)).font(theme::body_medium()).color(theme.text));
                let mut words = super::device_words(&device);
                if device.is_software {
                    words.push_str(" · a CPU that pretends to be a GPU, never used");
                }
                widgets::remark(ui, &words);
            });
        }
    });
}

/// What makes pictures larger. Which one is taken is decided for each picture.
fn upscalers_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let theme = theme::of(ui);
    ui.add_space(8.0);
    let heading = egui::RichText::new("Upscalers").font(theme::title());
    ui.label(heading.color(theme.text));
    for upscaler in &scene.session.upscalers {
        card_ui(ui, |ui| {
            let name =
                egui::RichText::new(widgets::shown(&upscaler.name)).font(theme::body_medium());
            ui.label(name.color(theme.text));
            let used_for = match &upscaler.made_for {
                Some(model) => format!("for pictures by {model}"),
                None => "for any picture".to_owned(),
            };
            let facts = format!(
                "{} · {} · {} times as large · {used_for}",
                upscaler.family,
                widgets::bytes(upscaler.bytes),
                upscaler.scale
            );
            widgets::remark(ui, &facts);
        });
    }
    let words = "Put ESRGAN files (.safetensors) into the library of models: the first by name makes pictures larger that \
                 no other is made for.";
    widgets::remark(ui, words);
}

fn model_card_ui(ui: &mut Ui, scene: &mut Scene<'_>, model: &ModelInfo, is_current: bool) {
    card_ui(ui, |ui| {
        let theme = theme::of(ui);
        ui.horizontal(|ui| {
            ui.label(
                egui::RichText::new(widgets::shown(&model.name))
                    .font(theme::title())
                    .color(theme.text),
            );
            let (width, height) = model.default_size;
            let facts = format!(
                "{} · {} · {width} × {height} px",
                model.family,
                widgets::bytes(model.bytes)
            );
            ui.label(
                egui::RichText::new(widgets::shown_message(&facts))
                    .font(theme::label())
                    .color(theme.text3),
            );
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if is_current {
                    ui.label(
                        egui::RichText::new("In use")
                            .font(theme::label_medium())
                            .color(theme.ok),
                    );
                } else if widgets::button(ui, "Use", Loudness::Primary, None).clicked() {
                    scene.send(Command::SetModel(model.id.clone()));
                }
            });
        });
        if !model.description.is_empty() {
            ui.label(
                egui::RichText::new(widgets::shown_lines(&model.description))
                    .font(theme::body())
                    .color(theme.text2),
            );
        }
        if let Some(vocabulary) = &model.vocabulary {
            words_ui(ui, "Draws", &vocabulary.objects);
            words_ui(ui, "Colours", &vocabulary.colours);
            words_ui(ui, "Places", &vocabulary.places);
            words_ui(ui, "Times", &vocabulary.times);
            words_ui(ui, "Styles", &vocabulary.styles);
        }
        if !model.examples.is_empty() {
            ui.horizontal_wrapped(|ui| {
                for example in model.examples.iter().take(6) {
                    let label = format!("Use the prompt “{example}”");
                    if widgets::pill(ui, example, &label, false).clicked() {
                        scene.send(Command::SetPrompt(example.clone()));
                        scene.send(Command::GoTo(crate::session::Place::Canvas));
                    }
                }
            });
        }
    });
}

fn words_ui(ui: &mut Ui, name: &str, words: &[String]) {
    if words.is_empty() {
        return;
    }
    let theme = theme::of(ui);
    ui.horizontal_top(|ui| {
        ui.allocate_ui(egui::vec2(64.0, 16.0), |ui| {
            ui.set_min_width(64.0);
            ui.label(
                egui::RichText::new(name)
                    .font(theme::label())
                    .color(theme.text3),
            );
        });
        ui.vertical(|ui| {
            ui.label(
                egui::RichText::new(widgets::shown_lines(&words.join(", ")))
                    .font(theme::label())
                    .color(theme.text2),
            );
        });
    });
}

fn card_ui(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let theme = theme::of(ui);
    Frame::new()
        .fill(theme.bg1)
        .stroke(Stroke::new(1.0, theme.line))
        .corner_radius(theme::RADIUS_CARD)
        .inner_margin(Margin::same(16))
        .show(ui, |ui| {
            ui.set_width(CARD_WIDTH.min(ui.available_width()));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 8.0;
                contents(ui);
            });
        });
}
