//! The chosen tool's settings, on a bar that floats over the top of the canvas.

mod controls;
mod crop;

use egui::{
    Align2, Area, CornerRadius, DragValue, Frame, Margin, Order, Popup, PopupCloseBehavior, Rect,
    Stroke, Ui, pos2, vec2,
};

use self::controls::{action_ui, fraction_ui, name_ui, number_ui, plain_number, value_ui};
use super::colour_picker::colour_button;
use super::mask_colour::mask_colour_ui;
use crate::command::Command;
use crate::icons::Icon;
use crate::scene::Scene;
use crate::theme;
use crate::tools::brush::{MAX_DIAMETER_POINTS, MIN_DIAMETER_POINTS};
use crate::tools::{Brush, MaskAction, Tool, ToolSettings};
use crate::widgets::{self, Loudness};

const HEIGHT: f32 = 34.0;
/// A canvas at least so wide has room for the opacity on the bar.
const WIDE: f32 = 1120.0;
/// In a canvas below this width the bar has only what is needed most; the rest is behind its chevron.
const MEDIUM: f32 = 840.0;
/// No picture needs wider edges.
const MAX_EDGE_PX: f32 = 256.0;

pub fn tool_options_ui(ui: &Ui, scene: &mut Scene<'_>, canvas: Rect) {
    let toolbox = &scene.session.toolbox;
    let tool = toolbox.tool();
    // On the start page there is nothing to work on, and no room over its heading.
    let is_empty =
        scene.session.canvas_content().frame.is_empty() && scene.session.overlay_result().is_none();
    if tool.is_of_view() || tool == Tool::Move || is_empty {
        return;
    }
    let mut settings = toolbox.settings.clone();
    let theme = theme::of(ui);
    let shown = Area::new(ui.scope_id().with("tool options"))
        .order(Order::Middle)
        .pivot(Align2::CENTER_TOP)
        .fixed_pos(pos2(canvas.center().x, canvas.top() + 12.0))
        .constrain_to(canvas)
        .show(ui.ctx(), |ui| {
            Frame::new()
                .fill(theme.float)
                .stroke(Stroke::new(1.0, theme.line))
                .corner_radius(CornerRadius::same(10))
                .inner_margin(Margin::symmetric(14, 0))
                .show(ui, |ui| {
                    ui.horizontal(|ui| {
                        ui.set_height(HEIGHT);
                        ui.spacing_mut().item_spacing.x = 10.0;
                        options_ui(ui, scene, tool, &mut settings, Room::of(canvas));
                    });
                });
        });
    // It is placed by the width that it had: another tool's bar comes into the middle only with the next frame.
    let off_centre = (shown.response.rect.center().x - canvas.center().x).abs();
    if off_centre > 1.0 && shown.response.rect.width() < canvas.width() {
        ui.ctx().request_repaint();
    }
    if settings != scene.session.toolbox.settings {
        scene.send(Command::SetTools(settings));
    }
}

/// How much of a tool's options the bar takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Room {
    Little,
    Medium,
    Wide,
}

impl Room {
    fn of(canvas: Rect) -> Self {
        match canvas.width() {
            width if width >= WIDE => Self::Wide,
            width if width >= MEDIUM => Self::Medium,
            _ => Self::Little,
        }
    }
}

fn options_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    tool: Tool,
    settings: &mut ToolSettings,
    room: Room,
) {
    let sketches = scene.session.toolbox.is_sketching();
    if scene.session.toolbox.edits_patch_mask && tool.is_of_mask() {
        patch_ui(ui, scene);
    }
    match tool {
        Tool::Brush => brush_ui(ui, &mut settings.brush, room),
        Tool::Eraser => brush_ui(ui, &mut settings.eraser, room),
        Tool::SketchBrush => {
            colour_button(ui, &mut settings.colour, "Colour of the sketch brush");
            brush_ui(ui, &mut settings.sketch, room);
        }
        Tool::Eyedropper => {
            colour_button(ui, &mut settings.colour, "Colour of the sketch brush");
            let [red, green, blue] = settings.colour;
            value_ui(ui, &format!("#{red:02X}{green:02X}{blue:02X}"));
        }
        Tool::Wand => wand_ui(ui, settings),
        Tool::Crop => crop::crop_ui(ui, scene, room),
        _ => {}
    }
    let is_about_mask = tool.is_of_mask() && !(tool == Tool::Eraser && sketches);
    if is_about_mask && room > Room::Little {
        reach_ui(ui, scene);
        mask_ui(ui, scene, settings);
    }
    if tool != Tool::Crop && tool != Tool::Eyedropper {
        more_ui(ui, scene, tool, settings, room);
    }
}

/// Says that a patch's own mask is painted, and ends that.
fn patch_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let label = Command::EditPatchMask(false).label();
    let pill =
        widgets::pill_with_icon(ui, "Patch", &label, true, Icon::Close).on_hover_text(&label);
    if pill.clicked() {
        scene.send(Command::EditPatchMask(false));
    }
}

fn brush_ui(ui: &mut Ui, brush: &mut Brush, room: Room) {
    name_ui(ui, "Size");
    let sizes = MIN_DIAMETER_POINTS..=MAX_DIAMETER_POINTS;
    let diameter = &mut brush.diameter_points;
    widgets::slider(ui, "Brush size", diameter, sizes.clone(), true);
    number_ui(ui, "Brush size on the screen", diameter, sizes, " px")
        .on_hover_text("Its size on the screen: zoom in to paint finer");
    if room > Room::Little {
        fraction_ui(ui, "Hardness", &mut brush.hardness, 0.0);
    }
    if room == Room::Wide {
        fraction_ui(ui, "Opacity", &mut brush.opacity, 1.0);
    }
}

fn wand_ui(ui: &mut Ui, settings: &mut ToolSettings) {
    let wand = &mut settings.wand;
    let mut tolerance = f32::from(wand.tolerance);
    name_ui(ui, "Tolerance");
    widgets::slider(ui, "Tolerance", &mut tolerance, 0.0..=255.0, false);
    number_ui(ui, "Tolerance of the wand", &mut tolerance, 0.0..=255.0, "");
    wand.tolerance = tolerance.round() as u8;
    let label = "Only what hangs together";
    let pill = widgets::pill(ui, "Connected", label, wand.is_contiguous).on_hover_text(label);
    if pill.clicked() {
        wand.is_contiguous ^= true;
    }
}

/// How far the next edit reaches beyond the mask, as the canvas outlines it.
fn reach_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let mut choices = scene.session.documents.current().choices.clone();
    let before = choices.clone();
    auto_length_ui(ui, "Grow", "Grow by px", &mut choices.grow_px);
    auto_length_ui(ui, "Soft edge", "Soft edge in px", &mut choices.feather_px);
    if choices != before {
        scene.send(Command::SetChoices(choices));
    }
}

/// A length in pixels that follows the mask until it is set; below 0 it does so again.
fn auto_length_ui(ui: &mut Ui, name: &str, spoken: &str, length_px: &mut Option<f32>) {
    const AUTO: f64 = -1.0;
    name_ui(ui, name);
    let mut value = length_px.map_or(AUTO, f64::from);
    let number = ui.scope(|ui| {
        plain_number(ui);
        let number = DragValue::new(&mut value)
            .range(AUTO..=f64::from(MAX_EDGE_PX))
            .speed(1.0)
            .custom_formatter(|value, _| {
                if value < 0.0 {
                    "Auto".to_owned()
                } else {
                    format!("{value:.0} px")
                }
            })
            .custom_parser(|text| {
                let text = text.trim().trim_end_matches("px").trim_end();
                if text.is_empty() || text.eq_ignore_ascii_case("auto") {
                    Some(AUTO)
                } else {
                    text.parse().ok()
                }
            });
        ui.add(number).accessible_name(spoken)
    });
    let tip = "At most a quarter of the mask's thickness; Auto is what suits the mask";
    if number.inner.on_hover_text(tip).changed() {
        *length_px = (value >= 0.0).then(|| value.round() as f32);
    }
}

fn mask_ui(ui: &mut Ui, scene: &mut Scene<'_>, settings: &ToolSettings) {
    let px = settings.edge_px;
    let is_empty = scene.session.document().content().mask.is_empty();
    ui.spacing_mut().item_spacing.x = 4.0;
    action_ui(ui, scene, "Invert", Command::Mask(MaskAction::Invert));
    ui.add_enabled_ui(!is_empty, |ui| {
        action_ui(
            ui,
            scene,
            "Soften",
            Command::Mask(MaskAction::Feather { px }),
        );
        action_ui(ui, scene, "Clear", Command::Mask(MaskAction::Clear));
    });
}

/// What is needed less often, behind one button.
fn more_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    tool: Tool,
    settings: &mut ToolSettings,
    room: Room,
) {
    let button = widgets::icon_button(ui, Icon::ChevronDown, "More for this tool", 24.0);
    Popup::from_toggle_button_response(&button)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .gap(10.0)
        .show(|ui| {
            ui.set_width(228.0);
            ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
            let brush = match tool {
                Tool::Brush => Some(&mut settings.brush),
                Tool::Eraser => Some(&mut settings.eraser),
                Tool::SketchBrush => Some(&mut settings.sketch),
                _ => None,
            };
            if let Some(brush) = brush {
                if room == Room::Little {
                    ui.horizontal(|ui| fraction_ui(ui, "Hardness", &mut brush.hardness, 0.0));
                }
                if room < Room::Wide {
                    ui.horizontal(|ui| fraction_ui(ui, "Opacity", &mut brush.opacity, 1.0));
                }
                ui.checkbox(
                    &mut settings.width_follows_hand,
                    "Pen or speed sets the width",
                );
            }
            if tool != Tool::SketchBrush {
                if room == Room::Little {
                    ui.horizontal(|ui| reach_ui(ui, scene));
                    ui.horizontal(|ui| mask_ui(ui, scene, settings));
                }
                edge_ui(ui, scene, settings);
                whole_mask_ui(ui, scene);
                ui.horizontal(|ui| mask_colour_ui(ui, scene));
            }
        });
}

fn edge_ui(ui: &mut Ui, scene: &mut Scene<'_>, settings: &mut ToolSettings) {
    ui.horizontal(|ui| {
        name_ui(ui, "Edge by");
        number_ui(ui, "Edge by px", &mut settings.edge_px, 1.0..=500.0, " px");
    });
    let px = settings.edge_px.round();
    let is_empty = scene.session.document().content().mask.is_empty();
    ui.add_enabled_ui(!is_empty, |ui| {
        ui.horizontal(|ui| {
            for (text, action) in [
                ("Grow", MaskAction::Grow { px }),
                ("Shrink", MaskAction::Shrink { px }),
                ("Soften", MaskAction::Feather { px }),
            ] {
                if widgets::button(ui, text, Loudness::Plain, Some(70.0)).clicked() {
                    scene.send(Command::Mask(action));
                }
            }
        });
    });
}

fn whole_mask_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let content = scene.session.document().content();
    let (is_empty, has_last) = (content.mask.is_empty(), !content.last_mask.is_empty());
    for (command, is_enabled) in [
        (Command::Mask(MaskAction::All), true),
        (Command::Mask(MaskAction::Last), has_last),
        (Command::LoadMask, true),
        (Command::SaveMask, !is_empty),
    ] {
        let row = ui.add_enabled_ui(is_enabled, |ui| {
            widgets::button(ui, &command.label(), Loudness::Quiet, Some(228.0))
        });
        if row.inner.clicked() {
            scene.send(command);
            ui.close();
        }
    }
}
