//! The mask's colour: a few that go well, or any.

use egui::{Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::colour_picker::colour_button;
use crate::command::Command;
use crate::scene::Scene;
use crate::settings::MaskColour;
use crate::theme::{self, MASK_COLOURS};
use crate::widgets;

const SIDE: f32 = 20.0;

/// A row of swatches and a picker.
pub fn mask_colour_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let now = scene.settings.mask_colour;
    let mut colour = now;
    ui.spacing_mut().item_spacing.x = 6.0;
    for (name, choice) in MASK_COLOURS {
        swatch_ui(ui, name, MaskColour(choice), &mut colour);
    }
    colour_button(ui, &mut colour.0, "Another colour for the mask");
    if colour != now {
        scene.send(Command::SetMaskColour(colour));
    }
}

fn swatch_ui(ui: &mut Ui, name: &str, choice: MaskColour, colour: &mut MaskColour) {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::click());
    let label = format!("{name} mask");
    let is_chosen = *colour == choice;
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_chosen, &label));
    let swatch = Rect::from_center_size(rect.center(), vec2(12.0, 12.0));
    ui.painter()
        .rect_filled(swatch, 6, theme::mask_mark(choice));
    if is_chosen || response.hovered() {
        let line = if is_chosen { theme.text } else { theme.border };
        ui.painter()
            .rect_stroke(rect, 10, Stroke::new(1.5, line), StrokeKind::Inside);
    }
    widgets::focus_ring(ui, &response, rect, 10);
    if response.on_hover_text(label).clicked() {
        *colour = choice;
    }
}
