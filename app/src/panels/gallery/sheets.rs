//! What the gallery asks: onto which board, and the second step before anything is deleted for good.

use egui::{Id, Modal, ScrollArea, TextEdit, Ui, vec2};

use super::pictures as pictures_words;
use crate::command::{Command, GalleryCommand};
use crate::folding::fold;
use crate::gallery::Mark;
use crate::scene::Scene;
use crate::session::PictureId;
use crate::theme;
use crate::widgets::{self, Loudness};

#[derive(Debug, Clone)]
pub enum Asked {
    /// The board for these pictures, and its name as it is being typed.
    Board {
        pictures: Vec<PictureId>,
        name: String,
    },
    /// Whether these may be deleted for good.
    Delete(Vec<PictureId>),
    /// Whether everything in the trash may be.
    EmptyTrash(usize),
}

pub fn sheets_ui(ui: &Ui, scene: &mut Scene<'_>, asked: &mut Option<Asked>) {
    let Some(question) = asked else {
        return;
    };
    let modal = Modal::new(Id::unique("gallery sheet"))
        .backdrop_color(theme::of(ui).veil)
        .frame(egui::Frame::popup(ui.style()).inner_margin(16));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(360.0);
        ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
        match question {
            Asked::Board { pictures, name } => board_ui(ui, scene, pictures, name),
            Asked::Delete(ids) => {
                let command = GalleryCommand::DeleteForGood(ids.clone());
                delete_ui(ui, scene, ids.len(), command);
            }
            Asked::EmptyTrash(n) => delete_ui(ui, scene, *n, GalleryCommand::EmptyTrash),
        }
    });
    if shown.should_close() {
        scene.send(Command::Gallery(GalleryCommand::Dismiss));
    }
}

fn title_ui(ui: &mut Ui, title: &str) {
    let text = egui::RichText::new(title).font(theme::title());
    ui.label(text.color(theme::of(ui).text));
}

fn delete_ui(ui: &mut Ui, scene: &mut Scene<'_>, n: usize, command: GalleryCommand) {
    title_ui(ui, &format!("Delete {} for good?", pictures_words(n)));
    widgets::remark(
        ui,
        "The files are removed from the disk. This cannot be undone. Pictures that were made from \
         these keep a small likeness of them.",
    );
    ui.horizontal(|ui| {
        for (command, loudness) in [
            (command, Loudness::Primary),
            (GalleryCommand::Dismiss, Loudness::Plain),
        ] {
            let button = widgets::button(ui, &command.label(), loudness, None);
            // Enter alone must not delete: the way back has the focus.
            if command == GalleryCommand::Dismiss && ui.memory(|memory| memory.focused().is_none())
            {
                button.request_focus();
            }
            if button.clicked() {
                scene.send(Command::Gallery(command));
            }
        }
    });
}

fn board_ui(ui: &mut Ui, scene: &mut Scene<'_>, ids: &[PictureId], name: &mut String) {
    title_ui(ui, &format!("Add {} to a board", pictures_words(ids.len())));
    let field = TextEdit::singleline(name)
        .id(Id::unique("gallery board name"))
        .hint_text("Find a board, or name a new one")
        .margin(egui::Margin::symmetric(10, 8))
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Name of the board", name);
    if ui.memory(|memory| memory.focused().is_none()) && !response.lost_focus() {
        response.request_focus();
    }
    let mut chosen = None;
    let enter = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let words = fold(name.trim());
    let boards: Vec<(String, usize)> = scene
        .gallery
        .overview
        .boards
        .iter()
        .filter(|board| fold(&board.name).contains(&words))
        .map(|board| (board.name.clone(), board.n_pictures))
        .collect();
    let is_new = !words.is_empty() && !boards.iter().any(|(board, _)| fold(board) == words);
    let list = ScrollArea::vertical().max_height(260.0);
    list.min_scrolled_height(260.0).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for (board, n) in &boards {
            let count = widgets::count(*n);
            if widgets::menu_row_ui(ui, board, Some(&count), false, 340.0).clicked() {
                chosen = Some(board.clone());
            }
        }
        if is_new {
            let label = format!("New board “{}”", name.trim());
            if widgets::menu_row_ui(ui, &label, None, boards.is_empty(), 340.0).clicked() {
                chosen = Some(name.trim().to_owned());
            }
        }
    });
    if enter && !words.is_empty() {
        // A name that only one board has the beginning of is meant as that board.
        chosen = match &boards[..] {
            [(board, _)] if !is_new || fold(board).starts_with(&words) => Some(board.clone()),
            _ => Some(name.trim().to_owned()),
        };
    }
    if let Some(name) = chosen {
        let mark = Mark::Board { name, on: true };
        let pictures = ids.to_vec();
        scene.send(Command::Gallery(GalleryCommand::Mark { pictures, mark }));
        scene.send(Command::Gallery(GalleryCommand::Dismiss));
    }
}
