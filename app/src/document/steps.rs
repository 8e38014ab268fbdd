//! The steps of a document without their pixels: what each changed, and how many are done.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::outline::{Outline, Plane};
use super::step::StepName;
use super::tiles::TileIndex;
use super::versions::VersionId;

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
    pub outline: Option<(Arc<Outline>, Arc<Outline>)>,
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

impl Direction {
    pub fn turned(self) -> Self {
        match self {
            Self::Back => Self::Forth,
            Self::Forth => Self::Back,
        }
    }
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
            outline: self
                .outline
                .as_ref()
                .map(|(_, after)| after.as_ref().clone()),
            edits: edits.collect(),
        }
    }

    pub fn outline(&self, direction: Direction) -> Option<&Arc<Outline>> {
        let (before, after) = self.outline.as_ref()?;
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

    /// The steps that are done, the first one first.
    pub fn done(&self) -> impl Iterator<Item = &Step> {
        self.all[..self.n_done].iter()
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
