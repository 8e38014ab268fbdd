//! Runs as a document's file has them: what they were asked about and what they made, so that results can be kept and
//! swapped after a restart. What a run's facts say is the session's business.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::content::Content;
use super::outline::{Outline, is_near};
use super::steps::PlaneRecord;
use super::tiles::{Pixel, TileIndex, TileKind, Tiles};
use super::versions::{VersionId, Versions};

/// Runs of a document that come back, the latest.
pub const LIMIT_RUNS: usize = 48;
/// Results of one run, counted by their places.
const LIMIT_RESULTS: u32 = 64;
/// The facts of one run or result, in bytes; the longest prompt that can be typed is shorter.
pub const LIMIT_FACTS_BYTES: usize = 512 << 10;
/// What all runs of a document may take in memory without their pixels, roughly.
const LIMIT_BYTES: usize = 48 << 20;

/// A run that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub run: Uuid,
    /// JSON.
    pub facts: String,
    /// The document as an edit saw it.
    pub asked: Option<ContentRecord>,
}

/// A result that is in the gallery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultRecord {
    pub run: Uuid,
    pub index: u32,
    /// JSON.
    pub facts: String,
    /// What an edit lays over the document.
    pub patch: Option<PatchRecord>,
}

/// A content by the versions of its tiles, all of which are there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContentRecord {
    pub outline: Outline,
    pub planes: Vec<PlaneRecord>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatchRecord {
    pub pixels: Vec<(TileIndex, VersionId)>,
    pub mask: Vec<(TileIndex, VersionId)>,
}

/// A run with its results, as far as its file was read.
#[derive(Debug)]
pub struct StoredRun {
    pub record: RunRecord,
    pub results: BTreeMap<u32, ResultRecord>,
    /// The user has put it away.
    pub is_hidden: bool,
}

/// Oldest first.
#[derive(Debug, Default)]
pub struct StoredRuns {
    runs: Vec<StoredRun>,
    n_bytes: usize,
}

impl StoredRuns {
    /// Those that the user has not put away, oldest first.
    pub fn shown(self) -> impl Iterator<Item = StoredRun> {
        self.runs.into_iter().filter(|run| !run.is_hidden)
    }

    /// False if Limn has not written it so.
    pub fn add_run(&mut self, record: RunRecord, versions: &Versions) -> bool {
        if record.facts.len() > LIMIT_FACTS_BYTES || !record.is_sound(versions) {
            return false;
        }
        self.n_bytes += record.n_bytes();
        match self.find(record.run) {
            Some(run) => run.record = record,
            None => self.runs.push(StoredRun {
                record,
                results: BTreeMap::new(),
                is_hidden: false,
            }),
        }
        self.make_room();
        true
    }

    /// False if Limn has not written it so. The result of a run that is forgotten is passed over.
    pub fn add_result(&mut self, record: ResultRecord, versions: &Versions) -> bool {
        if record.facts.len() > LIMIT_FACTS_BYTES
            || record.index >= LIMIT_RESULTS
            || !record.is_sound(versions)
        {
            return false;
        }
        let n_bytes = record.n_bytes();
        if let Some(run) = self.find(record.run) {
            run.results.insert(record.index, record);
            self.n_bytes += n_bytes;
            self.make_room();
        }
        true
    }

    pub fn hide(&mut self, run: Uuid, is_hidden: bool) {
        if let Some(run) = self.find(run) {
            run.is_hidden = is_hidden;
        }
    }

    fn find(&mut self, run: Uuid) -> Option<&mut StoredRun> {
        self.runs.iter_mut().find(|known| known.record.run == run)
    }

    /// The oldest go.
    fn make_room(&mut self) {
        if self.n_bytes > LIMIT_BYTES {
            // What was replaced is counted too, until now.
            self.n_bytes = self.runs.iter().map(StoredRun::n_bytes).sum();
        }
        while self.runs.len() > LIMIT_RUNS || (self.n_bytes > LIMIT_BYTES && !self.runs.is_empty())
        {
            self.n_bytes = self.n_bytes.saturating_sub(self.runs.remove(0).n_bytes());
        }
    }
}

impl StoredRun {
    /// The versions of all tiles that it needs.
    pub fn versions(&self) -> impl Iterator<Item = VersionId> + '_ {
        let patches = self.results.values().flat_map(ResultRecord::versions);
        self.record.versions().chain(patches)
    }

    fn n_bytes(&self) -> usize {
        let results = self.results.values().map(ResultRecord::n_bytes);
        self.record.n_bytes() + results.sum::<usize>()
    }
}

impl RunRecord {
    pub fn versions(&self) -> impl Iterator<Item = VersionId> + '_ {
        let planes = self.asked.iter().flat_map(|asked| &asked.planes);
        planes.flat_map(|plane| plane.tiles.iter().filter_map(|(_, id)| *id))
    }

    pub fn versions_mut(&mut self) -> impl Iterator<Item = &mut VersionId> + '_ {
        let planes = self.asked.iter_mut().flat_map(|asked| &mut asked.planes);
        planes.flat_map(|plane| plane.tiles.iter_mut().filter_map(|(_, id)| id.as_mut()))
    }

    fn is_sound(&self, versions: &Versions) -> bool {
        self.asked
            .as_ref()
            .is_none_or(|asked| asked.is_sound(versions))
    }

    fn n_bytes(&self) -> usize {
        const BYTES_PER_TILE: usize = 16;
        const BYTES_PER_LAYER: usize = 256;
        let asked = self.asked.as_ref();
        let n_layers = asked.map_or(0, |asked| asked.outline.planes().len());
        self.facts.len() + n_layers * BYTES_PER_LAYER + self.versions().count() * BYTES_PER_TILE
    }
}

impl ResultRecord {
    pub fn versions(&self) -> impl Iterator<Item = VersionId> + '_ {
        let patch = self.patch.iter();
        patch.flat_map(|patch| patch.pixels.iter().chain(&patch.mask).map(|(_, id)| *id))
    }

    pub fn versions_mut(&mut self) -> impl Iterator<Item = &mut VersionId> + '_ {
        let patch = self.patch.iter_mut();
        patch.flat_map(|patch| {
            let tiles = patch.pixels.iter_mut().chain(&mut patch.mask);
            tiles.map(|(_, id)| id)
        })
    }

    fn is_sound(&self, versions: &Versions) -> bool {
        let Some(patch) = &self.patch else {
            return true;
        };
        are_of_kind(patch.pixels.iter().copied(), TileKind::Colour, versions)
            && are_of_kind(patch.mask.iter().copied(), TileKind::Mask, versions)
    }

    fn n_bytes(&self) -> usize {
        const BYTES_PER_TILE: usize = 12;
        self.facts.len() + self.versions().count() * BYTES_PER_TILE
    }
}

impl ContentRecord {
    /// `version` names the version of each tile.
    pub fn of(
        content: &Content,
        mut version: impl FnMut(super::tiles::AnyTile) -> VersionId,
    ) -> Self {
        let nothing = Content::default();
        let planes: Vec<_> = content.planes().collect();
        let planes = planes.into_iter().filter_map(|plane| {
            let changes = content.plane_changes(&nothing, plane).into_iter();
            let mut tiles: Vec<_> = changes
                .filter_map(|change| Some((change.index, Some(version(change.after?)))))
                .collect();
            tiles.sort_unstable();
            (!tiles.is_empty()).then_some(PlaneRecord { plane, tiles })
        });
        let planes = planes.collect();
        Self {
            outline: Outline::of(content),
            planes,
        }
    }

    /// The content, of tiles that are loaded; `None` if one is not.
    pub fn content(&self, versions: &Versions) -> Option<Content> {
        let mut content = Content::default();
        self.outline.apply(&mut content);
        for PlaneRecord { plane, tiles } in &self.planes {
            let tiles: Option<Vec<_>> = tiles
                .iter()
                .map(|(index, id)| Some((*index, Some(versions.tile((*id)?)?.clone()))))
                .collect();
            content.set_plane_tiles(*plane, tiles?);
        }
        Some(content)
    }

    fn is_sound(&self, versions: &Versions) -> bool {
        if !self.outline.is_sound() {
            return false;
        }
        let there = self.outline.planes();
        let mut seen = HashSet::new();
        self.planes.iter().all(|PlaneRecord { plane, tiles }| {
            let is_whole = tiles.iter().all(|(_, id)| id.is_some());
            let tiles = tiles
                .iter()
                .filter_map(|(index, id)| Some((*index, (*id)?)));
            is_whole
                && there.contains(plane)
                && seen.insert(*plane)
                && are_of_kind(tiles, plane.tile_kind(), versions)
        })
    }
}

impl PatchRecord {
    /// `version` names the version of each tile.
    pub fn of(
        pixels: &Tiles<[u8; 4]>,
        mask: &Tiles<u8>,
        mut version: impl FnMut(super::tiles::AnyTile) -> VersionId,
    ) -> Self {
        Self {
            pixels: tile_versions(pixels, &mut version),
            mask: tile_versions(mask, &mut version),
        }
    }

    /// Colours and coverage, of tiles that are loaded; `None` if one is not.
    pub fn planes(&self, versions: &Versions) -> Option<(Tiles<[u8; 4]>, Tiles<u8>)> {
        Some((
            plane_of(&self.pixels, versions)?,
            plane_of(&self.mask, versions)?,
        ))
    }
}

fn tile_versions<P: Pixel>(
    plane: &Tiles<P>,
    version: &mut impl FnMut(super::tiles::AnyTile) -> VersionId,
) -> Vec<(TileIndex, VersionId)> {
    let tiles = plane.iter();
    let mut tiles: Vec<_> = tiles
        .map(|(index, tile)| (index, version(P::any_tile(tile.clone()))))
        .collect();
    tiles.sort_unstable();
    tiles
}

fn plane_of<P: Pixel>(tiles: &[(TileIndex, VersionId)], versions: &Versions) -> Option<Tiles<P>> {
    let mut plane = Tiles::default();
    for (index, id) in tiles {
        let tile = P::of_any_tile(versions.tile(*id)?.clone())?;
        plane.set_tile(*index, Some(tile));
    }
    Some(plane)
}

/// Whether they are known tiles of this kind, near, and each once.
fn are_of_kind(
    mut tiles: impl Iterator<Item = (TileIndex, VersionId)>,
    kind: TileKind,
    versions: &Versions,
) -> bool {
    let mut seen = HashSet::new();
    tiles.all(|(index, id)| versions.kind(id) == Some(kind) && is_near(index) && seen.insert(index))
}
