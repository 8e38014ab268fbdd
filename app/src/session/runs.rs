//! A run: one press of the button, its pictures and how far they are.

mod progress;

use std::sync::Arc;
use std::time::Instant;

use limn_engine::protocol::{GenerateRequest, Plan};
use uuid::Uuid;

use super::slots::{Slot, SlotState};
use super::time_left::TimeLeft;
use super::{Deed, EditSnapshot, Gesture, PictureRef, RunId};
use crate::document::DocumentId;

#[derive(Debug)]
pub struct Run {
    pub id: RunId,
    /// Its name in documents, which outlive it.
    pub uuid: Uuid,
    pub document: DocumentId,
    pub request: GenerateRequest,
    /// Width and height in pixels, as asked until the engine's plan says more.
    pub size: (u32, u32),
    pub slots: Vec<Slot>,
    pub state: RunState,
    /// What the engine really uses.
    pub plan: Option<Plan>,
    /// The user has taken it out of the results.
    pub is_put_away: bool,
    /// What was on the canvas when the run was asked for.
    pub before: Option<PictureRef>,
    pub subject: Subject,
    estimate: Option<TimeLeft>,
    /// What the last of its jobs took.
    job_seconds: Option<f32>,
    /// Compiled for the job that runs, while it waits for more of them.
    n_kernels: Option<u32>,
}

/// What a run was asked about: nothing that is done later changes it.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Words alone.
    Words,
    Edit(Arc<EditSnapshot>),
    Gesture(Arc<Gesture>),
    /// What it was asked about did not outlive the window: its results are there, but no more like them.
    Past(Arc<Past>),
}

#[derive(Debug)]
pub struct Past {
    pub deed: Deed,
    pub title: String,
}

impl Subject {
    /// Whether all pictures of the run have its seed.
    pub(super) fn has_one_seed(&self) -> bool {
        match self {
            Self::Gesture(gesture) => gesture.has_one_seed(),
            Self::Words | Self::Edit(_) | Self::Past(_) => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    Waiting,
    /// With the engine; before its first news.
    Starting,
    Running,
    /// Cancelled, not yet acknowledged.
    Stopping,
    Finished,
    Cancelled,
    /// Limn ended before it was done.
    Interrupted,
    Failed(String),
}

impl Run {
    pub(super) fn new(
        id: RunId,
        document: DocumentId,
        request: GenerateRequest,
        size: (u32, u32),
        subject: Subject,
    ) -> Self {
        let step = u64::from(!subject.has_one_seed());
        let seeds = (0..request.n_pictures).map(|index| step * u64::from(index));
        let slots = seeds.map(|ahead| Slot::new(request.seed.wrapping_add(ahead)));
        Self {
            id,
            uuid: Uuid::new_v4(),
            document,
            slots: slots.collect(),
            request,
            size,
            state: RunState::Waiting,
            plan: None,
            is_put_away: false,
            before: None,
            subject,
            estimate: None,
            job_seconds: None,
            n_kernels: None,
        }
    }

    pub fn deed(&self) -> Deed {
        match &self.subject {
            Subject::Words => Deed::NewPictures,
            Subject::Edit(edit) => edit.deed,
            Subject::Gesture(gesture) => gesture.deed(),
            Subject::Past(past) => past.deed,
        }
    }

    pub fn edit(&self) -> Option<&Arc<EditSnapshot>> {
        match &self.subject {
            Subject::Edit(edit) => Some(edit),
            _ => None,
        }
    }

    pub fn gesture(&self) -> Option<&Gesture> {
        match &self.subject {
            Subject::Gesture(gesture) => Some(gesture),
            _ => None,
        }
    }

    /// What people call it: its prompt, or what was done to which pictures.
    pub fn title(&self) -> String {
        match &self.subject {
            Subject::Gesture(gesture) => gesture.title(),
            Subject::Past(past) => past.title.clone(),
            Subject::Words | Subject::Edit(_) => self.request.prompt.clone(),
        }
    }

    /// Whether it can be asked for once more.
    pub fn has_subject(&self) -> bool {
        !matches!(self.subject, Subject::Past(_))
    }

    pub fn is_active(&self) -> bool {
        matches!(
            self.state,
            RunState::Waiting | RunState::Starting | RunState::Running | RunState::Stopping
        )
    }

    pub fn has_unsaved(&self) -> bool {
        self.slots
            .iter()
            .any(|slot| matches!(slot.state, SlotState::Unsaved { .. }))
    }

    /// Whether the gallery has not said yet that it has all of its pictures.
    pub fn is_being_saved(&self) -> bool {
        self.slots
            .iter()
            .any(|slot| matches!(slot.state, SlotState::Saving(_) | SlotState::Unsaved { .. }))
    }

    pub fn n_finished(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| matches!(slot.state, SlotState::Saved(_) | SlotState::Trashed(_)))
            .count()
    }

    /// How far the run is, from 0 to 1.
    pub fn fraction(&self) -> f32 {
        let done: f32 = self
            .slots
            .iter()
            .map(|slot| match slot.state {
                SlotState::Waiting => 0.0,
                SlotState::Drawing(fraction) => fraction,
                _ => 1.0,
            })
            .sum();
        done / self.slots.len().max(1) as f32
    }

    /// How many kernels the GPU has for the job that runs, while it waits for more of them.
    pub fn n_kernels(&self) -> Option<u32> {
        self.n_kernels
    }

    /// Seconds until the run is done, as a countdown that the engine's estimates correct.
    pub fn seconds_left(&self, now: Instant) -> Option<f32> {
        Some(self.estimate?.told(now))
    }

    /// Hears the engine's estimate of the job that runs.
    fn hear_estimate(&mut self, seconds: f32, now: Instant) {
        let left = seconds + self.seconds_of_further_tiles(seconds);
        match &mut self.estimate {
            Some(estimate) => estimate.hear(left, now),
            None => self.estimate = Some(TimeLeft::new(left, now)),
        }
    }

    fn seconds_of_further_tiles(&self, seconds: f32) -> f32 {
        if self.n_tiles() < 2 {
            return 0.0;
        }
        let open = self.slots.iter().filter(|slot| slot.is_open());
        let n_tiles: usize = open.map(|slot| self.n_tiles() - slot.n_tiles_done).sum();
        let after = n_tiles.saturating_sub(1) as f32;
        after * self.job_seconds.unwrap_or(seconds)
    }

    pub fn first_visible(&self) -> Option<u32> {
        self.slots
            .iter()
            .position(Slot::is_visible)
            .map(|i| i as u32)
    }

    /// What of the run can be run again: pictures that failed, were cancelled or interrupted.
    pub fn n_lost(&self) -> usize {
        self.slots.iter().filter(|slot| slot.is_lost()).count()
    }

    /// How many jobs each picture takes.
    pub fn n_tiles(&self) -> usize {
        self.edit().map_or(1, |edit| edit.tiles.len())
    }

    /// The tile that a picture has to go on with after `tile`, if that one came.
    pub(super) fn next_tile(&self, index: u32, tile: usize) -> Option<usize> {
        let slot = self.slots.get(index as usize)?;
        let goes_on = slot.n_tiles_done == tile + 1 && slot.n_tiles_done < self.n_tiles();
        goes_on.then_some(slot.n_tiles_done)
    }
}
