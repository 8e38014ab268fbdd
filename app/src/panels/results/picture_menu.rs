//! What can be done with any picture; for right clicks on tiles and thumbnails.

use egui::Ui;

use crate::command::{Command, CopiesCommand, GestureCommand, ViewCommand};
use crate::scene::Scene;
use crate::session::{Deed, PictureRef, RecipePart};
use crate::widgets;

pub fn picture_menu_ui(ui: &mut Ui, scene: &mut Scene<'_>, picture: PictureRef) {
    ui.set_min_width(180.0);
    ui.spacing_mut().item_spacing.y = 2.0;
    items_ui(
        ui,
        scene,
        vec![
            Command::Show(picture),
            Command::View(ViewCommand::Look(picture)),
            Command::OpenAsDocument(picture),
            Command::AddAsLayer(picture),
        ],
    );
    ui.separator();
    gestures_ui(ui, scene, picture);
    ui.separator();
    words_ui(ui, scene, picture);
    let mut commands = Vec::new();
    if let Some(id) = scene.session.picture_id(picture) {
        let record = scene.gallery.record(id);
        let starred = record.is_some_and(|record| record.is_starred);
        let pinned = scene.session.documents.current().pinned.contains(&id);
        commands.extend([
            Command::StarPicture {
                id,
                starred: !starred,
            },
            Command::Pin {
                picture: id,
                pinned: !pinned,
            },
            Command::Copies(CopiesCommand::Export(vec![id])),
            Command::Copies(CopiesCommand::AsFiles(vec![id])),
            Command::MoreLike(Some(id)),
            Command::ShowInFolder(id),
            Command::DeletePicture(id),
        ]);
    }
    items_ui(ui, scene, commands);
}

/// Greyed where the model cannot do them, with the reason.
fn gestures_ui(ui: &mut Ui, scene: &mut Scene<'_>, picture: PictureRef) {
    let picture = Some(picture);
    for (deed, command) in [
        (Deed::Variations, GestureCommand::Vary(picture)),
        (Deed::Mix, GestureCommand::AddToMix(picture)),
        (Deed::Turn, GestureCommand::Turn(picture)),
        (Deed::Upscale, GestureCommand::Upscale { picture, scale: 2 }),
        (Deed::Upscale, GestureCommand::Upscale { picture, scale: 4 }),
    ] {
        let obstacle = scene.session.obstacle(deed);
        item_ui(ui, scene, Command::Gesture(command), obstacle.as_deref());
    }
}

/// Greyed where the picture has none, with the reason.
fn words_ui(ui: &mut Ui, scene: &mut Scene<'_>, picture: PictureRef) {
    let usable = scene.usable(picture);
    let part = RecipePart::Everything;
    for (part, command) in [
        (part, Command::UseRecipe { picture, part }),
        (RecipePart::Prompt, Command::CopyPrompt(picture)),
    ] {
        item_ui(ui, scene, command, usable.obstacle(part));
    }
}

fn item_ui(ui: &mut Ui, scene: &mut Scene<'_>, command: Command, obstacle: Option<&str>) {
    widgets::obstructed(ui, obstacle, |ui| {
        let width = ui.available_width();
        let item = widgets::menu_row_ui(ui, &command.label(), None, false, width);
        if item.clicked() {
            scene.send(command);
            ui.close();
        }
        item
    });
}

fn items_ui(ui: &mut Ui, scene: &mut Scene<'_>, commands: Vec<Command>) {
    for command in commands {
        item_ui(ui, scene, command, None);
    }
}
