//! One layer in the list.

use egui::epaint::RectShape;
use egui::{
    Align, Color32, Id, Key, Layout, Modifiers, Rect, Response, Role, Sense, Stroke, StrokeKind,
    TextEdit, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::menu;
use super::selected::selected_ui;
use crate::command::{Command, LayerCommand};
use crate::document::{BlendMode, Layer, LayerId, LayerKind};
use crate::icons::{self, Icon};
use crate::layer_pictures::LayerPart;
use crate::scene::Scene;
use crate::theme;
use crate::widgets;

const ROW_HEIGHT: f32 = 44.0;

/// One layer; the selected one shows what can be set on it.
pub(super) fn row_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) -> Response {
    let theme = theme::of(ui);
    let is_selected = scene.session.document().content().selected == Some(layer.id);
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, ROW_HEIGHT), Sense::hover());
    // By its layer, so that the keyboard's focus stays with it when rows move.
    let response = ui.interact(rect, row_id(layer.id), Sense::click_and_drag());
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
        if matches!(layer.kind, LayerKind::Patch { .. }) {
            mask_ui(ui, scene, layer);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_pointed_at = ui.rect_contains_pointer(rect);
            if is_selected || is_pointed_at {
                more_ui(ui, scene, layer);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                name_ui(ui, scene, layer, &response);
            });
        });
    });
    if response.clicked() || (response.secondary_clicked() && !is_selected) {
        scene.send(Command::Layer(LayerCommand::Select(layer.id)));
    }
    response.context_menu(|ui| menu::menu_ui(ui, scene, layer));
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

/// Of a layer's picture and of its mask, in points.
const PICTURE: Vec2 = vec2(44.0, 34.0);

/// What the layer shows, with the sign of its kind on a corner.
fn picture_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) {
    let theme = theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(PICTURE, Sense::hover());
    part_ui(ui, scene, layer, LayerPart::Picture, rect);
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

/// How much of a patch shows; a click lets the brush paint that. In the mask's colour while it is painted.
fn mask_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) {
    let (rect, response) = ui.allocate_exact_size(PICTURE, Sense::click());
    let label = format!("Mask of {}", widgets::shown(&layer.name));
    let is_selected = scene.session.document().content().selected == Some(layer.id);
    let is_edited = is_selected && scene.session.toolbox.edits_patch_mask;
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_edited, &label));
    part_ui(ui, scene, layer, LayerPart::Mask, rect);
    if is_edited {
        let mark = theme::mask_mark(scene.settings.mask_colour);
        let ring = Stroke::new(2.0, mark);
        ui.painter().rect_stroke(rect, 4, ring, StrokeKind::Inside);
    }
    widgets::focus_ring(ui, &response, rect, 4);
    let command = Command::EditPatchMask(!is_edited);
    let response = response.on_hover_text(command.label());
    if response.clicked() {
        scene.send(Command::Layer(LayerCommand::Select(layer.id)));
        scene.send(command);
    }
}

fn part_ui(ui: &Ui, scene: &mut Scene<'_>, layer: &Layer, part: LayerPart, rect: Rect) {
    let theme = theme::of(ui);
    // A mask's picture is black where nothing shows, in every theme: what is beside it is, too.
    let ground = match part {
        LayerPart::Picture => theme.canvas,
        LayerPart::Mask => Color32::BLACK,
    };
    ui.painter().rect_filled(rect, 4, ground);
    let opacity = if layer.shows() { 1.0 } else { 0.35 };
    let frame = scene.session.document().content().frame;
    if let Some(texture) = scene.layer_pictures.get(layer, part, frame) {
        let size = texture.size_vec2();
        let scale = (rect.width() / size.x).min(rect.height() / size.y);
        let fitted = Rect::from_center_size(rect.center(), size * scale);
        let image = RectShape::filled(fitted, 4, Color32::WHITE.gamma_multiply(opacity));
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().add(image.with_texture(texture.id(), whole));
    }
    ui.painter()
        .rect_stroke(rect, 4, Stroke::new(1.0, theme.line), StrokeKind::Inside);
}

/// The name, or the field in which it is written after a double click.
fn name_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer, row: &Response) {
    let theme = theme::of(ui);
    let id = name_id(layer.id);
    let writing: Option<String> = ui.data(|data| data.get_temp(id));
    let Some(mut name) = writing else {
        let colour = if layer.shows() {
            theme.text
        } else {
            theme.text3
        };
        let width = ui.available_width();
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            let kind = facts(layer);
            ui.add_space((ROW_HEIGHT - if kind.is_empty() { 17.0 } else { 31.0 }) / 2.0);
            let text = widgets::clipped(&layer.name, theme::label_medium(), colour, width);
            ui.add(egui::Label::new(text).selectable(false));
            if !kind.is_empty() {
                let text = widgets::clipped(&kind, theme::caption(), theme.text3, width);
                ui.add(egui::Label::new(text).selectable(false));
            }
        });
        if row.double_clicked() {
            begin_renaming(ui, layer);
        }
        return;
    };
    let field = TextEdit::singleline(&mut name)
        .id(id.with("field"))
        .font(theme::label())
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Name of the layer", &name);
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

/// What opens the menu without a right click.
fn more_ui(ui: &mut Ui, scene: &mut Scene<'_>, layer: &Layer) {
    let label = format!("Menu of {}", layer.name);
    let button = widgets::icon_button(ui, Icon::More, &label, 24.0);
    if button.clicked() {
        scene.send(Command::Layer(LayerCommand::Select(layer.id)));
    }
    egui::Popup::menu(&button).show(|ui| menu::menu_ui(ui, scene, layer));
}

/// How it differs from a layer that simply covers.
fn facts(layer: &Layer) -> String {
    let mut facts = Vec::new();
    if layer.blend != BlendMode::Normal {
        facts.push(layer.blend.label().to_owned());
    }
    if layer.opacity < 1.0 {
        facts.push(format!("{:.0} %", layer.opacity * 100.0));
    }
    facts.join(" · ")
}

pub(super) fn row_id(layer: LayerId) -> Id {
    Id::unique(("row of layer", layer))
}

fn name_id(layer: LayerId) -> Id {
    Id::unique(("name of layer", layer))
}

/// The field for the name is open from the next frame on.
pub(super) fn begin_renaming(ui: &Ui, layer: &Layer) {
    ui.data_mut(|data| data.insert_temp(name_id(layer.id), layer.name.clone()));
}

/// The keys of a row that has the keyboard focus: up and down choose, with Alt they move the layer; F2 renames.
pub(super) fn keys_ui(ui: &Ui, scene: &mut Scene<'_>, rows: &[(LayerId, Response)]) {
    let Some(at) = rows.iter().position(|(_, row)| row.has_focus()) else {
        return;
    };
    let (layer, row) = &rows[at];
    let filter = egui::EventFilter {
        vertical_arrows: true,
        ..egui::EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(row.id, filter));
    let mut send = |command| scene.send(Command::Layer(command));
    for (key, step) in [(Key::ArrowUp, -1), (Key::ArrowDown, 1)] {
        let (chooses, moves) = ui.input_mut(|input| {
            let moves = input.consume_key(Modifiers::ALT, key);
            (input.consume_key(Modifiers::NONE, key), moves)
        });
        let other = at.checked_add_signed(step).and_then(|at| rows.get(at));
        if moves && other.is_some() {
            let to = (rows.len() - 1 - at).saturating_add_signed(-step);
            send(LayerCommand::Move { layer: *layer, to });
        } else if chooses && let Some((other, row)) = other {
            send(LayerCommand::Select(*other));
            row.request_focus();
        }
    }
    if ui.input(|input| input.key_pressed(Key::F2)) {
        let content = scene.session.document().content();
        if let Some(layer) = content.layer(*layer) {
            begin_renaming(ui, layer);
        }
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
