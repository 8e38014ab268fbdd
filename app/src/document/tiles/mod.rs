//! A plane of pixels without edges, in tiles that exist only where something was written.
//!
//! Tiles are shared until one side writes: a clone is a snapshot that costs a few bytes a tile, and what a
//! gesture has changed is where two snapshots no longer share.

mod tile;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use limn_engine::PixelRect;

use tile::TILE_PIXELS;
pub use tile::{AnyTile, Pixel, TILE_SIDE, Tile, TileIndex, TileKind};

#[derive(Debug, Clone)]
pub struct Tiles<P> {
    tiles: HashMap<TileIndex, Tile<P>>,
    revision: u64,
}

/// What the next change of any plane is counted as; 0 is the empty plane.
static NEXT_REVISION: AtomicU64 = AtomicU64::new(1);

/// A tile before and after a change; `None` where there is none.
#[derive(Debug, Clone)]
pub struct TileChange<P> {
    pub index: TileIndex,
    pub before: Option<Tile<P>>,
    pub after: Option<Tile<P>>,
}

impl<P> Default for Tiles<P> {
    fn default() -> Self {
        Self {
            tiles: HashMap::new(),
            revision: 0,
        }
    }
}

/// Planes are equal when their tiles are, pixel by pixel.
impl<P: PartialEq> PartialEq for Tiles<P> {
    fn eq(&self, other: &Self) -> bool {
        self.revision == other.revision || self.tiles == other.tiles
    }
}

impl<P: Pixel> Tiles<P> {
    /// `value` in all of `rect`. Tiles that lie inside are one in memory.
    pub fn filled(rect: PixelRect, value: P) -> Self {
        let mut plane = Self::default();
        let inside: Tile<P> = vec![value; TILE_PIXELS].into();
        for index in TileIndex::covering(rect) {
            if rect.contains_rect(&index.rect()) {
                plane.set_tile(index, Some(Arc::clone(&inside)));
            } else {
                let part = rect.intersect(&index.rect());
                plane.change_rows(part, |_, _, row| row.fill(value));
            }
        }
        plane
    }

    pub fn is_empty(&self) -> bool {
        self.tiles.is_empty()
    }

    pub fn n_tiles(&self) -> usize {
        self.tiles.len()
    }

    /// Another number after every change: planes of one revision hold the same pixels.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    fn touch(&mut self) {
        self.revision = NEXT_REVISION.fetch_add(1, Ordering::Relaxed);
    }

    pub fn tile(&self, index: TileIndex) -> Option<&Tile<P>> {
        self.tiles.get(&index)
    }

    pub fn iter(&self) -> impl Iterator<Item = (TileIndex, &Tile<P>)> {
        self.tiles.iter().map(|(index, tile)| (*index, tile))
    }

    /// Puts a whole tile in, or takes it out.
    pub fn set_tile(&mut self, index: TileIndex, tile: Option<Tile<P>>) {
        self.touch();
        match tile {
            Some(tile) => {
                debug_assert_eq!(tile.len(), TILE_PIXELS);
                self.tiles.insert(index, tile);
            }
            None => {
                self.tiles.remove(&index);
            }
        }
    }

    pub fn pixel(&self, x: i32, y: i32) -> P {
        let index = TileIndex::of_pixel(x, y);
        self.tile(index).map_or_else(P::default, |tile| {
            let rect = index.rect();
            tile[((y - rect.y) as u32 * TILE_SIDE + (x - rect.x) as u32) as usize]
        })
    }

    /// A tile to write to, row by row: made where there is none, copied where a snapshot shares it.
    pub fn tile_mut(&mut self, index: TileIndex) -> &mut [P] {
        self.touch();
        let tile = self.tiles.entry(index).or_insert_with(P::blank_tile);
        Arc::make_mut(tile)
    }

    /// Takes a tile out to work on it beside others; [`Self::put_back`] ends that. No change by itself.
    pub(crate) fn take_out(&mut self, index: TileIndex) -> Option<Tile<P>> {
        self.tiles.remove(&index)
    }

    /// Puts tiles back that were taken out; `are_changed` if one of them is another now.
    pub(crate) fn put_back(
        &mut self,
        tiles: impl IntoIterator<Item = (TileIndex, Option<Tile<P>>)>,
        are_changed: bool,
    ) {
        if are_changed {
            self.touch();
        }
        let tiles = tiles.into_iter();
        self.tiles
            .extend(tiles.filter_map(|(index, tile)| Some((index, tile?))));
    }

    /// Calls `change` with every row of `rect`, in parts that lie in one tile: the part's first pixel and
    /// the pixels to write.
    pub fn change_rows(&mut self, rect: PixelRect, mut change: impl FnMut(i32, i32, &mut [P])) {
        for index in TileIndex::covering(rect) {
            let tile_rect = index.rect();
            let part = tile_rect.intersect(&rect);
            let tile = self.tile_mut(index);
            for y in part.y..part.bottom() {
                let start = ((y - tile_rect.y) as u32 * TILE_SIDE) as usize
                    + (part.x - tile_rect.x) as usize;
                change(part.x, y, &mut tile[start..start + part.width as usize]);
            }
        }
    }

    /// The pixels of `rect`, row by row.
    pub fn read(&self, rect: PixelRect) -> Vec<P> {
        let mut pixels = vec![P::default(); rect.n_pixels() as usize];
        for index in TileIndex::covering(rect) {
            let Some(tile) = self.tile(index) else {
                continue;
            };
            let tile_rect = index.rect();
            let part = tile_rect.intersect(&rect);
            let n = part.width as usize;
            for y in part.y..part.bottom() {
                let from = ((y - tile_rect.y) as u32 * TILE_SIDE) as usize
                    + (part.x - tile_rect.x) as usize;
                let to = (y - rect.y) as usize * rect.width as usize + (part.x - rect.x) as usize;
                pixels[to..to + n].copy_from_slice(&tile[from..from + n]);
            }
        }
        pixels
    }

    /// Whether anything stands in `rect`.
    pub fn has_any(&self, rect: PixelRect) -> bool {
        TileIndex::covering(rect).any(|index| {
            self.tile(index).is_some_and(|tile| {
                let part = index.rect().intersect(&rect);
                (part.y..part.bottom()).any(|y| {
                    let start = ((y - index.rect().y) as u32 * TILE_SIDE) as usize
                        + (part.x - index.rect().x) as usize;
                    let row = &tile[start..start + part.width as usize];
                    row.iter().any(|pixel| *pixel != P::default())
                })
            })
        })
    }

    /// Writes `pixels`, row by row, into `rect`.
    ///
    /// # Panics
    /// When there are fewer pixels than `rect` has.
    pub fn write(&mut self, rect: PixelRect, pixels: &[P]) {
        self.change_rows(rect, |x, y, row| {
            let from = (y - rect.y) as usize * rect.width as usize + (x - rect.x) as usize;
            row.copy_from_slice(&pixels[from..from + row.len()]);
        });
    }

    /// Drops tiles in which nothing stands.
    pub fn prune(&mut self) {
        self.touch();
        self.tiles
            .retain(|_, tile| tile.iter().any(|pixel| *pixel != P::default()));
    }

    /// Drops what was written since `before` without changing anything: tiles that hold what they held, and
    /// new ones in which nothing stands. New tiles of one value become one tile.
    pub fn settle(&mut self, before: &Self) {
        let mut uniform: HashMap<[u8; 4], Tile<P>> = HashMap::new();
        for TileChange {
            index,
            before,
            after,
        } in self.changes_since(before)
        {
            let Some(tile) = &after else { continue };
            if after == before {
                self.set_tile(index, before);
            } else if let Some(value) = P::any_tile(tile.clone()).uniform_value() {
                if tile[0] == P::default() {
                    self.set_tile(index, None);
                    continue;
                }
                let known = uniform.entry(value).or_insert_with(|| Arc::clone(tile));
                if !Arc::ptr_eq(known, tile) {
                    let known = Arc::clone(known);
                    self.set_tile(index, Some(known));
                }
            }
        }
    }

    /// The smallest rectangle that holds every pixel for which `counts` is true; empty where none is.
    pub fn bounds(&self, counts: impl Fn(P) -> bool) -> PixelRect {
        let mut bounds = PixelRect::default();
        for (index, tile) in self.iter() {
            let rect = index.rect();
            if bounds.contains_rect(&rect) {
                continue;
            }
            for (row, pixels) in tile.chunks_exact(TILE_SIDE as usize).enumerate() {
                let Some(first) = pixels.iter().position(|pixel| counts(*pixel)) else {
                    continue;
                };
                let last = pixels
                    .iter()
                    .rposition(|pixel| counts(*pixel))
                    .unwrap_or(first);
                let span = PixelRect::new(
                    rect.x + first as i32,
                    rect.y + row as i32,
                    (last - first + 1) as u32,
                    1,
                );
                bounds = bounds.union(&span);
            }
        }
        bounds
    }

    /// What has changed from `before` to here, in no order.
    pub fn changes_since(&self, before: &Self) -> Vec<TileChange<P>> {
        let is_same = |a: Option<&Tile<P>>, b: Option<&Tile<P>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        let indices = self
            .tiles
            .keys()
            .chain(before.tiles.keys().filter(|i| !self.tiles.contains_key(i)));
        indices
            .filter(|index| !is_same(self.tile(**index), before.tile(**index)))
            .map(|index| TileChange {
                index: *index,
                before: before.tile(*index).cloned(),
                after: self.tile(*index).cloned(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
