//! Every state that a tile ever had, each held once: in memory while it is shown or was lately, else in the
//! document's file only.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::filed::check_memory;
use super::journal::{self, JournalFile, Place};
use super::tiles::{AnyTile, TileKind};

/// Tiles of steps back and forth that stay in memory, in bytes: one step of a whole 8192² mask, back or forth. The
/// rest is read from the file again, the next ones ahead. Tests keep few, so that they read many.
const KEPT_BYTES: usize = if cfg!(test) { 1 << 20 } else { 64 << 20 };

/// One state of a tile, counted from the document's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VersionId(pub(super) u32);

#[derive(Debug)]
struct Version {
    kind: TileKind,
    tile: Option<AnyTile>,
    /// Where it is in the file, once it is.
    place: Option<Place>,
    /// How many tiles of the content show it.
    n_uses: u32,
    is_resting: bool,
}

/// Tiles that are in the file only, in the order of their places.
#[derive(Debug, Clone, Default)]
pub struct Absent(Vec<(VersionId, (Place, TileKind))>);

impl Absent {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn ids(&self) -> impl Iterator<Item = VersionId> + '_ {
        self.0.iter().map(|(id, _)| *id)
    }

    pub fn kinds(&self) -> impl Iterator<Item = TileKind> + '_ {
        self.0.iter().map(|(_, (_, kind))| *kind)
    }

    /// Leaves out those after the first `n`.
    pub fn cut(&mut self, n: usize) {
        self.0.truncate(n);
    }

    pub fn has_any(&self, ids: &[VersionId]) -> bool {
        let all: HashSet<_> = self.ids().collect();
        ids.iter().any(|id| all.contains(id))
    }

    /// Reads them, into `spare` tiles where there are any.
    ///
    /// # Errors
    /// If one cannot be read, or is not what was written.
    pub fn read(&self, file: &JournalFile, spare: Vec<AnyTile>) -> journal::Result<Vec<AnyTile>> {
        let wanted: Vec<_> = self.0.iter().map(|(_, wanted)| *wanted).collect();
        file.read_tiles(&wanted, spare)
    }
}

#[derive(Debug, Default)]
pub struct Versions {
    all: Vec<Version>,
    /// Of those in memory. Their tiles are held, so an address is taken by one tile only.
    by_address: HashMap<usize, VersionId>,
    uniform: HashMap<(TileKind, [u8; 4]), VersionId>,
    /// Those in memory that are not shown any more, longest ago first.
    resting: VecDeque<VersionId>,
    resting_bytes: usize,
}

impl Versions {
    /// The version of a tile that is known.
    pub fn of(&self, tile: &AnyTile) -> Option<VersionId> {
        self.by_address.get(&tile.address()).copied()
    }

    /// The version that holds these pixels, if one is at hand, else a new one. A tile of one value shares
    /// the one of that value.
    pub fn intern(&mut self, tile: &AnyTile) -> VersionId {
        if let Some(id) = self.of(tile) {
            return id;
        }
        let uniform = tile.uniform_value().map(|value| (tile.kind(), value));
        if let Some(id) = uniform.and_then(|key| self.uniform.get(&key)) {
            let id = *id;
            if self.tile(id).is_none() {
                self.put(id, tile.clone());
            }
            return id;
        }
        let id = self.add(tile.kind(), None);
        if let Some(key) = uniform {
            self.uniform.insert(key, id);
        }
        self.put(id, tile.clone());
        id
    }

    /// Counts one more version, which may be in the file only.
    pub fn add(&mut self, kind: TileKind, place: Option<Place>) -> VersionId {
        self.all.push(Version {
            kind,
            tile: None,
            place,
            n_uses: 0,
            is_resting: false,
        });
        VersionId(self.all.len() as u32 - 1)
    }

    fn put(&mut self, id: VersionId, tile: AnyTile) {
        self.by_address.insert(tile.address(), id);
        self.all[id.0 as usize].tile = Some(tile);
    }

    /// The new ones after the first `n_known`, with their tiles.
    pub fn since(&self, n_known: usize) -> Vec<(VersionId, AnyTile)> {
        let new = self.all.iter().enumerate().skip(n_known);
        let id = |i: usize| VersionId(i as u32);
        new.filter_map(|(i, version)| Some((id(i), version.tile.clone()?)))
            .collect()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn kind(&self, id: VersionId) -> Option<TileKind> {
        self.all.get(id.0 as usize).map(|version| version.kind)
    }

    /// `None` where it has to be loaded first.
    pub fn tile(&self, id: VersionId) -> Option<&AnyTile> {
        self.all[id.0 as usize].tile.as_ref()
    }

    pub fn place(&self, id: VersionId) -> Option<Place> {
        self.all[id.0 as usize].place
    }

    /// It is in the file now, so that memory need not hold it.
    pub fn set_place(&mut self, id: VersionId, place: Place) {
        if let Some(version) = self.all.get_mut(id.0 as usize) {
            version.place = Some(place);
        }
    }

    /// A tile of the content shows another version now.
    pub fn exchange(&mut self, old: Option<VersionId>, new: Option<VersionId>) {
        if let Some(new) = new {
            self.all[new.0 as usize].n_uses += 1;
        }
        if let Some(old) = old {
            self.all[old.0 as usize].n_uses -= 1;
            self.rest(old);
        }
    }

    /// Counts a tile that is not shown as one to be forgotten, sooner or later.
    fn rest(&mut self, id: VersionId) {
        let version = &mut self.all[id.0 as usize];
        if version.n_uses == 0 && !version.is_resting {
            version.is_resting = true;
            self.resting_bytes += version.kind.n_bytes();
            self.resting.push_back(id);
        }
    }

    /// Drops tiles from memory that are in the file and were not shown for longest, down to the budget.
    pub fn forget(&mut self) {
        self.forget_down_to(KEPT_BYTES);
    }

    /// The tiles that memory let go of, until the caller does too.
    fn forget_down_to(&mut self, n_bytes: usize) -> Vec<AnyTile> {
        let mut dropped = Vec::new();
        while self.resting_bytes > n_bytes
            && let Some(id) = self.resting.front().copied()
        {
            let version = &mut self.all[id.0 as usize];
            if version.n_uses == 0 {
                if version.place.is_none() {
                    // Those behind it were hardly written either.
                    break;
                }
                if let Some(tile) = version.tile.take() {
                    self.by_address.remove(&tile.address());
                    dropped.push(tile);
                }
            }
            version.is_resting = false;
            self.resting_bytes -= version.kind.n_bytes();
            self.resting.pop_front();
        }
        dropped
    }

    /// Makes room for what is asked for soon, the soonest first, as far as the budget goes. Says what of it has
    /// to be read, and hands over the tiles that memory let go of.
    pub fn prepare(&mut self, soon: impl Iterator<Item = VersionId>) -> (Absent, Vec<AnyTile>) {
        let n_bytes = |id: &VersionId| self.all[id.0 as usize].kind.n_bytes();
        let mut n_left = KEPT_BYTES;
        let mut wanted = HashSet::new();
        for id in soon {
            if wanted.contains(&id) {
                continue;
            }
            let Some(rest) = n_left.checked_sub(n_bytes(&id)) else {
                break;
            };
            n_left = rest;
            wanted.insert(id);
        }
        let absent = self.absent(wanted.iter().copied());
        let n_absent: usize = absent.ids().map(|id| n_bytes(&id)).sum();
        let dropped = self.make_room(&wanted, n_absent);
        (absent, dropped)
    }

    /// Lets go of tiles that are not wanted, so that so many bytes more fit into the budget, and hands them over.
    fn make_room(&mut self, wanted: &HashSet<VersionId>, n_bytes: usize) -> Vec<AnyTile> {
        // Those that are shown again, and are not at rest any more, leave; those asked for soon go last.
        let (mut resting, mut resting_bytes) = (std::mem::take(&mut self.resting), 0);
        resting.retain(|id| {
            let version = &mut self.all[id.0 as usize];
            version.is_resting = version.n_uses == 0;
            resting_bytes += usize::from(version.is_resting) * version.kind.n_bytes();
            version.is_resting
        });
        resting
            .make_contiguous()
            .sort_by_key(|id| wanted.contains(id));
        (self.resting, self.resting_bytes) = (resting, resting_bytes);
        // What is wanted may be more than the budget, and stays.
        let stays = self.resting.iter().filter(|id| wanted.contains(id));
        let stays: usize = stays.map(|id| self.all[id.0 as usize].kind.n_bytes()).sum();
        self.forget_down_to(KEPT_BYTES.saturating_sub(n_bytes).max(stays))
    }

    /// What of these is in the file only.
    fn absent(&self, ids: impl Iterator<Item = VersionId>) -> Absent {
        let mut absent: Vec<_> = ids
            .map(|id| (id, &self.all[id.0 as usize]))
            .filter(|(_, version)| version.tile.is_none())
            .filter_map(|(id, version)| Some((id, (version.place?, version.kind))))
            .collect();
        absent.sort_unstable_by_key(|(id, (place, _))| (place.offset, *id));
        absent.dedup();
        Absent(absent)
    }

    /// Reads from the file what of these is not in memory.
    ///
    /// # Errors
    /// If one cannot be read, or is not what was written.
    pub fn load(
        &mut self,
        ids: impl Iterator<Item = VersionId>,
        file: Option<&JournalFile>,
    ) -> journal::Result<()> {
        let wanted: HashSet<VersionId> = ids.collect();
        let absent = self.absent(wanted.iter().copied());
        if !absent.is_empty() {
            let file = file.expect("what has a place in a file has a file");
            let n_bytes: usize = absent.0.iter().map(|(_, (_, kind))| kind.n_bytes()).sum();
            check_memory(file, n_bytes as u64)?;
            // What goes anyway goes before others come: both together would be a mask more.
            let spare = self.make_room(&wanted, n_bytes);
            let tiles = absent.read(file, spare)?;
            self.take_in(absent.ids().zip(tiles));
        }
        Ok(())
    }

    /// Tiles that were read from the file.
    pub fn take_in(&mut self, read: impl IntoIterator<Item = (VersionId, AnyTile)>) {
        for (id, tile) in read {
            if self.tile(id).is_some() {
                // Shown again meanwhile, from another tile of the same pixels.
                continue;
            }
            if let Some(value) = tile.uniform_value() {
                self.uniform.entry((tile.kind(), value)).or_insert(id);
            }
            self.put(id, tile);
            self.rest(id);
        }
    }
}
