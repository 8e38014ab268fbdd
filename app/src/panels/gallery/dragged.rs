//! Pictures on their way to a board, the canvas or another panel.

use std::sync::Arc;

use egui::{Align2, Area, CursorIcon, DragAndDrop, Id, Order, Rect, Ui, vec2};

use crate::command::{Command, GestureCommand};
use crate::panels::drop_zone::drop_zone_ui;
use crate::scene::DraggedPictures;
use crate::scene::Scene;
use crate::session::{Deed, PictureRef};
use crate::textures::Detail;
use crate::theme;
use crate::widgets;

const SIDE: f32 = 72.0;
/// Where pictures are dropped to be pinned while the reference board is not shown.
const PIN_WIDTH: f32 = 132.0;
/// More layers at once are a slip of the hand.
const MOST_LAYERS: usize = 8;

/// Draws what is dragged beside the pointer.
pub fn dragged_ui(ui: &Ui, scene: &mut Scene<'_>) {
    let Some(dragged) = DragAndDrop::payload::<DraggedPictures>(ui.ctx()) else {
        return;
    };
    let (Some(pointer), Some(first)) = (ui.ctx().pointer_latest_pos(), dragged.0.first()) else {
        return;
    };
    ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    Area::new(Id::unique("dragged pictures"))
        .order(Order::Tooltip)
        .interactable(false)
        .fixed_pos(pointer + vec2(14.0, 14.0))
        .show(ui.ctx(), |ui| {
            let size = vec2(SIDE, SIDE);
            let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
            picture_ui(ui, scene, rect, *first);
            count_ui(ui, rect, dragged.0.len());
        });
}

fn picture_ui(ui: &Ui, scene: &mut Scene<'_>, rect: Rect, picture: PictureRef) {
    for detail in [Detail::Thumbnail, Detail::Small] {
        if let Some(texture) = scene.textures.get_if_here((picture, detail)).cloned() {
            return widgets::cover(ui, rect, theme::RADIUS, &texture, 0.9);
        }
    }
    ui.painter()
        .rect_filled(rect, theme::RADIUS, theme::of(ui).bg3);
}

fn count_ui(ui: &Ui, rect: Rect, n: usize) {
    if n < 2 {
        return;
    }
    let theme = theme::of(ui);
    let text = widgets::count(n);
    let galley = ui
        .painter()
        .layout_no_wrap(text, theme::label_semibold(), theme.on_accent);
    let size = galley.size() + vec2(14.0, 6.0);
    let badge = Align2::RIGHT_BOTTOM.anchor_size(rect.right_bottom() + vec2(6.0, 6.0), size);
    ui.painter().rect_filled(badge, 10, theme.accent);
    let at = Align2::CENTER_CENTER.anchor_size(badge.center(), galley.size());
    ui.painter().galley(at.min, galley, theme.on_accent);
}

/// Pictures that are dropped on the canvas become layers, or a document where there is none; at its left edge
/// they are pinned beside it.
pub fn drop_on_canvas_ui(ui: &Ui, scene: &mut Scene<'_>, canvas: Rect) {
    if !DragAndDrop::has_payload_of_type::<DraggedPictures>(ui.ctx()) {
        return;
    }
    let has_board = !scene.session.documents.current().pinned.is_empty();
    let board_right = if has_board { 0.0 } else { PIN_WIDTH };
    let (pin, canvas) = canvas.split_left_right_at_x(canvas.left() + board_right);
    if !has_board {
        drop_on_reference_board_ui(ui, scene, pin);
    }
    let is_blank = scene.session.document().content().frame.is_empty();
    let words = if is_blank {
        "Open on the canvas"
    } else {
        "Add as a layer"
    };
    let Some(dropped) = take_dropped(ui, canvas, words) else {
        return;
    };
    let mut pictures = dropped.0.iter().copied().take(MOST_LAYERS);
    if is_blank && let Some(first) = pictures.next() {
        scene.send(Command::OpenAsDocument(first));
    }
    for picture in pictures {
        scene.send(Command::AddAsLayer(picture));
    }
}

pub fn drop_on_reference_board_ui(ui: &Ui, scene: &mut Scene<'_>, board: Rect) {
    if let Some(dropped) = take_dropped(ui, board, "Pin here") {
        for picture in dropped.saved(scene) {
            let pinned = true;
            scene.send(Command::Pin { picture, pinned });
        }
    }
}

/// While a mix or a turn is put together in the prompt bar, pictures go into it.
pub fn drop_on_prompt_ui(ui: &Ui, scene: &mut Scene<'_>, bar: Rect) {
    let deed = scene.session.deed();
    if !deed.has_tray() {
        return;
    }
    if let Some(dropped) = take_dropped(ui, bar, deed.label()) {
        for picture in dropped.0.iter().copied().map(Some).take(MOST_LAYERS) {
            scene.send(Command::Gesture(match deed {
                Deed::Turn => GestureCommand::Turn(picture),
                _ => GestureCommand::AddToMix(picture),
            }));
        }
    }
}

/// Says what dropping here does, and takes what is dropped.
fn take_dropped(ui: &Ui, rect: Rect, words: &str) -> Option<Arc<DraggedPictures>> {
    if !DragAndDrop::has_payload_of_type::<DraggedPictures>(ui.ctx()) {
        return None;
    }
    let pointer = ui.ctx().pointer_latest_pos()?;
    let is_over = rect.contains(pointer);
    drop_zone_ui(ui.ctx(), rect, words, is_over);
    if is_over && ui.input(|input| input.pointer.any_released()) {
        return DragAndDrop::take_payload(ui.ctx());
    }
    None
}
