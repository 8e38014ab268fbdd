//! What can draw here: where models are added and fetched, the installed ones, each with an honest line, and the devices.

mod fit;
mod getting;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use egui::{Frame, Label, Margin, RectAlign, RichText, ScrollArea, Stroke, Ui, vec2};

use crate::command::{Command, ModelsCommand};
use crate::icons::Icon;
use crate::model_library::Row;
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Loudness};
use limn_engine::catalogue::SharedFolder;
use limn_engine::families::FAMILIES;
use limn_engine::protocol::ModelInfo;

const CARD_WIDTH: f32 = 640.0;

/// What can be opened, in one line.
fn formats() -> String {
    let families: Vec<&str> = FAMILIES.iter().map(|family| family.name()).collect();
    let families = match families.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => families.concat(),
    };
    format!(
        "Reads {families} models as diffusers folders (model_index.json) or, where they have such, as single .safetensors files; LoRAs and ESRGAN upscalers as .safetensors files."
    )
}

/// The folder that models are put into, and how it stands with it.
#[derive(Debug, Default)]
pub struct Library {
    pub folder: String,
    pub unreadable: Vec<Unreadable>,
    /// A model is being linked or copied.
    pub is_adding: bool,
    /// What stands in the field for a link.
    pub link: String,
    /// What is read where other programs keep it.
    pub shared: Vec<Shared>,
    /// Where models lie, by their ids.
    pub places: BTreeMap<String, ModelPlace>,
}

/// Where the files of a model are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPlace {
    pub path: PathBuf,
    /// In the library itself, not in another program's folder.
    pub is_own: bool,
}

/// A folder of another program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    pub folder: SharedFolder,
    /// Not on a drive that is unplugged.
    pub is_there: bool,
}

/// Something in the library that is no model, or a damaged one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub name: String,
    pub reason: String,
}

impl Library {
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.display().to_string(),
            ..Self::default()
        }
    }
}

pub fn models_place_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    library: &mut Library,
    downloads: &[Row],
) {
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 12.0;
            heading_ui(ui, "Models");
            add_ui(ui, scene, library);
            getting::fetching_ui(ui, scene, &mut library.link, downloads);
            shared_ui(ui, scene, library);
            unreadable_ui(ui, library);
            let models = scene.session.models.clone();
            if models.is_empty() {
                let words = if scene.session.models_are_listed {
                    "No model is installed yet."
                } else {
                    "Looking for models…"
                };
                widgets::remark(ui, words);
            }
            let current = scene.session.current_model().map(|model| model.id.clone());
            for model in models {
                let is_current = current.as_ref() == Some(&model.id);
                let place = library.places.get(&model.id.0);
                model_card_ui(ui, scene, &model, place, is_current);
            }
            getting::known_ui(ui, scene, downloads);
            loras_ui(ui, scene);
            upscalers_ui(ui, scene);
            devices_ui(ui, scene);
        });
}

fn heading_ui(ui: &mut Ui, title: &str) {
    let text = RichText::new(title).font(theme::heading());
    ui.label(text.color(theme::of(ui).text));
}

/// Where a model is added: by a button, by dropping it, or by hand in the folder.
fn add_ui(ui: &mut Ui, scene: &mut Scene<'_>, library: &Library) {
    let theme = theme::of(ui);
    let zone = Frame::new()
        .fill(theme.bg1)
        .corner_radius(theme::RADIUS_CARD)
        .inner_margin(Margin::same(16))
        .show(ui, |ui| {
            ui.set_width(card_width(ui));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 8.0;
                ui.horizontal_wrapped(|ui| {
                    add_button_ui(ui, scene, library);
                    let text = RichText::new("or drop a folder or a .safetensors file here");
                    ui.label(text.font(theme::body()).color(theme.text2));
                });
                widgets::remark(ui, &formats());
                ui.horizontal(|ui| {
                    let open = Command::Models(ModelsCommand::OpenFolder);
                    let button = widgets::button(ui, "Open", Loudness::Plain, None);
                    if button.on_hover_text(open.label()).clicked() {
                        scene.send(open);
                    }
                    let refresh = Command::Models(ModelsCommand::Refresh);
                    if widgets::command_icon(ui, Icon::Again, &refresh, 31.0, false).clicked() {
                        scene.send(refresh);
                    }
                    let folder = widgets::shown_message(&library.folder);
                    let text = RichText::new(&folder)
                        .font(theme::label())
                        .color(theme.text2);
                    ui.add(Label::new(text).truncate()).on_hover_text(folder);
                });
            });
        });
    widgets::dashed_edge(ui, zone.response.rect.shrink(0.5));
}

fn add_button_ui(ui: &mut Ui, scene: &mut Scene<'_>, library: &Library) {
    let text = if library.is_adding {
        "Adding…"
    } else {
        "Add model…"
    };
    let button = ui
        .add_enabled_ui(!library.is_adding, |ui| {
            let width = Some(148.0);
            widgets::named_button(ui, text, "Add model…", Loudness::Primary, width)
        })
        .inner;
    widgets::popover(&button, RectAlign::BOTTOM_START, 320.0, |ui| {
        for (name, remark, command) in [
            (
                "A folder…",
                "A model as diffusers writes one, with model_index.json",
                ModelsCommand::ChooseFolder,
            ),
            (
                "A .safetensors file…",
                "A whole model in one file, a LoRA or an upscaler",
                ModelsCommand::ChooseFile,
            ),
            (
                "Another program’s models…",
                "Of ComfyUI, a web interface or the hub’s cache: read where they lie, never written",
                ModelsCommand::ChooseShared,
            ),
        ] {
            if widgets::choice_ui(ui, name, remark, false).clicked() {
                scene.send(Command::Models(command));
                ui.close();
            }
        }
    });
}

/// Folders of other programs.
fn shared_ui(ui: &mut Ui, scene: &mut Scene<'_>, library: &Library) {
    if library.shared.is_empty() {
        return;
    }
    let theme = theme::of(ui);
    card_ui(ui, |ui| {
        widgets::section(ui, "Shared with other programs", "");
        for Shared { folder, is_there } in &library.shared {
            ui.horizontal(|ui| {
                let command = Command::Models(ModelsCommand::Unshare(folder.path.clone()));
                if widgets::command_icon(ui, Icon::Close, &command, 24.0, false).clicked() {
                    scene.send(command);
                }
                let (words, colour) = if *is_there {
                    (folder.program.clone(), theme.text)
                } else {
                    (format!("{} · not there now", folder.program), theme.warn)
                };
                ui.label(
                    RichText::new(widgets::shown(&words))
                        .font(theme::label_medium())
                        .color(colour),
                );
                let path = widgets::shown_message(&folder.path.display().to_string());
                let text = RichText::new(&path).font(theme::label()).color(theme.text2);
                ui.add(Label::new(text).truncate()).on_hover_text(path);
            });
        }
    });
}

/// What lies in the folder and is not in the list below.
fn unreadable_ui(ui: &mut Ui, library: &Library) {
    if library.unreadable.is_empty() {
        return;
    }
    let theme = theme::of(ui);
    card_ui(ui, |ui| {
        widgets::section(ui, "Could not be read", "");
        for unreadable in &library.unreadable {
            let name = RichText::new(widgets::shown(&unreadable.name));
            ui.label(name.font(theme::label_medium()).color(theme.text));
            let reason = RichText::new(widgets::shown_message(&unreadable.reason));
            ui.label(reason.font(theme::label()).color(theme.error));
        }
    });
}

fn devices_ui(ui: &mut Ui, scene: &Scene<'_>) {
    ui.add_space(8.0);
    let theme = theme::of(ui);
    ui.label(
        RichText::new("Devices")
            .font(theme::title())
            .color(theme.text),
    );
    if scene.session.devices.is_empty() {
        widgets::remark(ui, "Looking for devices…");
    }
    for device in &scene.session.devices {
        card_ui(ui, |ui| {
            let name = RichText::new(widgets::shown(&device.name));
            ui.label(name.font(theme::body_medium()).color(theme.text));
            let mut words = crate::scene::device_words(device);
            if device.is_software {
                words.push_str(" · a CPU that pretends to be a GPU, never used");
            }
            widgets::remark(ui, &words);
        });
    }
}

fn card_width(ui: &Ui) -> f32 {
    CARD_WIDTH.min(ui.available_width())
}

/// What changes models, by a list in the prompt bar or by words in the prompt.
fn loras_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let loras = scene.session.loras.installed();
    if loras.is_empty() {
        return;
    }
    let theme = theme::of(ui);
    ui.add_space(8.0);
    let heading = RichText::new("LoRAs").font(theme::title());
    ui.label(heading.color(theme.text));
    for lora in loras {
        card_ui(ui, |ui| {
            let name = RichText::new(widgets::shown(&lora.name)).font(theme::body_medium());
            ui.label(name.color(theme.text));
            widgets::remark(ui, &lora.facts);
            let words = format!(
                "In the list of LoRAs beside the prompt, or <lora:{}:1> in it",
                lora.name
            );
            widgets::remark(ui, &widgets::shown(&words));
        });
    }
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
    let words =
        "A model that brings no upscaler of its own uses the first by name of those you add.";
    widgets::remark(ui, words);
}

fn model_card_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    model: &ModelInfo,
    place: Option<&ModelPlace>,
    is_current: bool,
) {
    card_ui(ui, |ui| {
        let theme = theme::of(ui);
        ui.horizontal(|ui| {
            let width = ui.available_width();
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if is_current {
                    let text = RichText::new("In use").font(theme::label_medium());
                    ui.label(text.color(theme.ok));
                } else if widgets::button(ui, "Use", Loudness::Primary, None).clicked() {
                    scene.send(Command::SetModel(model.id.clone()));
                }
                if let Some(place) = place {
                    files_ui(ui, scene, model, place);
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.set_min_size(vec2(0.0, 31.0));
                    let (name, room) = (widgets::shown(&model.name), width * 0.5);
                    ui.label(widgets::clipped(&name, theme::title(), theme.text, room))
                        .on_hover_text(name);
                    let (width, height) = model.default_size;
                    let facts = format!(
                        "{} · {} · {width} × {height} px",
                        model.family,
                        widgets::bytes(model.bytes)
                    );
                    let facts = RichText::new(widgets::shown_message(&facts));
                    let facts = facts.font(theme::label()).color(theme.text3);
                    ui.add(Label::new(facts).truncate());
                });
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

/// What can be done with the files of a model.
fn files_ui(ui: &mut Ui, scene: &mut Scene<'_>, model: &ModelInfo, place: &ModelPlace) {
    let label = format!("Files of {}", widgets::shown(&model.name));
    let button = widgets::icon_button(ui, Icon::More, &label, 28.0);
    widgets::popover(&button, RectAlign::BOTTOM_END, 300.0, |ui| {
        let path = widgets::shown_message(&place.path.display().to_string());
        let show = ModelsCommand::ShowFiles(model.id.clone());
        if widgets::choice_ui(ui, show.label(), &path, false).clicked() {
            scene.send(Command::Models(show));
            ui.close();
        }
        let remove = ModelsCommand::Remove(model.id.clone());
        if place.is_own {
            let remark = format!(
                "{}; what is only linked stays where it is",
                widgets::bytes(model.bytes)
            );
            if widgets::choice_ui(ui, remove.label(), &remark, false).clicked() {
                scene.send(Command::Models(remove));
                ui.close();
            }
        } else {
            widgets::remark(ui, "Another program keeps it: Limn only reads it there.");
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
            ui.set_width(card_width(ui));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 8.0;
                contents(ui);
            });
        });
}
