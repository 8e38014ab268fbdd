//! The selected run: its tiles, what can be done with them, and what else is in the queue.

use egui::{
    Align2, Color32, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::widgets::{self, Loudness};
use super::{Scene, top_bar};
use crate::command::Command;
use crate::icons::{self, Icon};
use crate::session::{PictureRef, Run, RunId, RunState, SlotState};
use crate::textures::Detail;
use crate::theme::{self, Theme};

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
    } else if scene.session.shown.is_none() {
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
        tile_ui(ui, scene, id, index as u32, tile);
    }
}

fn tile_rect(grid: Rect, index: usize, side: f32, n_columns: usize) -> Rect {
    let (column, row) = ((index % n_columns) as f32, (index / n_columns) as f32);
    Rect::from_min_size(
        grid.min + vec2(column, row) * (side + GAP),
        vec2(side, side),
    )
}

fn tile_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: RunId, index: u32, rect: Rect) {
    let theme = theme::of(ui);
    let Some(run) = scene.session.run(id) else {
        return;
    };
    let Some(slot) = run.slots.get(index as usize) else {
        return;
    };
    let picture = PictureRef::Result { run: id, index };
    let response = ui.interact(
        rect,
        ui.scope_id().with(("tile", id.0, index)),
        Sense::click(),
    );
    let is_shown = scene.session.shown == Some(picture);
    let label = format!("Result {}: {}", index + 1, slot_words(&slot.state));
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, is_shown, &label));
    let (state, version, preview) = (
        slot.state.clone(),
        slot.preview_version,
        slot.preview.clone(),
    );
    let is_waiting = matches!(state, SlotState::Waiting);
    let ground = if is_waiting { theme.bg2 } else { theme.bg3 };
    ui.painter().rect_filled(rect, theme::RADIUS, ground);
    let is_made = matches!(
        state,
        SlotState::Saving(_) | SlotState::Saved(_) | SlotState::Unsaved { .. }
    );
    if let Some(texture) = is_made
        .then(|| scene.textures.get((picture, Detail::Thumbnail)).cloned())
        .flatten()
    {
        widgets::cover(ui, rect, theme::RADIUS, &texture, 1.0);
    } else if let Some(preview) = preview
        && let Some(texture) = scene
            .textures
            .preview(ui.ctx(), id, index, version, &preview)
    {
        widgets::cover(ui, rect, theme::RADIUS, &texture.clone(), 1.0);
    } else if matches!(state, SlotState::Drawing(_)) || is_made {
        ui.painter()
            .rect_filled(rect, theme::RADIUS, widgets::breathing(ui, theme));
    }
    tile_state_ui(ui, theme, rect, &state, index);
    if let SlotState::Unsaved { reason, .. } = &state {
        response
            .clone()
            .on_hover_text(format!("Not saved: {reason}"));
    }
    if is_shown {
        let ring = Stroke::new(2.0, theme.accent);
        ui.painter()
            .rect_stroke(rect.expand(4.0), 11, ring, StrokeKind::Inside);
    } else if response.hovered() {
        ui.painter().rect_stroke(
            rect,
            theme::RADIUS,
            Stroke::new(1.0, theme.border),
            StrokeKind::Inside,
        );
    }
    widgets::focus_ring(ui, &response, rect, theme::RADIUS);
    tile_events(ui, scene, &response, picture, &state);
}

fn tile_state_ui(ui: &Ui, theme: &Theme, rect: Rect, state: &SlotState, index: u32) {
    // A picture is finished only when it is on the disk: until then its bar stays.
    let fraction = match state {
        SlotState::Drawing(fraction) => *fraction,
        SlotState::Saving(_) => 1.0,
        _ => 0.0,
    };
    if fraction > 0.0 {
        let bar = Rect::from_min_max(
            pos2(rect.left() + 8.0, rect.bottom() - 12.0),
            pos2(rect.right() - 8.0, rect.bottom() - 8.0),
        );
        widgets::progress_bar(ui, bar, fraction, theme.groove, theme.bar);
    }
    match state {
        SlotState::Failed(reason) => tile_note(ui, theme, rect, Icon::Warning, theme.error, reason),
        SlotState::Cancelled => tile_note(ui, theme, rect, Icon::Close, theme.text2, "Cancelled"),
        SlotState::Trashed(_) => {
            tile_note(ui, theme, rect, Icon::Trash, theme.text2, "In the trash");
        }
        SlotState::Unsaved { .. } => {
            let tag = Rect::from_min_size(rect.min + vec2(8.0, 8.0), vec2(76.0, 20.0));
            ui.painter().rect_filled(tag, 5, theme.error_bg);
            ui.painter().text(
                tag.center(),
                Align2::CENTER_CENTER,
                "Not saved",
                theme::caption(),
                theme.error,
            );
        }
        SlotState::Waiting => {
            ui.painter().text(
                rect.center(),
                Align2::CENTER_CENTER,
                format!("{}", index + 1),
                theme::label(),
                theme.text3,
            );
        }
        SlotState::Drawing(_) | SlotState::Saving(_) | SlotState::Saved(_) => {}
    }
}

fn tile_note(ui: &Ui, theme: &Theme, rect: Rect, icon: Icon, colour: Color32, text: &str) {
    ui.painter().rect_filled(rect, theme::RADIUS, theme.bg2);
    let icon_rect = Rect::from_center_size(
        pos2(rect.center().x, rect.top() + rect.height() * 0.3),
        vec2(20.0, 20.0),
    );
    icons::paint(ui.painter(), icon_rect, 19.0, icon, colour);
    let mut job = egui::text::LayoutJob::simple(
        text.to_owned(),
        theme::caption(),
        theme.text2,
        rect.width() - 16.0,
    );
    job.halign = egui::Align::Center;
    job.wrap.max_rows = 4;
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(
        pos2(rect.center().x, icon_rect.bottom() + 6.0),
        galley,
        theme.text2,
    );
}

fn slot_words(state: &SlotState) -> String {
    match state {
        SlotState::Waiting => "waiting".to_owned(),
        SlotState::Drawing(fraction) => format!("{:.0} %", fraction * 100.0),
        SlotState::Saving(_) => "saving".to_owned(),
        SlotState::Saved(_) => "finished".to_owned(),
        SlotState::Unsaved { reason, .. } => format!("not saved, {reason}"),
        SlotState::Failed(reason) => format!("failed, {reason}"),
        SlotState::Cancelled => "cancelled".to_owned(),
        SlotState::Trashed(_) => "in the trash".to_owned(),
    }
}

fn tile_events(
    ui: &Ui,
    scene: &mut Scene<'_>,
    response: &Response,
    picture: PictureRef,
    state: &SlotState,
) {
    match state {
        SlotState::Trashed(recipe) if response.clicked() => scene.send(Command::Restore(recipe.id)),
        _ if response.clicked() => scene.send(Command::Show(picture)),
        _ => {}
    }
    if response.has_focus()
        && ui.input(|input| input.key_pressed(egui::Key::Delete))
        && let Some(id) = scene.session.picture_id(picture)
    {
        scene.send(Command::DeletePicture(id));
    }
    response.context_menu(|ui| picture_menu_ui(ui, scene, picture));
}

/// What can be done with any picture; for right clicks on tiles and thumbnails.
pub fn picture_menu_ui(ui: &mut Ui, scene: &mut Scene<'_>, picture: PictureRef) {
    ui.set_min_width(180.0);
    ui.spacing_mut().item_spacing.y = 2.0;
    let mut commands = vec![Command::Show(picture)];
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
        ui.label(
            egui::RichText::new(text)
                .font(theme::label())
                .color(theme.error),
        );
        ui.horizontal(|ui| {
            if widgets::button(ui, "Try saving again", Loudness::Primary, None).clicked() {
                scene.send(Command::RetrySaving);
            }
            if widgets::button(ui, "Choose a folder…", Loudness::Plain, None).clicked() {
                scene.send(Command::ChooseGalleryFolder);
            }
        });
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

fn actions_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(shown) = scene.session.shown else {
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
        if widgets::button(ui, "Again", Loudness::Plain, Some(width))
            .on_hover_text(widgets::command_tooltip(ui, &Command::Again))
            .clicked()
        {
            scene.send(Command::Again);
        }
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
