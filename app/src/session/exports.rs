//! Pictures that are made larger for a file: runs like any other, but none of the results, and nothing of them comes
//! into the gallery.

use limn_engine::protocol::GenerateRequest;

use super::runs::Subject;
use super::{Effect, Gesture, Run, RunId, Session};

impl Session {
    /// Queues a picture that is made larger for a copy; [`Self::take_ended_exports`] has it in the end.
    pub fn queue_export(
        &mut self,
        request: GenerateRequest,
        gesture: Gesture,
    ) -> (RunId, Vec<Effect>) {
        let size = self.size_of_gesture(&request, &gesture);
        let request = GenerateRequest {
            n_pictures: 1,
            ..request
        };
        self.n_runs += 1;
        let id = RunId(self.n_runs);
        let document = self.documents.current_id();
        let subject = Subject::Gesture(std::sync::Arc::new(gesture));
        self.exports
            .push(Run::new(id, document, request, size, subject));
        self.add_jobs(id, &[(0, 1)]);
        (id, self.start_next())
    }

    /// Those that are done, failed or cancelled; once.
    pub fn take_ended_exports(&mut self) -> Vec<Run> {
        let is_ended = |run: &mut Run| !run.is_active();
        self.exports.extract_if(.., is_ended).collect()
    }

    pub(super) fn is_export(&self, id: RunId) -> bool {
        self.exports.iter().any(|run| run.id == id)
    }
}
