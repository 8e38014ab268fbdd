//! What the gallery says.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::Context;

use super::App;
use super::frame_budget::FrameBudget;
use crate::gallery::handle::Meant;
use crate::gallery::importing::{ImportReport, Stopped};
use crate::gallery::index::State;
use crate::gallery::{Entry, Query, Sort, handle};
use crate::panels::toasts::Tone;
use crate::session::{GalleryState, PictureId, PictureRef, SideTab};
use crate::start_journal::StartStep;

/// What the gallery was asked for last.
#[derive(Default)]
pub(super) struct Asked {
    /// The number of the last list; older answers are out of date.
    list: u64,
    pub(super) list_is_stale: bool,
    /// Pictures were saved that are not in the list.
    has_arrivals: bool,
    /// The next list is of another query.
    pub(super) begins_anew: bool,
    /// What the last list was about, and the one answered last in full.
    pub(super) query: Option<Query>,
    pub(super) answered: Option<Query>,
    /// Pictures whose facts are on their way.
    pub(super) records: HashSet<PictureId>,
    /// Whose family tree it was.
    family: Option<PictureId>,
}

impl App {
    /// Whoever comes back from another program may have changed pictures there.
    pub(super) fn look_again_when_focused(&mut self, ctx: &Context) {
        let is_focused = ctx.input(|input| input.focused);
        if is_focused && !std::mem::replace(&mut self.was_focused, is_focused) {
            self.tell_gallery(handle::Command::Rescan);
        }
        self.was_focused = is_focused;
    }

    pub(super) fn drain_gallery(&mut self, ctx: &Context, now: Instant) {
        if self.gallery.is_none() {
            return;
        }
        let mut budget = FrameBudget::begin();
        while budget.has_room() {
            let next = self
                .gallery
                .as_ref()
                .and_then(|gallery| gallery.events().next());
            let Some(event) = next else { break };
            budget.take(0);
            self.gallery_event(event, now);
        }
        if !budget.has_room() {
            ctx.request_repaint();
        }
        self.list_arrivals(ctx);
        if std::mem::take(&mut self.asked.list_is_stale) {
            self.asked.has_arrivals = false;
            self.asked.list += 1;
            let query = self.gallery_view.query.clone();
            // In another order the same is found: what is in view stays until it is.
            self.asked.query = Some(Query {
                sort: Sort::default(),
                sort_found: None,
                ..query.clone()
            });
            self.tell_gallery(handle::Command::List {
                request: self.asked.list,
                query,
            });
        }
    }

    /// A picture that arrives moves all others by one: not while somebody is about to click one of them.
    fn list_arrivals(&mut self, ctx: &Context) {
        const AIMING: Duration = Duration::from_millis(500);
        if !self.asked.has_arrivals {
            return;
        }
        let since_moved = ctx.input(|input| input.pointer.time_since_last_movement());
        // Endless where it never moved.
        let since_moved = Duration::try_from_secs_f32(since_moved).unwrap_or(AIMING);
        let pointer = ctx.pointer_latest_pos();
        let place = self.session.place;
        let is_over = pointer.is_some_and(|pointer| self.gallery_panel.is_under(pointer, place));
        match AIMING
            .checked_sub(since_moved)
            .filter(|wait| is_over && !wait.is_zero())
        {
            Some(wait) => ctx.request_repaint_after(wait),
            None => self.asked.list_is_stale = true,
        }
    }

    /// Asks for the family of the picture whose facts are looked at, once, and again when pictures came or went.
    pub(super) fn ask_for_family(&mut self) {
        let is_looked_at = self.session.side_tab == SideTab::Info;
        let in_view = self.session.picture_in_view();
        let wanted = in_view.and_then(|picture| self.session.picture_id(picture));
        let wanted = wanted.filter(|_| is_looked_at);
        if let Some(id) = wanted
            && self.asked.family != wanted
        {
            self.asked.family = wanted;
            self.tell_gallery(handle::Command::Family(id));
            self.tell_gallery(handle::Command::Records(vec![id]));
        }
    }

    fn gallery_event(&mut self, event: handle::Event, now: Instant) {
        match event {
            handle::Event::Ready { .. } => {
                self.start_journal.done(&StartStep::Gallery, now);
                self.gallery_view.state = GalleryState::Opening;
                self.asked.list_is_stale = true;
            }
            handle::Event::NotReady { message } => {
                self.start_journal.done(&StartStep::Gallery, now);
                self.gallery_view.state = GalleryState::Failed(message);
            }
            handle::Event::Saved(record) => {
                let effects = self.session.saved(record.id);
                self.carry_out_effects(effects);
                self.gallery_view.put(*record);
                self.asked.has_arrivals = true;
                self.asked.family = None;
            }
            handle::Event::SaveFailed { id, message, .. } => self.session.not_saved(id, &message),
            handle::Event::Listed {
                request,
                entries,
                n_exact,
                meant,
            } => {
                if request == self.asked.list {
                    self.gallery_view.is_searching = matches!(meant, Meant::NotYet);
                    if self.is_worth_showing(&meant, now) {
                        self.show_list(entries, n_exact);
                    }
                }
            }
            handle::Event::Meaning(state) => self.gallery_view.meaning = state,
            handle::Event::Overview(overview) => self.gallery_view.overview = overview,
            handle::Event::Record(record) => {
                self.asked.records.remove(&record.id);
                match record.state {
                    State::Here => {}
                    State::Trashed => self.session.forget_picture(record.id),
                    State::Missing => self.session.lose_picture(record.id),
                }
                self.gallery_view.put(*record);
            }
            handle::Event::Family(family) => self.gallery_view.family = Some(family),
            handle::Event::Thumbnail { id, pixels } => {
                let recipe = self
                    .gallery_view
                    .record(id)
                    .and_then(|record| record.recipe.as_ref());
                let of = recipe.map(|recipe| (recipe.width, recipe.height));
                self.pictures.thumbnail(id, pixels, of);
                if self.gallery_view.record(id).is_none() {
                    self.tell_gallery(handle::Command::Records(vec![id]));
                }
            }
            handle::Event::Opened { id, pixels } => {
                self.fetched(id, &pixels);
                self.pictures.opened(id, &pixels);
            }
            handle::Event::Unreadable { id, message } => {
                self.gallery_view.not_there(id);
                if self.gallery_view.is_gone(id) {
                    self.session.lose_picture(id);
                }
                self.not_fetched(id, &message, now);
                for key in self.pictures.unreadable(id) {
                    self.textures.arrived(key, Err(message.clone()));
                }
            }
            handle::Event::Averages(averages) => self.textures.set_averages(*averages),
            handle::Event::Average { id, average } => self.textures.add_average(id, *average),
            handle::Event::Done { serial, inverse } => self.gallery_done(serial, inverse, now),
            handle::Event::Changed => {
                self.asked.list_is_stale = true;
                self.gallery_view.age_records();
                self.asked.records.clear();
                self.asked.family = None;
                if let Some(id) = self.session.shown_id() {
                    self.tell_gallery(handle::Command::Records(vec![id]));
                }
            }
            handle::Event::Redrawn(ids) => {
                for id in ids {
                    self.textures.forget(PictureRef::Gallery(id));
                    self.gallery_view.forget_record(id);
                }
            }
            handle::Event::ImportProgress(progress) => {
                self.gallery_view.import = Some(progress);
            }
            handle::Event::Imported(report) => {
                self.gallery_view.import = None;
                let (tone, text) = imported_words(&report);
                self.toasts.say(tone, text, now);
            }
            handle::Event::Exported { path, .. } => {
                self.copy_exported(path, now);
            }
            handle::Event::Failed { message } => self.toasts.say(Tone::Bad, message, now),
            handle::Event::Notice { message } => self.toasts.say(Tone::Plain, message, now),
        }
    }

    fn show_list(&mut self, entries: Arc<[Entry]>, n_exact: usize) {
        self.gallery_view.found(entries, n_exact);
        if !std::mem::take(&mut self.asked.begins_anew) {
            return;
        }
        self.gallery_panel.scroll_to_top();
        // Whoever chose a picture and then looks at more or fewer finds it again.
        let selection = &self.gallery_view.selection;
        if let Some(cursor) = selection
            .cursor()
            .filter(|index| selection.is_chosen(*index))
        {
            self.gallery_panel.reveal(cursor);
        }
    }

    /// Asks for the facts of pictures in view, some a frame.
    pub(super) fn ask_for_records(&mut self) {
        const MOST: usize = 48;
        let unknown = self.gallery_panel.take_unknown();
        let draft = &self.session.documents.current().draft;
        let gathered = draft
            .pictures()
            .filter(|id| !self.gallery_view.is_fresh(*id));
        let asked = &mut self.asked.records;
        let ids: Vec<PictureId> = unknown
            .into_iter()
            .chain(gathered)
            .filter(|id| asked.insert(*id))
            .take(MOST)
            .collect();
        if !ids.is_empty() {
            self.tell_gallery(handle::Command::Records(ids));
        }
    }
}

/// What an import came to, in a line.
fn imported_words(report: &ImportReport) -> (Tone, String) {
    let mut parts = vec![match report.added.len() {
        0 => "No new pictures".to_owned(),
        1 => "1 picture imported".to_owned(),
        n => format!("{n} pictures imported"),
    }];
    if report.n_duplicates > 0 {
        parts.push(format!("{} were there already", report.n_duplicates));
    }
    parts.extend(report.omissions());
    if let Some(failure) = report.failures.first() {
        let (reason, path) = (&failure.reason, failure.path.display());
        parts.push(match report.n_failed {
            1 => format!("{reason}: {path}"),
            _ => format!("the first because {reason}: {path}"),
        });
    }
    let tone = match &report.stopped {
        Some(Stopped::Failed(message)) => {
            parts.push(format!("the import stopped: {message}"));
            Tone::Bad
        }
        Some(Stopped::Cancelled) => {
            parts.push("cancelled".to_owned());
            Tone::Plain
        }
        None if report.n_failed > 0 => Tone::Bad,
        None => Tone::Good,
    };
    (tone, parts.join("; "))
}
