//! What can be done with a layer; it is selected by the click that opens this.

use egui::Ui;

use super::row;
use crate::command::{Command, LayerCommand};
use crate::document::Layer;
use crate::scene::Scene;
use crate::widgets;

const WIDTH: f32 = 232.0;

pub(super) fn menu_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) {
    ui.set_min_width(WIDTH);
    ui.spacing_mut().item_spacing.y = 0.0;
    if widgets::menu_row_ui(ui, "Rename", Some("F2"), false, WIDTH).clicked() {
        row::begin_renaming(ui, layer);
        ui.close();
    }
    let content = scene.session.document().content();
    let position = content.position(layer.id).unwrap_or(0);
    let is_lowest = position == 0;
    let is_topmost = position + 1 == content.layers.len();
    let beneath_is_hidden = !is_lowest && !content.layers[position - 1].is_visible;
    let groups: [&[(LayerCommand, &str, bool)]; 3] = [
        &[
            (LayerCommand::Duplicate, "Duplicate", true),
            (LayerCommand::Raise, "Raise", !is_topmost),
            (LayerCommand::Lower, "Lower", !is_lowest),
        ],
        &[
            (
                LayerCommand::MergeDown,
                "Merge down",
                !is_lowest && !beneath_is_hidden && layer.is_visible,
            ),
            (
                LayerCommand::MergeVisible,
                "Merge visible",
                content.layers.len() > 1,
            ),
        ],
        &[
            (LayerCommand::Export, "Export layer…", true),
            (LayerCommand::DeleteSelected, "Delete", true),
        ],
    ];
    for (i, group) in groups.into_iter().enumerate() {
        if i > 0 {
            ui.separator();
        }
        for (command, label, is_possible) in group {
            item_ui(ui, scene, command, label, *is_possible);
        }
    }
}

fn item_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    command: &LayerCommand,
    label: &str,
    is_possible: bool,
) {
    let command = Command::Layer(command.clone());
    let is_mac = ui.ctx().os() == egui::os::OperatingSystem::Mac;
    let keys = command.shortcut().map(|shortcut| shortcut.text(is_mac));
    let keys = if command == Command::Layer(LayerCommand::DeleteSelected) {
        Some("Del".to_owned())
    } else {
        keys
    };
    ui.add_enabled_ui(is_possible, |ui| {
        if widgets::menu_row_ui(ui, label, keys.as_deref(), false, WIDTH).clicked() {
            scene.send(command);
            ui.close();
        }
    });
}
