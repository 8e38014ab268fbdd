//! What the gallery says.

use std::time::Instant;

use super::App;
use crate::gallery::handle;
use crate::gallery::importing::{ImportReport, Stopped};
use crate::panels::toasts::Tone;
use crate::session::{GalleryState, PictureRef};

impl App {
    pub(super) fn drain_gallery(&mut self, now: Instant) {
        let Some(gallery) = &self.gallery else { return };
        let events: Vec<_> = gallery.events().collect();
        for event in events {
            self.gallery_event(event, now);
        }
        if std::mem::take(&mut self.list_is_stale) {
            self.list_request += 1;
            let query = crate::gallery::Query {
                words: self.gallery_view.words.clone(),
                is_starred: self.gallery_view.only_starred,
                ..Default::default()
            };
            self.tell_gallery(handle::Command::List {
                request: self.list_request,
                query,
            });
        }
    }

    fn gallery_event(&mut self, event: handle::Event, now: Instant) {
        match event {
            handle::Event::Ready { .. } => {
                self.gallery_view.state = GalleryState::Opening;
                self.list_is_stale = true;
            }
            handle::Event::NotReady { message } => {
                self.gallery_view.state = GalleryState::Failed(message);
            }
            handle::Event::Saved(record) => {
                let effects = self.session.saved(record.id);
                self.carry_out_effects(effects);
                self.export_made(record.id);
                self.gallery_view.add(*record);
                self.list_is_stale = true;
            }
            handle::Event::SaveFailed { id, message, .. } => self.session.not_saved(id, &message),
            handle::Event::Listed { request, entries } => {
                if request == self.list_request {
                    self.gallery_view.listed(&entries);
                }
            }
            handle::Event::Overview(overview) => self.gallery_view.overview = overview,
            handle::Event::Record(record) => self.gallery_view.put(*record),
            // Nobody asks for these yet.
            handle::Event::Marked { .. } | handle::Event::Family(_) => {}
            handle::Event::Thumbnail { id, pixels } => {
                self.pictures.thumbnail(id, pixels);
                if self.gallery_view.record(id).is_none() {
                    self.tell_gallery(handle::Command::Records(vec![id]));
                }
            }
            handle::Event::Opened { id, pixels } => {
                self.fetched(id, &pixels);
                self.pictures.opened(id, &pixels);
            }
            handle::Event::Unreadable { id, message } => {
                self.not_fetched(id, &message, now);
                for key in self.pictures.unreadable(id) {
                    self.textures.arrived(key, Err(message.clone()));
                }
            }
            handle::Event::Changed => {
                self.list_is_stale = true;
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
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                self.toasts
                    .say(Tone::Good, format!("Exported as {name}"), now);
            }
            handle::Event::Failed { message } => self.toasts.say(Tone::Bad, message, now),
            handle::Event::Notice { message } => self.toasts.say(Tone::Plain, message, now),
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
    if let Some(failure) = report.failures.first() {
        let (reason, path) = (&failure.reason, failure.path.display());
        parts.push(match report.n_failed {
            1 => format!("1 could not be taken in: {reason}: {path}"),
            n => format!("{n} could not be taken in, the first because {reason}: {path}"),
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
