//! A plane of tiles at full size, at half, at a quarter and so on, for looking at it from afar.
//!
//! Levels are made when they are asked for and again, a quarter of a tile at a time, where the plane has
//! changed. Level 0 is not kept here: it is read from its source.

use std::collections::HashMap;

use limn_engine::PixelRect;

use crate::document::tiles::{Pixel, TILE_SIDE, Tile, TileIndex};

/// The smallest level is a 32nd: at 2 % zoom it is still sharp.
pub const MAX_LEVEL: u8 = 5;
const HALF: usize = (TILE_SIDE / 2) as usize;

/// A pixel that has a mean.
pub trait Texel: Pixel {
    fn mean(four: [Self; 4]) -> Self;
}

impl Texel for u8 {
    fn mean(four: [Self; 4]) -> Self {
        let sum: u16 = four.iter().map(|value| u16::from(*value)).sum();
        ((sum + 2) / 4) as u8
    }
}

/// With premultiplied alpha, so that what cannot be seen has no say.
impl Texel for [u8; 4] {
    fn mean(four: [Self; 4]) -> Self {
        std::array::from_fn(|channel| u8::mean(four.map(|pixel| pixel[channel])))
    }
}

/// The work was given up because something more urgent came; what was finished of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

/// Where level 0 comes from.
pub type Source<'a, P> = dyn FnMut(TileIndex) -> Result<Option<Tile<P>>, Interrupted> + 'a;

#[derive(Debug)]
pub struct Pyramid<P> {
    /// From level 1 on.
    levels: [HashMap<TileIndex, Level<P>>; MAX_LEVEL as usize],
}

/// A tile of a level: four smaller tiles' worth of means.
#[derive(Debug)]
struct Level<P> {
    /// `None`: nothing stands there.
    pixels: Option<Tile<P>>,
    /// Quarters to make again, row by row.
    stale: [bool; 4],
}

impl<P> Default for Level<P> {
    fn default() -> Self {
        Self {
            pixels: None,
            stale: [true; 4],
        }
    }
}

impl<P> Default for Pyramid<P> {
    fn default() -> Self {
        Self {
            levels: std::array::from_fn(|_| HashMap::new()),
        }
    }
}

/// The tile of `level` that a full-size tile lies in.
pub fn index_at(level: u8, full_size: TileIndex) -> TileIndex {
    TileIndex {
        column: full_size.column >> level,
        row: full_size.row >> level,
    }
}

/// The pixels of `level` that a full-size rectangle touches.
pub fn rect_at(level: u8, full_size: PixelRect) -> PixelRect {
    if full_size.is_empty() {
        return PixelRect::default();
    }
    PixelRect::from_corners(
        full_size.x >> level,
        full_size.y >> level,
        ((full_size.right() - 1) >> level) + 1,
        ((full_size.bottom() - 1) >> level) + 1,
    )
}

impl<P: Texel> Pyramid<P> {
    /// A full-size tile has changed.
    pub fn invalidate(&mut self, full_size: TileIndex) {
        for level in 1..=MAX_LEVEL {
            if let Some(tile) = self.levels[level as usize - 1].get_mut(&index_at(level, full_size))
            {
                tile.stale[quarter(index_at(level - 1, full_size))] = true;
            }
        }
    }

    pub fn tile(
        &mut self,
        level: u8,
        index: TileIndex,
        source: &mut Source<'_, P>,
    ) -> Result<Option<Tile<P>>, Interrupted> {
        if level == 0 {
            return source(index);
        }
        // Taken out while its quarters are made from the level below.
        let mut tile = self.levels[level as usize - 1]
            .remove(&index)
            .unwrap_or_default();
        let made = self.make_quarters(&mut tile, level, index, source);
        let pixels = tile.pixels.clone();
        self.levels[level as usize - 1].insert(index, tile);
        made.map(|()| pixels)
    }

    fn make_quarters(
        &mut self,
        tile: &mut Level<P>,
        level: u8,
        index: TileIndex,
        source: &mut Source<'_, P>,
    ) -> Result<(), Interrupted> {
        for row in 0..2 {
            for column in 0..2 {
                let child = TileIndex {
                    column: index.column * 2 + column,
                    row: index.row * 2 + row,
                };
                if tile.stale[quarter(child)] {
                    let pixels = self.tile(level - 1, child, source)?;
                    write_quarter(&mut tile.pixels, child, pixels.as_deref());
                    tile.stale[quarter(child)] = false;
                }
            }
        }
        Ok(())
    }

    /// The pixels of `rect`, in the level's own, row by row; `None` where nothing stands.
    pub fn read(
        &mut self,
        level: u8,
        rect: PixelRect,
        source: &mut Source<'_, P>,
    ) -> Result<Option<Vec<P>>, Interrupted> {
        let mut pixels: Option<Vec<P>> = None;
        for index in TileIndex::covering(rect) {
            let Some(tile) = self.tile(level, index, source)? else {
                continue;
            };
            let pixels = pixels.get_or_insert_with(|| vec![P::default(); rect.n_pixels() as usize]);
            let tile_rect = index.rect();
            let part = tile_rect.intersect(&rect);
            let n = part.width as usize;
            for y in part.y..part.bottom() {
                let from = (y - tile_rect.y) as usize * TILE_SIDE as usize
                    + (part.x - tile_rect.x) as usize;
                let to = (y - rect.y) as usize * rect.width as usize + (part.x - rect.x) as usize;
                pixels[to..to + n].copy_from_slice(&tile[from..from + n]);
            }
        }
        Ok(pixels)
    }
}

/// Which quarter of its parent a tile is, row by row.
fn quarter(child: TileIndex) -> usize {
    (child.row.rem_euclid(2) * 2 + child.column.rem_euclid(2)) as usize
}

fn write_quarter<P: Texel>(parent: &mut Option<Tile<P>>, child: TileIndex, pixels: Option<&[P]>) {
    if parent.is_none() && pixels.is_none() {
        return;
    }
    let side = TILE_SIDE as usize;
    let parent = parent.get_or_insert_with(P::blank_tile);
    let parent = Tile::make_mut(parent);
    let first =
        child.row.rem_euclid(2) as usize * HALF * side + child.column.rem_euclid(2) as usize * HALF;
    for y in 0..HALF {
        let row = &mut parent[first + y * side..][..HALF];
        let Some(pixels) = pixels else {
            row.fill(P::default());
            continue;
        };
        let upper = &pixels[2 * y * side..][..side];
        let lower = &pixels[(2 * y + 1) * side..][..side];
        let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        for (mean, (upper, lower)) in row.iter_mut().zip(pairs) {
            *mean = P::mean([upper[0], upper[1], lower[0], lower[1]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tiles::Tiles;

    fn tile(column: i32, row: i32) -> TileIndex {
        TileIndex { column, row }
    }

    #[test]
    fn a_level_has_the_mean_of_four_and_nothing_where_nothing_is() {
        let mut plane = Tiles::<u8>::default();
        plane.write(
            PixelRect::new(-2, -2, 4, 2),
            &[10, 20, 30, 40, 50, 60, 70, 80],
        );
        let mut pyramid = Pyramid::default();
        let mut source = |index| Ok(plane.tile(index).cloned());
        let half = pyramid.read(1, PixelRect::new(-1, -1, 2, 2), &mut source);
        assert_eq!(half, Ok(Some(vec![35, 55, 0, 0])));
        let quarter = pyramid.read(2, PixelRect::new(-1, -1, 2, 1), &mut source);
        assert_eq!(quarter, Ok(Some(vec![9, 14])));
        assert_eq!(pyramid.tile(3, tile(4, 4), &mut source), Ok(None));
    }

    #[test]
    fn only_what_has_changed_is_read_again() {
        let mut plane = Tiles::<u8>::default();
        plane.write(PixelRect::from_size(1024, 1024), &vec![100; 1024 * 1024]);
        let mut pyramid = Pyramid::default();
        let n_read = std::cell::Cell::new(0);
        let look = |pyramid: &mut Pyramid<u8>, plane: &Tiles<u8>| {
            n_read.set(0);
            let mut source = |index| {
                n_read.set(n_read.get() + 1);
                Ok(plane.tile(index).cloned())
            };
            let pixels = pyramid.read(2, PixelRect::from_size(256, 256), &mut source);
            pixels.map(|pixels| pixels.map_or(0, |pixels| u64::from(pixels[64 * 256 + 64])))
        };
        assert_eq!(look(&mut pyramid, &plane), Ok(100));
        assert_eq!(n_read.get(), 16);
        assert_eq!(look(&mut pyramid, &plane), Ok(100));
        assert_eq!(n_read.get(), 0);
        plane.write(PixelRect::new(256, 256, 256, 256), &vec![20; 256 * 256]);
        pyramid.invalidate(tile(1, 1));
        assert_eq!(look(&mut pyramid, &plane), Ok(20));
        assert_eq!(n_read.get(), 1);
    }

    #[test]
    fn interrupted_work_goes_on_where_it_was() {
        let mut plane = Tiles::<u8>::default();
        plane.write(PixelRect::from_size(512, 512), &vec![7; 512 * 512]);
        let mut pyramid = Pyramid::default();
        let mut n_rounds = 0;
        let made = loop {
            n_rounds += 1;
            let mut n_left = 1;
            let mut source = |index| {
                n_left -= 1;
                if n_left < 0 {
                    return Err(Interrupted);
                }
                Ok(plane.tile(index).cloned())
            };
            if let Ok(made) = pyramid.tile(1, tile(0, 0), &mut source) {
                break made;
            }
        };
        assert_eq!(n_rounds, 4);
        assert_eq!(made.map(|tile| tile[255 * 256 + 255]), Some(7));
    }

    #[test]
    fn rectangles_shrink_outwards() {
        for (rect, level, expected) in [
            (
                PixelRect::new(0, 0, 1000, 800),
                0,
                PixelRect::new(0, 0, 1000, 800),
            ),
            (
                PixelRect::new(0, 0, 1001, 800),
                1,
                PixelRect::new(0, 0, 501, 400),
            ),
            (PixelRect::new(-3, 5, 4, 1), 2, PixelRect::new(-1, 1, 2, 1)),
            (PixelRect::default(), 3, PixelRect::default()),
        ] {
            assert_eq!(rect_at(level, rect), expected, "{rect:?} {level}");
        }
    }
}
