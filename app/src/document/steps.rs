//! The steps of a document without their pixels: what each changed, and how many are done.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::outline::{Outline, Plane, is_near};
use super::step::StepName;
use super::tiles::TileIndex;
use super::versions::{VersionId, Versions};

/// A step as files have it: what it leads to. What was before follows from the steps before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub name: StepName,
    /// `None` where it stays as it is.
    pub outline: Option<Outline>,
    pub edits: Vec<PlaneRecord>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaneRecord {
    pub plane: Plane,
    pub tiles: Vec<(TileIndex, Option<VersionId>)>,
}

/// A step that goes both ways.
#[derive(Debug, Clone)]
pub struct Step {
    pub name: StepName,
    /// Counted from 1 and never twice in a document, so that it names the state after it.
    pub serial: u64,
    pub outline: Option<Box<(Outline, Outline)>>,
    pub edits: Vec<PlaneEdit>,
}

#[derive(Debug, Clone)]
pub struct PlaneEdit {
    pub plane: Plane,
    pub tiles: Vec<TileEdit>,
}

#[derive(Debug, Clone, Copy)]
pub struct TileEdit {
    pub index: TileIndex,
    pub before: Option<VersionId>,
    pub after: Option<VersionId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Back,
    Forth,
}

impl Step {
    pub fn record(&self) -> StepRecord {
        let edits = self.edits.iter().map(|edit| PlaneRecord {
            plane: edit.plane,
            tiles: edit
                .tiles
                .iter()
                .map(|tile| (tile.index, tile.after))
                .collect(),
        });
        StepRecord {
            name: self.name,
            outline: self.outline.as_ref().map(|outlines| outlines.1.clone()),
            edits: edits.collect(),
        }
    }

    pub fn outline(&self, direction: Direction) -> Option<&Outline> {
        let (before, after) = self.outline.as_deref()?;
        Some(match direction {
            Direction::Back => before,
            Direction::Forth => after,
        })
    }

    /// The versions that it leads to.
    pub fn ends(&self, direction: Direction) -> impl Iterator<Item = VersionId> + '_ {
        self.tiles()
            .filter_map(move |(_, tile)| tile.ends(direction).1)
    }

    pub fn tiles(&self) -> impl Iterator<Item = (Plane, TileEdit)> + '_ {
        self.edits
            .iter()
            .flat_map(|edit| edit.tiles.iter().map(|tile| (edit.plane, *tile)))
    }
}

impl TileEdit {
    /// What it leads from and to.
    pub const fn ends(self, direction: Direction) -> (Option<VersionId>, Option<VersionId>) {
        match direction {
            Direction::Back => (self.after, self.before),
            Direction::Forth => (self.before, self.after),
        }
    }
}

/// All steps, and which of them are done.
#[derive(Debug, Default)]
pub struct Steps {
    all: Vec<Step>,
    n_done: usize,
    last_serial: u64,
}

impl Steps {
    pub fn push(&mut self, mut step: Step) {
        self.last_serial += 1;
        step.serial = self.last_serial;
        self.all.truncate(self.n_done);
        self.all.push(step);
        self.n_done += 1;
    }

    /// What was done stays, and can be neither undone nor redone.
    pub fn forget(&mut self) {
        self.all.clear();
        self.n_done = 0;
    }

    pub fn all(&self) -> &[Step] {
        &self.all
    }

    pub fn n_done(&self) -> usize {
        self.n_done
    }

    pub fn next(&self, direction: Direction) -> Option<&Step> {
        match direction {
            Direction::Back => self.all.get(self.n_done.checked_sub(1)?),
            Direction::Forth => self.all.get(self.n_done),
        }
    }

    /// Counts the next step as done or undone.
    pub fn advance(&mut self, direction: Direction) {
        match direction {
            Direction::Back => self.n_done -= 1,
            Direction::Forth => self.n_done += 1,
        }
    }

    /// Names the present state; 0 is the empty document.
    pub fn serial(&self) -> u64 {
        self.next(Direction::Back).map_or(0, |step| step.serial)
    }
}

/// The steps of a file, played without their pixels.
#[derive(Debug, Default)]
pub struct Replay {
    pub steps: Steps,
    pub versions: Versions,
    pub outline: Outline,
    /// Which version each tile shows.
    pub shown: HashMap<(Plane, TileIndex), VersionId>,
    /// What there was before the first step, where that is not nothing.
    pub base: Option<StepRecord>,
}

impl Replay {
    /// The steps before are not in the file: the present state is where it begins.
    pub fn begin_here(&mut self) {
        self.base = Some(self.as_one_step(StepName::OpenPicture));
        self.steps.forget();
    }

    /// The present state as one step from nothing, planes and tiles in order.
    pub fn as_one_step(&self, name: StepName) -> StepRecord {
        let mut tiles: BTreeMap<Plane, Vec<_>> = BTreeMap::new();
        for ((plane, index), id) in &self.shown {
            tiles.entry(*plane).or_default().push((*index, Some(*id)));
        }
        let edits = tiles.into_iter().map(|(plane, mut tiles)| {
            tiles.sort_unstable();
            PlaneRecord { plane, tiles }
        });
        StepRecord {
            name,
            outline: Some(self.outline.clone()),
            edits: edits.collect(),
        }
    }

    /// False, and nothing done, if the step cannot follow on what was before it.
    pub fn step(&mut self, record: StepRecord) -> bool {
        let outline = record.outline.as_ref().unwrap_or(&self.outline);
        if !outline.is_sound() || !self.fits(&record, outline) {
            return false;
        }
        let edits = record.edits.into_iter().map(|edit| {
            let before = |index| self.shown.get(&(edit.plane, index)).copied();
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
        let step = Step {
            name: record.name,
            serial: 0,
            edits: edits.collect(),
            outline: record
                .outline
                .map(|outline| Box::new((self.outline.clone(), outline))),
        };
        self.steps.push(step);
        self.steps.advance(Direction::Back);
        self.advance(Direction::Forth)
    }

    /// Whether every plane and version is there, of the right kind and named once, and nothing stays of a
    /// plane that goes.
    fn fits(&self, record: &StepRecord, outline: &Outline) -> bool {
        let mut seen = HashSet::new();
        record.edits.iter().all(|edit| {
            edit.tiles.iter().all(|(index, after)| {
                let is_right = after.is_none_or(|id| {
                    outline.has(edit.plane)
                        && self.versions.kind(id) == Some(edit.plane.tile_kind())
                });
                is_right && is_near(*index) && seen.insert((edit.plane, *index))
            })
        }) && (record.outline.is_none()
            || self
                .shown
                .keys()
                .all(|(plane, index)| outline.has(*plane) || seen.contains(&(*plane, *index))))
    }

    /// False if there is no step in this direction.
    pub fn advance(&mut self, direction: Direction) -> bool {
        let Some(step) = self.steps.next(direction) else {
            return false;
        };
        if let Some(outline) = step.outline(direction) {
            self.outline = outline.clone();
        }
        for (plane, tile) in step.tiles() {
            match tile.ends(direction).1 {
                Some(id) => self.shown.insert((plane, tile.index), id),
                None => self.shown.remove(&(plane, tile.index)),
            };
        }
        self.steps.advance(direction);
        true
    }
}
