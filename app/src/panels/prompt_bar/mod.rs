//! Where pictures are asked for: the prompt, its few settings, the button, and how far the queue is.

mod deed;
mod more;
mod pills;
mod text;

use egui::{Frame, Id, Margin, Stroke, Ui};
use limn_engine::protocol::ModelInfo;

use super::Scene;
use crate::session::{Draft, UnknownWord, unknown_words};
use crate::theme;

pub use more::sampler_name;
pub use text::name_text_field;

const BUTTON_WIDTH: f32 = 150.0;

/// What the prompt bar keeps between frames.
#[derive(Default)]
pub struct PromptBar {
    /// Put the keyboard focus into the prompt at the next frame, with everything selected or not.
    pub focus: Option<Selection>,
    /// For the words at hand, so that they are looked up once and not every frame.
    unknown: (String, usize, Vec<UnknownWord>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    All,
    End,
}

impl PromptBar {
    pub fn text_id() -> Id {
        Id::unique("prompt text")
    }

    fn look_up(&mut self, prompt: &str, model: Option<&ModelInfo>) {
        let vocabulary = model.and_then(|model| model.vocabulary.as_ref());
        let size = vocabulary.map_or(0, |vocabulary| {
            1 + vocabulary.objects.len() + vocabulary.words.len() + vocabulary.synonyms.len()
        });
        if self.unknown.0 == prompt && self.unknown.1 == size {
            return;
        }
        let found =
            vocabulary.map_or_else(Vec::new, |vocabulary| unknown_words(prompt, vocabulary));
        self.unknown = (prompt.to_owned(), size, found);
    }
}

/// `draft` is the prompt of the document in front.
pub fn prompt_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>, bar: &mut PromptBar, draft: &mut Draft) {
    bar.look_up(&draft.prompt, scene.session.current_model());
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        let width = ui.available_width() - BUTTON_WIDTH - 12.0;
        let height = box_ui(ui, scene, bar, draft, width);
        deed::deed_ui(ui, scene, height);
    });
}

fn box_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    bar: &mut PromptBar,
    draft: &mut Draft,
    width: f32,
) -> f32 {
    let theme = theme::of(ui);
    let has_focus = ui.memory(|memory| memory.has_focus(PromptBar::text_id()));
    let outline = if draft.problem.is_some() {
        theme.error
    } else if has_focus {
        theme.accent
    } else {
        theme.line
    };
    let frame = Frame::new()
        .fill(theme.bg2)
        .stroke(Stroke::new(1.5, outline))
        .corner_radius(theme::RADIUS_CARD)
        .inner_margin(Margin {
            left: 14,
            right: 14,
            top: 13,
            bottom: 11,
        });
    let inner = frame.show(ui, |ui| {
        ui.set_width(width - 31.0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 9.0;
            text::text_ui(ui, bar, draft);
            text::notes_ui(ui, scene, bar, draft);
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                pills::pills_ui(ui, scene, draft);
            });
        });
    });
    inner.response.rect.height()
}
