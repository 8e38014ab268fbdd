//! The tools at the left edge.

use egui::{Align, Layout, Ui, vec2};

use super::widgets;
use super::{Region, Scene};
use crate::command::Command;
use crate::icons::Icon;
use crate::theme;
use crate::tools::Tool;

pub fn tool_strip_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 4.0);
        for (tool, icon) in [(Tool::Pan, Icon::Hand), (Tool::Zoom, Icon::Zoom)] {
            let command = Command::Tool(tool);
            let is_on = scene.session.toolbox.tool() == tool;
            let response = widgets::command_icon(ui, icon, &command, 38.0, is_on);
            if tool == Tool::Pan {
                super::mark_region(ui, Region::Tools, &response);
            }
            if response.clicked() {
                scene.send(command);
            }
        }
        divider_ui(ui);
        for (command, icon) in [
            (Command::ZoomFit, Icon::Fit),
            (Command::ZoomActual, Icon::ActualSize),
        ] {
            command_icon_ui(ui, scene, command, icon);
        }
        ui.with_layout(Layout::bottom_up(Align::Center), |ui| {
            command_icon_ui(ui, scene, Command::TogglePanels, Icon::Panels);
            command_icon_ui(ui, scene, Command::Palette, Icon::Keyboard);
        });
    });
}

fn command_icon_ui(ui: &mut Ui, scene: &mut Scene<'_>, command: Command, icon: Icon) {
    if widgets::command_icon(ui, icon, &command, 38.0, false).clicked() {
        scene.send(command);
    }
}

fn divider_ui(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(26.0, 13.0), egui::Sense::hover());
    ui.painter().hline(
        rect.x_range(),
        rect.center().y,
        egui::Stroke::new(1.0, theme::of(ui).line),
    );
}
