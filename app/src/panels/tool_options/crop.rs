//! The crop tool's bar: shapes to crop to, what waits to be cropped, shapes to extend to.

use egui::{Popup, PopupCloseBehavior, Response, Ui, vec2};

use super::Room;
use super::controls::{action_ui, name_ui, number_ui, value_ui};
use crate::command::Command;
use crate::icons::Icon;
use crate::scene::Scene;
use crate::tools::crop_rect::Aspect;
use crate::widgets::{self, Loudness};

const ASPECTS: [Aspect; 7] = [(1, 1), (4, 3), (3, 2), (16, 9), (3, 4), (2, 3), (9, 16)];
/// Those that have a button of their own where not all have.
const FEW_ASPECTS: [Aspect; 3] = [(1, 1), (4, 3), (16, 9)];

pub fn crop_ui(ui: &mut Ui, scene: &mut Scene<'_>, room: Room) {
    let frame = scene.session.document().content().frame;
    let crop = scene.session.toolbox.crop(frame);
    if room > Room::Little {
        name_ui(ui, "Crop to");
    }
    ui.spacing_mut().item_spacing.x = 4.0;
    let aspect = crop.and_then(|crop| crop.aspect);
    let is_free = crop.is_some() && aspect.is_none();
    shape_ui(ui, scene, "Free", None, is_free);
    let shapes: &[Aspect] = match (room, crop) {
        (Room::Wide, _) | (Room::Medium, None) => &ASPECTS,
        (Room::Medium, Some(_)) | (Room::Little, _) => &FEW_ASPECTS,
    };
    for shape in shapes {
        let is_on = aspect == Some(*shape);
        shape_ui(ui, scene, &words(*shape), Some(*shape), is_on);
    }
    if shapes.len() < ASPECTS.len() {
        let name = aspect.filter(|aspect| !shapes.contains(aspect));
        let name = name.map_or("Shape".to_owned(), words);
        let button = menu_button(ui, &name, "More shapes to crop to");
        aspects_menu(&button, scene, |aspect| Command::ChooseCrop(Some(aspect)));
    }
    match crop {
        Some(crop) => {
            ui.add_space(6.0);
            value_ui(ui, &format!("{} × {}", crop.rect.width, crop.rect.height));
            ui.add_space(6.0);
            apply_ui(ui, scene);
        }
        None => {
            ui.add_space(6.0);
            let grown = scene.session.toolbox.crop_frame(frame);
            if !grown.is_empty() {
                value_ui(ui, &format!("{} × {}", grown.width, grown.height));
                ui.add_space(6.0);
            }
            let button = menu_button(ui, "Extend to", "Shapes to extend to");
            aspects_menu(&button, scene, Command::ExtendTo);
            if room > Room::Little {
                ui.add_space(6.0);
                ui.spacing_mut().item_spacing.x = 10.0;
                blend_ui(ui, scene);
            }
        }
    }
}

fn words((width, height): Aspect) -> String {
    format!("{width}:{height}")
}

fn shape_ui(ui: &mut Ui, scene: &mut Scene<'_>, text: &str, aspect: Option<Aspect>, is_on: bool) {
    let command = Command::ChooseCrop(aspect);
    if is_on {
        let tip = widgets::command_tooltip(ui, &command);
        if widgets::pill(ui, text, text, true)
            .on_hover_text(tip)
            .clicked()
        {
            scene.send(command);
        }
    } else {
        action_ui(ui, scene, text, command);
    }
}

fn menu_button(ui: &mut Ui, text: &str, label: &str) -> Response {
    widgets::pill_with_icon(ui, text, label, false, Icon::ChevronDown).on_hover_text(label)
}

fn aspects_menu(button: &Response, scene: &mut Scene<'_>, command: impl Fn(Aspect) -> Command) {
    Popup::from_toggle_button_response(button)
        .close_behavior(PopupCloseBehavior::CloseOnClick)
        .gap(10.0)
        .show(|ui| {
            ui.spacing_mut().item_spacing = vec2(4.0, 2.0);
            for aspect in ASPECTS {
                let text = words(aspect);
                if widgets::button(ui, &text, Loudness::Quiet, Some(96.0)).clicked() {
                    scene.send(command(aspect));
                }
            }
        });
}

fn apply_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let tip = format!(
        "{}\nEnter",
        widgets::command_tooltip(ui, &Command::ApplyCrop)
    );
    let label = Command::ApplyCrop.label();
    if widgets::small_button(ui, &label, Loudness::Primary)
        .on_hover_text(tip)
        .clicked()
    {
        scene.send(Command::ApplyCrop);
    }
    if widgets::small_button(ui, "Cancel", Loudness::Quiet)
        .on_hover_text("Esc")
        .clicked()
    {
        scene.send(Command::Escape);
    }
}

/// How far new picture may blend into the old one.
fn blend_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let mut choices = scene.session.documents.current().choices.clone();
    let mut px = choices.blend_inward_px as f32;
    let range = 0.0..=limn_engine::stitch::MAX_BLEND_INWARD_PX as f32;
    name_ui(ui, "Blend into the picture");
    let number = number_ui(ui, "Blend into the picture by px", &mut px, range, " px");
    let number = number.on_hover_text("0 leaves every pixel that is there as it is");
    if number.changed() {
        choices.blend_inward_px = px.round() as u32;
        scene.send(Command::SetChoices(choices));
    }
}
