//! What is to become of the results, and what can be done with the picture in view.

use egui::{Align, Layout, RectAlign, Ui};

use super::header;
use crate::command::{Command, GestureCommand};
use crate::export::LARGEST_PX;
use crate::scene::Scene;
use crate::session::{Deed, PictureRef, RunId};
use crate::widgets::{self, Loudness};

const GAP: f32 = 6.0;

pub(super) fn actions_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.spacing_mut().item_spacing.x = GAP;
    let has_run = scene.session.selected().is_some();
    match scene.session.shown() {
        Some(PictureRef::Gallery(_)) => gallery_picture_ui(ui, scene),
        _ if has_run => keep_ui(ui, scene),
        _ => {}
    }
    if let Some(size) = size_in_view(scene) {
        gestures_ui(ui, scene, size);
    }
}

/// Whether a result of the run is in view and can be kept: it is finished.
pub(super) fn can_keep(scene: &Scene<'_>, id: RunId) -> bool {
    let Some(PictureRef::Result { run, index }) = scene.session.shown() else {
        return false;
    };
    let run = scene.session.run(run).filter(|run| run.id == id);
    let slot = run.and_then(|run| run.slots.get(index as usize));
    slot.is_some_and(|slot| slot.recipe().is_some())
}

/// Keep, Discard, Again: what is to become of the results.
fn keep_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(run) = scene.session.selected() else {
        return;
    };
    let can_keep = can_keep(scene, run.id);
    let n_of_run = run.request.n_pictures;
    let gesture = run.gesture();
    let is_certain = gesture.is_some_and(|gesture| gesture.is_certain(n_of_run));
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 2.0 * GAP) / 3.0;
        let loudness = if can_keep {
            Loudness::Primary
        } else {
            Loudness::Plain
        };
        ui.add_enabled_ui(can_keep, |ui| {
            let tip = widgets::command_tooltip(ui, &Command::Keep);
            let keep = widgets::named_button(ui, "Keep ↵", "Keep", loudness, Some(width));
            let why = "When a result is chosen and finished";
            let keep = keep.on_hover_text(tip).on_disabled_hover_text(why);
            if keep.clicked() {
                scene.send(Command::Keep);
            }
        });
        command_button_ui(ui, scene, "Discard", Command::Discard, width);
        ui.add_enabled_ui(!is_certain, |ui| {
            let tip = "The same again would come out the same: change something of it first";
            let again = widgets::button(ui, "Again", Loudness::Plain, Some(width));
            let again = again.on_disabled_hover_text(tip);
            let tip = widgets::command_tooltip(ui, &Command::Again);
            if again.on_hover_text(tip).clicked() {
                scene.send(Command::Again);
            }
        });
    });
}

/// Of the gallery, only looked at.
fn gallery_picture_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 2.0 * GAP) / 3.0;
        let tip = "Opens it on the canvas, as a document of its own where there is one already";
        let open = widgets::named_button(ui, "Open ↵", "Open", Loudness::Primary, Some(width));
        if open.on_hover_text(tip).clicked() {
            scene.send(Command::Keep);
        }
        command_button_ui(ui, scene, "Again", Command::Again, width);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            header::icons_ui(ui, scene);
        });
    });
}

fn gestures_ui(ui: &mut Ui, scene: &mut Scene<'_>, size: (u32, u32)) {
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 3.0 * GAP) / 4.0;
        let is_made = scene.session.part_in_view().is_ok();
        for (deed, command) in [
            (Deed::Variations, GestureCommand::Vary(None)),
            (Deed::Mix, GestureCommand::AddToMix(None)),
        ] {
            let obstacle = scene.session.obstacle(deed);
            ui.add_enabled_ui(is_made && obstacle.is_none(), |ui| {
                let label = command.label();
                let command = Command::Gesture(command);
                let tip = widgets::command_tooltip(ui, &command);
                let button = widgets::button(ui, &label, Loudness::Plain, Some(width));
                let why = obstacle.as_deref().unwrap_or("When it is finished");
                let button = button.on_hover_text(tip).on_disabled_hover_text(why);
                if button.clicked() {
                    scene.send(command);
                }
            });
        }
        ui.add_enabled_ui(is_made, |ui| {
            upscale_ui(ui, scene, size, width);
            command_button_ui(ui, scene, "Export", Command::Export, width);
        });
    });
}

fn upscale_ui(ui: &mut Ui, scene: &mut Scene<'_>, size: (u32, u32), width: f32) {
    let button = widgets::button(ui, "Upscale", Loudness::Plain, Some(width));
    let button = button.on_hover_text("A larger picture, as a result of its own");
    widgets::popover(&button, RectAlign::BOTTOM_END, 230.0, |ui| {
        widgets::section(ui, "Larger", "");
        for scale in scales(size) {
            let name = format!("× {scale}");
            let (width, height) = (size.0 * scale, size.1 * scale);
            let remark = format!("{width} × {height} px");
            if widgets::choice_ui(ui, &name, &remark, false).clicked() {
                let picture = None;
                scene.send(Command::Gesture(GestureCommand::Upscale { picture, scale }));
                ui.close();
            }
        }
    });
}

/// How many times larger makes sense.
fn scales((width, height): (u32, u32)) -> Vec<u32> {
    let longer = width.max(height);
    let mut scales = vec![2, 4];
    if longer <= 256 {
        scales.push(8);
    }
    scales.retain(|scale| longer.saturating_mul(*scale) <= LARGEST_PX);
    scales
}

/// Of the picture that the buttons are about.
fn size_in_view(scene: &Scene<'_>) -> Option<(u32, u32)> {
    match scene.session.shown() {
        Some(PictureRef::Result { run, .. }) => scene.session.run(run).map(|run| run.size),
        Some(PictureRef::Gallery(id)) => {
            let record = scene.gallery.record(id);
            Some(record.map_or((0, 0), |record| (record.width, record.height)))
        }
        None => {
            let frame = scene.session.document().content().frame;
            (!frame.is_empty()).then(|| frame.size())
        }
    }
}

fn command_button_ui(ui: &mut Ui, scene: &mut Scene<'_>, text: &str, command: Command, width: f32) {
    let tip = widgets::command_tooltip(ui, &command);
    let button = widgets::button(ui, text, Loudness::Plain, Some(width));
    if button.on_hover_text(tip).clicked() {
        scene.send(command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_grow_as_far_as_makes_sense() {
        for (size, expected) in [
            ((128, 128), &[2, 4, 8][..]),
            ((512, 300), &[2, 4]),
            ((4000, 10), &[2]),
            ((8000, 8000), &[]),
        ] {
            assert_eq!(scales(size), expected, "{size:?}");
        }
    }
}
