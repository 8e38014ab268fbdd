//! What can be set on the selected layer.

use egui::{RectAlign, Ui};

use crate::command::{Command, LayerCommand};
use crate::document::{BlendMode, Layer, LayerKind};
use crate::icons::Icon;
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Loudness};

pub(super) fn selected_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.add_space(6.0);
        blend_ui(ui, scene, layer);
        let label = egui::RichText::new("Opacity").font(theme::label());
        ui.label(label.color(theme.text2));
        let mut percent = (layer.opacity * 100.0).round();
        let name = "Opacity of the layer";
        let slider = widgets::slider(ui, name, &mut percent, 0.0..=100.0, false);
        let percent = percent.round();
        let value = egui::RichText::new(format!("{percent:.0} %"));
        ui.label(value.font(theme::label_medium()).color(theme.text));
        if slider.changed() || slider.drag_stopped() {
            scene.send(Command::Layer(LayerCommand::SetOpacity {
                layer: layer.id,
                opacity: percent / 100.0,
                is_done: !slider.dragged(),
            }));
        }
    });
    if matches!(layer.kind, LayerKind::Patch { .. }) {
        patch_mask_ui(ui, scene);
    }
}

/// The brush paints the picture's mask until the user turns to that of the patch.
fn patch_mask_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let edits = scene.session.toolbox.edits_patch_mask;
    ui.horizontal_wrapped(|ui| {
        ui.add_space(6.0);
        let command = Command::EditPatchMask(!edits);
        let loudness = if edits {
            Loudness::Primary
        } else {
            Loudness::Plain
        };
        if widgets::button(ui, &command.label(), loudness, None).clicked() {
            scene.send(command);
        }
        if edits {
            widgets::remark(ui, "The brush shows more of this patch, the eraser less.");
        }
    });
}

/// How the layer mixes with what is beneath it.
fn blend_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) {
    let name = layer.blend.label();
    let label = format!("Blend mode: {name}");
    let button = widgets::pill_with_icon(ui, name, &label, false, Icon::ChevronDown);
    let button = button.on_hover_text(layer.blend.tooltip());
    widgets::popover(&button, RectAlign::BOTTOM_START, 140.0, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for blend in BlendMode::ALL {
            let is_chosen = blend == layer.blend;
            let row = widgets::menu_row_ui(ui, blend.label(), None, is_chosen, 140.0);
            if row.on_hover_text(blend.tooltip()).clicked() {
                let layer = layer.id;
                scene.send(Command::Layer(LayerCommand::SetBlend { layer, blend }));
                ui.close();
            }
        }
    });
}
