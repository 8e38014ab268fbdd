//! F1: every key and what it does, from the table by which keys are heard.

use egui::{Id, Label, Modal, RichText, ScrollArea, Ui, vec2};

use crate::command::{BINDINGS, Command, Scope};
use crate::icons::Icon;
use crate::theme;
use crate::widgets;

const COLUMN: f32 = 330.0;
const KEYS_WIDTH: f32 = 120.0;

/// Shows the sheet while `is_open`, and closes it.
pub fn shortcuts_sheet_ui(ui: &Ui, is_open: &mut bool) {
    if !*is_open {
        return;
    }
    let theme = theme::of(ui);
    let window = ui.ctx().content_rect().size();
    let modal = Modal::new(Id::unique("shortcuts"))
        .backdrop_color(theme.veil)
        .frame(egui::Frame::popup(ui.style()).inner_margin(20));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width((2.0 * COLUMN + 24.0).min(window.x - 96.0));
        let closes = ui
            .horizontal(|ui| {
                let title = RichText::new("Keyboard").font(theme::title());
                ui.label(title.color(theme.text));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let close = "Close the list of keys   Esc";
                    widgets::icon_button(ui, Icon::Close, close, 28.0).clicked()
                })
                .inner
            })
            .inner;
        ScrollArea::vertical()
            .max_height(window.y - 160.0)
            .min_scrolled_height(window.y - 160.0)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                for (title, scopes) in PARTS {
                    ui.add_space(6.0);
                    widgets::section(ui, title, "");
                    part_ui(ui, scopes);
                }
            });
        closes
    });
    if shown.inner || shown.backdrop_response.clicked() {
        *is_open = false;
    }
}

const PARTS: [(&str, &[Scope]); 4] = [
    ("Everywhere", &[Scope::Everywhere]),
    ("On the canvas", &[Scope::OutsideText, Scope::Unfocused]),
    ("In the gallery", &[Scope::Gallery, Scope::Grid]),
    ("In the prompt", &[Scope::InText]),
];

/// What is done by which keys there, all keys of one command together.
fn rows(scopes: &[Scope], is_mac: bool) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String, &Command)> = Vec::new();
    for (shortcut, command) in BINDINGS {
        if !scopes.contains(&shortcut.scope) {
            continue;
        }
        let keys = shortcut.text(is_mac);
        match rows.iter_mut().find(|(_, _, known)| *known == command) {
            Some((_, known, _)) if known.split(", ").all(|known| known != keys) => {
                known.push_str(", ");
                known.push_str(&keys);
            }
            Some(_) => {}
            None => rows.push((command.label(), keys, command)),
        }
    }
    gathered(rows.into_iter().map(|(label, keys, _)| (label, keys)))
}

/// Rows that follow each other and say the same, but for a number, are one: "1 – 9", "Show result 1 – 9".
fn gathered(rows: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let from = |text: &str| text.split(" – ").next().unwrap_or_default().to_owned();
    let stem = |label: &str| from(label).trim_end_matches(char::is_numeric).to_owned();
    let is_digit = |keys: &str| keys.len() == 1 && keys.starts_with(char::is_numeric);
    let mut gathered: Vec<(String, String)> = Vec::new();
    for (label, keys) in rows {
        let last = gathered.last_mut().filter(|(known, first)| {
            let is_counted = stem(&label) != label && stem(known) == stem(&label);
            is_counted && is_digit(&keys) && first.starts_with(char::is_numeric)
        });
        let Some((known, first)) = last else {
            gathered.push((label, keys));
            continue;
        };
        let number = label.trim_start_matches(&stem(&label)).to_owned();
        *known = format!("{} – {number}", from(known));
        *first = format!("{} – {keys}", from(first));
    }
    gathered
}

fn part_ui(ui: &mut Ui, scopes: &[Scope]) {
    let theme = theme::of(ui);
    let is_mac = ui.ctx().os() == egui::os::OperatingSystem::Mac;
    let rows = rows(scopes, is_mac);
    let n_columns = if ui.available_width() < 2.0 * COLUMN {
        1
    } else {
        2
    };
    let n_rows = rows.len().div_ceil(n_columns);
    ui.spacing_mut().interact_size.y = 18.0;
    for line in 0..n_rows {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            for (label, keys) in rows.iter().skip(line).step_by(n_rows.max(1)) {
                for (text, width, colour) in [
                    (keys, KEYS_WIDTH, theme.text),
                    (label, COLUMN - KEYS_WIDTH - 24.0, theme.text2),
                ] {
                    let text = RichText::new(text).font(theme::label()).color(colour);
                    ui.allocate_ui_with_layout(
                        vec2(width, 18.0),
                        egui::Layout::left_to_right(egui::Align::Center),
                        |ui| {
                            ui.set_min_width(width);
                            ui.add(Label::new(text).truncate());
                        },
                    );
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_rows_are_one() {
        let row = |label: &str, keys: &str| (label.to_owned(), keys.to_owned());
        let rows = [
            row("Write", "T"),
            row("Show result 1", "1"),
            row("Show result 2", "2"),
            row("Show result 3", "3"),
            row("Zoom", "Ctrl 1"),
        ];
        assert_eq!(
            gathered(rows.into_iter()),
            [
                row("Write", "T"),
                row("Show result 1 – 3", "1 – 3"),
                row("Zoom", "Ctrl 1")
            ]
        );
    }

    /// No key that is heard is left out, and each stands where it is heard.
    #[test]
    fn the_list_has_every_key() {
        for (shortcut, command) in BINDINGS {
            let part = PARTS
                .iter()
                .filter(|(_, scopes)| scopes.contains(&shortcut.scope));
            let found = part.flat_map(|(_, scopes)| rows(scopes, false));
            let (label, keys) = (command.label(), shortcut.text(false));
            let is_counted = |known: &str, all: &str| {
                let ends = |text: &str| {
                    let (from, to) = text.split_once(" – ")?;
                    let from: u32 = from.rsplit(' ').next()?.parse().ok()?;
                    Some(from..=to.parse().ok()?)
                };
                let number = label
                    .rsplit(' ')
                    .next()
                    .and_then(|number| number.parse().ok());
                let key = keys.parse().ok();
                let within = |text: &str, number: Option<u32>| {
                    ends(text)
                        .zip(number)
                        .is_some_and(|(ends, number)| ends.contains(&number))
                };
                within(known, number) && within(all, key)
            };
            let n_found = found
                .filter(|(known, all)| {
                    let is_it = *known == label && all.split(", ").any(|key| key == keys);
                    is_it || is_counted(known, all)
                })
                .count();
            assert!(n_found > 0, "{label} by {keys}");
        }
    }
}
