//! The layers of the document in front, the top one first.

mod menu;
mod row;
mod selected;

use egui::{Context, Response, Stroke, Ui};

use self::row::row_ui;
use crate::command::{Command, LayerCommand};
use crate::document::{Content, LayerId};
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Loudness};

/// The layer whose row has the keyboard focus.
pub fn focused_layer(ctx: &Context, content: &Content) -> Option<LayerId> {
    let focused = ctx.memory(egui::Memory::focused)?;
    let mut ids = content.layers.iter().map(|layer| layer.id);
    ids.find(|layer| row::row_id(*layer) == focused)
}

pub fn layers_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let layers = scene.session.document().content().layers.clone();
    if layers.is_empty() {
        widgets::remark(
            ui,
            "Layers are here once there is a picture: keep a result, open a picture, or sketch.",
        );
    }
    ui.spacing_mut().item_spacing.y = 4.0;
    let mut rows = Vec::new();
    for layer in layers.iter().rev() {
        rows.push((layer.id, row_ui(ui, scene, layer)));
    }
    drag_ui(ui, scene, &rows);
    row::keys_ui(ui, scene, &rows);
    ui.add_space(6.0);
    actions_ui(ui, scene, layers.len());
}

/// A row that is dragged goes where the line is.
fn drag_ui(ui: &Ui, scene: &mut Scene<'_>, rows: &[(LayerId, Response)]) {
    let Some((dragged, response)) = rows
        .iter()
        .find(|(_, response)| response.dragged() || response.drag_stopped())
    else {
        return;
    };
    let Some(pointer) = response.interact_pointer_pos() else {
        return;
    };
    // How many rows lie above the pointer: that many layers will be over it.
    let n_above = rows
        .iter()
        .filter(|(_, row)| row.rect.center().y < pointer.y)
        .count();
    let y = match rows.get(n_above) {
        Some((_, row)) => row.rect.top() - 2.0,
        None => rows.last().map_or(0.0, |(_, row)| row.rect.bottom() + 2.0),
    };
    let from = rows.iter().position(|(id, _)| id == dragged).unwrap_or(0);
    if response.dragged() {
        let line = Stroke::new(2.0, theme::of(ui).accent);
        ui.painter().hline(response.rect.x_range(), y, line);
    } else {
        let row = if n_above > from { n_above - 1 } else { n_above };
        let to = rows.len() - 1 - row;
        let layer = *dragged;
        scene.send(Command::Layer(LayerCommand::Move { layer, to }));
    }
}

fn actions_ui(ui: &mut Ui, scene: &mut Scene<'_>, n_layers: usize) {
    let has_picture = !scene.session.document().content().frame.is_empty();
    let rows = [
        [
            (LayerCommand::AddSketch, "Add sketch", has_picture),
            (LayerCommand::Duplicate, "Duplicate", n_layers > 0),
        ],
        [
            (LayerCommand::MergeDown, "Merge down", n_layers > 1),
            (LayerCommand::DeleteSelected, "Delete", n_layers > 0),
        ],
    ];
    ui.spacing_mut().item_spacing.y = 6.0;
    let width = (ui.available_width() - 6.0) / 2.0;
    for row in rows {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for (command, label, is_possible) in row {
                let command = Command::Layer(command);
                let tip = widgets::command_tooltip(ui, &command);
                ui.add_enabled_ui(is_possible, |ui| {
                    let button = widgets::button(ui, label, Loudness::Plain, Some(width));
                    if button.on_hover_text(tip).clicked() {
                        scene.send(command);
                    }
                });
            }
        });
    }
}
