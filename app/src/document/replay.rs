//! The steps of a file, played without their pixels. A file may be made to cost: the work here grows with its length
//! and no faster, whatever is in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::outline::{LIMIT_LAYERS, Outline, Plane, is_near};
use super::step::StepName;
use super::steps::{Direction, PlaneEdit, PlaneRecord, Step, StepRecord, Steps, TileEdit};
use super::tiles::{TileIndex, TileKind};
use super::versions::{VersionId, Versions};

/// Tiles of one step, over all planes: those of 250 pictures of the largest size.
pub const LIMIT_STEP_TILES: usize = 1 << 20;

/// Planes of one step: of all layers before it and after it.
const LIMIT_STEP_PLANES: usize = 4 * (LIMIT_LAYERS + 1);

#[derive(Debug, Default)]
pub struct Replay {
    pub steps: Steps,
    pub versions: Versions,
    /// What there was before the first step, where that is not nothing.
    pub base: Option<StepRecord>,
    state: State,
    /// Steps whose effect is in `state`. Going back and forth is made up for only when it matters: else a few bytes
    /// of a file could move a large step any number of times.
    n_applied: usize,
}

/// What a document shows, as far as it is played.
#[derive(Debug, Default)]
struct State {
    outline: Arc<Outline>,
    planes: HashSet<Plane>,
    /// Which version each tile shows.
    shown: HashMap<(Plane, TileIndex), VersionId>,
    n_shown: HashMap<Plane, usize>,
    n_uses: HashMap<VersionId, u32>,
    /// What the versions take in memory that are shown, now and at the most.
    shown_bytes: u64,
    peak_bytes: u64,
}

impl Replay {
    pub fn outline(&self) -> &Outline {
        &self.state.outline
    }

    /// Which version each tile shows.
    pub fn shown(&self) -> &HashMap<(Plane, TileIndex), VersionId> {
        &self.state.shown
    }

    /// What the tiles take in memory that are shown now.
    pub fn shown_bytes(&self) -> u64 {
        self.state.shown_bytes
    }

    /// What they took at the most, after any step.
    pub fn peak_bytes(&self) -> u64 {
        self.state.peak_bytes
    }

    /// The step before is what the document began with: it cannot be undone. False unless it is the first.
    pub fn begin_here(&mut self) -> bool {
        if self.base.is_some() || self.steps.all().len() != 1 || self.steps.n_done() != 1 {
            return false;
        }
        self.base = Some(self.as_one_step(StepName::OpenPicture));
        self.steps.forget();
        self.n_applied = 0;
        true
    }

    /// The present state as one step from nothing, planes and tiles in order.
    pub fn as_one_step(&mut self, name: StepName) -> StepRecord {
        self.catch_up();
        let mut tiles: BTreeMap<Plane, Vec<_>> = BTreeMap::new();
        for ((plane, index), id) in &self.state.shown {
            tiles.entry(*plane).or_default().push((*index, Some(*id)));
        }
        let edits = tiles.into_iter().map(|(plane, mut tiles)| {
            tiles.sort_unstable();
            PlaneRecord { plane, tiles }
        });
        StepRecord {
            name,
            outline: Some(self.state.outline.as_ref().clone()),
            edits: edits.collect(),
        }
    }

    /// False, and nothing done, if the step cannot follow on what was before it.
    pub fn step(&mut self, record: StepRecord) -> bool {
        self.catch_up();
        let StepRecord {
            name,
            outline,
            edits,
        } = record;
        if outline.as_ref().is_some_and(|outline| !outline.is_sound()) {
            return false;
        }
        let planes = outline.as_ref().map(Outline::planes);
        if !self.fits(&edits, planes.as_ref()) {
            return false;
        }
        let edits = edits.into_iter().map(|edit| {
            let before = |index| self.state.shown.get(&(edit.plane, index)).copied();
            let tiles = edit.tiles.into_iter().map(|(index, after)| TileEdit {
                index,
                before: before(index),
                after,
            });
            PlaneEdit {
                plane: edit.plane,
                tiles: tiles.collect(),
            }
        });
        let edits = edits.collect();
        let outline = outline.map(|outline| (Arc::clone(&self.state.outline), Arc::new(outline)));
        self.steps.push(Step {
            name,
            serial: 0,
            outline,
            edits,
        });
        self.catch_up();
        true
    }

    /// False if there is no step in this direction.
    pub fn advance(&mut self, direction: Direction) -> bool {
        let is_there = self.steps.next(direction).is_some();
        if is_there {
            self.steps.advance(direction);
        }
        is_there
    }

    /// Brings the state to where the steps are.
    pub fn catch_up(&mut self) {
        let mut outline = None;
        while self.n_applied != self.steps.n_done() {
            let direction = if self.n_applied > self.steps.n_done() {
                self.n_applied -= 1;
                Direction::Back
            } else {
                Direction::Forth
            };
            let step = &self.steps.all()[self.n_applied];
            if direction == Direction::Forth {
                self.n_applied += 1;
            }
            outline = step.outline(direction).or(outline);
            self.state.apply(step, direction, &self.versions);
        }
        if let Some(outline) = outline {
            self.state.planes = outline.planes();
            self.state.outline = Arc::clone(outline);
        }
    }

    /// Whether every plane and version is there, of the right kind and named once, and nothing stays of a
    /// plane that goes. `planes` are those after the step, where they are others.
    fn fits(&self, edits: &[PlaneRecord], planes: Option<&HashSet<Plane>>) -> bool {
        let n_tiles: usize = edits.iter().map(|edit| edit.tiles.len()).sum();
        if n_tiles > LIMIT_STEP_TILES || edits.len() > LIMIT_STEP_PLANES {
            return false;
        }
        let is_blank = |plane: &Plane| matches!(plane, Plane::Mask | Plane::LastMask);
        let is_there =
            |plane: &Plane| is_blank(plane) || planes.unwrap_or(&self.state.planes).contains(plane);
        let mut seen = HashSet::with_capacity(n_tiles);
        let mut n_removed: HashMap<Plane, usize> = HashMap::new();
        for edit in edits {
            let (plane, is_there) = (edit.plane, is_there(&edit.plane));
            for (index, after) in &edit.tiles {
                let is_right = after
                    .is_none_or(|id| is_there && self.versions.kind(id) == Some(plane.tile_kind()));
                if !is_right || !is_near(*index) || !seen.insert((plane, *index)) {
                    return false;
                }
                if after.is_none() && self.state.shown.contains_key(&(plane, *index)) {
                    *n_removed.entry(plane).or_default() += 1;
                }
            }
        }
        planes.is_none()
            || self
                .state
                .n_shown
                .iter()
                .all(|(plane, n_shown)| is_there(plane) || n_removed.get(plane) == Some(n_shown))
    }
}

impl State {
    fn apply(&mut self, step: &Step, direction: Direction, versions: &Versions) {
        for (plane, tile) in step.tiles() {
            let key = (plane, tile.index);
            let (old, new) = match tile.ends(direction).1 {
                Some(id) => (self.shown.insert(key, id), Some(id)),
                None => (self.shown.remove(&key), None),
            };
            let n_bytes = |id| versions.kind(id).map_or(0, TileKind::n_bytes) as u64;
            if let Some(id) = new {
                let n_uses = self.n_uses.entry(id).or_default();
                *n_uses += 1;
                if *n_uses == 1 {
                    self.shown_bytes += n_bytes(id);
                }
            }
            if let Some(id) = old
                && let Some(n_uses) = self.n_uses.get_mut(&id)
            {
                *n_uses -= 1;
                if *n_uses == 0 {
                    self.n_uses.remove(&id);
                    self.shown_bytes -= n_bytes(id);
                }
            }
            match (old, new) {
                (None, Some(_)) => *self.n_shown.entry(plane).or_default() += 1,
                (Some(_), None) => {
                    if let Some(n_shown) = self.n_shown.get_mut(&plane) {
                        *n_shown -= 1;
                        if *n_shown == 0 {
                            self.n_shown.remove(&plane);
                        }
                    }
                }
                _ => {}
            }
        }
        self.peak_bytes = self.peak_bytes.max(self.shown_bytes);
    }
}
