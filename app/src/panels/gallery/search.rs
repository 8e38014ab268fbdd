//! One box to search in.

use egui::{Id, Response, TextEdit, Ui};

use crate::command::Command;
use crate::scene::Scene;
use crate::theme;
use crate::widgets;

/// The box of the gallery as a place of its own.
pub fn place_id() -> Id {
    Id::unique("gallery search")
}

pub fn search_ui(ui: &mut Ui, scene: &mut Scene<'_>, words: &mut String, id: Id) -> Response {
    let theme = theme::of(ui);
    let hint = egui::RichText::new("Search, e.g. “boats at night”").color(theme.text3);
    let field = TextEdit::singleline(words)
        .id(id)
        .hint_text(hint)
        .margin(egui::Margin::symmetric(10, 8))
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Search the gallery", words);
    if response.changed() {
        scene.send(Command::SearchGallery(words.clone()));
    }
    response
}
