//! Models on their way from the network into the library.

use std::time::Instant;

use egui::Context;

use super::App;
use crate::downloads::{Client, Error, Hub, Offline, Patience};
use crate::model_library::Outcome;
use crate::panels::toasts::Tone;

impl App {
    /// Where models are fetched, if that is allowed.
    pub(super) fn hub(&self) -> Result<Hub, Error> {
        let offline = Offline(self.settings.offline || Offline::from_environment().0);
        let client = Client::new(offline, Patience::default())?;
        Ok(Hub::from_environment(client).with_endpoint(self.settings.hub.as_deref()))
    }

    pub(super) fn set_offline(&mut self, offline: bool) {
        self.settings.offline = offline;
        if offline {
            let running: Vec<u64> = self.downloads.rows().iter().map(|row| row.id).collect();
            for id in running {
                self.downloads.pause(id);
            }
        }
        self.save_settings();
    }

    pub(super) fn drain_downloads(&mut self, ctx: &Context, now: Instant) {
        for outcome in self.downloads.drain() {
            match outcome {
                Outcome::Added(added) => self.models_added(ctx, vec![Ok(added)], now),
                Outcome::Failed { title, reason } => {
                    let text = format!("Not fetched: {title}: {reason}");
                    self.toasts.say(Tone::Bad, text, now);
                }
            }
        }
        let known: Vec<u64> = self
            .downloads
            .rows()
            .iter()
            .filter(|row| row.goes_on_when_offered())
            .map(|row| row.id)
            .collect();
        for id in known {
            self.downloads.get(id, self.hub());
        }
    }
}
