//! Pictures on their way to the disk: finished only when the gallery has acknowledged them.

use std::sync::Arc;

use super::{Effect, PictureId, Run, Session, SlotState};

impl Session {
    /// The gallery has the picture: it is finished.
    pub fn saved(&mut self, id: PictureId) -> Vec<Effect> {
        for run in &mut self.runs {
            if run.saved(id) {
                break;
            }
        }
        self.write_result(id);
        if !self.runs.iter().any(Run::has_unsaved) {
            self.held = None;
        }
        self.start_next()
    }

    /// The gallery could not write the picture: it stays in memory and the queue waits.
    pub fn not_saved(&mut self, id: PictureId, reason: &str) {
        for run in &mut self.runs {
            run.not_saved(id, reason);
        }
        self.held = Some(reason.to_owned());
    }

    /// Pictures that are nowhere but in memory, because they could not be written.
    pub fn n_unsaved(&self) -> usize {
        let slots = self.runs.iter().flat_map(|run| &run.slots);
        slots
            .filter(|slot| matches!(slot.state, SlotState::Unsaved { .. }))
            .count()
    }

    /// Every picture that is not on the disk, for a gallery that has not seen it yet.
    pub fn save_unsaved_again(&mut self) -> Vec<Effect> {
        for run in &mut self.runs {
            run.saving_again();
        }
        let saving = self.runs.iter().flat_map(|run| &run.slots);
        saving
            .filter_map(|slot| match &slot.state {
                SlotState::Saving(made) => Some(Effect::Save(Arc::clone(made))),
                _ => None,
            })
            .collect()
    }

    pub fn retry_saving(&mut self) -> Vec<Effect> {
        for run in &mut self.runs {
            run.saving_again();
        }
        vec![Effect::RetrySaves]
    }
}
