//! A run: one press of the button, its pictures and how far they are.

use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;
use limn_engine::protocol::{GenerateRequest, Phase, Picture, Plan, Progress};
use uuid::Uuid;

use super::slots::{Made, MadePixels, Slot, SlotState};
use super::{Deed, EditSnapshot, Gesture, Patch, PictureId, PictureRef, RunId};
use crate::document::DocumentId;
use crate::gallery::{EditFacts, Recipe};

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
    /// The engine's estimate, and when it came.
    estimate: Option<(f32, Instant)>,
    /// What the last of its jobs took.
    job_seconds: Option<f32>,
}

/// What a run was asked about: nothing that is done later changes it.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Words alone.
    Words,
    Edit(Arc<EditSnapshot>),
    Gesture(Arc<Gesture>),
}

impl Subject {
    /// Whether all pictures of the run have its seed.
    pub(super) fn has_one_seed(&self) -> bool {
        match self {
            Self::Gesture(gesture) => gesture.has_one_seed(),
            Self::Words | Self::Edit(_) => false,
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
        }
    }

    pub fn deed(&self) -> Deed {
        match &self.subject {
            Subject::Words => Deed::NewPictures,
            Subject::Edit(edit) => edit.deed,
            Subject::Gesture(gesture) => gesture.deed(),
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
        match self.gesture() {
            Some(gesture) => gesture.title(),
            None => self.request.prompt.clone(),
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

    /// Seconds until the run is done, counted down since the engine's last word.
    pub fn seconds_left(&self, now: Instant) -> Option<f32> {
        let (seconds, at) = self.estimate?;
        let left = (seconds - now.saturating_duration_since(at).as_secs_f32()).max(0.0);
        if self.n_tiles() < 2 {
            return Some(left);
        }
        let open = self.slots.iter().filter(|slot| slot.is_open());
        let n_tiles: usize = open.map(|slot| self.n_tiles() - slot.n_tiles_done).sum();
        let after = n_tiles.saturating_sub(1) as f32;
        Some(left + after * self.job_seconds.unwrap_or(seconds))
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
        let n_tiles = self.n_tiles();
        for slot in self.stretch(first, n_pictures) {
            let done = slot.n_tiles_done as f32 / n_tiles as f32;
            slot.state = SlotState::Drawing(done);
        }
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

    pub(super) fn started(&mut self, plan: Plan) {
        if self.edit().is_none() {
            self.size = (plan.width, plan.height);
        }
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
        let inverts = self.gesture().is_some_and(Gesture::inverts);
        let n_tiles = self.n_tiles();
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return false;
        };
        if !slot.is_open() {
            return false;
        }
        let before = match slot.state {
            SlotState::Drawing(fraction) => fraction,
            _ => 0.0,
        };
        let done = slot.n_tiles_done as f32 + fraction_of(&progress, inverts);
        slot.state = SlotState::Drawing(before.max(done / n_tiles as f32));
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
        patch_mask: Option<Vec<u8>>,
    ) -> Option<Arc<Made>> {
        let plan = self.plan.as_ref()?;
        let slot = self.slots.get_mut(index as usize)?;
        if matches!(
            slot.state,
            SlotState::Saved(_) | SlotState::Saving(_) | SlotState::Unsaved { .. }
        ) {
            return None;
        }
        let mut recipe = Recipe::new(plan, &self.request, picture);
        if let Subject::Gesture(gesture) = &self.subject {
            recipe = gesture.recipe(recipe, plan, index, self.request.n_pictures);
        }
        recipe.run = Some(self.uuid);
        let pixels = match (&self.subject, patch_mask) {
            (Subject::Words | Subject::Gesture(_), _) => {
                let pixels = Arc::new(pixels);
                slot.picture = Some(Arc::clone(&pixels));
                MadePixels::Picture(pixels)
            }
            (Subject::Edit(edit), Some(mask)) => {
                let patch = lay_tile(slot, edit, &pixels, &mask)?;
                if edit.tiles.len() > 1 {
                    // Of the first tile: the others' follow from it.
                    recipe.seed = slot.seed;
                }
                recipe = recipe.edited(edit.deed.recipe(), edit.content.frame.size(), facts(edit));
                recipe.parents.clone_from(&edit.parents);
                MadePixels::Edit {
                    snapshot: Arc::clone(edit),
                    patch,
                }
            }
            (Subject::Edit(_), None) => return None,
        };
        let made = Arc::new(Made {
            pixels,
            recipe: Arc::new(recipe),
        });
        slot.seed = made.recipe.seed;
        slot.state = SlotState::Saving(Arc::clone(&made));
        Some(made)
    }

    /// Frees what the gallery has too.
    pub(super) fn drop_spare_pixels(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| slot.spare_bytes() > 0) {
            slot.picture = None;
            slot.patch = None;
        }
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

    pub(super) fn job_finished(&mut self, more_to_come: bool, seconds: f32) {
        self.job_seconds = Some(seconds);
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

/// Adds what the engine made of a tile; the whole patch once it was the last.
fn lay_tile(
    slot: &mut Slot,
    edit: &EditSnapshot,
    pixels: &RgbImage,
    mask: &[u8],
) -> Option<Arc<Patch>> {
    let context = edit.tiles.get(slot.n_tiles_done)?.plan.context;
    if pixels.dimensions() != context.size() || mask.len() as u64 != context.n_pixels() {
        // Not what was asked for: as good as no picture, which the run's end says.
        return None;
    }
    let mut patch = match slot.n_tiles_done {
        0 => Patch::default(),
        _ => slot.patch.as_deref().cloned()?,
    };
    patch.add(context, pixels.as_raw(), mask);
    let patch = Arc::new(patch);
    slot.patch = Some(Arc::clone(&patch));
    slot.n_tiles_done += 1;
    if slot.n_tiles_done < edit.tiles.len() {
        slot.preview = None;
        return None;
    }
    Some(patch)
}

fn facts(edit: &EditSnapshot) -> EditFacts {
    let (settings, plan) = (&edit.settings, &edit.plan);
    EditFacts {
        strength: settings.strength,
        fill: settings.fill,
        context: plan
            .context
            .translate(-edit.content.frame.x, -edit.content.frame.y),
        work_size: plan.work_size,
        grow_px: plan.grow_px,
        feather_px: plan.feather_px,
        blend_px: plan.blend_px,
        match_colours: settings.match_colours,
        n_tiles: (edit.tiles.len() > 1).then_some(edit.tiles.len() as u32),
    }
}

/// Steps take nearly all the time, those there and those back where noise is found first; the prior and the
/// decoding take their ends.
fn fraction_of(progress: &Progress, inverts: bool) -> f32 {
    let done = progress.step as f32 / progress.n_steps.max(1) as f32;
    let steps_from = if inverts { 0.5 } else { 0.1 };
    match progress.phase {
        Phase::Load | Phase::Tune | Phase::Encode | Phase::Embed => 0.0,
        Phase::Prior => 0.1 * done,
        Phase::Invert => 0.1 + 0.4 * done,
        Phase::Step => steps_from + (0.95 - steps_from) * done,
        Phase::Upscale => 0.95 * done,
        Phase::Decode => 0.95 + 0.05 * done,
    }
}
