//! What of the results is on the canvas.

use std::collections::HashSet;

use super::{News, PictureId, PictureRef, Run, RunId, Session, Slot};

impl Session {
    /// Runs that have ended since the last call.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// The run whose results are in view.
    pub fn selected(&self) -> Option<&Run> {
        self.run(self.selected_run()?)
    }

    /// The gallery's id of a picture, once it is saved.
    pub fn picture_id(&self, picture: PictureRef) -> Option<PictureId> {
        match picture {
            PictureRef::Gallery(id) => Some(id),
            PictureRef::Result { run, index } => {
                self.run(run)?.slots.get(index as usize)?.saved_id()
            }
        }
    }

    pub fn shown_id(&self) -> Option<PictureId> {
        self.picture_id(self.shown()?)
    }

    /// The picture that the canvas is about: what lies over the document, else what the document was made from last.
    pub fn picture_in_view(&self) -> Option<PictureRef> {
        let last_parent = || self.documents.current().parents().pop();
        self.shown()
            .or_else(|| last_parent().map(PictureRef::Gallery))
    }

    /// Puts a picture on the canvas by the user's choice; a result comes with its document.
    pub fn show(&mut self, picture: PictureRef) {
        if let PictureRef::Result { run, .. } = picture {
            let Some(run) = self.run(run) else { return };
            let (id, document) = (run.id, run.document);
            self.documents.select(document);
            self.documents.current_mut().selected_run = Some(id);
        }
        let current = self.documents.current_mut();
        current.shown = Some(picture);
        current.sees_before = None;
        current.follows = false;
    }

    pub fn select_run(&mut self, id: RunId) {
        let Some(run) = self.run(id).filter(|_| !self.is_export(id)) else {
            return;
        };
        let (first, is_active, document) = (run.first_visible(), run.is_active(), run.document);
        self.documents.select(document);
        let current = self.documents.current_mut();
        current.selected_run = Some(id);
        current.follows = is_active;
        if let Some(index) = first {
            current.shown = Some(PictureRef::Result { run: id, index });
            current.sees_before = None;
        }
    }

    /// The nth result of the selected run, from 0, if there is something to see in it.
    pub fn show_result(&mut self, index: u32) {
        let Some(run) = self.selected() else { return };
        if run.slots.get(index as usize).is_some_and(Slot::is_visible) {
            let run = run.id;
            self.show(PictureRef::Result { run, index });
        }
    }

    /// The picture as it was before the selected run: the document without what was kept of it, or what was
    /// on a canvas without a document.
    pub fn show_before(&mut self) {
        let Some(run) = self.selected() else { return };
        let (id, before) = (run.id, run.before);
        let current = self.documents.current_mut();
        current.follows = false;
        if current.is_blank() {
            current.shown = before.or(current.shown);
        } else {
            current.shown = None;
            current.sees_before = Some(id);
        }
    }

    /// The next (`1`) or previous (`-1`) result of the selected run, around the ends.
    pub fn step_result(&mut self, by: i32) {
        let Some(run) = self.selected() else { return };
        let visible: Vec<u32> = (0..run.slots.len() as u32)
            .filter(|index| run.slots[*index as usize].is_visible())
            .collect();
        if visible.is_empty() {
            return;
        }
        let here = match self.shown() {
            Some(PictureRef::Result { run: shown, index }) if shown == run.id => {
                visible.iter().position(|visible| *visible == index)
            }
            _ => None,
        };
        let n = visible.len() as i32;
        let next = match here {
            Some(here) => (here as i32 + by).rem_euclid(n),
            None if by > 0 => 0,
            None => n - 1,
        };
        let run = run.id;
        self.show(PictureRef::Result {
            run,
            index: visible[next as usize],
        });
    }

    /// Takes a run out of the results. Its pictures stay in the gallery, what was kept in the document; and
    /// [`Self::take_back_run`] shows it again.
    pub fn dismiss(&mut self, id: RunId) {
        let Some(run) = self.run_mut(id) else { return };
        run.is_put_away = true;
        self.hide_in_document(id, true);
        self.forget_put_away();
        for open in self.documents.iter_mut() {
            if open.selected_run == Some(id) {
                let document = open.document.id();
                let is_other = |run: &&Run| run.document == document && !run.is_put_away;
                let mut others = self.runs.iter().filter(is_other);
                open.selected_run = others.next_back().map(|run| run.id);
                open.look_at_document();
            }
        }
    }

    /// So that it stays as it is after a restart.
    pub(super) fn hide_in_document(&mut self, id: RunId, is_hidden: bool) {
        if let Some(run) = self.runs.iter().find(|run| run.id == id)
            && let Some(open) = self.documents.get_mut(run.document)
        {
            open.document.hide_run(run.uuid, is_hidden);
        }
    }

    /// Undoes [`Self::dismiss`]. False where the run is forgotten.
    pub fn take_back_run(&mut self, id: RunId) -> bool {
        let Some(run) = self.run_mut(id) else {
            return false;
        };
        run.is_put_away = false;
        self.hide_in_document(id, false);
        self.select_run(id);
        true
    }

    /// Of those that were put away the last few stay, and what is not safe in the gallery yet.
    fn forget_put_away(&mut self) {
        const KEPT: usize = 6;
        let put_away = self.runs.iter().filter(|run| run.is_put_away);
        let n_surplus = put_away.count().saturating_sub(KEPT);
        let mut n_seen = 0;
        self.runs.retain(|run| {
            n_seen += usize::from(run.is_put_away);
            let is_safe = !run.is_active() && !run.is_being_saved();
            !(run.is_put_away && is_safe && n_seen <= n_surplus)
        });
    }

    /// Of many pictures, those that are shown or results of a run: the others are nothing to a session.
    pub fn known_of(&self, ids: &[PictureId]) -> Vec<PictureId> {
        let slots = self.runs.iter().flat_map(|run| &run.slots);
        let mut known: HashSet<PictureId> = slots
            .filter_map(|slot| slot.recipe().map(|recipe| recipe.id))
            .collect();
        known.extend(self.shown_id());
        ids.iter()
            .filter(|id| known.contains(id))
            .copied()
            .collect()
    }

    /// A picture has come back from the trash.
    pub fn restore_picture(&mut self, id: PictureId) {
        for run in &mut self.runs {
            run.restore(id);
        }
    }

    /// Forgets a picture that is neither in the gallery nor in its trash.
    pub fn lose_picture(&mut self, id: PictureId) {
        for run in &mut self.runs {
            run.lose(id);
        }
    }

    /// Forgets a picture that went to the trash.
    pub fn forget_picture(&mut self, id: PictureId) {
        let shown_was_it = self.shown_id() == Some(id);
        for run in &mut self.runs {
            run.forget(id);
        }
        if shown_was_it {
            self.documents.current_mut().shown = None;
        }
    }

    /// Shows a run's first picture as it appears, unless the user looks at something else.
    pub(super) fn follow(&mut self, run: RunId, index: u32) {
        if self.is_export(run) {
            return;
        }
        let Some(document) = self.run(run).map(|run| run.document) else {
            return;
        };
        let Some(open) = self.documents.get_mut(document) else {
            return;
        };
        let already =
            matches!(open.shown, Some(PictureRef::Result { run: shown, .. }) if shown == run);
        if open.follows && !already {
            open.shown = Some(PictureRef::Result { run, index });
            open.sees_before = None;
            open.selected_run = Some(run);
        }
    }
}
