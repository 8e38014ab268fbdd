//! What lies over everything else to look at pictures.

use std::time::Instant;

use super::App;
use crate::canvas::View;
use crate::command::ViewCommand;
use crate::panels::toasts::Tone;
use crate::session::{PictureId, PictureRef, Place, Slot};
use crate::viewer::{MOST_COMPARED, Viewer};

impl App {
    /// Of what is in front: zoom commands are about it.
    pub(super) fn view_mut(&mut self) -> &mut View {
        match &mut self.viewer {
            Some(viewer) => &mut viewer.view,
            None => &mut self.canvas.view,
        }
    }

    pub(super) fn carry_out_view(&mut self, command: ViewCommand, now: Instant) {
        match command {
            ViewCommand::Look(picture) => self.viewer = Some(Viewer::look(picture)),
            ViewCommand::Compare(pictures) => self.compare(&pictures, now),
            ViewCommand::CompareResults if self.session.place == Place::Gallery => {
                let chosen = self.gallery_view.meant().into_iter();
                let chosen: Vec<PictureRef> = chosen.map(PictureRef::Gallery).collect();
                self.compare(&chosen, now);
            }
            ViewCommand::CompareResults => self.compare_results(now),
        }
    }

    fn compare(&mut self, pictures: &[PictureRef], now: Instant) {
        match Viewer::compare(pictures) {
            Some(viewer) => self.viewer = Some(viewer),
            None => {
                let text = format!("Choose two to {MOST_COMPARED} pictures to compare.");
                self.toasts.say(Tone::Plain, text, now);
            }
        }
    }

    /// The first of the shown run's results that can be seen.
    fn compare_results(&mut self, now: Instant) {
        let results: Vec<PictureRef> = self.session.selected().map_or(Vec::new(), |run| {
            (0..)
                .zip(&run.slots)
                .filter(|(_, slot)| Slot::is_visible(slot))
                .map(|(index, _)| PictureRef::Result { run: run.id, index })
                .take(MOST_COMPARED)
                .collect()
        });
        if results.len() < 2 {
            let text = "There are no two results to compare yet.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        self.compare(&results, now);
    }

    /// A picture that goes to the trash is looked at no longer.
    pub(super) fn look_away(&mut self, id: PictureId, next: Option<PictureId>) {
        let Some(viewer) = &mut self.viewer else {
            return;
        };
        let is_it = |picture: &&PictureRef| self.session.picture_id(**picture) == Some(id);
        if let Some(gone) = viewer.pictures().iter().find(is_it).copied()
            && !viewer.forget(gone, next.map(PictureRef::Gallery))
        {
            self.viewer = None;
        }
    }
}
