//! What was changed in the gallery, so that it can be taken back: the gallery itself says how.

use std::collections::HashMap;
use std::time::Instant;

use super::App;
use crate::command::{Command, GalleryCommand};
use crate::gallery::{Mark, handle};
use crate::panels::toasts::Tone;

/// So many changes can be taken back.
const MOST_STEPS: usize = 100;

#[derive(Debug, Default)]
pub(super) struct GallerySteps {
    n_begun: u64,
    doing: HashMap<u64, Doing>,
    undo: Vec<Step>,
    redo: Vec<Step>,
}

impl GallerySteps {
    pub(super) fn can_undo(&self, serial: u64) -> bool {
        self.undo.iter().any(|step| step.serial == serial)
    }
}

/// A change that the gallery works on.
#[derive(Debug)]
struct Doing {
    words: String,
    kind: Kind,
    /// Whether a message says so, with a button that takes it back.
    is_told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Do,
    Undo,
    Redo,
}

#[derive(Debug)]
struct Step {
    serial: u64,
    words: String,
    /// What takes it back.
    inverse: Vec<handle::Command>,
}

impl App {
    /// Changes the gallery, in a way that can be taken back. `words` say what was done, as in "Starred 3
    /// pictures".
    pub(super) fn change_gallery(
        &mut self,
        commands: Vec<handle::Command>,
        words: String,
        is_told: bool,
    ) {
        self.begin_step(commands, words, Kind::Do, is_told);
    }

    /// Takes the last change back, or that of a number.
    pub(super) fn undo_gallery(&mut self, serial: Option<u64>, now: Instant) {
        let steps = &mut self.gallery_steps.undo;
        let at = match serial {
            Some(serial) => steps.iter().position(|step| step.serial == serial),
            None => steps.len().checked_sub(1),
        };
        match at {
            Some(at) => {
                let step = steps.remove(at);
                self.begin_step(step.inverse, step.words, Kind::Undo, true);
            }
            None => {
                let text = "There is nothing to undo in the gallery.";
                self.toasts.say(Tone::Plain, text, now);
            }
        }
    }

    pub(super) fn redo_gallery(&mut self) {
        if let Some(step) = self.gallery_steps.redo.pop() {
            self.begin_step(step.inverse, step.words, Kind::Redo, true);
        }
    }

    fn begin_step(
        &mut self,
        commands: Vec<handle::Command>,
        words: String,
        kind: Kind,
        is_told: bool,
    ) {
        for command in &commands {
            self.show_change(command);
        }
        self.gallery_steps.n_begun += 1;
        let serial = self.gallery_steps.n_begun;
        let doing = Doing {
            words,
            kind,
            is_told,
        };
        self.gallery_steps.doing.insert(serial, doing);
        self.tell_gallery(handle::Command::Do { serial, commands });
        self.asked.list_is_stale = true;
    }

    /// The gallery has done it.
    pub(super) fn gallery_done(
        &mut self,
        serial: u64,
        inverse: Vec<handle::Command>,
        now: Instant,
    ) {
        let Some(doing) = self.gallery_steps.doing.remove(&serial) else {
            return;
        };
        if inverse.is_empty() {
            // Nothing is otherwise than before.
            return;
        }
        let step = Step {
            serial,
            words: doing.words.clone(),
            inverse,
        };
        let steps = &mut self.gallery_steps;
        match doing.kind {
            Kind::Undo => steps.redo.push(step),
            Kind::Redo => steps.undo.push(step),
            Kind::Do => {
                steps.redo.clear();
                steps.undo.push(step);
            }
        }
        if steps.undo.len() > MOST_STEPS {
            steps.undo.remove(0);
        }
        match doing.kind {
            Kind::Undo => {
                let text = format!("Taken back: {}", doing.words);
                self.toasts.say(Tone::Plain, text, now);
            }
            Kind::Do | Kind::Redo if doing.is_told => {
                let undo = Command::Gallery(GalleryCommand::Undo(Some(serial)));
                self.toasts
                    .offer(Tone::Plain, doing.words, "Undo", undo, now);
            }
            Kind::Do | Kind::Redo => {}
        }
    }

    /// What is seen changes at once; the gallery's own word follows.
    fn show_change(&mut self, command: &handle::Command) {
        match command {
            handle::Command::Mark {
                pictures,
                mark: Mark::Star(is_starred),
            } => self.gallery_view.set_starred(pictures, *is_starred),
            handle::Command::Trash(ids) => {
                for id in self.session.known_of(ids) {
                    self.session.forget_picture(id);
                }
                if !self.gallery_view.query.in_trash {
                    self.gallery_view.remove(ids);
                }
            }
            handle::Command::Restore(ids) => {
                for id in self.session.known_of(ids) {
                    self.session.restore_picture(id);
                }
                if self.gallery_view.query.in_trash {
                    self.gallery_view.remove(ids);
                }
            }
            _ => {}
        }
    }
}
