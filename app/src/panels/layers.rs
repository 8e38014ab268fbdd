//! The layers of the document in front, the top one first.

use egui::epaint::RectShape;
use egui::{
    Align, Color32, Id, Layout, Rect, Response, Role, Sense, Stroke, StrokeKind, TextEdit, Ui,
    UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::widgets::{self, Loudness};
use super::{Scene, prompt_bar};
use crate::command::{Command, LayerCommand};
use crate::document::{Layer, LayerId, LayerKind};
use crate::icons::{self, Icon};
use crate::theme;

const ROW_HEIGHT: f32 = 44.0;

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
    ui.add_space(6.0);
    actions_ui(ui, scene, layers.len());
}

/// One layer; the selected one shows what can be set on it.
fn row_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) -> Response {
    let theme = theme::of(ui);
    let is_selected = scene.session.document().content().selected == Some(layer.id);
    let width = ui.available_width();
    let (rect, response) =
        ui.allocate_exact_size(vec2(width, ROW_HEIGHT), Sense::CLICK | Sense::DRAG);
    let label = format!(
        "Layer {}, {}",
        widgets::shown(&layer.name),
        kind_words(layer)
    );
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, is_selected, &label));
    if is_selected || response.hovered() {
        let ground = if is_selected { theme.bg3 } else { theme.bg2 };
        ui.painter().rect_filled(rect, theme::RADIUS, ground);
    }
    widgets::focus_ring(ui, &response, rect, theme::RADIUS);
    let builder = UiBuilder::new()
        .max_rect(rect.shrink2(vec2(6.0, 0.0)))
        .id_salt(layer.id)
        .layout(Layout::left_to_right(Align::Center));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        eye_ui(ui, scene, layer);
        picture_ui(ui, scene, layer);
        name_ui(ui, scene, layer, &response);
    });
    if response.clicked() {
        scene.send(Command::Layer(LayerCommand::Select(layer.id)));
    }
    if response.has_focus() && ui.input(|input| input.key_pressed(egui::Key::Delete)) {
        scene.send(Command::Layer(LayerCommand::Delete(layer.id)));
    }
    if is_selected {
        selected_ui(ui, scene, layer);
    }
    response
}

fn eye_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) {
    let icon = if layer.is_visible {
        Icon::Eye
    } else {
        Icon::EyeOff
    };
    let command = LayerCommand::Show {
        layer: layer.id,
        shown: !layer.is_visible,
    };
    let label = format!("{} {}", command.label(), layer.name);
    if widgets::icon_button(ui, icon, &label, 26.0).clicked() {
        scene.send(Command::Layer(command));
    }
}

/// What the layer shows, with the sign of its kind on a corner; in the mask's colour while its mask is painted.
fn picture_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) {
    const SIZE: Vec2 = vec2(44.0, 34.0);
    let theme = theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(SIZE, Sense::hover());
    ui.painter().rect_filled(rect, 4, theme.canvas);
    let opacity = if layer.shows() { 1.0 } else { 0.35 };
    let frame = scene.session.document().content().frame;
    if let Some(texture) = scene.layer_pictures.get(layer, frame) {
        let size = texture.size_vec2();
        let scale = (SIZE.x / size.x).min(SIZE.y / size.y);
        let fitted = Rect::from_center_size(rect.center(), size * scale);
        let image = RectShape::filled(fitted, 4, Color32::WHITE.gamma_multiply(opacity));
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().add(image.with_texture(texture.id(), whole));
    }
    ui.painter()
        .rect_stroke(rect, 4, Stroke::new(1.0, theme.line), StrokeKind::Inside);
    let is_selected = scene.session.document().content().selected == Some(layer.id);
    let is_masked = is_selected
        && scene.session.toolbox.edits_patch_mask
        && matches!(layer.kind, LayerKind::Patch { .. });
    if is_masked {
        let mark = theme::mask_mark(scene.settings.mask_colour);
        let ring = Stroke::new(2.0, mark);
        ui.painter().rect_stroke(rect, 4, ring, StrokeKind::Inside);
    }
    let corner = Rect::from_min_size(rect.max - vec2(16.0, 16.0), vec2(16.0, 16.0));
    ui.painter().rect_filled(corner, 4, theme.chip);
    icons::paint(
        ui.painter(),
        corner,
        11.0,
        kind_icon(layer),
        theme.chip_text,
    );
}

/// The name, or the field in which it is written after a double click.
fn name_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer, row: &Response) {
    let theme = theme::of(ui);
    let id = Id::unique(("name of layer", layer.id));
    let writing: Option<String> = ui.data(|data| data.get_temp(id));
    let Some(mut name) = writing else {
        let colour = if layer.shows() {
            theme.text
        } else {
            theme.text3
        };
        let text = widgets::clipped(&layer.name, theme::label(), colour, ui.available_width());
        ui.add(egui::Label::new(text).selectable(false));
        if row.double_clicked() {
            ui.data_mut(|data| data.insert_temp(id, layer.name.clone()));
        }
        return;
    };
    let field = TextEdit::singleline(&mut name)
        .id(id.with("field"))
        .font(theme::label())
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    prompt_bar::name_text_field(&response, "Name of the layer", &name);
    if response.lost_focus() {
        ui.data_mut(|data| data.remove_temp::<String>(id));
        let is_dropped = ui.input(|input| input.key_pressed(egui::Key::Escape));
        if !is_dropped && !name.trim().is_empty() && name != layer.name {
            let layer = layer.id;
            scene.send(Command::Layer(LayerCommand::Rename { layer, name }));
        }
    } else {
        ui.data_mut(|data| data.insert_temp(id, name));
        response.request_focus();
    }
}

fn selected_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.add_space(6.0);
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
            (LayerCommand::DeleteSelected, "Delete", n_layers > 0),
        ],
        [
            (LayerCommand::MergeDown, "Merge down", n_layers > 1),
            (LayerCommand::MergeVisible, "Merge all", n_layers > 1),
        ],
    ];
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

fn kind_icon(layer: &Layer) -> Icon {
    match layer.kind {
        LayerKind::Picture { .. } => Icon::Picture,
        LayerKind::Patch { .. } => Icon::Layers,
        LayerKind::Sketch { .. } => Icon::Sketch,
    }
}

fn kind_words(layer: &Layer) -> &'static str {
    match (&layer.kind, layer.shows()) {
        (LayerKind::Picture { .. }, true) => "picture",
        (LayerKind::Patch { .. }, true) => "kept result",
        (LayerKind::Sketch { .. }, true) => "sketch",
        (LayerKind::Picture { .. }, false) => "picture, hidden",
        (LayerKind::Patch { .. }, false) => "kept result, hidden",
        (LayerKind::Sketch { .. }, false) => "sketch, hidden",
    }
}
