//! Puts the whole pictures of edits together on a thread of its own: with a large document that takes longer
//! than a frame may.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use image::RgbImage;

use super::{App, thread};
use crate::gallery::handle;
use crate::session::Made;

pub struct Composer {
    /// Gone once the window closes.
    to_thread: Option<thread::Jobs<Arc<Made>>>,
    composed: Receiver<(Arc<Made>, Arc<RgbImage>)>,
}

impl Composer {
    pub fn start(faults: &thread::Faults, wake: impl Fn() + Send + 'static) -> Self {
        let work = |made: Arc<Made>| {
            let whole = made.whole();
            (made, whole)
        };
        let (to_thread, composed) = thread::start("whole pictures", work, faults, wake);
        Self {
            to_thread: Some(to_thread),
            composed,
        }
    }

    pub fn compose(&self, made: Arc<Made>) {
        if let Some(to_thread) = &self.to_thread {
            to_thread.send(made);
        }
    }
}

impl App {
    pub(super) fn drain_composer(&mut self) {
        while let Ok((made, whole)) = self.composer.composed.try_recv() {
            self.save_whole(&made, whole);
        }
    }

    /// Waits for what is being put together, so that no picture is lost with the window.
    pub(super) fn finish_composing(&mut self) {
        self.composer.to_thread = None;
        while let Ok((made, whole)) = self.composer.composed.recv() {
            self.save_whole(&made, whole);
        }
    }

    pub(super) fn save_whole(&mut self, made: &Made, whole: Arc<RgbImage>) {
        if self.gallery.is_none() {
            // It stays in memory, and holds the queue and the window's closing.
            let reason = "the gallery is not open";
            return self.session.not_saved(made.recipe.id, reason);
        }
        self.tell_gallery(handle::Command::Save {
            pixels: whole,
            recipe: Box::new(made.recipe.as_ref().clone()),
        });
    }
}
