//! A scroll bar that is exact at any height, and can be grabbed however small its share of the whole is.

use egui::{Id, Rect, Role, Sense, Ui, WidgetInfo};

use crate::theme;

/// What it takes of the width.
pub const WIDTH: f32 = 12.0;
const LEAST_HANDLE: f32 = 28.0;

/// Returns where to scroll to, if it was moved. `size` is the height of the whole and of the view.
pub fn scroll_bar_ui(
    ui: &Ui,
    rect: Rect,
    id: Id,
    offset: f64,
    (whole, view): (f64, f64),
) -> Option<f64> {
    if whole <= view || rect.height() <= LEAST_HANDLE {
        return None;
    }
    let theme = theme::of(ui);
    let track = f64::from(rect.height());
    let length = (track * view / whole).max(f64::from(LEAST_HANDLE));
    let (room, most) = (track - length, whole - view);
    let handle_top = room * offset / most;
    let handle = Rect::from_min_size(
        rect.min + egui::vec2(0.0, handle_top as f32),
        egui::vec2(rect.width(), length as f32),
    );
    let bar = ui.interact(rect, id.with("scroll bar"), Sense::CLICK | Sense::DRAG);
    bar.widget_info(|| {
        let mut info = WidgetInfo::slider(true, offset / most * 100.0, "Scroll the gallery");
        info.role = Role::ScrollBar;
        info
    });
    let is_held = bar.is_pointer_button_down_on();
    let colour = if is_held || bar.hovered() {
        theme.border
    } else {
        theme.bg3
    };
    let drawn = handle.shrink2(egui::vec2(
        if is_held || bar.hovered() { 1.0 } else { 2.5 },
        1.0,
    ));
    ui.painter().rect_filled(drawn, 5, colour);
    let pointer = bar.interact_pointer_pos()?;
    let grip_id = bar.id.with("grip");
    if bar.drag_started() || bar.clicked() {
        // Grabbed beside the handle, its middle comes to the pointer.
        let press = ui
            .input(|input| input.pointer.press_origin())
            .unwrap_or(pointer);
        let grip = if handle.contains(press) {
            press.y - handle.top()
        } else {
            handle.height() / 2.0
        };
        ui.data_mut(|data| data.insert_temp(grip_id, grip));
    }
    let moves = bar.dragged() || (bar.clicked() && !handle.contains(pointer));
    let grip: f32 = ui.data(|data| data.get_temp(grip_id)).unwrap_or_default();
    moves.then(|| f64::from(pointer.y - grip - rect.top()) / room * most)
}
