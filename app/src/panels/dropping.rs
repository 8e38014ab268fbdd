//! Files from elsewhere over the window: what dropping them does, and the sheet that asks where it is not plain.

use std::path::{Path, PathBuf};

use egui::{Id, Modal, Ui, vec2};

use super::drop_zone::drop_anywhere_ui;
use crate::command::{Command, GestureCommand};
use crate::scene::Scene;
use crate::session::{Place, Session};
use crate::theme;
use crate::widgets::{self, Loudness};

/// What becomes of files that are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// Their pictures come into the gallery.
    Gallery,
    /// They are documents.
    Documents,
    /// They are models.
    Library,
    /// There is a picture already: it is asked.
    Ask,
}

impl Landing {
    pub fn of<'a>(session: &Session, paths: impl Iterator<Item = &'a Path>) -> Self {
        let paths: Vec<&Path> = paths.collect();
        let are_models = !paths.is_empty() && paths.iter().all(|path| is_model(path));
        if session.place == Place::Models || are_models {
            Self::Library
        } else if session.place == Place::Gallery || paths.iter().any(|path| path.is_dir()) {
            Self::Gallery
        } else if session.documents.current().is_blank() {
            Self::Documents
        } else {
            Self::Ask
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Gallery => "Drop to bring into the gallery",
            Self::Documents => "Drop to open",
            Self::Library => "Drop to add to your models",
            Self::Ask => "Drop to open or to add as a layer",
        }
    }
}

/// Whether a file or folder can only be meant as a model, or as what changes one. What it really is, is seen once it is
/// added.
pub fn is_model(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default();
    let is_pickle = ["ckpt", "pt", "pth", "bin", "gguf"];
    let is_pickle = is_pickle.iter().any(|one| ending.eq_ignore_ascii_case(one));
    let is_weights = ending.eq_ignore_ascii_case("safetensors") || is_pickle;
    is_weights || path.join("model_index.json").is_file()
}

/// While files are dragged over the window.
pub fn drop_hint_ui(ui: &Ui, scene: &Scene<'_>) {
    let words = ui.input(|input| {
        let hovered = &input.raw.hovered_files;
        let paths = hovered.iter().filter_map(|file| file.path.as_deref());
        let is_there = !hovered.is_empty();
        is_there.then(|| Landing::of(scene.session, paths).words())
    });
    if let Some(words) = words {
        drop_anywhere_ui(ui.ctx(), words);
    }
}

pub fn drop_sheet_ui(ui: &Ui, scene: &mut Scene<'_>, dropped: &[PathBuf]) {
    let Some(first) = dropped.first() else {
        return;
    };
    let theme = theme::of(ui);
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    let title = match dropped.len() {
        1 => name.into_owned(),
        n => format!("{name} and {} more", n - 1),
    };
    let modal = Modal::new(Id::unique("drop sheet"))
        .backdrop_color(theme.veil)
        .frame(egui::Frame::popup(ui.style()).inner_margin(16));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(340.0);
        ui.spacing_mut().item_spacing = vec2(8.0, 12.0);
        let text = widgets::clipped(&title, theme::title(), theme.text, 340.0);
        ui.label(text);
        ui.horizontal(|ui| {
            for (command, loudness) in [
                (Command::OpenDropped, Loudness::Primary),
                (Command::AddDropped, Loudness::Plain),
                (
                    Command::Gesture(GestureCommand::VaryDropped),
                    Loudness::Plain,
                ),
                (Command::ForgetDropped, Loudness::Quiet),
            ] {
                if widgets::button(ui, &command.label(), loudness, None).clicked() {
                    scene.send(command);
                }
            }
        });
    });
    if shown.should_close() {
        scene.send(Command::ForgetDropped);
    }
}
