//! The selected run: its tiles, what can be done with them, and what else is in the queue.

mod actions;
mod header;
mod picture_menu;
mod steer;
mod tile;

use egui::{Rect, Sense, Ui, vec2};

use super::{gallery_trouble_ui, top_bar};
use crate::scene::Scene;
use crate::widgets::{self, Loudness};
use limn_engine::protocol::LoraUse;

use crate::command::Command;
use crate::session::{Run, RunId, RunState};
use crate::theme;

pub use picture_menu::picture_menu_ui;
pub use steer::Steer;

const GAP: f32 = 8.0;
/// What is kept free under the tiles in a low window: the buttons, and the gallery's heading and search.
const BELOW: f32 = 190.0;
const LEAST_SIDE: f32 = 64.0;

/// What the results keep between frames.
#[derive(Default)]
pub struct ResultsPanel {
    steer: Option<Steer>,
}

pub fn results_ui(ui: &mut Ui, scene: &mut Scene<'_>, panel: &mut ResultsPanel) {
    let selected = scene
        .session
        .selected()
        .map(|run| (run.id, run.slots.len()));
    if let Some((id, n_slots)) = selected {
        header::header_ui(ui, scene, id);
        grid_ui(ui, scene, id, n_slots);
    } else if scene.session.shown().is_none() {
        nothing_yet_ui(ui);
    }
    actions::actions_ui(ui, scene);
    // Under the buttons: what comes and goes does not move what is about to be clicked.
    if let Some((id, _)) = selected {
        trouble_ui(ui, scene, id);
        older_ui(ui, scene, id);
        steer::steer_ui(ui, scene, &mut panel.steer, id);
        others_ui(ui, scene, id);
    }
}

/// The run's pictures one below the other, for a panel that is folded: as many as have room.
pub fn folded_results_ui(ui: &mut Ui, scene: &mut Scene<'_>, side: f32) {
    let Some((id, n_slots)) = scene
        .session
        .selected()
        .map(|run| (run.id, run.slots.len()))
    else {
        return;
    };
    let n_fitting = (ui.available_height() / (side + GAP)) as usize;
    for index in 0..n_slots.min(n_fitting) {
        let (rect, _) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
        tile::tile_ui(ui, scene, id, index as u32, rect);
        ui.add_space(GAP - ui.spacing().item_spacing.y);
    }
}

fn nothing_yet_ui(ui: &mut Ui) {
    let theme = theme::of(ui);
    let width = ui.available_width();
    let side = (width - GAP) / 2.0;
    let (rect, _) = ui.allocate_exact_size(vec2(width, side * 2.0 + GAP), Sense::hover());
    for index in 0..4 {
        let tile = tile_rect(rect, index, side, 2);
        ui.painter()
            .rect_filled(tile, theme::RADIUS, theme.bg2.gamma_multiply(0.6));
    }
    widgets::remark(ui, "Results appear here while they are drawn.");
}

/// Columns of the results, and the side of a tile: 2 × 2, or 3 × 3 from five on, and a single one large. Where there is
/// too little height for those, as many columns as give the largest tiles.
fn grid(n_slots: usize, room: egui::Vec2) -> (usize, f32) {
    let gaps = |n: usize| GAP * n.saturating_sub(1) as f32;
    let side = |n_columns: usize| {
        let n_rows = n_slots.div_ceil(n_columns).max(1);
        let across = (room.x - gaps(n_columns)) / n_columns as f32;
        let down = (room.y - gaps(n_rows)) / n_rows as f32;
        across.min(down.max(LEAST_SIDE)).floor()
    };
    let usual = match n_slots {
        0 | 1 => 1,
        2..=4 => 2,
        _ => 3,
    };
    let mut best = (usual, side(usual));
    for n_columns in usual + 1..=n_slots {
        if side(n_columns) > best.1 {
            best = (n_columns, side(n_columns));
        }
    }
    best
}

fn grid_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: RunId, n_slots: usize) {
    let width = ui.available_width();
    let (n_columns, side) = grid(n_slots, vec2(width, ui.available_height() - BELOW));
    let n_rows = n_slots.div_ceil(n_columns);
    let height = side * n_rows as f32 + GAP * (n_rows.max(1) - 1) as f32;
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    for index in 0..n_slots {
        let tile = tile_rect(rect, index, side, n_columns);
        tile::tile_ui(ui, scene, id, index as u32, tile);
    }
}

fn tile_rect(grid: Rect, index: usize, side: f32, n_columns: usize) -> Rect {
    let (column, row) = ((index % n_columns) as f32, (index / n_columns) as f32);
    Rect::from_min_size(
        grid.min + vec2(column, row) * (side + GAP),
        vec2(side, side),
    )
}

/// A run that went wrong says so here, with the one thing to do.
fn trouble_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: RunId) {
    let theme = theme::of(ui);
    let held = scene.session.held.clone();
    let Some(run) = scene.session.run(id) else {
        return;
    };
    if run.has_unsaved() {
        let reason = held.unwrap_or_default();
        let text = format!("Not saved yet, and kept here: {reason}");
        gallery_trouble_ui(ui, scene, &text, "Try saving again");
        return;
    }
    let n_lost = run.n_lost();
    if n_lost == 0 || run.is_active() {
        stand_in_ui(ui, run);
        loras_ui(ui, run);
        unread_ui(ui, run);
        remarks_ui(ui, run);
        return;
    }
    let has_failed = matches!(run.state, RunState::Failed(_));
    if has_failed && is_told_on_canvas(scene) {
        return;
    }
    let text = match &run.state {
        RunState::Failed(reason) => widgets::shown_message(reason),
        RunState::Interrupted => format!("Limn ended before {n_lost} of them were made."),
        _ => format!("{n_lost} not made"),
    };
    let colour = if matches!(run.state, RunState::Failed(_)) {
        theme.error
    } else {
        theme.text2
    };
    ui.label(egui::RichText::new(text).font(theme::label()).color(colour));
    // Keep is the louder one, where there is something to keep.
    let loudness = if actions::can_keep(scene, id) {
        Loudness::Plain
    } else {
        Loudness::Primary
    };
    if widgets::button(ui, "Run again", loudness, None).clicked() {
        scene.send(Command::RunAgain(id));
    }
}

/// What was done in place of what was asked for.
fn stand_in_ui(ui: &mut Ui, run: &Run) {
    let Some(stand_in) = run.plan.as_ref().and_then(|plan| plan.stand_in) else {
        return;
    };
    let theme = theme::of(ui);
    ui.label(
        egui::RichText::new(stand_in.note())
            .font(theme::label())
            .color(theme.text2),
    );
}

/// What of the LoRAs had no effect.
fn loras_ui(ui: &mut Ui, run: &Run) {
    let theme = theme::of(ui);
    let loras = run.plan.iter().flat_map(|plan| &plan.loras);
    for note in loras.filter_map(LoraUse::note) {
        let text = egui::RichText::new(widgets::shown_message(&note));
        ui.label(text.font(theme::label()).color(theme.warn));
    }
}

/// What of the prompt could not be done.
fn remarks_ui(ui: &mut Ui, run: &Run) {
    let theme = theme::of(ui);
    let remarks = run.plan.iter().flat_map(|plan| &plan.remarks);
    for remark in remarks.take(3) {
        ui.label(
            egui::RichText::new(widgets::shown_message(remark))
                .font(theme::label())
                .color(theme.warn),
        );
    }
}

/// Where there is no picture to look at, the canvas says what went wrong.
fn is_told_on_canvas(scene: &Scene<'_>) -> bool {
    let is_empty = scene.session.canvas_content().frame.is_empty();
    is_empty && scene.session.overlay_result().is_none()
}

/// The end of a prompt that the model could not take in.
fn unread_ui(ui: &mut Ui, run: &Run) {
    let Some(unread) = run
        .plan
        .as_ref()
        .and_then(|plan| plan.unread_prompt.as_deref())
    else {
        return;
    };
    let theme = theme::of(ui);
    let start: String = unread.chars().take(60).collect();
    let start = widgets::shown(&start);
    let end = match unread.split_whitespace().count() {
        0 | 1 => "its last word".to_owned(),
        n_words => format!("its last {n_words} words"),
    };
    let text = format!(
        "The prompt is longer than the model reads: {end}, from “{start}…”, had no effect."
    );
    ui.label(
        egui::RichText::new(text)
            .font(theme::label())
            .color(theme.warn),
    );
}

/// A result of an edit of a picture that has been changed since.
fn older_ui(ui: &mut Ui, scene: &Scene<'_>, id: RunId) {
    let Some(run) = scene.session.run(id) else {
        return;
    };
    if run.first_visible().is_some() && scene.session.is_of_older_state(run) {
        let words = if actions::can_keep(scene, id) {
            "From before your last changes here. It can still be kept."
        } else {
            "From before your last changes here. Choose one to keep it all the same."
        };
        widgets::remark(ui, words);
    }
}

/// Other runs that wait or run, and finished ones of this sitting, one line each.
fn others_ui(ui: &mut Ui, scene: &mut Scene<'_>, selected: RunId) {
    let others: Vec<RunId> = scene
        .session
        .active_runs()
        .filter(|run| run.id != selected)
        .map(|run| run.id)
        .collect();
    if others.is_empty() {
        return;
    }
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        widgets::section(ui, "Also in the queue", "");
        for id in others.into_iter().take(3) {
            top_bar::queue_row_ui(ui, scene, id);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_use_the_room_that_there_is() {
        for (n_slots, room, expected) in [
            (4, vec2(304.0, 500.0), (2, 148.0)),
            (1, vec2(304.0, 500.0), (1, 304.0)),
            (9, vec2(304.0, 500.0), (3, 96.0)),
            // A low window.
            (4, vec2(272.0, 150.0), (2, 71.0)),
            (4, vec2(272.0, 20.0), (2, 64.0)),
            (2, vec2(272.0, 20.0), (2, 64.0)),
            (3, vec2(272.0, 100.0), (3, 85.0)),
        ] {
            let (n_columns, side) = grid(n_slots, room);
            let is_as_wide = (side - expected.1).abs() < 0.5;
            assert!(
                n_columns == expected.0 && is_as_wide,
                "{n_slots} in {room}: {side}"
            );
        }
    }
}
