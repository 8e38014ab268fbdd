//! One tile of a stroke.

use limn_engine::PixelRect;

use super::sweep::Sweep;
use crate::document::tiles::{Pixel, TILE_SIDE, Tile, TileIndex};

/// A tile of the plane and of the stroke's cover, taken out to be worked on.
pub struct TileOfStroke<P> {
    pub index: TileIndex,
    pub cover: Option<Tile<u8>>,
    pub pixels: Option<Tile<P>>,
    pub is_touched: bool,
}

impl<P: Pixel> TileOfStroke<P> {
    /// Raises the cover of `part`, whose rows' columns begin `columns`, and paints where it grew.
    pub fn lay(
        &mut self,
        sweep: &Sweep,
        part: PixelRect,
        columns: &[[(i32, i32); 2]],
        before: Option<&Tile<P>>,
        paint: &impl Fn(P, u8) -> P,
    ) {
        let Some(raised) = self.raise(sweep, part, columns) else {
            return;
        };
        self.is_touched = true;
        let Some(cover) = &self.cover else { return };
        let pixels = Tile::make_mut(self.pixels.get_or_insert_with(Pixel::blank_tile));
        for (row, (first, end)) in raised.rows() {
            let start = row * TILE_SIDE as usize;
            let span = start + first..start + end;
            let painted = pixels[span.clone()].iter_mut();
            match before {
                Some(before) => {
                    let before = &before[span.clone()];
                    for ((pixel, was), cover) in painted.zip(before).zip(&cover[span]) {
                        *pixel = paint(*was, *cover);
                    }
                }
                None => {
                    for (pixel, cover) in painted.zip(&cover[span]) {
                        *pixel = paint(P::default(), *cover);
                    }
                }
            }
        }
    }

    /// Says where the cover grew.
    fn raise(
        &mut self,
        sweep: &Sweep,
        part: PixelRect,
        columns: &[[(i32, i32); 2]],
    ) -> Option<Raised> {
        let rows = (part.y..part.bottom()).zip(columns);
        let mut spans = rows
            .flat_map(|(y, spans)| spans.iter().map(move |span| (y, span)))
            .map(|(y, (first, end))| (y, (*first).max(part.x), (*end).min(part.right())))
            .filter(|(_, first, end)| first < end)
            .peekable();
        spans.peek()?;
        let mut raised = Raised::default();
        let mut row = [0; TILE_SIDE as usize];
        let tile_rect = self.index.rect();
        let tile = Tile::make_mut(self.cover.get_or_insert_with(Pixel::blank_tile));
        for (y, first, end) in spans {
            let row = &mut row[..(end - first) as usize];
            sweep.cover(first, y, row);
            let (tile_row, column) = ((y - tile_rect.y) as usize, (first - tile_rect.x) as usize);
            let start = tile_row * TILE_SIDE as usize + column;
            if let Some((low, high)) = raise_row(&mut tile[start..start + row.len()], row) {
                raised.add(tile_row, column + low, column + high);
            }
        }
        raised.is_any.then_some(raised)
    }
}

/// The greater of both, and from where to where it grew.
fn raise_row(cover: &mut [u8], new: &[u8]) -> Option<(usize, usize)> {
    let first = cover.iter().zip(new).position(|(old, new)| new > old)?;
    let last = cover.iter().zip(new).rposition(|(old, new)| new > old)?;
    for (old, new) in cover[first..=last].iter_mut().zip(&new[first..=last]) {
        *old = (*old).max(*new);
    }
    Some((first, last + 1))
}

/// For every row of a tile, from where to where something changed.
struct Raised {
    spans: [(u16, u16); TILE_SIDE as usize],
    is_any: bool,
}

impl Default for Raised {
    fn default() -> Self {
        Self {
            spans: [(u16::MAX, 0); TILE_SIDE as usize],
            is_any: false,
        }
    }
}

impl Raised {
    fn add(&mut self, row: usize, first: usize, end: usize) {
        let span = &mut self.spans[row];
        *span = (span.0.min(first as u16), span.1.max(end as u16));
        self.is_any = true;
    }

    fn rows(&self) -> impl Iterator<Item = (usize, (usize, usize))> {
        let spans = self.spans.iter().enumerate();
        spans
            .filter(|(_, (first, end))| first < end)
            .map(|(row, (first, end))| (row, (usize::from(*first), usize::from(*end))))
    }
}
