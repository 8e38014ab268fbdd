//! What can be done with any picture; for right clicks on tiles and thumbnails.

use egui::Ui;

use crate::command::{Command, CopiesCommand, GestureCommand, ViewCommand};
use crate::panels::{Scene, palette};
use crate::session::{Deed, PictureRef, RecipePart};

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
    let part = RecipePart::Everything;
    let mut commands = vec![
        Command::UseRecipe { picture, part },
        Command::CopyPrompt(picture),
    ];
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
        let item = ui.add_enabled_ui(obstacle.is_none(), |ui| {
            items_ui(ui, scene, vec![Command::Gesture(command)]);
        });
        if let Some(reason) = obstacle {
            item.response.on_hover_text(reason);
        }
    }
}

fn items_ui(ui: &mut Ui, scene: &mut Scene<'_>, commands: Vec<Command>) {
    for command in commands {
        let width = ui.available_width();
        if palette::row_ui(ui, &command.label(), None, false, width).clicked() {
            scene.send(command);
            ui.close();
        }
    }
}
