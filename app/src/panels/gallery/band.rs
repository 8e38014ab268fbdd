//! The rubber band of a grid, and the ground on which it is drawn.

use egui::{Rect, Sense, Stroke, StrokeKind, Ui, pos2};

use super::grid::{Grid, GridKind};
use crate::command::{Command, GalleryCommand};
use crate::scene::Scene;
use crate::theme;

/// A rubber band: from the place in the grid where the button went down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    x: f32,
    y: f64,
    adds: bool,
}

/// What lies under the tiles: a click on it chooses nothing, a drag draws a rubber band, or scrolls by touch.
pub(super) fn ground_ui(
    ui: &Ui,
    scene: &mut Scene<'_>,
    grid: &mut Grid,
    kind: GridKind,
    view: Rect,
) -> egui::Response {
    let sense = Sense::CLICK | Sense::DRAG;
    let ground = ui.interact(view, kind.cursor_id().with("ground"), sense);
    let (touches, modifiers) = ui.input(|input| (input.any_touches(), input.modifiers));
    let adds = modifiers.command || modifiers.shift;
    if ground.clicked() && !adds {
        scene.send(Command::Gallery(GalleryCommand::ChooseNone));
    }
    if touches {
        grid.offset -= f64::from(ground.drag_delta().y);
        grid.clamp();
    } else if ground.drag_started()
        && let Some(press) = ui.input(|input| input.pointer.press_origin())
    {
        grid.band = Some(Band {
            x: press.x - view.left(),
            y: f64::from(press.y - view.top()) + grid.offset,
            adds,
        });
    }
    ground
}

/// The rubber band, which scrolls the grid when it is drawn over its edge.
pub(super) fn band_ui(
    ui: &Ui,
    scene: &mut Scene<'_>,
    grid: &mut Grid,
    band: Band,
    ground: &egui::Response,
    view: Rect,
) {
    const SCROLL_PER_POINT: f32 = 0.25;
    let Some(pointer) = ground.interact_pointer_pos().filter(|_| ground.dragged()) else {
        grid.band = None;
        scene.send(Command::Gallery(GalleryCommand::EndBand));
        return;
    };
    let over = (pointer.y - view.bottom()).max(0.0) - (view.top() - pointer.y).max(0.0);
    if over != 0.0 {
        grid.offset += f64::from(over * SCROLL_PER_POINT);
        grid.clamp();
        ui.ctx().request_repaint();
    }
    let (x, y) = (
        pointer.x - view.left(),
        f64::from(pointer.y - view.top()) + grid.offset,
    );
    let touched = grid
        .layout
        .touched(band.x.min(x)..band.x.max(x), band.y.min(y)..band.y.max(y));
    scene.send(Command::Gallery(GalleryCommand::ChooseBand {
        list: scene.gallery.list(),
        touched,
        adds: band.adds,
    }));
    let theme = theme::of(ui);
    let start = pos2(
        view.left() + band.x,
        view.top() + (band.y - grid.offset) as f32,
    );
    let drawn = Rect::from_two_pos(start, pointer);
    ui.painter().rect(
        drawn,
        2,
        theme.accent.gamma_multiply(0.16),
        Stroke::new(1.0, theme.accent),
        StrokeKind::Inside,
    );
}
