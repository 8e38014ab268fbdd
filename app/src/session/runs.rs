//! A run: one press of the button, its pictures and how far they are.

use std::sync::Arc;
use std::time::Instant;

use limn_engine::protocol::{GenerateRequest, Phase, Picture, Plan, Preview, Progress};

use image::RgbImage;

use super::{PictureId, PictureRef, RunId};
use crate::gallery::Recipe;

#[derive(Debug)]
pub struct Run {
    pub id: RunId,
    pub request: GenerateRequest,
    /// Width and height in pixels, as asked until the engine's plan says more.
    pub size: (u32, u32),
    pub slots: Vec<Slot>,
    pub state: RunState,
    /// What the engine really uses.
    pub plan: Option<Plan>,
    /// What was on the canvas when the run was asked for.
    pub before: Option<PictureRef>,
    /// The engine's estimate, and when it came.
    estimate: Option<(f32, Instant)>,
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
    Failed(String),
}

/// One picture of a run.
#[derive(Debug)]
pub struct Slot {
    pub seed: u64,
    pub state: SlotState,
    /// The newest preview, and a number that changes with it.
    pub preview: Option<Arc<Preview>>,
    pub preview_version: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SlotState {
    Waiting,
    /// From 0 to 1.
    Drawing(f32),
    /// Finished by the engine, not yet on the disk.
    Saving(Arc<Made>),
    Saved(Arc<Recipe>),
    /// The disk refused it; it lives here only.
    Unsaved {
        made: Arc<Made>,
        reason: String,
    },
    Failed(String),
    Cancelled,
    /// Was saved, then went to the trash.
    Trashed(Arc<Recipe>),
}

/// A picture as it came from the engine, with how it was made.
#[derive(Debug, PartialEq)]
pub struct Made {
    pub pixels: Arc<RgbImage>,
    pub recipe: Arc<Recipe>,
}

impl Slot {
    /// Whether there is anything to look at.
    pub fn is_visible(&self) -> bool {
        match self.state {
            SlotState::Saved(_) | SlotState::Saving(_) | SlotState::Unsaved { .. } => true,
            SlotState::Drawing(_) => self.preview.is_some(),
            _ => false,
        }
    }

    pub fn saved_id(&self) -> Option<PictureId> {
        match &self.state {
            SlotState::Saved(recipe) => Some(recipe.id),
            _ => None,
        }
    }

    /// How it was made, once it is.
    pub fn recipe(&self) -> Option<&Arc<Recipe>> {
        match &self.state {
            SlotState::Saving(made) | SlotState::Unsaved { made, .. } => Some(&made.recipe),
            SlotState::Saved(recipe) => Some(recipe),
            _ => None,
        }
    }

    /// The pixels, while they are nowhere but here.
    pub fn pixels(&self) -> Option<&Arc<RgbImage>> {
        match &self.state {
            SlotState::Saving(made) | SlotState::Unsaved { made, .. } => Some(&made.pixels),
            _ => None,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, SlotState::Waiting | SlotState::Drawing(_))
    }
}

impl Run {
    pub(super) fn new(
        id: RunId,
        request: GenerateRequest,
        size: (u32, u32),
        before: Option<PictureRef>,
    ) -> Self {
        let slots = (0..request.n_pictures)
            .map(|index| Slot {
                seed: request.seed.wrapping_add(u64::from(index)),
                state: SlotState::Waiting,
                preview: None,
                preview_version: 0,
            })
            .collect();
        Self {
            id,
            request,
            size,
            slots,
            state: RunState::Waiting,
            plan: None,
            before,
            estimate: None,
        }
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

    /// Seconds until the run is done, counted down since the engine's last word.
    pub fn seconds_left(&self, now: Instant) -> Option<f32> {
        let (seconds, at) = self.estimate?;
        Some((seconds - now.saturating_duration_since(at).as_secs_f32()).max(0.0))
    }

    pub fn first_visible(&self) -> Option<u32> {
        self.slots
            .iter()
            .position(Slot::is_visible)
            .map(|i| i as u32)
    }

    /// What of the run can be run again: pictures that failed or were cancelled.
    pub fn n_lost(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| matches!(slot.state, SlotState::Failed(_) | SlotState::Cancelled))
            .count()
    }

    pub(super) fn starting(&mut self, first: u32, n_pictures: u32) {
        self.state = RunState::Starting;
        for slot in self.stretch(first, n_pictures) {
            slot.state = SlotState::Drawing(0.0);
        }
    }

    pub(super) fn started(&mut self, plan: Plan) {
        self.size = (plan.width, plan.height);
        self.plan = Some(plan);
        if self.state == RunState::Starting {
            self.state = RunState::Running;
        }
    }

    /// Whether it brought a preview.
    pub(super) fn progress(&mut self, index: u32, progress: Progress, now: Instant) -> bool {
        if self.state == RunState::Starting {
            self.state = RunState::Running;
        }
        if let Some(seconds) = progress.seconds_left {
            self.estimate = Some((seconds, now));
        }
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return false;
        };
        if !slot.is_open() {
            return false;
        }
        slot.state = SlotState::Drawing(fraction_of(&progress));
        let Some(preview) = progress.preview else {
            return false;
        };
        slot.preview = Some(Arc::new(preview));
        slot.preview_version += 1;
        true
    }

    /// The picture to save, if it is new.
    pub(super) fn finished_drawing(
        &mut self,
        index: u32,
        picture: &Picture,
        pixels: RgbImage,
    ) -> Option<Arc<Made>> {
        let plan = self.plan.as_ref()?;
        let slot = self.slots.get_mut(index as usize)?;
        if matches!(
            slot.state,
            SlotState::Saved(_) | SlotState::Saving(_) | SlotState::Unsaved { .. }
        ) {
            return None;
        }
        let made = Arc::new(Made {
            pixels: Arc::new(pixels),
            recipe: Arc::new(Recipe::new(plan, &self.request, picture)),
        });
        slot.seed = picture.seed;
        slot.state = SlotState::Saving(Arc::clone(&made));
        Some(made)
    }

    /// The slot of a picture that is on its way to the disk.
    fn slot_of(&mut self, id: PictureId) -> Option<&mut Slot> {
        self.slots
            .iter_mut()
            .find(|slot| slot.recipe().is_some_and(|recipe| recipe.id == id))
    }

    /// Whether the picture is this run's.
    pub(super) fn saved(&mut self, id: PictureId) -> bool {
        let Some(slot) = self.slot_of(id) else {
            return false;
        };
        if let Some(recipe) = slot.recipe().cloned() {
            // The preview stays until the finished picture is on the graphics card: no tile goes blank.
            slot.state = SlotState::Saved(recipe);
        }
        true
    }

    pub(super) fn not_saved(&mut self, id: PictureId, reason: &str) {
        if let Some(slot) = self.slot_of(id)
            && let SlotState::Saving(made) | SlotState::Unsaved { made, .. } = &slot.state
        {
            slot.state = SlotState::Unsaved {
                made: Arc::clone(made),
                reason: reason.to_owned(),
            };
        }
    }

    pub(super) fn saving_again(&mut self) {
        for slot in &mut self.slots {
            if let SlotState::Unsaved { made, .. } = &slot.state {
                slot.state = SlotState::Saving(Arc::clone(made));
            }
        }
    }

    pub(super) fn job_finished(&mut self, more_to_come: bool) {
        if more_to_come {
            self.state = RunState::Waiting;
            return;
        }
        // A finished job without some of its pictures would otherwise leave tiles that never fill.
        self.end_open_slots(&SlotState::Failed("the engine sent no picture".to_owned()));
        self.state = RunState::Finished;
        self.estimate = None;
    }

    pub(super) fn cancel(&mut self, is_running: bool) {
        if !self.is_active() {
            return;
        }
        if is_running {
            self.state = RunState::Stopping;
        } else {
            self.cancelled();
        }
    }

    pub(super) fn cancelled(&mut self) {
        self.end_open_slots(&SlotState::Cancelled);
        self.state = RunState::Cancelled;
        self.estimate = None;
    }

    pub(super) fn failed(&mut self, reason: &str) {
        if self.state == RunState::Stopping {
            // The user wanted it to end, and it ended.
            self.cancelled();
            return;
        }
        self.end_open_slots(&SlotState::Failed(reason.to_owned()));
        self.state = RunState::Failed(reason.to_owned());
        self.estimate = None;
    }

    /// Opens lost pictures again; the stretches `(first, how many)` to ask for.
    pub(super) fn reopen(&mut self) -> Vec<(u32, u32)> {
        let mut stretches: Vec<(u32, u32)> = Vec::new();
        for (index, slot) in (0..).zip(&mut self.slots) {
            if !matches!(slot.state, SlotState::Failed(_) | SlotState::Cancelled) {
                continue;
            }
            slot.state = SlotState::Waiting;
            slot.preview = None;
            match stretches.last_mut() {
                Some((first, n)) if *first + *n == index => *n += 1,
                _ => stretches.push((index, 1)),
            }
        }
        if !stretches.is_empty() {
            self.state = RunState::Waiting;
        }
        stretches
    }

    pub(super) fn forget(&mut self, id: PictureId) {
        for slot in &mut self.slots {
            if let SlotState::Saved(recipe) = &slot.state
                && recipe.id == id
            {
                slot.state = SlotState::Trashed(Arc::clone(recipe));
            }
        }
    }

    pub(super) fn restore(&mut self, id: PictureId) {
        for slot in &mut self.slots {
            if let SlotState::Trashed(recipe) = &slot.state
                && recipe.id == id
            {
                slot.state = SlotState::Saved(Arc::clone(recipe));
            }
        }
    }

    fn end_open_slots(&mut self, state: &SlotState) {
        for slot in self.slots.iter_mut().filter(|slot| slot.is_open()) {
            slot.state = state.clone();
            slot.preview = None;
        }
    }

    fn stretch(&mut self, first: u32, n_pictures: u32) -> &mut [Slot] {
        let end = (first + n_pictures).min(self.slots.len() as u32);
        &mut self.slots[first.min(end) as usize..end as usize]
    }
}

/// Steps take nearly all the time; the prior and the decoding take their ends.
fn fraction_of(progress: &Progress) -> f32 {
    let done = progress.step as f32 / progress.n_steps.max(1) as f32;
    match progress.phase {
        Phase::Load | Phase::Tune | Phase::Encode => 0.0,
        Phase::Prior => 0.1 * done,
        Phase::Step => 0.1 + 0.85 * done,
        Phase::Decode => 0.95 + 0.05 * done,
    }
}
