//! The search by meaning, as the window starts, steers and hears it.

use std::time::Instant;

use limn_engine::protocol::ModelId;

use super::App;
use crate::engine_link::EngineCommand;
use crate::gallery::handle::{self, Meant};
use crate::gallery::meaning::{self, EncoderChoice};
use crate::gallery::{PictureId, Query};
use crate::panels::toasts::Tone;
use crate::session::Place;

impl App {
    /// From now on this engine, one beside the user's own, looks at the gallery's pictures.
    pub fn look_at_pictures_with(&mut self, engine: EngineCommand) {
        self.encoder = Some(engine);
        self.choose_encoder();
    }

    /// Tells an opened gallery by which model pictures are found.
    pub(super) fn choose_encoder(&self) {
        if let Some(engine) = &self.encoder {
            let choice = EncoderChoice {
                engine: engine.clone(),
                model: self.settings.index_model.clone().map(ModelId),
            };
            self.tell_meaning(meaning::Command::Use(choice));
            self.tell_meaning(meaning::Command::Pause(self.encoder_is_paused));
        }
    }

    /// The user's runs come first, where they need the same processor.
    pub(super) fn pause_encoder(&mut self) {
        let device = self.session.device.as_deref();
        let mut gpus = self.session.devices.iter().filter(|device| device.is_gpu);
        let is_on_gpu = gpus.any(|gpu| Some(gpu.name.as_str()) == device);
        let is_paused = self.session.running().is_some() && !is_on_gpu;
        if is_paused != self.encoder_is_paused {
            self.encoder_is_paused = is_paused;
            self.tell_meaning(meaning::Command::Pause(is_paused));
        }
    }

    fn tell_meaning(&self, command: meaning::Command) {
        self.tell_gallery(handle::Command::Meaning(command));
    }

    /// Lists what is like a picture, or like the one that is chosen or shown.
    pub(super) fn more_like(&mut self, picture: Option<PictureId>, now: Instant) {
        let chosen = match self.session.place {
            Place::Gallery => self.gallery_view.meant().first().copied(),
            Place::Canvas | Place::Models => None,
        };
        let Some(like) = picture.or(chosen).or_else(|| self.session.shown_id()) else {
            let text = "Choose or show a saved picture first.";
            return self.toasts.say(Tone::Plain, text, now);
        };
        self.list_gallery(Query {
            like: Some(like),
            sort: self.gallery_view.query.sort,
            ..Query::default()
        });
        self.session.place = Place::Gallery;
    }

    /// Whether this answer to the list asked for last is to be shown.
    pub(super) fn is_worth_showing(&mut self, meant: &Meant, now: Instant) -> bool {
        match meant {
            // Listed anew after a change in the gallery: what was found by meaning stays in view meanwhile.
            Meant::NotYet => self.asked.answered != self.asked.query,
            Meant::Done => {
                self.asked.answered.clone_from(&self.asked.query);
                true
            }
            Meant::Failed(reason) => {
                if self.gallery_view.query.like.is_some() && self.asked.answered != self.asked.query
                {
                    let text = format!("Pictures like this one cannot be looked for: {reason}");
                    self.toasts.say(Tone::Bad, text, now);
                }
                self.asked.answered.clone_from(&self.asked.query);
                true
            }
        }
    }
}
