//! Where pictures are asked for: the prompt, its few settings, the button, and how far the queue is.

mod carets;
mod deed;
mod ip_adapter;
mod large_mask;
mod lookup;
mod loras;
mod mix;
mod more;
mod pills;
mod text;
mod turn;

use egui::{Frame, Id, Margin, Stroke, Ui};

use limn_engine::prompt_language::marks::Mark;

use crate::scene::Scene;
use crate::session::{Deed, Draft, Part, PromptNote, UnknownWord};
use crate::theme;

/// Of the button; in a narrow window it is an icon.
const BUTTON_WIDTH: f32 = 160.0;
const NARROW_BUTTON_WIDTH: f32 = 68.0;

/// Longer lines are hard to read.
const MAX_WIDTH: f32 = 1280.0;

fn button_width(ui: &Ui) -> f32 {
    if theme::is_narrow(ui.ctx()) {
        NARROW_BUTTON_WIDTH
    } else {
        BUTTON_WIDTH
    }
}

/// What the prompt bar keeps between frames.
#[derive(Default)]
pub struct PromptBar {
    /// Put the keyboard focus into the prompt at the next frame, with everything selected or not.
    pub focus: Option<Selection>,
    lookup: lookup::Lookup,
}

/// The texts that are being written, each with what the model does not know of it.
struct Words(Vec<(String, lookup::Found)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    All,
    End,
}

impl PromptBar {
    pub fn text_id() -> Id {
        Id::unique("prompt text")
    }

    /// Looks up what stands in the bar for `deed`.
    fn look_up(&mut self, scene: &Scene<'_>, draft: &Draft, deed: Deed) -> Words {
        let mix = draft.mix.parts.iter();
        let mixed = mix.map(|(part, _)| match part {
            Part::Text(text) => text.as_str(),
            Part::Picture(_) | Part::Canvas => "",
        });
        let texts: Vec<&str> = match deed {
            Deed::Mix => mixed.collect(),
            Deed::Turn => vec![&draft.turn.from, &draft.turn.to],
            _ => vec![&draft.prompt],
        };
        let model = scene.session.current_model();
        let looked_up = texts
            .into_iter()
            .map(|text| (text.to_owned(), self.lookup.look_up(text, model)));
        Words(looked_up.collect())
    }
}

impl Words {
    /// The `index`th text as it was when it was looked up, and what is unknown of it.
    fn get(&self, index: usize) -> (&str, &[UnknownWord]) {
        let found = self.0.get(index);
        found.map_or(("", &[]), |(text, found)| (text.as_str(), &found.unknown))
    }

    /// What weighs what in the `index`th text.
    fn marks(&self, index: usize) -> &[Mark] {
        self.0.get(index).map_or(&[], |(_, found)| &found.marks)
    }

    /// All that is unknown.
    fn unknown(&self) -> Vec<&UnknownWord> {
        self.0
            .iter()
            .flat_map(|(_, found)| found.unknown.iter())
            .collect()
    }

    /// What is to be said of the first text that the model will not read to its end.
    fn note(&self) -> Option<PromptNote> {
        self.0.iter().find_map(|(_, found)| found.note)
    }
}

/// `draft` is the prompt of the document in front.
pub fn prompt_bar_ui(ui: &mut Ui, scene: &mut Scene<'_>, bar: &mut PromptBar, draft: &mut Draft) {
    ui.horizontal_top(|ui| {
        let room = ui.available_width();
        let whole = room.min(MAX_WIDTH);
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space((room - whole) / 2.0);
        ui.spacing_mut().item_spacing.x = 12.0;
        let width = whole - button_width(ui) - 12.0;
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
    let deed = scene.session.deed();
    let words = bar.look_up(scene, draft, deed);
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
            let top = ui.cursor().top();
            let outlook = large_mask::outlook(scene);
            let has_note = outlook.is_some() || text::has_notes(draft, &words);
            match deed {
                Deed::Mix => mix::mix_ui(ui, scene, draft, &words),
                Deed::Turn => turn::turn_ui(ui, scene, bar, draft, &words),
                _ => text::text_ui(ui, bar, draft, &words, has_note),
            }
            if has_note {
                // One after the other, in the one line that is kept for them: the bar does not grow by each.
                ui.scope(|ui| {
                    ui.spacing_mut().interact_size.y = text::NOTE_HEIGHT;
                    ui.horizontal_wrapped(|ui| {
                        ui.spacing_mut().item_spacing.x = 6.0;
                        text::notes_ui(ui, scene, draft, &words);
                        if let Some(outlook) = outlook {
                            large_mask::large_mask_ui(ui, scene, &outlook);
                        }
                    });
                });
            }
            // With a note or without, the picture above stays where it is.
            let used = ui.cursor().top() - top - ui.spacing().item_spacing.y;
            ui.add_space((text::LEAST_HEIGHT - used).max(0.0));
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = egui::vec2(8.0, 8.0);
                pills::pills_ui(ui, scene, draft);
            });
        });
    });
    inner.response.rect.height()
}
