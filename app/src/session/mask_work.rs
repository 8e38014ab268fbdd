//! Large changes of a document's mask, made beside the window: one at a time, put in place when they are done.

use std::collections::VecDeque;
use std::time::Instant;

use super::{Effect, OpenDocument, Session};
use crate::document::{Content, DocumentId, StepName};
use crate::tools::{MaskWork, NewMasks, Stop, Stopped};

/// What [`Effect::Work`] asks for. Carry it out on another thread and hand the result to
/// [`Session::mask_made`].
#[derive(Debug, Clone)]
pub struct MaskJob {
    id: u64,
    document: DocumentId,
    work: MaskWork,
    /// The document as it was; its tiles are shared.
    content: Content,
    stop: Stop,
}

#[derive(Debug)]
pub struct MaskMade {
    id: u64,
    document: DocumentId,
    masks: Result<NewMasks, Stopped>,
}

/// The work of one document: the first is being done, the others wait.
#[derive(Debug, Default)]
pub(super) struct MaskQueue {
    current: Option<Current>,
    waiting: VecDeque<MaskWork>,
}

#[derive(Debug)]
struct Current {
    id: u64,
    work: MaskWork,
    began_at: Option<u64>,
    since: Instant,
    stop: Stop,
}

/// A job is what it is by its number.
impl PartialEq for MaskJob {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl MaskJob {
    /// Takes its time.
    pub fn carry_out(self) -> MaskMade {
        MaskMade {
            id: self.id,
            document: self.document,
            masks: self.work.make(&self.content, &self.stop),
        }
    }
}

impl OpenDocument {
    /// What is being done to the mask, and since when.
    pub fn mask_work(&self) -> Option<(StepName, Instant)> {
        let current = self.mask_queue.current.as_ref()?;
        Some((current.work.step(), current.since))
    }

    /// Drops what is being done to the mask. False where there was nothing.
    pub fn stop_mask_work(&mut self) -> bool {
        let stopped = self.mask_queue.current.take();
        if let Some(current) = &stopped {
            current.stop.ask();
        }
        stopped.is_some()
    }
}

impl Session {
    /// Changes the mask of a document as one step: at once where that is quick and nothing is before it, else by
    /// and by.
    pub fn change_mask(
        &mut self,
        document: DocumentId,
        work: MaskWork,
        now: Instant,
    ) -> Vec<Effect> {
        let Some(open) = self.documents.get_mut(document) else {
            return Vec::new();
        };
        open.mask_queue.waiting.push_back(work);
        self.next_mask_work(document, now)
    }

    /// The present document's work is dropped; what waits behind it goes on.
    pub fn stop_mask_work(&mut self, now: Instant) -> Option<Vec<Effect>> {
        let open = self.documents.current_mut();
        let (was_busy, document) = (open.stop_mask_work(), open.document.id());
        was_busy.then(|| self.next_mask_work(document, now))
    }

    /// The work is done. What began before its mask was changed by something else is done again, on the mask that
    /// is there now.
    pub fn mask_made(&mut self, made: MaskMade, now: Instant) -> Vec<Effect> {
        let Some(open) = self.documents.get_mut(made.document) else {
            return Vec::new();
        };
        let is_it = |current: &mut Current| current.id == made.id;
        let (Some(current), Ok(masks)) = (open.mask_queue.current.take_if(is_it), made.masks)
        else {
            return Vec::new();
        };
        let revision = current.work.revision(open.document.content());
        if revision == current.began_at {
            current.work.put(masks, &mut open.document);
        } else if revision.is_some() {
            open.mask_queue.waiting.push_front(current.work);
        }
        self.next_mask_work(made.document, now)
    }

    fn next_mask_work(&mut self, document: DocumentId, now: Instant) -> Vec<Effect> {
        let Some(open) = self.documents.get_mut(document) else {
            return Vec::new();
        };
        while open.mask_queue.current.is_none()
            && let Some(work) = open.mask_queue.waiting.pop_front()
        {
            if work.is_quick(open.document.content()) {
                work.carry_out(&mut open.document);
                continue;
            }
            self.n_mask_jobs += 1;
            let (id, stop) = (self.n_mask_jobs, Stop::default());
            let content = open.document.content().clone();
            open.mask_queue.current = Some(Current {
                id,
                began_at: work.revision(&content),
                work: work.clone(),
                since: now,
                stop: stop.clone(),
            });
            return vec![Effect::Work(Box::new(MaskJob {
                id,
                document,
                work,
                content,
                stop,
            }))];
        }
        Vec::new()
    }
}
