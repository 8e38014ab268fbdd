//! What can be done with the chosen pictures, on a right click.

use egui::Ui;

use crate::command::{Command, CopiesCommand, GalleryCommand, GestureCommand, ViewCommand};
use crate::gallery::Mark;
use crate::panels::results;
use crate::scene::Scene;
use crate::session::{Deed, PictureId, PictureRef};
use crate::viewer::MOST_COMPARED;
use crate::widgets;

/// More do not go into a mix.
const MOST_MIXED: usize = 4;

/// The menu of a picture: about all that are chosen where it is one of several.
pub fn menu_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: PictureId) {
    let chosen = scene.gallery.meant();
    let ids = if chosen.contains(&id) {
        chosen
    } else {
        vec![id]
    };
    ui.set_width(260.0);
    ui.spacing_mut().item_spacing.y = 2.0;
    if scene.gallery.query.in_trash {
        let commands = [
            GalleryCommand::Restore(ids.clone()),
            GalleryCommand::AskDelete(ids),
        ];
        for command in commands {
            row_ui(ui, scene, Command::Gallery(command));
        }
        return;
    }
    if let [id] = ids[..] {
        results::picture_menu_ui(ui, scene, PictureRef::Gallery(id));
        row_ui(ui, scene, Command::Gallery(GalleryCommand::AskBoard));
        return;
    }
    let title = format!("{} pictures", widgets::count(ids.len()));
    widgets::remark(ui, &title);
    many_ui(ui, scene, &ids);
}

/// The commands about several pictures at once.
fn many_ui(ui: &mut Ui, scene: &mut Scene<'_>, ids: &[PictureId]) {
    for mark in [Mark::Star(true), Mark::Star(false)] {
        let pictures = ids.to_vec();
        let command = GalleryCommand::Mark { pictures, mark };
        row_ui(ui, scene, Command::Gallery(command));
    }
    if ids.len() <= MOST_MIXED && scene.session.obstacle(Deed::Mix).is_none() {
        let width = ui.available_width();
        if widgets::menu_row_ui(ui, "Mix these", None, false, width).clicked() {
            for id in ids {
                let picture = Some(PictureRef::Gallery(*id));
                scene.send(Command::Gesture(GestureCommand::AddToMix(picture)));
            }
            ui.close();
        }
    }
    row_ui(ui, scene, Command::Gallery(GalleryCommand::AskBoard));
    if (2..=MOST_COMPARED).contains(&ids.len()) {
        let pictures = ids.iter().copied().map(PictureRef::Gallery).collect();
        row_ui(ui, scene, Command::View(ViewCommand::Compare(pictures)));
    }
    for command in [
        CopiesCommand::Export(ids.to_vec()),
        CopiesCommand::AsFiles(ids.to_vec()),
    ] {
        row_ui(ui, scene, Command::Copies(command));
    }
    row_ui(ui, scene, Command::Gallery(GalleryCommand::TrashChosen));
}

fn row_ui(ui: &mut Ui, scene: &mut Scene<'_>, command: Command) {
    let width = ui.available_width();
    if widgets::menu_row_ui(ui, &command.label(), None, false, width).clicked() {
        scene.send(command);
        ui.close();
    }
}
