//! Commands of the gallery's grid, boards and trash.

use std::time::Instant;

use egui::Context;

use super::{DialogAnswer, ask};
use crate::app::App;
use crate::command::{Command, GalleryCommand, Step, ViewCommand};
use crate::gallery::{Change, Mark, Query, handle};
use crate::panels::gallery::{Asked, pictures, search};
use crate::panels::toasts::Tone;
use crate::session::{Choose, PictureId, PictureRef, Place};

impl App {
    pub(super) fn carry_out_gallery(
        &mut self,
        ctx: &Context,
        command: GalleryCommand,
        now: Instant,
    ) {
        let view = &mut self.gallery_view;
        match command {
            GalleryCommand::List(query) => self.list_gallery(*query),
            GalleryCommand::Group(grouping) => {
                view.grouping = grouping;
                self.settings.gallery.grouping = grouping;
                self.save_settings();
            }
            // Written with the next change, or at the end: a slider sends one of these each frame.
            GalleryCommand::TileSide(side) => self.settings.gallery.tile_side = side,
            GalleryCommand::ToggleDetails => {
                self.settings.gallery.shows_details = !self.settings.gallery.shows_details;
                self.save_settings();
            }
            GalleryCommand::FocusSearch => {
                self.session.place = Place::Gallery;
                ctx.memory_mut(|memory| memory.request_focus(search::place_id()));
            }
            GalleryCommand::Choose { picture, how } => view.choose(picture, how),
            GalleryCommand::ChooseBand {
                list,
                touched,
                adds,
            } => view.choose_band(list, &touched, adds),
            GalleryCommand::EndBand => view.selection.end_band(),
            GalleryCommand::Move { step, extends } => self.move_cursor(step, extends),
            GalleryCommand::ChooseAll => view.choose_all(),
            GalleryCommand::ChooseNone => view.selection.clear(),
            GalleryCommand::Open => self.with_cursor(ctx, Command::OpenAsDocument, now),
            GalleryCommand::Look => self.with_cursor(ctx, look, now),
            GalleryCommand::StarChosen => self.star_chosen(now),
            GalleryCommand::Mark { pictures, mark } => self.mark(pictures, mark),
            GalleryCommand::Change(change) => self.change_collection(change),
            GalleryCommand::TrashChosen => self.trash_chosen(now),
            GalleryCommand::Trash(ids) => self.trash_pictures(ids),
            GalleryCommand::Restore(ids) => {
                let words = format!("Put back {}", pictures(ids.len()));
                self.change_gallery(vec![handle::Command::Restore(ids)], words, true);
            }
            GalleryCommand::AskBoard => {
                let pictures = self.gallery_view.meant();
                if self.says_if_none(&pictures, now) {
                    return;
                }
                let name = String::new();
                self.gallery_panel.asked = Some(Asked::Board { pictures, name });
            }
            GalleryCommand::AskDelete(ids) => self.gallery_panel.asked = Some(Asked::Delete(ids)),
            GalleryCommand::AskEmptyTrash => {
                let n = self.gallery_view.overview.n_trashed;
                if n == 0 {
                    self.toasts.say(Tone::Plain, "The trash is empty.", now);
                } else {
                    // What is deleted is seen before.
                    self.session.place = Place::Gallery;
                    self.list_gallery(Query {
                        in_trash: true,
                        ..Query::default()
                    });
                    self.gallery_panel.asked = Some(Asked::EmptyTrash(n));
                }
            }
            GalleryCommand::Dismiss => self.gallery_panel.asked = None,
            GalleryCommand::Undo(serial) => self.undo_gallery(serial, now),
            GalleryCommand::Redo => self.redo_gallery(),
            GalleryCommand::DeleteForGood(ids) => self.delete_for_good(ids),
            GalleryCommand::EmptyTrash => {
                let listed = self.gallery_view.entries().iter();
                let ids = listed.map(|entry| entry.id).collect();
                self.delete_for_good(ids);
            }
            GalleryCommand::AskImport => self.ask_import(ctx),
            GalleryCommand::Import(paths) => self.tell_gallery(handle::Command::Import(paths)),
            GalleryCommand::CancelImport => self.tell_gallery(handle::Command::CancelImports),
        }
    }

    /// Lists what matches. The list begins at its top, or where the chosen picture is.
    pub(in crate::app) fn list_gallery(&mut self, mut query: Query) {
        if !query.is_search() {
            // The next search begins with the most alike again.
            query.sort_found = None;
        }
        if query == self.gallery_view.query {
            return;
        }
        self.gallery_panel.show_words(&query.words);
        self.settings.gallery.sort = query.sort;
        self.gallery_view.query = query;
        self.asked.begins_anew = true;
        self.asked.list_is_stale = true;
    }

    /// Everything is listed again that was before the search.
    pub(super) fn leave_search(&mut self) {
        let query = Query {
            words: String::new(),
            like: None,
            ..self.gallery_view.query.clone()
        };
        self.list_gallery(query);
    }

    fn move_cursor(&mut self, step: Step, extends: bool) {
        let place = self.session.place;
        let from = self.gallery_view.selection.cursor();
        let Some(to) = self.gallery_panel.step(place, from, step) else {
            return;
        };
        let Some(id) = self.gallery_view.entries().get(to).map(|entry| entry.id) else {
            return;
        };
        let how = if extends {
            Choose::Through
        } else {
            Choose::Only
        };
        self.gallery_view.choose_at(to, how);
        self.gallery_panel.reveal(to);
        if place == Place::Canvas && !extends {
            self.session.show(PictureRef::Gallery(id));
        }
    }

    fn with_cursor(
        &mut self,
        ctx: &Context,
        command: impl Fn(PictureRef) -> Command,
        now: Instant,
    ) {
        let view = &self.gallery_view;
        let cursor = view
            .selection
            .cursor()
            .or(view.entries().first().map(|_| 0));
        let entry = cursor.and_then(|index| view.entries().get(index));
        if let Some(id) = entry.map(|entry| entry.id)
            && !view.query.in_trash
        {
            self.carry_out(ctx, command(PictureRef::Gallery(id)), now);
        }
    }

    /// Whether a command has nothing to be about; it then says so.
    fn says_if_none(&mut self, ids: &[PictureId], now: Instant) -> bool {
        if ids.is_empty() {
            let text = "Choose a picture first.";
            self.toasts.say(Tone::Plain, text, now);
        }
        ids.is_empty()
    }

    fn star_chosen(&mut self, now: Instant) {
        let ids = self.gallery_view.meant();
        if self.says_if_none(&ids, now) || self.gallery_view.query.in_trash {
            return;
        }
        let is_starred = |id: &PictureId| {
            let record = self.gallery_view.record(*id);
            record.is_some_and(|record| record.is_starred)
        };
        let all_starred = ids.iter().all(is_starred);
        self.mark(ids, Mark::Star(!all_starred));
    }

    pub(super) fn mark(&mut self, ids: Vec<PictureId>, mark: Mark) {
        let n = pictures(ids.len());
        // A single star, title or note is seen where it is.
        let is_told = match &mark {
            Mark::Star(_) => ids.len() > 1,
            Mark::Title(_) | Mark::Note(_) | Mark::Origin(_) => false,
            Mark::Tag { .. } | Mark::Board { .. } => true,
        };
        let words = match &mark {
            Mark::Star(true) => format!("Starred {n}"),
            Mark::Star(false) => format!("Took the star off {n}"),
            Mark::Tag { name, on: true } => format!("Tagged {n} “{name}”"),
            Mark::Tag { name, on: false } => format!("Took the tag “{name}” off {n}"),
            Mark::Board { name, on: true } => format!("Added {n} to “{name}”"),
            Mark::Board { name, on: false } => format!("Took {n} off “{name}”"),
            Mark::Title(_) => "Renamed the picture".to_owned(),
            Mark::Note(_) => "Changed the note".to_owned(),
            Mark::Origin(_) => "Noted where it came from".to_owned(),
        };
        let command = handle::Command::Mark {
            pictures: ids,
            mark,
        };
        self.change_gallery(vec![command], words, is_told);
    }

    /// A board or tag that is listed, and is renamed or deleted, takes its list along.
    fn change_collection(&mut self, change: Change) {
        let query = &self.gallery_view.query;
        let (mut board, mut tag) = (query.board.clone(), query.tag.clone());
        let words = match &change {
            Change::MakeBoard { name } => format!("Made the board “{name}”"),
            Change::RenameBoard { from, to } => {
                if board.as_ref() == Some(from) {
                    board = Some(to.clone());
                }
                format!("Renamed the board “{from}” to “{to}”")
            }
            Change::DeleteBoard { name } => {
                board = board.filter(|board| board != name);
                format!("Deleted the board “{name}”; its pictures stay")
            }
            Change::RenameTag { from, to } => {
                if tag.as_ref() == Some(from) {
                    tag = Some(to.clone());
                }
                format!("Renamed the tag “{from}” to “{to}”")
            }
            Change::DeleteTag { name } => {
                tag = tag.filter(|tag| tag != name);
                format!("Removed the tag “{name}” everywhere")
            }
        };
        let query = Query {
            tag,
            board,
            ..query.clone()
        };
        self.change_gallery(vec![handle::Command::Change(change)], words, true);
        self.list_gallery(query);
    }

    fn trash_chosen(&mut self, now: Instant) {
        let ids = self.gallery_view.meant();
        if self.says_if_none(&ids, now) {
            return;
        }
        if self.gallery_view.query.in_trash {
            self.gallery_panel.asked = Some(Asked::Delete(ids));
        } else {
            self.trash_pictures(ids);
        }
    }

    fn ask_import(&mut self, ctx: &Context) {
        self.session.place = Place::Gallery;
        self.in_dialog_thread(ctx, || {
            let dialog = rfd::FileDialog::new().set_title("Bring in all pictures of a folder");
            ask(
                || dialog.pick_folder(),
                |folder| Some(DialogAnswer::Import(folder)),
            )
        });
    }

    fn delete_for_good(&mut self, ids: Vec<PictureId>) {
        self.gallery_panel.asked = None;
        if self.gallery_view.query.in_trash {
            self.gallery_view.remove(&ids);
            self.tell_gallery(handle::Command::EmptyTrash(ids));
            self.asked.list_is_stale = true;
        }
    }

    /// What stands where the last one stood is chosen next, so that one after the other can go.
    pub(super) fn trash_pictures(&mut self, ids: Vec<PictureId>) {
        let n = ids.len();
        let shown = self.session.shown();
        let next = ids
            .first()
            .and_then(|id| self.gallery_view.neighbour(*id, 1));
        let was_shown = n == 1 && shown == ids.first().copied().map(PictureRef::Gallery);
        let was_chosen = !self.gallery_view.selection.is_empty();
        let words = match n {
            1 => "Moved to the trash".to_owned(),
            n => format!("Moved {} to the trash", pictures(n)),
        };
        for id in &ids {
            self.look_away(*id, next);
        }
        self.change_gallery(vec![handle::Command::Trash(ids)], words, true);
        if let Some(next) = next.filter(|_| was_shown) {
            self.session.show(PictureRef::Gallery(next));
        }
        let cursor = self.gallery_view.selection.cursor();
        if let Some(cursor) = cursor.filter(|_| n == 1 && was_chosen) {
            self.gallery_view.choose_at(cursor, Choose::Only);
        }
    }
}

fn look(picture: PictureRef) -> Command {
    Command::View(ViewCommand::Look(picture))
}
