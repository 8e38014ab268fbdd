//! What is turned into what, in the place of the prompt.

use egui::{Id, Key, Layout, Response, Ui};

use super::mix::{leave_ui, picture_ui, picture_words};
use super::text::{focus, words_field_ui};
use super::{PromptBar, Words, pills};
use crate::command::{Command, GestureCommand};
use crate::icons::Icon;
use crate::scene::Scene;
use crate::session::{Draft, Part, PictureRef, TurnDraft};
use crate::theme;
use crate::widgets;

const FIELD_WIDTH: f32 = 190.0;
const LEAST_FIELD_WIDTH: f32 = 64.0;
/// The picture, the two words, two icons and what is between all of them.
const BESIDE_FIELDS: f32 = 272.0;

pub(super) fn turn_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    bar: &mut PromptBar,
    draft: &mut Draft,
    words: &Words,
) {
    let turn = &mut draft.turn;
    let mut changed = false;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let room = (ui.available_width() - BESIDE_FIELDS) / 2.0;
        let field_width = room.clamp(LEAST_FIELD_WIDTH, FIELD_WIDTH);
        source_ui(ui, scene, turn);
        word_ui(ui, "Turn");
        let id = Id::unique("turn from");
        let from = words_field_ui(
            ui,
            id,
            &mut turn.from,
            "What is there",
            "day",
            words.get(0),
            field_width,
        );
        if bar.focus.take().is_some() {
            focus(&from);
        }
        word_ui(ui, "into");
        let id = Id::unique("turn into");
        let into = words_field_ui(
            ui,
            id,
            &mut turn.to,
            "What it becomes",
            "night",
            words.get(1),
            field_width,
        );
        changed = from.changed() || into.changed();
        if is_entered(ui, &into) || is_entered(ui, &from) {
            scene.send(Command::Generate);
        }
        ui.with_layout(Layout::right_to_left(egui::Align::Min), |ui| {
            leave_ui(ui, scene);
        });
    });
    if changed {
        draft.problem = None;
    }
}

/// How far, and whether the way there is shown.
pub(super) fn turn_pills_ui(ui: &mut Ui, turn: &mut TurnDraft) {
    let mut percent = (turn.amount * 100.0).round();
    let value = format!("{percent:.0} %");
    let tip = "How much of the change is made: little keeps the picture, much may change more of it (angle)";
    let slider = pills::slider_pill_ui(ui, "How far", &value, &mut percent, 5.0..=100.0);
    if slider.on_hover_text(tip).changed() {
        turn.amount = percent / 100.0;
    }
    let label = "Strip of five: shows the way there";
    if widgets::pill(ui, "Strip of five", label, turn.shows_way).clicked() {
        turn.shows_way = !turn.shows_way;
    }
}

/// What is turned, and how to take another.
fn source_ui(ui: &mut Ui, scene: &mut Scene<'_>, turn: &TurnDraft) {
    let (picture, label) = match &turn.source {
        Some(Part::Picture(id)) => {
            let name = picture_words(scene, *id);
            (Some(PictureRef::Gallery(*id)), format!("Turned: {name}"))
        }
        _ => (None, "Turned: the picture on the canvas".to_owned()),
    };
    picture_ui(ui, scene, picture, &label);
    if scene.session.part_in_view().ok() != turn.source {
        let command = Command::Gesture(GestureCommand::Turn(None));
        let label = "Take the picture in view instead";
        if widgets::icon_button(ui, Icon::Again, label, 24.0).clicked() {
            scene.send(command);
        }
    }
}

fn word_ui(ui: &mut Ui, word: &str) {
    let text = egui::RichText::new(word).font(theme::prompt());
    ui.label(text.color(theme::of(ui).text2));
}

/// Enter leaves a line of text and runs what it is about.
fn is_entered(ui: &Ui, response: &Response) -> bool {
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}
