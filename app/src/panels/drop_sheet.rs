//! What is to become of files that were dropped on a document.

use std::path::PathBuf;

use egui::{Id, Modal, Ui, vec2};

use super::Scene;
use super::widgets::{self, Loudness};
use crate::command::{Command, GestureCommand};
use crate::theme;

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
