//! What the pointer looks like over the canvas.

use egui::{CursorIcon, Key, Ui};

use super::input::{Gesture, Place};
use crate::scene::Scene;
use crate::tools::crop_rect::Grip;
use crate::tools::{Overlay, Tool};

/// By what the hands are at and by the tool that they have; brushes draw their own.
pub fn show(ui: &Ui, scene: &Scene<'_>, place: &Place<'_>, gesture: Gesture) {
    let tool = scene.session.toolbox.tool();
    let space = !ui.ctx().text_edit_focused() && ui.input(|input| input.key_down(Key::Space));
    let alt = ui.input(|input| input.modifiers.alt);
    let icon = match gesture {
        Gesture::Pan | Gesture::Fingers => CursorIcon::Grabbing,
        Gesture::Turn { .. } => CursorIcon::Alias,
        Gesture::AdjustBrush => CursorIcon::None,
        Gesture::None if space => CursorIcon::Grab,
        Gesture::None | Gesture::Tool => match tool {
            _ if !place.takes_tools && !tool.is_of_view() => CursorIcon::Grab,
            Tool::Pan => CursorIcon::Grab,
            Tool::Zoom if alt => CursorIcon::ZoomOut,
            Tool::Zoom => CursorIcon::ZoomIn,
            Tool::RotateView => CursorIcon::Alias,
            Tool::Move => CursorIcon::Move,
            Tool::Brush | Tool::Eraser | Tool::SketchBrush => CursorIcon::None,
            Tool::Crop => {
                let frame = scene.session.document().content().frame;
                crop_cursor(&scene.session.toolbox.overlay(frame))
            }
            _ => CursorIcon::Crosshair,
        },
    };
    ui.ctx().set_cursor_icon(icon);
}

/// The way in which the held edge goes; inside, where a new rectangle begins or the chosen one is moved, a cross.
fn crop_cursor(overlay: &Overlay<'_>) -> CursorIcon {
    let Overlay::Crop { hot, .. } = overlay else {
        return CursorIcon::Default;
    };
    let Some(Grip::Edges {
        horizontal,
        vertical,
    }) = *hot
    else {
        return CursorIcon::Crosshair;
    };
    match (horizontal, vertical) {
        (None, None) => CursorIcon::Move,
        (None, _) => CursorIcon::ResizeVertical,
        (_, None) => CursorIcon::ResizeHorizontal,
        (Some(horizontal), Some(vertical)) if horizontal == vertical => CursorIcon::ResizeNwSe,
        _ => CursorIcon::ResizeNeSw,
    }
}
