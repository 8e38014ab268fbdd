//! What becomes of a run's pictures: drawn, saved, failed, cancelled, tried again.

use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;
use limn_engine::protocol::{Phase, Picture, Plan, Progress};

use super::{Run, RunState, Subject};
use crate::gallery::{EditFacts, Recipe};
use crate::session::slots::{Made, MadePixels, Slot, SlotState};
use crate::session::{EditSnapshot, Gesture, Patch, PictureId};

impl Run {
    pub(in crate::session) fn starting(&mut self, first: u32, n_pictures: u32) {
        self.n_kernels = None;
        self.state = RunState::Starting;
        let n_tiles = self.n_tiles();
        for slot in self.stretch(first, n_pictures) {
            let done = slot.n_tiles_done as f32 / n_tiles as f32;
            slot.state = SlotState::Drawing(done);
        }
    }

    pub(in crate::session) fn started(&mut self, plan: Plan) {
        if self.edit().is_none() {
            self.size = (plan.width, plan.height);
        }
        self.plan = Some(plan);
        if self.state == RunState::Starting {
            self.state = RunState::Running;
        }
    }

    /// The GPU has never run this model in this size: its kernels are being made.
    pub(in crate::session) fn compiles_kernels(&mut self, n_kernels: u32) {
        self.n_kernels = Some(n_kernels);
    }

    /// Whether it brought a preview.
    pub(in crate::session) fn progress(
        &mut self,
        index: u32,
        progress: Progress,
        now: Instant,
    ) -> bool {
        if self.state == RunState::Starting {
            self.state = RunState::Running;
        }
        self.n_kernels = None;
        if let Some(seconds) = progress.seconds_left {
            self.hear_estimate(seconds, now);
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
    pub(in crate::session) fn finished_drawing(
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
                recipe = recipe.edited(
                    edit.deed.operation(),
                    edit.content.frame.size(),
                    facts(edit),
                );
                recipe.parents.clone_from(&edit.parents);
                MadePixels::Edit {
                    snapshot: Arc::clone(edit),
                    patch,
                }
            }
            (Subject::Edit(_), None) | (Subject::Past(_), _) => return None,
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
    pub(in crate::session) fn drop_spare_pixels(&mut self) {
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
    pub(in crate::session) fn saved(&mut self, id: PictureId) -> bool {
        let Some(slot) = self.slot_of(id) else {
            return false;
        };
        if let Some(recipe) = slot.recipe().cloned() {
            // The preview stays until the finished picture is on the graphics card: no tile goes blank.
            slot.state = SlotState::Saved(recipe);
        }
        true
    }

    pub(in crate::session) fn not_saved(&mut self, id: PictureId, reason: &str) {
        if let Some(slot) = self.slot_of(id)
            && let SlotState::Saving(made) | SlotState::Unsaved { made, .. } = &slot.state
        {
            slot.state = SlotState::Unsaved {
                made: Arc::clone(made),
                reason: reason.to_owned(),
            };
        }
    }

    pub(in crate::session) fn saving_again(&mut self) {
        for slot in &mut self.slots {
            if let SlotState::Unsaved { made, .. } = &slot.state {
                slot.state = SlotState::Saving(Arc::clone(made));
            }
        }
    }

    pub(in crate::session) fn job_finished(&mut self, more_to_come: bool, seconds: f32) {
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

    pub(in crate::session) fn cancel(&mut self, is_running: bool) {
        if !self.is_active() {
            return;
        }
        if is_running {
            self.state = RunState::Stopping;
        } else {
            self.cancelled();
        }
    }

    pub(in crate::session) fn cancelled(&mut self) {
        self.end_open_slots(&SlotState::Cancelled);
        self.state = RunState::Cancelled;
        self.estimate = None;
    }

    pub(in crate::session) fn failed(&mut self, reason: &str) {
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
    pub(in crate::session) fn reopen(&mut self) -> Vec<(u32, u32)> {
        let mut stretches: Vec<(u32, u32)> = Vec::new();
        for (index, slot) in (0..).zip(&mut self.slots) {
            if !slot.is_lost() {
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

    pub(in crate::session) fn forget(&mut self, id: PictureId) {
        for slot in &mut self.slots {
            if let SlotState::Saved(recipe) = &slot.state
                && recipe.id == id
            {
                slot.state = SlotState::Trashed(Arc::clone(recipe));
            }
        }
    }

    /// The gallery has lost a picture of it.
    pub(in crate::session) fn lose(&mut self, id: PictureId) {
        for slot in &mut self.slots {
            if let SlotState::Saved(recipe) | SlotState::Trashed(recipe) = &slot.state
                && recipe.id == id
            {
                slot.state = SlotState::Gone;
            }
        }
    }

    pub(in crate::session) fn restore(&mut self, id: PictureId) {
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
