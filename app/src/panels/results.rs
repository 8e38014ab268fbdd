//! The selected run: its tiles, what can be done with them, and what else is in the queue.

use egui::{Rect, Sense, Ui, vec2};

use super::widgets::{self, Loudness};
use super::{Scene, gallery_trouble_ui, result_tile, top_bar};
use crate::command::Command;
use crate::icons::Icon;
use crate::session::{PictureRef, Run, RunId, RunState};
use crate::theme;

const GAP: f32 = 8.0;

pub fn results_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let selected = scene
        .session
        .selected()
        .map(|run| (run.id, run.slots.len()));
    if let Some((id, n_slots)) = selected {
        header_ui(ui, scene, id);
        grid_ui(ui, scene, id, n_slots);
        trouble_ui(ui, scene, id);
        older_ui(ui, scene, id);
        keep_ui(ui, scene, id);
    } else if scene.session.shown().is_none() {
        nothing_yet_ui(ui);
    }
    actions_ui(ui, scene);
    if let Some((id, _)) = selected {
        others_ui(ui, scene, id);
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

fn header_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: RunId) {
    let theme = theme::of(ui);
    let Some(run) = scene.session.run(id) else {
        return;
    };
    let state = top_bar::run_state_words(run, scene);
    let is_active = run.is_active();
    let prompt = run.request.prompt.clone();
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let width = ui.available_width();
        let title = widgets::clipped(&prompt, theme::label_medium(), theme.text, width);
        ui.label(title).on_hover_text(&prompt);
        ui.horizontal(|ui| {
            ui.label(
                egui::RichText::new(state)
                    .font(theme::label())
                    .color(theme.text2),
            );
            if is_active {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if widgets::icon_button(ui, Icon::Close, "Cancel; finished pictures stay", 20.0)
                        .clicked()
                    {
                        scene.send(Command::CancelRun(id));
                    }
                });
            }
        });
    });
}

/// 2 × 2, or 3 × 3 from five on; a single one is large.
fn grid_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: RunId, n_slots: usize) {
    let n_columns = match n_slots {
        0 | 1 => 1,
        2..=4 => 2,
        _ => 3,
    };
    let width = ui.available_width();
    let side = (width - GAP * (n_columns - 1) as f32) / n_columns as f32;
    let n_rows = n_slots.div_ceil(n_columns);
    let height = side * n_rows as f32 + GAP * (n_rows.max(1) - 1) as f32;
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    for index in 0..n_slots {
        let tile = tile_rect(rect, index, side, n_columns);
        result_tile::tile_ui(ui, scene, id, index as u32, tile);
    }
}

fn tile_rect(grid: Rect, index: usize, side: f32, n_columns: usize) -> Rect {
    let (column, row) = ((index % n_columns) as f32, (index / n_columns) as f32);
    Rect::from_min_size(
        grid.min + vec2(column, row) * (side + GAP),
        vec2(side, side),
    )
}

/// What can be done with any picture; for right clicks on tiles and thumbnails.
pub fn picture_menu_ui(ui: &mut Ui, scene: &mut Scene<'_>, picture: PictureRef) {
    ui.set_min_width(180.0);
    ui.spacing_mut().item_spacing.y = 2.0;
    let mut commands = vec![
        Command::Show(picture),
        Command::OpenAsDocument(picture),
        Command::AddAsLayer(picture),
    ];
    let part = crate::session::RecipePart::Everything;
    commands.push(Command::UseRecipe { picture, part });
    commands.push(Command::CopyPrompt(picture));
    if let Some(id) = scene.session.picture_id(picture) {
        let starred = scene
            .gallery
            .record(id)
            .is_some_and(|record| record.is_starred);
        commands.push(Command::StarPicture {
            id,
            starred: !starred,
        });
        let pinned = scene.session.documents.current().pinned.contains(&id);
        commands.push(Command::Pin {
            picture: id,
            pinned: !pinned,
        });
        commands.push(Command::ShowInFolder(id));
        commands.push(Command::DeletePicture(id));
    }
    for command in commands {
        let width = ui.available_width();
        if super::palette::row_ui(ui, &command.label(), None, false, width).clicked() {
            scene.send(command);
            ui.close();
        }
    }
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
        unread_ui(ui, run);
        return;
    }
    let text = match &run.state {
        RunState::Failed(reason) => reason.clone(),
        _ => format!("{n_lost} not made"),
    };
    let colour = if matches!(run.state, RunState::Failed(_)) {
        theme.error
    } else {
        theme.text2
    };
    ui.label(egui::RichText::new(text).font(theme::label()).color(colour));
    if widgets::button(ui, "Run again", Loudness::Primary, None).clicked() {
        scene.send(Command::RunAgain(id));
    }
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
        widgets::remark(
            ui,
            "From before your last changes here. It can still be kept.",
        );
    }
}

/// Keep, Discard, Again: what is to become of the results.
fn keep_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: RunId) {
    let Some(run) = scene.session.run(id) else {
        return;
    };
    let shows_it =
        matches!(scene.session.shown(), Some(PictureRef::Result { run, .. }) if run == id);
    let can_keep = shows_it && run.first_visible().is_some();
    ui.spacing_mut().item_spacing.x = 6.0;
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 12.0) / 3.0;
        let loudness = if can_keep {
            Loudness::Primary
        } else {
            Loudness::Plain
        };
        ui.add_enabled_ui(can_keep, |ui| {
            let keep = widgets::button(ui, "Keep", loudness, Some(width));
            let tip = widgets::command_tooltip(ui, &Command::Keep);
            if keep.on_hover_text(tip).clicked() {
                scene.send(Command::Keep);
            }
        });
        for command in [Command::Discard, Command::Again] {
            let label = match command {
                Command::Again => "Again",
                _ => "Discard",
            };
            let tip = widgets::command_tooltip(ui, &command);
            let button = widgets::button(ui, label, Loudness::Plain, Some(width));
            if button.on_hover_text(tip).clicked() {
                scene.send(command);
            }
        }
    });
}

fn actions_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(shown) = scene.session.shown() else {
        return;
    };
    let id = scene.session.picture_id(shown);
    let starred = id
        .and_then(|id| scene.gallery.record(id))
        .is_some_and(|record| record.is_starred);
    ui.spacing_mut().item_spacing.x = 6.0;
    ui.horizontal(|ui| {
        let icons_width = 4.0 * 31.0 + 4.0 * 6.0;
        let width = (ui.available_width() - icons_width - 6.0) / 2.0;
        let open = Command::OpenAsDocument(shown);
        ui.add_enabled_ui(id.is_some(), |ui| {
            if widgets::button(ui, "Open", Loudness::Plain, Some(width))
                .on_hover_text("Open on the canvas, as a document of its own")
                .clicked()
            {
                scene.send(open);
            }
        });
        ui.add_enabled_ui(id.is_some(), |ui| {
            if widgets::button(ui, "Export", Loudness::Plain, Some(width))
                .on_hover_text(widgets::command_tooltip(ui, &Command::Export))
                .clicked()
            {
                scene.send(Command::Export);
            }
            let star = if starred {
                Icon::StarFilled
            } else {
                Icon::Star
            };
            for (icon, command) in [
                (star, Command::ToggleStar),
                (Icon::Copy, Command::CopyPicture),
                (
                    Icon::Folder,
                    id.map_or(Command::OpenFolder, Command::ShowInFolder),
                ),
                (Icon::Trash, Command::Delete),
            ] {
                if widgets::command_icon(ui, icon, &command, 31.0, false).clicked() {
                    scene.send(command);
                }
            }
        });
    });
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
