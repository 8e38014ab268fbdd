//! The prompt's text, and what is to be said about it.

use std::fmt::Write as _;
use std::sync::Arc;

use egui::text::{CCursor, CCursorRange, LayoutJob, TextFormat};
use egui::{Frame, Galley, Id, Margin, Response, Stroke, TextEdit, Ui};

use limn_engine::prompt_language::marks::{Mark, MarkKind};

use super::{PromptBar, Selection, Words, carets};
use crate::command::Command;
use crate::panels::{Region, mark_region};
use crate::scene::Scene;
use crate::session::{Draft, MAX_PROMPT_CHARS, PromptNote, UnknownWord};
use crate::theme;
use crate::widgets;

const ROW_HEIGHT: f32 = 21.0;
const MAX_ROWS: f32 = 4.0;
/// Of a pill, in points: a note may have one.
pub(super) const NOTE_HEIGHT: f32 = 25.0;
/// Of a prompt of one line, whose field is as high as any control, and a note under it.
pub(super) const LEAST_HEIGHT: f32 = 28.0 + 9.0 + NOTE_HEIGHT;

pub(super) fn text_ui(
    ui: &mut Ui,
    bar: &mut PromptBar,
    draft: &mut Draft,
    words: &Words,
    has_note: bool,
) {
    let theme = theme::of(ui);
    let id = PromptBar::text_id();
    // A note under the prompt takes the place of its second line, so that the bar does not jump.
    let looked_up = words.get(0);
    let n_rows = if has_note { 1 } else { 2 };
    let mut layouter = |ui: &Ui, text: &dyn egui::TextBuffer, wrap_width: f32| -> Arc<Galley> {
        // In another order, and while it is typed, it is not the text that the marks are of.
        let marks_of = |text: &str| {
            if text == looked_up.0 {
                words.marks(0)
            } else {
                &[]
            }
        };
        let lay_out = |text: &str| {
            let marks = marks_of(text);
            let mut job = if marks.is_empty() {
                words_job(ui, text, looked_up)
            } else {
                marked_job(ui, text, marks)
            };
            job.wrap.max_width = wrap_width;
            let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
            carets::mended(galley, text)
        };
        carets::in_reading_order(lay_out(text.as_str()), text.as_str(), lay_out)
    };
    let scroll = egui::ScrollArea::vertical()
        .max_height(ROW_HEIGHT * MAX_ROWS)
        .min_scrolled_height(ROW_HEIGHT * MAX_ROWS)
        .auto_shrink([false, true]);
    let hint = "Describe a picture";
    let output = scroll
        .show(ui, |ui| {
            TextEdit::multiline(&mut draft.prompt)
                .id(id)
                .frame(Frame::NONE)
                .margin(Margin::ZERO)
                .font(theme::prompt())
                .text_color(theme.text)
                .hint_text(
                    egui::RichText::new(hint)
                        .font(theme::prompt())
                        .color(theme.text3),
                )
                .desired_width(f32::INFINITY)
                .desired_rows(n_rows)
                .char_limit(MAX_PROMPT_CHARS)
                .layouter(&mut layouter)
                .show(ui)
        })
        .inner;
    let response: &Response = &output.response.response;
    widgets::name_text_field(response, "Prompt", &draft.prompt);
    mark_region(ui, Region::Prompt, response);
    if response.changed() {
        draft.edited();
    }
    if let Some(selection) = bar.focus.take() {
        focus(response);
        let end = CCursor::new(draft.prompt.chars().count());
        let range = match selection {
            Selection::All => CCursorRange::two(CCursor::new(0), end),
            Selection::End => CCursorRange::one(end),
        };
        let mut state = output.state;
        state.cursor.set_char_range(Some(range));
        state.store(ui.ctx(), id);
    }
}

/// Puts the keyboard focus into a text field. The next frame comes at once, or the first letter typed would still
/// be taken for a command.
pub(super) fn focus(field: &Response) {
    field.request_focus();
    field.ctx.request_repaint();
}

/// A line for a few words, those underlined that the model does not know.
pub(super) fn words_field_ui(
    ui: &mut Ui,
    id: Id,
    text: &mut String,
    name: &str,
    hint: &str,
    looked_up: (&str, &[UnknownWord]),
    width: f32,
) -> Response {
    const MOST_CHARS: usize = 200;
    let theme = theme::of(ui);
    let mut layouter = |ui: &Ui, text: &dyn egui::TextBuffer, _: f32| -> Arc<Galley> {
        let lay_out = |text: &str| {
            let job = words_job(ui, text, looked_up);
            let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
            carets::mended(galley, text)
        };
        carets::in_reading_order(lay_out(text.as_str()), text.as_str(), lay_out)
    };
    let hint = egui::RichText::new(hint).font(theme::prompt());
    let field = TextEdit::singleline(text)
        .id(id)
        .font(theme::prompt())
        .text_color(theme.text)
        .hint_text(hint.color(theme.text3))
        .desired_width(width)
        .margin(Margin::symmetric(8, 5))
        .char_limit(MOST_CHARS)
        .layouter(&mut layouter);
    let response = ui.add(field);
    widgets::name_text_field(&response, name, text);
    response
}

fn words_job(ui: &Ui, text: &str, (looked_up, unknown): (&str, &[UnknownWord])) -> LayoutJob {
    // Typing this very frame moves the words: underline only what still stands where it was.
    let unknown = if text == looked_up { unknown } else { &[] };
    let theme = theme::of(ui);
    let plain = TextFormat {
        line_height: Some(ROW_HEIGHT),
        ..TextFormat::simple(theme::prompt(), theme.text)
    };
    let underlined = TextFormat {
        underline: Stroke::new(1.5, theme.warn),
        ..plain.clone()
    };
    let mut job = LayoutJob::default();
    let mut done = 0;
    for word in unknown {
        if word.range.start < done
            || !text.is_char_boundary(word.range.start)
            || !text.is_char_boundary(word.range.end)
        {
            continue;
        }
        job.append(&text[done..word.range.start], 0.0, plain.clone());
        job.append(&text[word.range.clone()], 0.0, underlined.clone());
        done = word.range.end;
    }
    job.append(&text[done..], 0.0, plain);
    job
}

/// A prompt in which one sees what weighs what: heavier words are brighter and underlined, lighter ones and what is no
/// word are dimmer.
fn marked_job(ui: &Ui, text: &str, marks: &[Mark]) -> LayoutJob {
    let theme = theme::of(ui);
    let format = |colour, underline: f32| TextFormat {
        line_height: Some(ROW_HEIGHT),
        underline: Stroke::new(underline, colour),
        ..TextFormat::simple(theme::prompt(), colour)
    };
    let plain = format(theme.text, 0.0);
    let mut job = LayoutJob::default();
    let mut done = 0;
    for Mark { range, kind } in marks {
        job.append(&text[done..range.start], 0.0, plain.clone());
        let format = match *kind {
            MarkKind::Weighted(weight) if weight > 1.0 => {
                // The line is as thick as the weight, up to twice.
                format(theme.accent_text, (weight - 1.0).clamp(0.25, 1.0) * 3.0)
            }
            MarkKind::Weighted(_) | MarkKind::Syntax => format(theme.text3, 0.0),
            MarkKind::Break | MarkKind::Lora | MarkKind::Wildcard => format(theme.ok, 0.0),
        };
        job.append(&text[range.clone()], 0.0, format);
        done = range.end;
    }
    job.append(&text[done..], 0.0, plain);
    job
}

/// Whether [`notes_ui`] says anything.
pub(super) fn has_notes(draft: &Draft, words: &Words) -> bool {
    draft.problem.is_some() || words.note().is_some() || !words.unknown().is_empty()
}

/// What is wrong or unknown, right under the prompt that it is about.
pub(super) fn notes_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &Draft, words: &Words) {
    let theme = theme::of(ui);
    if let Some(problem) = &draft.problem {
        ui.label(
            egui::RichText::new(widgets::shown_message(&problem.text))
                .font(theme::label())
                .color(theme.error),
        );
        if let Some(deed) = problem.instead {
            let command = Command::Do(deed);
            if widgets::pill(ui, &command.label(), &command.label(), false).clicked() {
                scene.send(command);
            }
        }
        return;
    }
    let model = scene
        .session
        .current_model()
        .map_or("The model", |model| model.name.as_str());
    if let Some(note) = words.note() {
        let text = match note {
            PromptNote::Literal => {
                format!("{model} knows no weights, choices or lists: it reads them as words.")
            }
            PromptNote::NotEnglish => {
                format!("{model} was taught English only: describe the picture in English.")
            }
            PromptNote::TooLong { n_left_out } => {
                let words = if n_left_out == 1 { "word" } else { "words" };
                format!("Too long: {model} leaves out at least {n_left_out} {words} at the end.")
            }
        };
        ui.label(
            egui::RichText::new(widgets::shown_message(&text))
                .font(theme::label())
                .color(theme.warn),
        );
        return;
    }
    let unknown = words.unknown();
    if unknown.is_empty() {
        return;
    }
    // One with a word to put in its place is worth more room than the others.
    let helped = unknown.iter().find(|word| word.nearest.is_some());
    let mut text = unknown_words(model, unknown.iter().map(|word| word.word.as_str()));
    match helped {
        Some(word) if unknown.len() > 1 => {
            let _ = write!(text, "; nearest to “{}”:", word.word);
        }
        Some(_) => text.push_str("; nearest:"),
        None => text.push('.'),
    }
    ui.label(
        egui::RichText::new(widgets::shown_message(&text))
            .font(theme::label())
            .color(theme.warn),
    );
    if let Some(word) = helped
        && let Some(nearest) = &word.nearest
    {
        let command = Command::ReplaceWord {
            from: word.word.clone(),
            to: nearest.clone(),
        };
        if widgets::pill(ui, nearest, &command.label(), false).clicked() {
            scene.send(command);
        }
    }
}

/// Names the first few.
fn unknown_words<'a>(model: &str, words: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MOST: usize = 3;
    let n_more = words.len().saturating_sub(MOST);
    let named: Vec<String> = words.take(MOST).map(|word| format!("“{word}”")).collect();
    let named = match named.as_slice() {
        _ if n_more > 0 => format!("{} and {n_more} more", named.join(", ")),
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => named.concat(),
    };
    format!("{model} does not know {named}")
}

#[cfg(test)]
mod tests {
    use super::unknown_words;

    #[test]
    fn the_first_unknown_words_are_named() {
        for (words, text) in [
            (&["cozy"][..], "Doodle does not know “cozy”"),
            (&["cozy", "quay"], "Doodle does not know “cozy” or “quay”"),
            (
                &["a1", "b1", "c1"],
                "Doodle does not know “a1”, “b1” or “c1”",
            ),
            (
                &["a1", "b1", "c1", "d1", "e1"],
                "Doodle does not know “a1”, “b1”, “c1” and 2 more",
            ),
        ] {
            assert_eq!(unknown_words("Doodle", words.iter().copied()), text);
        }
    }
}
