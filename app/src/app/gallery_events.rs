//! What the gallery says.

use std::time::Instant;

use super::App;
use crate::gallery::handle;
use crate::panels::toasts::Tone;
use crate::session::GalleryState;

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
            handle::Event::Listed { request, ids } => {
                if request == self.list_request {
                    self.gallery_view.listed(ids);
                }
            }
            handle::Event::Record(record) => self.gallery_view.put(*record),
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
