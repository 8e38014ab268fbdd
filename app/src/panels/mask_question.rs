//! A picture that may be meant as a mask in two ways: which one is asked, and none is taken in silence.

use egui::{Id, Modal, RichText, Ui, vec2};

use crate::command::Command;
use crate::import::MaskReading;
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Loudness};

const WIDTH: f32 = 440.0;

/// Asks about the picture of this name, if one is to be asked about.
pub fn mask_question_ui(ui: &Ui, scene: &mut Scene<'_>, name: Option<&str>) {
    let Some(name) = name else { return };
    let theme = theme::of(ui);
    let modal = Modal::new(Id::unique("mask question"))
        .backdrop_color(theme.veil)
        .frame(egui::Frame::popup(ui.style()).inner_margin(20));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
        ui.spacing_mut().item_spacing = vec2(8.0, 12.0);
        let title = RichText::new("Which part may change?").font(theme::title());
        ui.label(title.color(theme.text));
        let name = widgets::shown(name);
        let text = format!(
            "“{name}” is a picture with a transparent part, not black and white as masks are."
        );
        ui.label(RichText::new(text).font(theme::body()).color(theme.text2));
        ui.horizontal_wrapped(|ui| {
            for (text, reading, loudness) in [
                (
                    "Paint what is transparent",
                    Some(MaskReading::Transparency),
                    Loudness::Primary,
                ),
                (
                    "Paint what is light",
                    Some(MaskReading::Lightness),
                    Loudness::Plain,
                ),
                ("Cancel", None, Loudness::Quiet),
            ] {
                if widgets::button(ui, text, loudness, None).clicked() {
                    scene.send(Command::ReadMask(reading));
                }
            }
        });
    });
    if shown.should_close() {
        scene.send(Command::ReadMask(None));
    }
}
