//! A plane of pixels without edges, in tiles that exist only where something was written.
//!
//! Tiles are shared until one side writes: a clone is a snapshot that costs a few bytes a tile, and what a
//! gesture has changed is where two snapshots no longer share.

use std::collections::HashMap;
use std::iter::repeat_n;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use limn_engine::PixelRect;
use serde::{Deserialize, Serialize};

/// Tiles are squares of this many pixels.
pub const TILE_SIDE: u32 = 256;
const TILE_PIXELS: usize = (TILE_SIDE * TILE_SIDE) as usize;

/// What a plane is made of; the default is what stands where nothing was written.
pub trait Pixel: Copy + Default + PartialEq + Send + Sync + 'static {
    fn any_tile(tile: Tile<Self>) -> AnyTile;
    /// The tile if it is of this kind.
    fn of_any_tile(tile: AnyTile) -> Option<Tile<Self>>;
}

/// How much a mask covers, from 0 to 255.
impl Pixel for u8 {
    fn any_tile(tile: Tile<Self>) -> AnyTile {
        AnyTile::Mask(tile)
    }

    fn of_any_tile(tile: AnyTile) -> Option<Tile<Self>> {
        match tile {
            AnyTile::Mask(tile) => Some(tile),
            AnyTile::Colour(_) => None,
        }
    }
}

/// Red, green, blue and straight alpha, in sRGB.
impl Pixel for [u8; 4] {
    fn any_tile(tile: Tile<Self>) -> AnyTile {
        AnyTile::Colour(tile)
    }

    fn of_any_tile(tile: AnyTile) -> Option<Tile<Self>> {
        match tile {
            AnyTile::Colour(tile) => Some(tile),
            AnyTile::Mask(_) => None,
        }
    }
}

/// Column and row of a tile: `(0, 0)` has the pixel `(0, 0)` in its top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TileIndex {
    pub column: i32,
    pub row: i32,
}

impl TileIndex {
    pub const fn of_pixel(x: i32, y: i32) -> Self {
        Self {
            column: x.div_euclid(TILE_SIDE as i32),
            row: y.div_euclid(TILE_SIDE as i32),
        }
    }

    pub const fn rect(self) -> PixelRect {
        let side = TILE_SIDE as i32;
        PixelRect::new(self.column * side, self.row * side, TILE_SIDE, TILE_SIDE)
    }

    /// The tiles that `rect` touches, row by row.
    pub fn covering(rect: PixelRect) -> impl Iterator<Item = Self> {
        let first = Self::of_pixel(rect.x, rect.y);
        let last = Self::of_pixel(rect.right() - 1, rect.bottom() - 1);
        let rows = if rect.is_empty() {
            0..0
        } else {
            first.row..last.row + 1
        };
        rows.flat_map(move |row| {
            (first.column..=last.column).map(move |column| Self { column, row })
        })
    }
}

/// A tile's pixels, row by row.
pub type Tile<P> = Arc<[P]>;

/// A tile of a mask or of colours.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyTile {
    Mask(Tile<u8>),
    Colour(Tile<[u8; 4]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TileKind {
    Mask,
    Colour,
}

impl TileKind {
    pub const fn n_bytes(self) -> usize {
        match self {
            Self::Mask => TILE_PIXELS,
            Self::Colour => TILE_PIXELS * 4,
        }
    }
}

impl AnyTile {
    pub const fn kind(&self) -> TileKind {
        match self {
            Self::Mask(_) => TileKind::Mask,
            Self::Colour(_) => TileKind::Colour,
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Mask(tile) => tile,
            Self::Colour(tile) => tile.as_flattened(),
        }
    }

    /// A tile in which nothing stands.
    pub fn blank(kind: TileKind) -> Self {
        match kind {
            TileKind::Mask => Self::Mask(repeat_n(0, TILE_PIXELS).collect()),
            TileKind::Colour => Self::Colour(repeat_n([0; 4], TILE_PIXELS).collect()),
        }
    }

    /// Copied first where a snapshot shares it.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Mask(tile) => Tile::make_mut(tile),
            Self::Colour(tile) => Tile::make_mut(tile).as_flattened_mut(),
        }
    }

    /// The value that all pixels have, if they have one.
    pub fn uniform_value(&self) -> Option<[u8; 4]> {
        // Compared with itself one pixel on, which runs at the speed of memory.
        let (bytes, step) = match self {
            Self::Mask(tile) => (&tile[..], 1),
            Self::Colour(tile) => (tile.as_flattened(), 4),
        };
        let mut value = [0; 4];
        value[..step].copy_from_slice(&bytes[..step]);
        (bytes[step..] == bytes[..bytes.len() - step]).then_some(value)
    }

    /// Tells tiles in memory apart: two of one address are one.
    pub fn address(&self) -> usize {
        self.bytes().as_ptr().addr()
    }
}

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
        let tile = self
            .tiles
            .entry(index)
            .or_insert_with(|| vec![P::default(); TILE_PIXELS].into());
        Arc::make_mut(tile)
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
    /// new ones in which nothing stands.
    pub fn settle(&mut self, before: &Self) {
        for change in self.changes_since(before) {
            let is_blank = |tile: &Tile<P>| {
                let value = P::any_tile(tile.clone()).uniform_value();
                value.is_some() && tile[0] == P::default()
            };
            if change.after == change.before {
                self.set_tile(change.index, change.before);
            } else if change.after.as_ref().is_some_and(is_blank) {
                self.set_tile(change.index, None);
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
mod tests {
    use super::*;

    #[test]
    fn what_is_written_across_tiles_is_read_back() {
        let mut plane = Tiles::<u8>::default();
        let rect = PixelRect::new(-3, 250, 300, 10);
        let pixels: Vec<u8> = (0..3000_u32).map(|i| (i % 251) as u8).collect();
        plane.write(rect, &pixels);
        assert_eq!(plane.n_tiles(), 6);
        assert_eq!(plane.read(rect), pixels);
        assert_eq!(plane.pixel(-3, 250), 0);
        assert_eq!(plane.pixel(-2, 250), 1);
        assert_eq!(plane.pixel(296, 259), pixels[2999]);
        assert_eq!(plane.pixel(5000, 5000), 0);
    }

    #[test]
    fn a_snapshot_stays_as_it_was_and_tells_what_changed() {
        let mut plane = Tiles::<[u8; 4]>::default();
        plane.write(PixelRect::new(0, 0, 300, 1), &[[9, 9, 9, 255]; 300]);
        let before = plane.clone();
        assert!(plane.changes_since(&before).is_empty());
        plane.write(PixelRect::new(256, 0, 1, 1), &[[1, 2, 3, 4]]);
        plane.write(PixelRect::new(0, 600, 1, 1), &[[1, 2, 3, 4]]);
        let mut changes = plane.changes_since(&before);
        changes.sort_by_key(|change| change.index);
        let indices: Vec<_> = changes
            .iter()
            .map(|change| (change.index.column, change.index.row))
            .collect();
        assert_eq!(indices, [(0, 2), (1, 0)]);
        assert!(changes[0].before.is_none());
        assert_eq!(before.pixel(256, 0), [9, 9, 9, 255]);
    }

    #[test]
    fn bounds_hold_what_counts_and_empty_tiles_go() {
        let mut plane = Tiles::<u8>::default();
        assert!(plane.bounds(|value| value > 0).is_empty());
        plane.write(PixelRect::new(-10, 5, 1, 1), &[200]);
        plane.write(PixelRect::new(400, 300, 1, 1), &[3]);
        assert_eq!(
            plane.bounds(|value| value > 0),
            PixelRect::new(-10, 5, 411, 296)
        );
        assert_eq!(
            plane.bounds(|value| value > 127),
            PixelRect::new(-10, 5, 1, 1)
        );
        plane.write(PixelRect::new(400, 300, 1, 1), &[0]);
        plane.prune();
        assert_eq!(plane.n_tiles(), 1);
    }
}
