//! The few settings under the prompt.

use egui::{Align, Id, Layout, Margin, Response, Sense, TextEdit, Ui, vec2};
use limn_engine::prompt_language::styles::{self, Style};
use limn_engine::protocol::{ModelInfo, TokenCount};

use super::text::focus;
use super::{loras, mix, more, turn};
use crate::command::Command;
use crate::icons::Icon;
use crate::scene::Scene;
use crate::session::{Deed, Draft, size_choices};
use crate::theme;
use crate::widgets;

const COUNTS: [u32; 6] = [1, 2, 4, 6, 8, 9];

pub(super) fn pills_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft) {
    let deed = scene.session.deed();
    match deed {
        Deed::Mix => mix::mix_pills_ui(ui, &mut draft.mix),
        Deed::Turn => turn::turn_pills_ui(ui, &mut draft.turn),
        _ => {}
    }
    if deed != Deed::Turn && !(deed == Deed::Mix && draft.mix.is_strip()) {
        count_pill_ui(ui, draft);
    }
    let model = scene.session.current_model();
    if let Some(strength) = scene.session.documents.current().choices.strength(deed) {
        strength_pill_ui(ui, scene, deed, strength);
    }
    if let Some(model) = model.filter(|_| deed == Deed::NewPictures) {
        size_pill_ui(ui, draft, model);
    }
    let known = model.and_then(|model| model.vocabulary.as_ref());
    let known = known.map_or(&[][..], |vocabulary| &vocabulary.styles);
    if !scene.session.styles.is_empty() || !known.is_empty() {
        styles_pill_ui(ui, draft, &scene.session.styles, known);
    }
    avoid_pill_ui(ui, draft);
    if let Some(model) = model {
        loras::loras_pill_ui(ui, &scene.session.loras, draft, model);
        more::more_pill_ui(ui, scene, draft, model, deed);
    }
    if let Some(count) = scene.session.prompt_length() {
        length_ui(ui, count);
    }
    seed_ui(ui, draft);
}

/// Lays a style around what stands in the bar: one of those that the model was taught, or a saved piece of prompt.
fn styles_pill_ui(ui: &mut Ui, draft: &mut Draft, saved: &[Style], known: &[String]) {
    let pill = widgets::pill(ui, "Styles", "Styles: how it is to look", false);
    let (words, chosen) = without_style(&draft.prompt, known);
    let (words, chosen) = (words.to_owned(), chosen.cloned());
    pill_popover(&pill, 320.0, |ui| {
        widgets::section(ui, "Styles", "laid around the prompt");
        egui::ScrollArea::vertical()
            .auto_shrink([false, true])
            .max_height(320.0)
            .show(ui, |ui| {
                ui.horizontal_wrapped(|ui| {
                    for name in known {
                        let is_chosen = chosen.as_ref() == Some(name);
                        if widgets::tab(ui, name, is_chosen).clicked() {
                            draft.prompt = match words.as_str() {
                                _ if is_chosen => words.clone(),
                                "" => name.clone(),
                                words => format!("{words}, {name}"),
                            };
                            draft.edited();
                            ui.close();
                        }
                    }
                });
                for style in saved {
                    let tip = widgets::shown(&style.prompt);
                    if widgets::tab(ui, &style.name, false)
                        .on_hover_text(tip)
                        .clicked()
                    {
                        let laid = styles::apply([style], &draft.prompt, &draft.negative_prompt);
                        (draft.prompt, draft.negative_prompt) = laid;
                        draft.edited();
                        ui.close();
                    }
                }
            });
    });
}

/// A prompt without the style at its end, and that style.
fn without_style<'a, 'b>(prompt: &'a str, known: &'b [String]) -> (&'a str, Option<&'b String>) {
    let prompt = prompt.trim_end();
    let ends = |name: &&String| {
        let words = prompt.strip_suffix(name.as_str())?;
        let words = words.trim_end();
        words.strip_suffix(',').or(words.is_empty().then_some(""))
    };
    let found = known.iter().find_map(|name| Some((ends(&name)?, name)));
    found.map_or((prompt, None), |(words, name)| {
        (words.trim_end(), Some(name))
    })
}

/// How many tokens the prompt has, and how many chunks where one does not hold them.
fn length_ui(ui: &mut Ui, count: TokenCount) {
    let TokenCount {
        n_tokens,
        n_chunks,
        chunk_tokens,
    } = count;
    let text = if n_chunks > 1 {
        format!("{n_tokens} tokens, {n_chunks} chunks")
    } else {
        format!("{n_tokens} of {chunk_tokens} tokens")
    };
    let tip = "The model reads a prompt in chunks; words at the beginning of one count most";
    let colour = theme::of(ui).text3;
    let galley = ui
        .painter()
        .layout_no_wrap(text.clone(), theme::caption(), colour);
    if ui.available_size_before_wrap().x < galley.size().x {
        ui.end_row();
    }
    let text = egui::RichText::new(text).font(theme::caption());
    let label = egui::Label::new(text.color(colour)).extend();
    ui.add(label).on_hover_text(tip);
}

/// A slider in a pill: how much of what is there may change.
fn strength_pill_ui(ui: &mut Ui, scene: &mut Scene<'_>, deed: Deed, strength: f32) {
    let mut percent = (strength * 100.0).round();
    let value = format!("{percent:.0} %");
    let response = slider_pill_ui(ui, "How much to change", &value, &mut percent, 5.0..=100.0)
        .on_hover_text("100 % makes it new; less keeps more of what is there (strength)");
    if response.changed() {
        let choices = scene.session.documents.current().choices.clone();
        scene.send(Command::SetChoices(
            choices.with_strength(deed, percent / 100.0),
        ));
    }
}

/// A pill with a slider in it.
pub(super) fn slider_pill_ui(
    ui: &mut Ui,
    name: &str,
    value: &str,
    percent: &mut f32,
    range: std::ops::RangeInclusive<f32>,
) -> Response {
    let theme = theme::of(ui);
    let words = ui
        .painter()
        .layout_no_wrap(name.to_owned(), theme::label(), theme.text2);
    let size = vec2(words.size().x + 186.0, 25.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let outline = egui::Stroke::new(1.0, theme.line);
    ui.painter()
        .rect(rect, 7, theme.bg1, outline, egui::StrokeKind::Inside);
    let builder = egui::UiBuilder::new()
        .max_rect(rect.shrink2(vec2(9.0, 0.0)))
        .layout(Layout::left_to_right(Align::Center));
    // A child that does not move the row on: the pill's own place did.
    let ui = &mut ui.new_child(builder);
    ui.spacing_mut().item_spacing.x = 8.0;
    let label = egui::RichText::new(name).font(theme::label());
    ui.label(label.color(theme.text2));
    let response = widgets::slider(ui, name, percent, range, false);
    *percent = percent.round();
    let value = egui::RichText::new(value).font(theme::label_medium());
    ui.label(value.color(theme.text));
    response
}

pub(super) fn pill_popover(pill: &Response, width: f32, contents: impl FnOnce(&mut Ui)) {
    widgets::popover(pill, egui::RectAlign::TOP_START, width, contents);
}

fn count_pill_ui(ui: &mut Ui, draft: &mut Draft) {
    let n = draft.n_pictures;
    let text = if n == 1 {
        "1 result".to_owned()
    } else {
        format!("{n} results")
    };
    let pill = widgets::pill(ui, &text, &format!("How many: {text}"), false);
    pill_popover(&pill, 240.0, |ui| {
        widgets::section(ui, "How many pictures", "");
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for count in COUNTS {
                if widgets::tab(ui, &count.to_string(), count == n).clicked() {
                    draft.n_pictures = count;
                    ui.close();
                }
            }
        });
    });
}

fn size_pill_ui(ui: &mut Ui, draft: &mut Draft, model: &ModelInfo) {
    let (width, height) = draft.size.unwrap_or(model.default_size);
    let pill = widgets::pill(
        ui,
        &format!("{width} × {height}"),
        &format!("Size: {width} × {height} pixels"),
        false,
    );
    pill_popover(&pill, 260.0, |ui| {
        widgets::section(ui, "Size", &format!("in steps of {} px", model.stride));
        ui.spacing_mut().item_spacing.y = 2.0;
        let choices = size_choices(model);
        if choices.len() == 1 {
            widgets::remark(ui, &format!("{} draws in this size only.", model.name));
        }
        for choice in choices {
            let (w, h) = choice.size;
            let is_own = choice.size == model.default_size;
            let remark = if is_own {
                format!("{w} × {h}, what {} is best at", model.name)
            } else {
                format!("{w} × {h}")
            };
            if widgets::choice_ui(ui, &choice.label, &remark, (width, height) == choice.size)
                .clicked()
            {
                draft.size = (!is_own).then_some(choice.size);
                ui.close();
            }
        }
    });
}

fn avoid_pill_ui(ui: &mut Ui, draft: &mut Draft) {
    let is_set = !draft.negative_prompt.trim().is_empty();
    let text = if is_set {
        let short: String = draft.negative_prompt.chars().take(18).collect();
        format!("Avoid: {}", short.trim())
    } else {
        "Avoid…".to_owned()
    };
    let pill = widgets::pill(ui, &text, "Avoid: what not to draw", is_set);
    pill_popover(&pill, 320.0, |ui| {
        widgets::section(ui, "What to avoid", "negative prompt");
        let response = ui.add(
            TextEdit::multiline(&mut draft.negative_prompt)
                .id(Id::unique("negative prompt"))
                .hint_text("Nothing")
                .desired_rows(2)
                .desired_width(f32::INFINITY),
        );
        widgets::name_text_field(&response, "What to avoid", &draft.negative_prompt);
        if pill.clicked() {
            // Whoever opens it has something to write.
            focus(&response);
        }
    });
}

/// At the right end of its row; of the next row where this one has no room.
fn seed_ui(ui: &mut Ui, draft: &mut Draft) {
    const FIELD: f32 = 88.0;
    const LOCK: f32 = 24.0;
    let theme = theme::of(ui);
    let (word, field) = if draft.seed_is_locked {
        ("seed", FIELD + 12.0 + ui.spacing().item_spacing.x)
    } else {
        ("seed random", 0.0)
    };
    let galley = ui
        .painter()
        .layout_no_wrap(word.to_owned(), theme::label(), theme.text3);
    let width = galley.size().x + field + LOCK + ui.spacing().item_spacing.x + 1.0;
    let room = |ui: &Ui| ui.available_size_before_wrap().x - width;
    if room(ui) < 0.0 {
        ui.end_row();
    }
    ui.add_space(room(ui).max(0.0));
    ui.label(
        egui::RichText::new(word)
            .font(theme::label())
            .color(theme.text3),
    );
    if draft.seed_is_locked {
        seed_field_ui(ui, draft, FIELD);
    }
    let (icon, tip) = if draft.seed_is_locked {
        (
            Icon::Locked,
            "The seed stays: the same settings make the same picture",
        )
    } else {
        (
            Icon::Unlocked,
            "Every run draws a new seed; click to keep this one",
        )
    };
    if widgets::icon_toggle(ui, icon, tip, LOCK, false).clicked() {
        draft.seed_is_locked = !draft.seed_is_locked;
    }
}

fn seed_field_ui(ui: &mut Ui, draft: &mut Draft, width: f32) {
    let mut text = draft.seed.to_string();
    let field = TextEdit::singleline(&mut text)
        .id(Id::unique("seed"))
        .font(theme::label())
        .desired_width(width)
        .margin(Margin::symmetric(6, 3))
        .align(egui::Align2::RIGHT_CENTER);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Seed", &text);
    if response.changed() {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        draft.seed = digits
            .parse()
            .unwrap_or(if digits.is_empty() { 0 } else { draft.seed });
    }
}

#[cfg(test)]
mod tests {
    use super::without_style;

    #[test]
    fn a_style_at_the_end_of_a_prompt_gives_way_to_another() {
        let known = ["pixel art", "comic"].map(str::to_owned);
        for (prompt, words, style) in [
            ("a boat, comic", "a boat", Some("comic")),
            ("a boat , pixel art ", "a boat", Some("pixel art")),
            ("comic", "", Some("comic")),
            ("a tragicomic", "a tragicomic", None),
            ("a comic", "a comic", None),
            ("a comic, by night", "a comic, by night", None),
            ("", "", None),
        ] {
            let (left, found) = without_style(prompt, &known);
            assert_eq!(
                (left, found.map(String::as_str)),
                (words, style),
                "{prompt}"
            );
        }
    }
}
