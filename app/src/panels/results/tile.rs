//! A result's tile: empty, denoising, finished, or what went wrong.

use egui::{
    Align2, Color32, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::picture_menu_ui;
use crate::command::Command;
use crate::icons::{self, Icon};
use crate::scene::DraggedPictures;
use crate::scene::Scene;
use crate::session::{PictureRef, RunId, SlotState};
use crate::textures::Detail;
use crate::theme::{self, Theme};
use crate::widgets;

/// A smaller tile has no room for words.
const LEAST_SIDE_FOR_WORDS: f32 = 60.0;

pub fn tile_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: RunId, index: u32, rect: Rect) {
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
        Sense::click_and_drag(),
    );
    let is_shown = scene.session.shown() == Some(picture);
    let is_kept = scene.session.is_kept(run, index);
    let kept = if is_kept { ", kept" } else { "" };
    let tag = run.gesture().and_then(|gesture| gesture.tag(index));
    let tag = tag.map_or(String::new(), |tag| format!(", {tag}"));
    let label = format!(
        "Result {}: {}{tag}{kept}",
        index + 1,
        slot_words(&slot.state)
    );
    response.widget_info(|| {
        WidgetInfo::selected(
            Role::ListItem,
            true,
            is_shown,
            widgets::shown_message(&label),
        )
    });
    let score = slot.recipe().and_then(|recipe| recipe.score);
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
        widgets::contain(ui, rect, theme::RADIUS, &texture);
    } else if let Some(preview) = preview
        && let Some(texture) = scene
            .textures
            .preview(ui.ctx(), id, index, version, &preview)
    {
        widgets::contain(ui, rect, theme::RADIUS, &texture.clone());
    } else if matches!(state, SlotState::Drawing(_)) || is_made {
        ui.painter()
            .rect_filled(rect, theme::RADIUS, widgets::breathing(ui, theme));
    }
    if rect.width() < LEAST_SIDE_FOR_WORDS {
        small_state_ui(ui, theme, rect, &state, index);
        tile_frame_ui(ui, theme, &response, rect, is_shown);
        tile_events(ui, scene, &response, picture, &state);
        let _ = response.on_hover_text(widgets::shown_message(&label));
        return;
    }
    tile_state_ui(ui, theme, rect, &state, index);
    let run = scene.session.run(id);
    if let Some(tag) = run.and_then(|run| run.gesture()?.tag(index)) {
        tag_ui(ui, theme, rect.left_top(), &tag);
    }
    if let Some(score) = score.filter(|_| scene.settings.shows_scores) {
        tag_ui(
            ui,
            theme,
            rect.left_bottom() - vec2(0.0, 34.0),
            &format!("{score:.3}"),
        );
    }
    if is_kept {
        let mark = Rect::from_min_size(rect.right_top() + vec2(-26.0, 6.0), vec2(20.0, 20.0));
        ui.painter().rect_filled(mark, 10, theme.float);
        icons::paint(ui.painter(), mark, 13.0, Icon::Check, theme.ok);
    }
    if let SlotState::Unsaved { reason, .. } = &state {
        response
            .clone()
            .on_hover_text(format!("Not saved: {}", widgets::shown_message(reason)));
    }
    tile_frame_ui(ui, theme, &response, rect, is_shown);
    tile_events(ui, scene, &response, picture, &state);
}

/// Round the one that is shown, and the one under the pointer.
fn tile_frame_ui(ui: &Ui, theme: &Theme, response: &Response, rect: Rect, is_shown: bool) {
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
    widgets::focus_ring(ui, response, rect, theme::RADIUS);
}

/// In the folded panel: an icon in place of words.
fn small_state_ui(ui: &Ui, theme: &Theme, rect: Rect, state: &SlotState, index: u32) {
    bar_ui(ui, theme, rect, state, 4.0);
    let (icon, colour) = match state {
        SlotState::Failed(_) | SlotState::Unsaved { .. } => (Icon::Warning, theme.error),
        SlotState::Cancelled | SlotState::Interrupted => (Icon::Close, theme.text2),
        SlotState::Trashed(_) | SlotState::Gone => (Icon::Trash, theme.text2),
        SlotState::Waiting => {
            let words = format!("{}", index + 1);
            let (font, colour) = (theme::caption(), theme.text3);
            ui.painter()
                .text(rect.center(), Align2::CENTER_CENTER, words, font, colour);
            return;
        }
        SlotState::Drawing(_) | SlotState::Saving(_) | SlotState::Saved(_) => return,
    };
    icons::paint(ui.painter(), rect, 15.0, icon, colour);
}

/// A picture is finished only when it is on the disk: until then its bar stays.
fn bar_ui(ui: &Ui, theme: &Theme, rect: Rect, state: &SlotState, gap: f32) {
    let fraction = match state {
        SlotState::Drawing(fraction) => *fraction,
        SlotState::Saving(_) => 1.0,
        _ => 0.0,
    };
    if fraction > 0.0 {
        let bar = Rect::from_min_max(
            pos2(rect.left() + gap, rect.bottom() - gap - 4.0),
            pos2(rect.right() - gap, rect.bottom() - gap),
        );
        widgets::progress_bar(ui, bar, fraction, theme.groove, theme.bar);
    }
}

fn tile_state_ui(ui: &Ui, theme: &Theme, rect: Rect, state: &SlotState, index: u32) {
    bar_ui(ui, theme, rect, state, 8.0);
    match state {
        // Why is said once, with what to do about it.
        SlotState::Failed(_) => {
            tile_note(ui, theme, rect, Icon::Warning, theme.error, "Not made");
        }
        SlotState::Cancelled => tile_note(ui, theme, rect, Icon::Close, theme.text2, "Cancelled"),
        SlotState::Interrupted => {
            tile_note(ui, theme, rect, Icon::Close, theme.text2, "Interrupted");
        }
        SlotState::Trashed(_) => {
            tile_note(ui, theme, rect, Icon::Trash, theme.text2, "In the trash");
        }
        SlotState::Gone => {
            tile_note(
                ui,
                theme,
                rect,
                Icon::Trash,
                theme.text2,
                "No longer in the gallery",
            );
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

/// A word in a corner of a tile.
fn tag_ui(ui: &Ui, theme: &Theme, corner: egui::Pos2, text: &str) {
    let colour = theme.text;
    let galley = ui
        .painter()
        .layout_no_wrap(widgets::shown(text), theme::caption(), colour);
    let ground = Rect::from_min_size(corner + vec2(6.0, 6.0), galley.size() + vec2(12.0, 6.0));
    ui.painter().rect_filled(ground, 5, theme.float);
    ui.painter()
        .galley(ground.min + vec2(6.0, 3.0), galley, colour);
}

fn tile_note(ui: &Ui, theme: &Theme, rect: Rect, icon: Icon, colour: Color32, text: &str) {
    ui.painter().rect_filled(rect, theme::RADIUS, theme.bg2);
    let icon_rect = Rect::from_center_size(
        pos2(rect.center().x, rect.top() + rect.height() * 0.3),
        vec2(20.0, 20.0),
    );
    icons::paint(ui.painter(), icon_rect, 19.0, icon, colour);
    let mut job = egui::text::LayoutJob::simple(
        widgets::shown_message(text),
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
        SlotState::Failed(_) => "not made".to_owned(),
        SlotState::Cancelled => "cancelled".to_owned(),
        SlotState::Interrupted => "interrupted".to_owned(),
        SlotState::Trashed(_) => "in the trash".to_owned(),
        SlotState::Gone => "no longer in the gallery".to_owned(),
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
    if response.drag_started() && scene.session.picture_id(picture).is_some() {
        let dragged = DraggedPictures(vec![picture]);
        egui::DragAndDrop::set_payload(ui.ctx(), dragged);
    }
    response.context_menu(|ui| picture_menu_ui(ui, scene, picture));
}
