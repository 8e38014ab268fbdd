//! Ctrl+K: every command by typing a part of its name.

use egui::{Align2, Id, Key, Modal, ScrollArea, Sense, TextEdit, Ui, vec2};

use crate::command::{Command, LISTED};
use crate::folding::fold;
use crate::scene::Scene;
use crate::theme;
use crate::widgets;
use limn_engine::protocol::DeviceChoice;

const WIDTH: f32 = 560.0;
const MAX_HEIGHT: f32 = 380.0;
/// Of a word of which only some letters stand in a label: more are another word.
const MOST_LETTERS: usize = 4;

#[derive(Debug, Default)]
pub struct Palette {
    pub is_open: bool,
    words: String,
    chosen: usize,
}

impl Palette {
    pub fn toggle(&mut self) {
        *self = Self {
            is_open: !self.is_open,
            ..Self::default()
        };
    }
}

pub fn palette_ui(ui: &Ui, scene: &mut Scene<'_>, palette: &mut Palette) {
    if !palette.is_open {
        return;
    }
    let theme = theme::of(ui);
    let area = egui::Area::new(Id::unique("palette"))
        .kind(egui::UiKind::Modal)
        .sense(Sense::hover())
        .order(egui::Order::Foreground)
        .anchor(Align2::CENTER_TOP, vec2(0.0, 96.0));
    let modal = Modal::new(Id::unique("palette"))
        .area(area)
        .backdrop_color(theme.veil)
        .frame(egui::Frame::popup(ui.style()).inner_margin(8));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 48.0));
        list_ui(ui, scene, palette)
    });
    if shown.inner || shown.backdrop_response.clicked() {
        palette.is_open = false;
    }
}

/// Whether a command was chosen.
fn list_ui(ui: &mut Ui, scene: &mut Scene<'_>, palette: &mut Palette) -> bool {
    let theme = theme::of(ui);
    let (up, down, enter) = ui.input_mut(|input| {
        let none = egui::Modifiers::NONE;
        (
            input.consume_key(none, Key::ArrowUp),
            input.consume_key(none, Key::ArrowDown),
            input.consume_key(none, Key::Enter),
        )
    });
    let field = TextEdit::singleline(&mut palette.words)
        .id(Id::unique("palette words"))
        .font(theme::prompt())
        .frame(egui::Frame::NONE.inner_margin(egui::Margin::symmetric(INDENT as i8, 8)))
        .hint_text(
            egui::RichText::new("What do you want to do?")
                .font(theme::prompt())
                .color(theme.text3),
        )
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Find a command", &palette.words);
    response.request_focus();
    ui.separator();
    let found = found(scene, &palette.words);
    if response.changed() {
        palette.chosen = 0;
    }
    palette.chosen = palette.chosen.min(found.len().saturating_sub(1));
    if down {
        palette.chosen = (palette.chosen + 1).min(found.len().saturating_sub(1));
    }
    if up {
        palette.chosen = palette.chosen.saturating_sub(1);
    }
    let mut picked = enter.then_some(palette.chosen);
    let height = MAX_HEIGHT.min(ui.ctx().content_rect().height() - 220.0);
    ScrollArea::vertical()
        .max_height(height)
        // The sheet is as high as it was for fewer words, and so would never show more.
        .min_scrolled_height(height)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let is_mac = ui.ctx().os() == egui::os::OperatingSystem::Mac;
            for (index, command) in found.iter().enumerate() {
                let shortcut = command.shortcut().map(|shortcut| shortcut.text(is_mac));
                let is_chosen = index == palette.chosen;
                let width = ui.available_width();
                let row = widgets::menu_row_ui(
                    ui,
                    &command.label(),
                    shortcut.as_deref(),
                    is_chosen,
                    width,
                );
                if is_chosen && (up || down) {
                    row.scroll_to_me(None);
                }
                if row.clicked() {
                    picked = Some(index);
                }
            }
            if found.is_empty() {
                widgets::remark(ui, "No command has these words.");
            }
        });
    let Some(command) = picked.and_then(|index| found.get(index)) else {
        return false;
    };
    scene.send(command.clone());
    true
}

/// Commands whose label has all the words, the best first; see [`rank`].
fn found(scene: &Scene<'_>, words: &str) -> Vec<Command> {
    let mut commands: Vec<Command> = LISTED.to_vec();
    commands.extend(
        scene
            .session
            .models
            .iter()
            .map(|model| Command::SetModel(model.id.clone())),
    );
    let recent = scene.session.recent.iter().cloned();
    commands.extend(recent.map(Command::OpenRecent));
    commands.push(Command::SetDevice(DeviceChoice::Auto));
    commands.extend(
        scene
            .session
            .devices
            .iter()
            .filter(|device| !device.is_software)
            .map(|device| Command::SetDevice(DeviceChoice::Named(device.name.clone()))),
    );
    matching(commands, words)
}

fn matching(commands: Vec<Command>, words: &str) -> Vec<Command> {
    let words = fold(words);
    let words = words.trim();
    if words.is_empty() {
        return commands;
    }
    let mut found: Vec<((Rank, usize), Command)> = commands
        .into_iter()
        .filter_map(|command| {
            let label = fold(&command.label());
            // Of two that fit alike, the one in which it stands earlier.
            let place = label.find(words).unwrap_or(label.len());
            Some(((rank(&label, words)?, place), command))
        })
        .collect();
    found.sort_by_key(|(key, _)| *key);
    found.into_iter().map(|(_, command)| command).collect()
}

/// How well a label fits what was typed, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Whole,
    Prefix,
    WordStart,
    Inside,
    /// The letters come in this order, the first at the start of a word.
    Letters,
}

/// Of the words that fit worst; `None` where one does not fit at all. Both texts are folded.
fn rank(label: &str, typed: &str) -> Option<Rank> {
    if label == typed {
        return Some(Rank::Whole);
    }
    if label.starts_with(typed) {
        return Some(Rank::Prefix);
    }
    let mut ranks = typed.split_whitespace().map(|word| word_rank(label, word));
    // Words in another order are no prefix.
    ranks.try_fold(Rank::WordStart, |worst, rank| Some(worst.max(rank?)))
}

fn word_rank(label: &str, word: &str) -> Option<Rank> {
    let label_words = || {
        let words = label.split(|letter: char| !letter.is_alphanumeric());
        words.filter(|label_word| !label_word.is_empty())
    };
    if label_words().any(|label_word| label_word.starts_with(word)) {
        return Some(Rank::WordStart);
    }
    if label.contains(word) {
        return Some(Rank::Inside);
    }
    if word.chars().count() > MOST_LETTERS {
        return None;
    }
    let first = word.chars().next()?;
    // From the first word with that letter on, all the others come in order, or from no later one.
    let rest = label_words().skip_while(|label_word| !label_word.starts_with(first));
    let mut letters = rest.flat_map(str::chars);
    let has_all = word
        .chars()
        .all(|letter| letters.any(|other| other == letter));
    has_all.then_some(Rank::Letters)
}

/// A line of a menu: what it does at the left, its keys at the right.
/// Of what is typed and of the rows under it.
const INDENT: f32 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Deed, Place};

    fn check(words: &str, first: Option<&Command>) {
        assert_eq!(matching(LISTED.to_vec(), words).first(), first, "{words}");
    }

    #[test]
    fn a_narrow_list_shows_its_names_whole() {
        let names = ["Normal", "Multiply", "Lighten"];
        let ctx = egui::Context::default();
        theme::install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            for name in names {
                widgets::menu_row_ui(ui, name, None, false, 140.0);
            }
        });
        output.textures_delta.clear();
        let mut shown = Vec::new();
        for shape in &output.shapes {
            if let egui::Shape::Text(text) = &shape.shape {
                assert!(!text.galley.elided, "{}", text.galley.text());
                shown.push(text.galley.text().to_owned());
            }
        }
        assert_eq!(shown, names);
    }

    #[test]
    fn what_begins_with_the_letters_comes_before_what_has_them() {
        check("gal", Some(&Command::GoTo(Place::Gallery)));
        for (better, worse, typed) in [
            ("gallery", "gallery folder", "gallery"),
            ("gallery folder", "choose the gallery folder", "gal"),
            ("show the gallery", "seagalls", "gal"),
            ("seagalls", "grow a lot", "gal"),
        ] {
            let ranks = (rank(better, typed), rank(worse, typed));
            assert!(
                ranks.0.is_some() && ranks.0 < ranks.1,
                "{better} before {worse}: {ranks:?}"
            );
        }
        assert_eq!(rank("zoom to 100 %", "100 zoom"), Some(Rank::WordStart));
        assert_eq!(rank("merge down", "md"), Some(Rank::Letters));
        assert_eq!(rank("merge down", "dm"), None);
    }

    #[test]
    fn commands_are_found_by_parts_of_their_names() {
        check("new pict", Some(&Command::Do(Deed::NewPictures)));
        check("full", Some(&Command::FullScreen));
        check("star", Some(&Command::ToggleStar));
        check("ZOOM 100", Some(&Command::ZoomActual));
        check("no such thing", None);
        assert_eq!(matching(LISTED.to_vec(), "").len(), LISTED.len());
    }
}
