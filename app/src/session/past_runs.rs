//! Runs and their results through restarts: what a document's file is told of them, and what comes back of it.

use std::sync::Arc;

use limn_engine::PixelRect;
use limn_engine::protocol::GenerateRequest;
use limn_engine::stitch::{EditPlan, EditSettings, EditTile};
use serde::{Deserialize, Serialize};

use super::edit_snapshot::Change;
use super::past_gestures::GestureFacts;
use super::runs::{Past, Subject};
use super::slots::{Slot, SlotState};
use super::{
    Deed, EditSnapshot, Gesture, Patch, PictureId, PictureRef, Run, RunId, RunState, Session,
};
use crate::document::{Content, DocumentId, PastResult, PastRun};
use crate::edit_limits;
use crate::gallery::Recipe;

/// Results of one run that come back.
const LIMIT_RESULTS: u32 = 64;
/// Tiles of an edit: those of the largest picture by the smallest model are fewer.
const LIMIT_TILES: usize = 1 << 14;
/// A side at which a model works, in pixels.
const LIMIT_WORK_SIDE: u32 = 1 << 14;

/// A run as a document's file names it.
#[derive(Serialize, Deserialize)]
struct RunFacts {
    deed: Deed,
    /// As people call it.
    title: String,
    request: GenerateRequest,
    size: (u32, u32),
    #[serde(default)]
    edit: Option<EditFacts>,
    #[serde(default)]
    gesture: Option<GestureFacts>,
    /// How it ended, where some of its pictures were not made.
    #[serde(default)]
    end: Option<End>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Cancelled,
    Failed(String),
}

impl End {
    fn of(run: &Run) -> Option<Self> {
        match &run.state {
            RunState::Stopping | RunState::Cancelled => Some(Self::Cancelled),
            RunState::Failed(reason) => Some(Self::Failed(reason.clone())),
            RunState::Waiting
            | RunState::Starting
            | RunState::Running
            | RunState::Finished
            | RunState::Interrupted => None,
        }
    }

    /// Of the run, and of the pictures that it did not make. Without a word of it, Limn ended first.
    fn states(end: Option<Self>) -> (RunState, SlotState) {
        match end {
            None => (RunState::Interrupted, SlotState::Interrupted),
            Some(Self::Cancelled) => (RunState::Cancelled, SlotState::Cancelled),
            Some(Self::Failed(reason)) => {
                (RunState::Failed(reason.clone()), SlotState::Failed(reason))
            }
        }
    }
}

/// What an edit was asked, beside the content that it saw.
#[derive(Serialize, Deserialize)]
struct EditFacts {
    settings: EditSettings,
    plan: EditPlan,
    /// Part and plan of each.
    tiles: Vec<(PixelRect, EditPlan)>,
    change: Change,
    parents: Vec<PictureId>,
}

impl RunFacts {
    fn of(run: &Run) -> Self {
        Self {
            deed: run.deed(),
            title: run.title(),
            request: GenerateRequest {
                // What was sent to the engine is gone with it.
                latents: None,
                ..run.request.clone()
            },
            size: run.size,
            edit: run.edit().map(|edit| EditFacts::of(edit)),
            gesture: run.gesture().map(GestureFacts::of),
            end: End::of(run),
        }
    }
}

/// As a document's file has them.
#[cfg(test)]
pub(super) fn facts(run: &Run) -> serde_json::Value {
    serde_json::to_value(RunFacts::of(run)).unwrap_or_default()
}

impl EditFacts {
    fn of(edit: &EditSnapshot) -> Self {
        let tiles = edit.tiles.iter();
        Self {
            settings: edit.settings.clone(),
            plan: edit.plan.clone(),
            tiles: tiles.map(|tile| (tile.part, tile.plan.clone())).collect(),
            change: edit.change,
            parents: edit.parents.clone(),
        }
    }

    /// The edit of this content, unless nobody could have asked for it.
    fn snapshot(self, deed: Deed, content: Content) -> Option<EditSnapshot> {
        let Self {
            settings,
            plan,
            tiles,
            change,
            parents,
        } = self;
        let frame = content.frame;
        let is_sound = |plan: &EditPlan| {
            let lengths = [plan.grow_px, plan.feather_px, plan.blend_px];
            let sides = [plan.work_size.0, plan.work_size.1];
            edit_limits::check(plan.context, frame).is_ok()
                && lengths.iter().all(|length| (0.0..1e5).contains(length))
                && sides
                    .iter()
                    .all(|side| (1..=LIMIT_WORK_SIDE).contains(side))
        };
        let are_sound = (1..=LIMIT_TILES).contains(&tiles.len())
            && tiles.iter().all(|(_, plan)| is_sound(plan))
            && (0.0..=1.0).contains(&settings.strength);
        let tiles = tiles.into_iter();
        (deed.is_edit() && are_sound).then(|| EditSnapshot {
            deed,
            settings,
            plan,
            tiles: tiles.map(|(part, plan)| EditTile { part, plan }).collect(),
            content,
            change,
            parents,
        })
    }
}

impl Run {
    /// `None` where the facts are not understood, as those of a newer Limn may be.
    pub(super) fn of_past(past: PastRun, id: RunId, document: DocumentId) -> Option<Self> {
        let PastRun {
            run: uuid,
            facts,
            asked,
            results,
        } = past;
        let facts: RunFacts = serde_json::from_str(&facts).ok()?;
        let RunFacts {
            deed,
            title,
            request,
            size,
            edit,
            gesture,
            end,
        } = facts;
        let subject = match (edit, gesture) {
            (Some(edit), _) => asked
                .and_then(|asked| edit.snapshot(deed, asked))
                .map(|edit| Subject::Edit(Arc::new(edit))),
            (None, Some(gesture)) => gesture
                .gesture(asked, request.n_pictures)
                .filter(|gesture| gesture.deed() == deed)
                .map(|gesture| Subject::Gesture(Arc::new(gesture))),
            (None, None) => (deed == Deed::NewPictures).then_some(Subject::Words),
        };
        let past = || Subject::Past(Arc::new(Past { deed, title }));
        let subject = subject.unwrap_or_else(past);
        let n_asked = match subject {
            // What was not made cannot be made any more.
            Subject::Past(_) => 0,
            _ => request.n_pictures.min(LIMIT_RESULTS),
        };
        let n_made = results.iter().map(|result| result.index + 1).max();
        let n_slots = n_asked.max(n_made.unwrap_or(0)).min(LIMIT_RESULTS);
        let request = GenerateRequest {
            n_pictures: n_slots,
            ..request
        };
        let mut run = Self::new(id, document, request, size, subject);
        run.uuid = uuid;
        let (run_state, slot_state) = End::states(end);
        for slot in &mut run.slots {
            slot.state = slot_state.clone();
        }
        let n_tiles = run.n_tiles();
        for result in results {
            if let Some(slot) = run.slots.get_mut(result.index as usize) {
                slot.take_up(result, n_tiles);
            }
        }
        if matches!(run.subject, Subject::Past(_)) {
            run.slots.retain(|slot| slot.saved_id().is_some());
        }
        run.state = match run.n_lost() {
            0 => RunState::Finished,
            _ => run_state,
        };
        (!run.slots.is_empty()).then_some(run)
    }
}

impl Run {
    /// What the document showed, where a gesture was about that.
    fn shown_content(&self) -> Option<&Content> {
        let mut sources = self.gesture().into_iter().flat_map(Gesture::sources);
        sources.find_map(|source| source.canvas.as_deref())
    }
}

impl Slot {
    fn take_up(&mut self, result: PastResult, n_tiles: usize) {
        let Some(recipe) = Recipe::from_json(&result.facts) else {
            return;
        };
        self.seed = recipe.seed;
        self.state = SlotState::Saved(Arc::new(recipe));
        self.patch = result
            .patch
            .map(|(pixels, mask)| Arc::new(Patch { pixels, mask }));
        self.n_tiles_done = n_tiles;
    }
}

impl Session {
    /// Writes a run that was asked for into its document.
    pub(super) fn write_run(&mut self, id: RunId) {
        let Some(run) = self.runs.iter().find(|run| run.id == id) else {
            return;
        };
        let Some(open) = self.documents.get_mut(run.document) else {
            return;
        };
        if let Ok(facts) = serde_json::to_string(&RunFacts::of(run)) {
            let asked = run.edit().map(|edit| &edit.content);
            open.document
                .write_run(run.uuid, facts, asked.or(run.shown_content()));
        }
    }

    /// Writes a result that the gallery has into its document.
    pub(super) fn write_result(&mut self, picture: PictureId) {
        let found = self.runs.iter().find_map(|run| {
            let mut slots = run.slots.iter();
            let index = slots.position(|slot| slot.saved_id() == Some(picture))?;
            Some((run, index))
        });
        let Some((run, index)) = found else { return };
        let slot = &run.slots[index];
        let Some(recipe) = slot.recipe() else { return };
        if let Some(open) = self.documents.get_mut(run.document) {
            let patch = slot.patch.as_deref();
            let patch = patch.map(|patch| (&patch.pixels, &patch.mask));
            let name = (run.uuid, index as u32);
            open.document.write_result(name, recipe.to_json(), patch);
        }
    }

    /// Takes up the runs of a document that was opened again. The pictures that the gallery should be asked about.
    pub fn take_up_runs(&mut self, document: DocumentId) -> Vec<PictureId> {
        let Some(open) = self.documents.get_mut(document) else {
            return Vec::new();
        };
        let past = open.document.take_past_runs();
        let mut taken = Vec::new();
        for past in past {
            let is_known = |run: &Run| run.uuid == past.run && run.document == document;
            if self.runs.iter().any(is_known) {
                continue;
            }
            self.n_runs += 1;
            taken.extend(Run::of_past(past, RunId(self.n_runs), document));
        }
        let pictures = taken.iter().flat_map(|run| &run.slots);
        let pictures = pictures.filter_map(Slot::saved_id).collect();
        if let Some(open) = self.documents.get_mut(document)
            && open.selected_run.is_none()
            && let Some(last) = taken.last()
        {
            open.selected_run = Some(last.id);
            if open.is_blank() {
                // There is nothing else to see in it.
                let run = last.id;
                open.shown = last
                    .first_visible()
                    .map(|index| PictureRef::Result { run, index });
            }
        }
        if let Some(open) = self.documents.get_mut(document)
            && !open.draft.has_words()
        {
            // Of a project whose prompt bar nobody remembers.
            let mut prompts = taken.iter().rev().filter(|run| run.gesture().is_none());
            if let Some(last) = prompts.find(|run| run.has_subject()) {
                open.draft.like(&last.request);
            }
            for gesture in taken.iter().filter_map(Run::gesture) {
                open.draft.put_together_like(gesture);
            }
        }
        // They are older than what was asked for since.
        self.runs.splice(0..0, taken);
        pictures
    }
}
