//! The canvas's menu, on a right click.

use egui::Ui;

use crate::command::{Command, GestureCommand};
use crate::scene::Scene;
use crate::session::Deed;
use crate::tools::MaskAction;

pub fn menu_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let has_mask = !scene.session.document().content().mask.is_empty();
    ui.set_min_width(180.0);
    let has_picture = scene.session.part_in_view().is_ok();
    let can = |deed| has_picture && scene.session.obstacle(deed).is_none();
    let picture = None;
    let upscale = GestureCommand::Upscale { picture, scale: 2 };
    let gestures = [
        (GestureCommand::Vary(picture), can(Deed::Variations)),
        (GestureCommand::AddToMix(picture), can(Deed::Mix)),
        (GestureCommand::Turn(picture), can(Deed::Turn)),
        (upscale, has_picture),
    ];
    let gestures = gestures.map(|(command, is_enabled)| (Command::Gesture(command), is_enabled));
    let groups: [&[(Command, bool)]; 4] = [
        &[(Command::Undo, true), (Command::Redo, true)],
        &[
            (Command::Mask(MaskAction::All), true),
            (Command::Mask(MaskAction::Invert), true),
            (Command::Mask(MaskAction::Clear), has_mask),
        ],
        &gestures,
        &[
            (Command::CopyPicture, true),
            (Command::Export, true),
            (Command::ZoomFit, true),
            (Command::ZoomActual, true),
        ],
    ];
    for (i, group) in groups.into_iter().enumerate() {
        if i > 0 {
            ui.separator();
        }
        for (command, is_enabled) in group {
            item_ui(ui, scene, command, *is_enabled);
        }
    }
}

fn item_ui(ui: &mut Ui, scene: &mut Scene<'_>, command: &Command, is_enabled: bool) {
    let mut button = egui::Button::new(command.label()).frame(false);
    if let Some(shortcut) = command.shortcut() {
        let is_mac = ui.ctx().os() == egui::os::OperatingSystem::Mac;
        button = button.right_text(shortcut.text(is_mac));
    }
    if ui.add_enabled(is_enabled, button).clicked() {
        scene.send(command.clone());
        ui.close();
    }
}
