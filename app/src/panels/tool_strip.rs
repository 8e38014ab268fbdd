//! The tools at the left edge. A tool's relatives are in a flyout: hold its button, or right-click it.

use egui::{Align, Layout, Popup, PopupCloseBehavior, RectAlign, Response, Stroke, Ui, pos2, vec2};

use super::Region;
use crate::command::Command;
use crate::document::StepName;
use crate::icons::Icon;
use crate::scene::Scene;
use crate::theme;
use crate::tools::Tool;
use crate::widgets;

const BUTTON: f32 = 38.0;
/// A button that is held for so long opens its flyout.
const HOLD_SECS: f64 = 0.4;

/// Each place of the strip has one of its tools on show: the one that was chosen last.
const PLACES: [&[Tool]; 8] = [
    &[Tool::Move, Tool::Pan, Tool::Zoom, Tool::RotateView],
    &[Tool::Brush],
    &[Tool::Eraser],
    &[Tool::Lasso, Tool::Polygon],
    &[Tool::Rectangle, Tool::Ellipse],
    &[Tool::Wand],
    &[Tool::Crop],
    &[Tool::SketchBrush, Tool::Eyedropper],
];

pub fn tool_strip_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 4.0);
        for (i, tools) in PLACES.iter().enumerate() {
            let response = place_ui(ui, scene, tools);
            if i == 0 {
                super::mark_region(ui, Region::Tools, &response);
            }
        }
        divider_ui(ui);
        let document = scene.session.document();
        let undo = document.next_undo().map(StepName::label);
        let redo = document.next_redo().map(StepName::label);
        step_ui(ui, scene, Command::Undo, Icon::Undo, undo);
        step_ui(ui, scene, Command::Redo, Icon::Redo, redo);
        ui.with_layout(Layout::bottom_up(Align::Center), |ui| {
            for (command, icon) in [
                (Command::TogglePanels, Icon::Panels),
                (Command::Palette, Icon::Keyboard),
            ] {
                if widgets::command_icon(ui, icon, &command, BUTTON, false).clicked() {
                    scene.send(command);
                }
            }
        });
    });
}

fn place_ui(ui: &mut Ui, scene: &mut Scene<'_>, tools: &[Tool]) -> Response {
    let chosen = scene.session.toolbox.tool();
    let id = ui.scope_id().with(("tool place", tools[0].label()));
    let shown = if tools.contains(&chosen) {
        ui.data_mut(|data| data.insert_temp(id, chosen));
        chosen
    } else {
        ui.data(|data| data.get_temp(id)).unwrap_or(tools[0])
    };
    let command = Command::Tool(shown);
    let is_on = shown == chosen;
    let response = widgets::command_icon(ui, icon(shown), &command, BUTTON, is_on);
    if tools.len() > 1 {
        corner_ui(ui, &response, is_on);
        flyout_ui(ui, scene, &response, tools);
    }
    if response.clicked() && !Popup::is_id_open(ui.ctx(), flyout_id(&response)) {
        scene.send(command);
    }
    response
}

/// Says that there is more behind the button.
fn corner_ui(ui: &Ui, response: &Response, is_on: bool) {
    let theme = theme::of(ui);
    let colour = if is_on { theme.on_tool } else { theme.text3 };
    let corner = response.rect.right_bottom() - vec2(5.0, 5.0);
    let triangle = vec![
        corner,
        pos2(corner.x - 4.0, corner.y),
        pos2(corner.x, corner.y - 4.0),
    ];
    ui.painter()
        .add(egui::Shape::convex_polygon(triangle, colour, Stroke::NONE));
}

fn flyout_id(response: &Response) -> egui::Id {
    response.id.with("flyout")
}

fn flyout_ui(ui: &Ui, scene: &mut Scene<'_>, response: &Response, tools: &[Tool]) {
    let id = flyout_id(response);
    if response.secondary_clicked() || is_held(ui, response) {
        Popup::open_id(ui.ctx(), id);
    }
    let chosen = scene.session.toolbox.tool();
    let flyout = Popup::from_response(response)
        .id(id)
        .open_memory(None)
        // The release that ends the holding is a click too.
        .close_behavior(PopupCloseBehavior::IgnoreClicks)
        .align(RectAlign::RIGHT_START)
        .gap(8.0)
        .frame(egui::Frame::popup(ui.style()).inner_margin(4))
        .show(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.horizontal(|ui| {
                for tool in tools {
                    let command = Command::Tool(*tool);
                    let is_on = *tool == chosen;
                    let button = widgets::command_icon(ui, icon(*tool), &command, BUTTON, is_on);
                    // Also where the button that opened the flyout is let go over it.
                    let is_dropped_on =
                        ui.input(|input| input.pointer.any_released()) && button.contains_pointer();
                    if button.clicked() || is_dropped_on {
                        scene.send(command);
                        ui.close();
                    }
                }
            });
        });
    let Some(flyout) = flyout else {
        return;
    };
    let is_pressed_elsewhere = ui.input(|input| {
        let at = input.pointer.interact_pos();
        let is_inside = |at| flyout.response.rect.contains(at) || response.rect.contains(at);
        input.pointer.any_pressed() && !at.is_some_and(is_inside)
    });
    if is_pressed_elsewhere {
        Popup::close_id(ui.ctx(), id);
    }
}

fn is_held(ui: &Ui, response: &Response) -> bool {
    let id = response.id.with("held since");
    let now = ui.input(|input| input.time);
    if !response.is_pointer_button_down_on() {
        ui.data_mut(|data| data.remove::<f64>(id));
        return false;
    }
    let since = ui.data_mut(|data| *data.get_temp_mut_or(id, now));
    let rest = HOLD_SECS - (now - since);
    if rest > 0.0 {
        let rest = std::time::Duration::from_secs_f64(rest);
        ui.ctx().request_repaint_after(rest);
    }
    rest <= 0.0
}

/// Undo or redo; the tooltip names the step.
fn step_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    command: Command,
    icon: Icon,
    step: Option<&'static str>,
) {
    let response = ui
        .add_enabled_ui(step.is_some(), |ui| {
            widgets::command_icon(ui, icon, &command, BUTTON, false)
        })
        .inner;
    let response = match step {
        Some(step) => response.on_hover_text(step),
        None => response,
    };
    if response.clicked() {
        scene.send(command);
    }
}

fn divider_ui(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(26.0, 13.0), egui::Sense::hover());
    ui.painter().hline(
        rect.x_range(),
        rect.center().y,
        Stroke::new(1.0, theme::of(ui).line),
    );
}

fn icon(tool: Tool) -> Icon {
    match tool {
        Tool::Pan => Icon::Hand,
        Tool::Zoom => Icon::Zoom,
        Tool::RotateView => Icon::RotateView,
        Tool::Move => Icon::Move,
        Tool::Brush => Icon::Brush,
        Tool::Eraser => Icon::Eraser,
        Tool::Lasso => Icon::Lasso,
        Tool::Polygon => Icon::Polygon,
        Tool::Rectangle => Icon::Rectangle,
        Tool::Ellipse => Icon::Ellipse,
        Tool::Wand => Icon::Wand,
        Tool::Crop => Icon::Extend,
        Tool::SketchBrush => Icon::Sketch,
        Tool::Eyedropper => Icon::Eyedropper,
    }
}
