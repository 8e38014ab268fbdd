//! What is known of the chosen pictures, and the user's own words about them: title, tags, boards, note.

use std::sync::Arc;

use egui::{Id, ScrollArea, Sense, TextEdit, Ui, vec2};

use super::pictures;
use crate::command::{Command, GalleryCommand, ViewCommand};
use crate::folding::fold;
use crate::gallery::{Mark, Record};
use crate::icons::Icon;
use crate::panels::info;
use crate::scene::Scene;
use crate::session::{PictureId, PictureRef, RecipePart};
use crate::textures::Detail;
use crate::theme;
use crate::viewer::MOST_COMPARED;
use crate::widgets::{self, Loudness};

/// Of more pictures than this, tags and boards are only added, not listed.
pub const MOST_LISTED: usize = 200;
const MOST_SUGGESTIONS: usize = 5;

/// The words as they are being typed, and whose they are.
#[derive(Debug, Default)]
pub struct Draft {
    ids: Vec<PictureId>,
    title: String,
    note: String,
    tag: String,
}

pub fn details_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft) {
    ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
    let ids = scene.gallery.meant();
    if ids.is_empty() {
        widgets::remark(ui, "Choose a picture to see what is known of it.");
        return;
    }
    ScrollArea::vertical()
        .id_salt("gallery details")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            match ids[..] {
                [id] => one_ui(ui, scene, id),
                _ => many_ui(ui, &ids),
            }
            actions_ui(ui, scene, &ids);
            if !scene.gallery.query.in_trash {
                marks_ui(ui, scene, draft, &ids);
            }
            if let [id] = ids[..]
                && let Some(record) = scene.gallery.record(id).cloned()
            {
                ui.add_space(6.0);
                widgets::section(ui, "How it was made", "");
                info::picture_fields_ui(ui, scene, &record);
            }
        });
}

fn one_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: PictureId) {
    let theme = theme::of(ui);
    let record = scene.gallery.record(id).cloned();
    picture_ui(ui, scene, id, record.as_deref());
    let Some(record) = record else {
        return;
    };
    if let Some(problem) = &record.problem {
        let text = format!("This picture cannot be shown: {problem}");
        let text = egui::RichText::new(widgets::shown_message(&text)).font(theme::label());
        ui.label(text.color(theme.error));
    }
    info::picture_prompt_ui(ui, scene, &record);
    let created = id.created().to_zoned_datetime(jiff::tz::TimeZone::system());
    let mut facts = vec![
        format!("{} × {} px", record.width, record.height),
        created.strftime("%-d %B %Y, %H:%M").to_string(),
    ];
    if let Some(recipe) = &record.recipe {
        facts.insert(1, widgets::shown(&recipe.model));
    }
    widgets::remark(ui, &facts.join(" · "));
}

fn picture_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: PictureId, record: Option<&Record>) {
    let width = ui.available_width();
    let shape = record.map_or(1.0, |record| {
        record.height as f32 / record.width.max(1) as f32
    });
    let size = vec2(width, (width * shape).clamp(80.0, width * 1.2));
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter()
        .rect_filled(rect, theme::RADIUS, theme::of(ui).bg3);
    let picture = (PictureRef::Gallery(id), Detail::Thumbnail);
    if let Some(texture) = scene.textures.get(picture).cloned() {
        widgets::contain(ui, rect, theme::RADIUS, &texture);
    }
}

fn many_ui(ui: &mut Ui, ids: &[PictureId]) {
    let text = egui::RichText::new(pictures(ids.len())).font(theme::title());
    ui.label(text.color(theme::of(ui).text));
}

/// Title and note of one picture; tags and boards of one or many.
pub fn marks_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft, ids: &[PictureId]) {
    let records: Vec<Arc<Record>> = ids
        .iter()
        .take(MOST_LISTED + 1)
        .filter_map(|id| scene.gallery.record(*id).cloned())
        .collect();
    if let ([id], [record]) = (ids, &records[..]) {
        draft.follow(ui, *id, record);
        title_ui(ui, scene, draft, record);
    } else {
        draft.ids.clear();
    }
    tags_ui(ui, scene, draft, ids, &records);
    boards_ui(ui, scene, ids, &records);
    if let ([_], [record]) = (ids, &records[..]) {
        note_ui(ui, scene, draft, record);
    }
}

fn title_id() -> Id {
    Id::unique("picture's title")
}

fn note_id() -> Id {
    Id::unique("picture's note")
}

impl Draft {
    /// Shows what the gallery knows, except in a field that is being edited.
    fn follow(&mut self, ui: &Ui, id: PictureId, record: &Record) {
        let is_other = self.ids != [id];
        self.ids = vec![id];
        let is_edited = |field| !is_other && ui.memory(|memory| memory.has_focus(field));
        if !is_edited(title_id()) {
            self.title = record.title.clone().unwrap_or_default();
        }
        if !is_edited(note_id()) {
            self.note = record.note.clone().unwrap_or_default();
        }
    }
}

fn title_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft, record: &Record) {
    widgets::section(ui, "Title", "");
    let field = TextEdit::singleline(&mut draft.title)
        .id(title_id())
        .hint_text("No title: the prompt stands for it")
        .margin(egui::Margin::symmetric(10, 7))
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Title of the picture", &draft.title);
    let title = draft.title.trim();
    if response.lost_focus() && title != record.title.as_deref().unwrap_or_default() {
        let mark = Mark::Title(title.to_owned());
        let pictures = vec![record.id];
        scene.send(Command::Gallery(GalleryCommand::Mark { pictures, mark }));
    }
}

fn note_ui(ui: &mut Ui, scene: &mut Scene<'_>, draft: &mut Draft, record: &Record) {
    widgets::section(ui, "Note", "");
    let field = TextEdit::multiline(&mut draft.note)
        .id(note_id())
        .hint_text("Words that find this picture again")
        .margin(egui::Margin::symmetric(10, 7))
        .desired_rows(2)
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Note about the picture", &draft.note);
    let note = draft.note.trim();
    if response.lost_focus() && note != record.note.as_deref().unwrap_or_default() {
        let mark = Mark::Note(note.to_owned());
        let pictures = vec![record.id];
        scene.send(Command::Gallery(GalleryCommand::Mark { pictures, mark }));
    }
}

fn tags_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    draft: &mut Draft,
    ids: &[PictureId],
    records: &[Arc<Record>],
) {
    widgets::section(ui, "Tags", "");
    let mark = |name: String, on| Mark::Tag { name, on };
    chips_ui(ui, scene, ids, records, |record| &record.tags, mark);
    let field = TextEdit::singleline(&mut draft.tag)
        .id(Id::unique("new tag"))
        .hint_text("Add a tag")
        .margin(egui::Margin::symmetric(10, 7))
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Add a tag", &draft.tag);
    let enter = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let words = fold(draft.tag.trim());
    let mut chosen = (enter && !words.is_empty()).then(|| draft.tag.trim().to_owned());
    if response.has_focus() && !words.is_empty() {
        let tags = scene.gallery.overview.tags.iter();
        let tags = tags.filter(|tag| fold(&tag.name).starts_with(&words));
        let tags: Vec<String> = tags
            .take(MOST_SUGGESTIONS)
            .map(|tag| tag.name.clone())
            .collect();
        for tag in tags {
            let width = ui.available_width();
            if widgets::menu_row_ui(ui, &tag, None, false, width).clicked() {
                chosen = Some(tag);
            }
        }
    }
    if let Some(name) = chosen {
        draft.tag.clear();
        let pictures = ids.to_vec();
        let mark = mark(name, true);
        scene.send(Command::Gallery(GalleryCommand::Mark { pictures, mark }));
        if enter {
            // The next tag follows.
            response.request_focus();
        }
    }
}

fn boards_ui(ui: &mut Ui, scene: &mut Scene<'_>, ids: &[PictureId], records: &[Arc<Record>]) {
    widgets::section(ui, "Boards", "");
    let mark = |name: String, on| Mark::Board { name, on };
    chips_ui(ui, scene, ids, records, |record| &record.boards, mark);
    let ask = GalleryCommand::AskBoard;
    if widgets::button(ui, &ask.label(), Loudness::Plain, None).clicked() {
        scene.send(Command::Gallery(ask));
    }
}

/// What the pictures have, with how many have it where not all do. A click takes it off.
fn chips_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    ids: &[PictureId],
    records: &[Arc<Record>],
    names: impl Fn(&Record) -> &[String],
    mark: impl Fn(String, bool) -> Mark,
) {
    if ids.len() > MOST_LISTED {
        return;
    }
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for record in records {
        for name in names(record) {
            *counts.entry(name).or_default() += 1;
        }
    }
    if counts.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for (name, count) in counts {
            let part = if count < ids.len() {
                format!(" ({count})")
            } else {
                String::new()
            };
            let short: String = name.chars().take(28).collect();
            let mark = mark(name.to_owned(), false);
            let pictures = ids.to_vec();
            let command = GalleryCommand::Mark { pictures, mark };
            let text = format!("{short}{part}");
            let label = command.label();
            if widgets::pill_with_icon(ui, &text, &label, false, Icon::Close).clicked() {
                scene.send(Command::Gallery(command));
            }
        }
    });
}

fn actions_ui(ui: &mut Ui, scene: &mut Scene<'_>, ids: &[PictureId]) {
    ui.add_space(6.0);
    if scene.gallery.query.in_trash {
        let commands = [
            (GalleryCommand::Restore(ids.to_vec()), Loudness::Primary),
            (GalleryCommand::AskDelete(ids.to_vec()), Loudness::Plain),
        ];
        ui.horizontal(|ui| {
            for (command, loudness) in commands {
                if widgets::button(ui, &command.label(), loudness, None).clicked() {
                    scene.send(Command::Gallery(command));
                }
            }
        });
        return;
    }
    let all_starred = ids.iter().all(|id| {
        let record = scene.gallery.record(*id);
        record.is_some_and(|record| record.is_starred)
    });
    let star = if all_starred {
        Icon::StarFilled
    } else {
        Icon::Star
    };
    ui.horizontal_wrapped(|ui| {
        for (icon, command) in [
            (star, GalleryCommand::StarChosen),
            (Icon::Trash, GalleryCommand::TrashChosen),
        ] {
            let command = Command::Gallery(command);
            if widgets::command_icon(ui, icon, &command, 31.0, false).clicked() {
                scene.send(command);
            }
        }
        if (2..=MOST_COMPARED).contains(&ids.len()) {
            let pictures = ids.iter().copied().map(PictureRef::Gallery).collect();
            let command = Command::View(ViewCommand::Compare(pictures));
            if widgets::button(ui, &command.label(), Loudness::Plain, None).clicked() {
                scene.send(command);
            }
        }
        if let [id] = ids[..] {
            let picture = PictureRef::Gallery(id);
            let part = RecipePart::Everything;
            let obstacle = scene.usable(picture).obstacle(part);
            for (command, obstacle) in [
                (Command::OpenAsDocument(picture), None),
                (Command::UseRecipe { picture, part }, obstacle),
            ] {
                widgets::obstructed(ui, obstacle, |ui| {
                    let button = widgets::button(ui, &command.label(), Loudness::Plain, None);
                    if button.clicked() {
                        scene.send(command);
                    }
                    button
                });
            }
        }
    });
}

/// The first pictures of which the details need to know more.
pub fn unknown(scene: &Scene<'_>) -> Vec<PictureId> {
    let gallery = scene.gallery;
    let few = gallery.meant().into_iter().take(MOST_LISTED);
    few.filter(|id| !gallery.is_fresh(*id)).collect()
}
