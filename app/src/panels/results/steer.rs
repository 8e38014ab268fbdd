//! Variations once more: nearer or farther, steered by words or none.

use egui::{Id, Key, TextEdit, Ui};

use crate::command::{Command, GestureCommand};
use crate::scene::Scene;
use crate::session::{Gesture, RunId};
use crate::theme;
use crate::widgets::{self, Loudness};

/// What the next variations are to be, beginning with what those in view are.
pub struct Steer {
    run: RunId,
    far: f32,
    words: String,
}

pub(super) fn steer_ui(ui: &mut Ui, scene: &mut Scene<'_>, steer: &mut Option<Steer>, id: RunId) {
    let Some(run) = scene.session.run(id) else {
        return;
    };
    let Some(Gesture::Variations { far, .. }) = run.gesture() else {
        return;
    };
    let fresh = Steer {
        run: id,
        far: *far,
        words: run.request.prompt.clone(),
    };
    let steer = match steer {
        Some(steer) if steer.run == id => steer,
        _ => steer.insert(fresh),
    };
    let is_entered = words_ui(ui, &mut steer.words);
    let is_clicked = ui
        .horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            far_ui(ui, &mut steer.far);
            let width = ui.available_width();
            let command = GestureCommand::VaryAgain {
                run: id,
                far: steer.far,
                words: String::new(),
            };
            let button = widgets::button(ui, "More like this", Loudness::Plain, Some(width));
            button.on_hover_text(command.tooltip()).clicked()
        })
        .inner;
    if is_entered || is_clicked {
        scene.send(Command::Gesture(GestureCommand::VaryAgain {
            run: id,
            far: steer.far,
            words: steer.words.clone(),
        }));
    }
}

/// From the picture's own structure to its idea alone.
fn far_ui(ui: &mut Ui, far: &mut f32) {
    let theme = theme::of(ui);
    let end = |ui: &mut Ui, text: &str| {
        let text = egui::RichText::new(text).font(theme::label());
        ui.label(text.color(theme.text2));
    };
    end(ui, "Near");
    let tip = "Near keeps the picture's structure, far only its idea (strength of the noise)";
    let mut percent = (*far * 100.0).round();
    let slider = widgets::slider(ui, "Near or far", &mut percent, 0.0..=100.0, false);
    if slider.on_hover_text(tip).changed() {
        *far = percent / 100.0;
    }
    end(ui, "Far");
}

/// Whether Enter was pressed in it.
fn words_ui(ui: &mut Ui, words: &mut String) -> bool {
    const MOST_CHARS: usize = 500;
    let field = TextEdit::singleline(words)
        .id(Id::unique("steering words"))
        .hint_text("Words that steer, or none")
        .char_limit(MOST_CHARS)
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Words that steer the variations", words);
    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
}
