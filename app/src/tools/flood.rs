//! The wand: every pixel whose colour is near the clicked one.
//!
//! The picture is looked at tile by tile as the search gets there; what is kept of a tile is one byte a pixel,
//! which is what the mask that comes of it takes.

use limn_engine::PixelRect;

use super::mask_work::{Stop, Stopped};
use super::settings::Wand;
use crate::document::Content;
use crate::document::tiles::{TILE_SIDE, TileIndex, Tiles};

const SIDE: i32 = TILE_SIDE as i32;
const TILE_PIXELS: usize = (TILE_SIDE * TILE_SIDE) as usize;

/// Not near the colour, or outside of the frame.
const OTHER: u8 = 0;
/// Near the colour, not reached yet.
const NEAR: u8 = 1;
/// Found. It is what a mask says where everything may change.
const FOUND: u8 = u8::MAX;

/// A mask of all pixels of the frame that look like the one at `(x, y)`: no channel is farther from it than the
/// wand's tolerance. With `is_contiguous` only what hangs together with the pixel by its sides.
///
/// # Errors
/// [`Stopped`]
pub fn flood(
    content: &Content,
    (x, y): (i32, i32),
    wand: Wand,
    stop: &Stop,
) -> Result<Tiles<u8>, Stopped> {
    if !content.frame.contains(x, y) {
        return Ok(Tiles::default());
    }
    let index = TileIndex::of_pixel(x, y);
    let offset = (y.rem_euclid(SIDE) * SIDE + x.rem_euclid(SIDE)) as usize;
    let seen = content.composite_tile(index);
    let colour = seen.map_or([0; 4], |tile| tile[offset]);
    let mut search = Search::new(content, colour, wand.tolerance);
    if wand.is_contiguous {
        search.spread_from(x, y, stop)?;
    } else {
        search.find_all(stop)?;
    }
    stop.check()?;
    Ok(search.into_mask())
}

/// How far apart two colours are in their farthest channel, as they look: without cover, colour is nothing.
fn difference(a: [u8; 4], b: [u8; 4]) -> u8 {
    let (a, b) = (premultiplied(a), premultiplied(b));
    let apart = |i: usize| a[i].abs_diff(b[i]);
    apart(0).max(apart(1)).max(apart(2)).max(apart(3))
}

fn premultiplied([red, green, blue, alpha]: [u8; 4]) -> [u8; 4] {
    if alpha == u8::MAX {
        return [red, green, blue, alpha];
    }
    let scale = |value| super::blend::scaled(value, alpha);
    [scale(red), scale(green), scale(blue), alpha]
}

struct Search<'a> {
    content: &'a Content,
    frame: PixelRect,
    colour: [u8; 4],
    tolerance: u8,
    first: TileIndex,
    n_columns: i32,
    tiles: Vec<Option<Box<[u8]>>>,
}

impl<'a> Search<'a> {
    fn new(content: &'a Content, colour: [u8; 4], tolerance: u8) -> Self {
        let frame = content.frame;
        let first = TileIndex::of_pixel(frame.x, frame.y);
        let last = TileIndex::of_pixel(frame.right() - 1, frame.bottom() - 1);
        let n_columns = last.column - first.column + 1;
        let n_rows = last.row - first.row + 1;
        Self {
            content,
            frame,
            colour,
            tolerance,
            first,
            n_columns,
            tiles: vec![None; (n_columns * n_rows) as usize],
        }
    }

    fn find_all(&mut self, stop: &Stop) -> Result<(), Stopped> {
        for index in TileIndex::covering(self.frame) {
            stop.check()?;
            for pixel in self.tile(index) {
                *pixel = if *pixel == NEAR { FOUND } else { OTHER };
            }
        }
        Ok(())
    }

    /// Run by run: a whole stretch of a row is found at once, and looks for more above and below.
    fn spread_from(&mut self, x: i32, y: i32, stop: &Stop) -> Result<(), Stopped> {
        let mut seeds = vec![(x, y)];
        while let Some((x, y)) = seeds.pop() {
            stop.check()?;
            if self.pixel(x, y) != NEAR {
                continue;
            }
            let first = self.run_start(x, y);
            let end = self.run_end(x, y);
            self.each_part(first, end, y, |_, part| part.fill(FOUND));
            for y in [y - 1, y + 1] {
                if y >= self.frame.y && y < self.frame.bottom() {
                    self.add_seeds(first, end, y, &mut seeds);
                }
            }
        }
        Ok(())
    }

    /// One seed for each run of near pixels that touches the stretch.
    fn add_seeds(&mut self, first: i32, end: i32, y: i32, seeds: &mut Vec<(i32, i32)>) {
        let mut goes_on = false;
        self.each_part(first, end, y, |x, part| {
            let mut at = 0;
            while at < part.len() {
                if goes_on {
                    match first_other_than(&part[at..], NEAR) {
                        Some(n) => at += n,
                        None => return,
                    }
                    goes_on = false;
                }
                match first_of(&part[at..], NEAR) {
                    Some(n) => at += n,
                    None => return,
                }
                seeds.push((x + at as i32, y));
                goes_on = true;
            }
        });
    }

    fn run_end(&mut self, x: i32, y: i32) -> i32 {
        let mut end = x;
        while end < self.frame.right() {
            let stop = ((end.div_euclid(SIDE) + 1) * SIDE).min(self.frame.right());
            let part = self.row(end, stop, y);
            if let Some(n) = first_other_than(part, NEAR) {
                return end + n as i32;
            }
            end = stop;
        }
        end
    }

    fn run_start(&mut self, x: i32, y: i32) -> i32 {
        let mut first = x + 1;
        while first > self.frame.x {
            let stop = ((first - 1).div_euclid(SIDE) * SIDE).max(self.frame.x);
            let part = self.row(stop, first, y);
            if let Some(n) = part.iter().rposition(|pixel| *pixel != NEAR) {
                return stop + n as i32 + 1;
            }
            first = stop;
        }
        first
    }

    fn each_part(&mut self, first: i32, end: i32, y: i32, mut each: impl FnMut(i32, &mut [u8])) {
        let mut x = first;
        while x < end {
            let stop = ((x.div_euclid(SIDE) + 1) * SIDE).min(end);
            each(x, self.row(x, stop, y));
            x = stop;
        }
    }

    fn pixel(&mut self, x: i32, y: i32) -> u8 {
        self.row(x, x + 1, y)[0]
    }

    /// Part of a row that lies in one tile.
    fn row(&mut self, first: i32, end: i32, y: i32) -> &mut [u8] {
        let start = (y.rem_euclid(SIDE) * SIDE + first.rem_euclid(SIDE)) as usize;
        let tile = self.tile(TileIndex::of_pixel(first, y));
        &mut tile[start..start + (end - first) as usize]
    }

    fn tile(&mut self, index: TileIndex) -> &mut [u8] {
        let at = (index.row - self.first.row) * self.n_columns + index.column - self.first.column;
        let (frame, colour, tolerance) = (self.frame, self.colour, self.tolerance);
        let content = self.content;
        self.tiles[at as usize].get_or_insert_with(|| {
            let is_near = |pixel| difference(pixel, colour) <= tolerance;
            let part = index.rect().intersect(&frame);
            let mut near = vec![OTHER; TILE_PIXELS].into_boxed_slice();
            let composite = content.composite_tile(index);
            for y in part.y..part.bottom() {
                let start = ((y - index.rect().y) * SIDE + part.x - index.rect().x) as usize;
                let row = start..start + part.width as usize;
                match &composite {
                    Some(tile) => {
                        for (near, pixel) in near[row.clone()].iter_mut().zip(&tile[row]) {
                            *near = u8::from(is_near(*pixel));
                        }
                    }
                    None => near[row].fill(u8::from(is_near([0; 4]))),
                }
            }
            near
        })
    }

    fn into_mask(self) -> Tiles<u8> {
        let mut mask = Tiles::default();
        for (i, tile) in self.tiles.into_iter().enumerate() {
            let Some(mut tile) = tile.filter(|tile| tile.contains(&FOUND)) else {
                continue;
            };
            for pixel in &mut tile {
                *pixel &= if *pixel == FOUND { FOUND } else { OTHER };
            }
            let index = TileIndex {
                column: self.first.column + i as i32 % self.n_columns,
                row: self.first.row + i as i32 / self.n_columns,
            };
            mask.set_tile(index, Some(tile.into()));
        }
        mask
    }
}

/// By stretches first: most rows are long runs of one value.
const STRETCH: usize = 32;

fn first_of(pixels: &[u8], value: u8) -> Option<usize> {
    let skipped = pixels
        .chunks(STRETCH)
        .position(|part| part.contains(&value))?
        * STRETCH;
    let rest = pixels[skipped..].iter().position(|pixel| *pixel == value)?;
    Some(skipped + rest)
}

fn first_other_than(pixels: &[u8], value: u8) -> Option<usize> {
    let same = [value; STRETCH];
    let is_other = |part: &[u8]| part != &same[..part.len()];
    let skipped = pixels.chunks(STRETCH).position(is_other)? * STRETCH;
    let rest = pixels[skipped..].iter().position(|pixel| *pixel != value)?;
    Some(skipped + rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Layer, LayerKind};

    const FRAME: PixelRect = PixelRect::new(-10, -10, 600, 300);

    fn content_of(frame: PixelRect, pixels: Tiles<[u8; 4]>) -> Content {
        let mut content = Content::default();
        content.frame = frame;
        content.add_layer(Layer::new("Picture", LayerKind::Sketch { pixels }));
        content
    }

    /// Two grey fields of value 100 and 110, parted by a white wall with a gap in its second row; the rest is
    /// transparent.
    fn picture() -> Tiles<[u8; 4]> {
        let mut picture = Tiles::default();
        picture.change_rows(PixelRect::new(0, 0, 500, 280), |x, y, row| {
            for (i, pixel) in row.iter_mut().enumerate() {
                let value = match x + i as i32 {
                    250 if y != 1 => 255,
                    ..=250 => 100,
                    _ => 110,
                };
                *pixel = [value, value, value, 255];
            }
        });
        picture
    }

    fn found(at: (i32, i32), tolerance: u8, is_contiguous: bool) -> (u64, Tiles<u8>) {
        let wand = Wand {
            tolerance,
            is_contiguous,
        };
        let content = content_of(FRAME, picture());
        let mask = flood(&content, at, wand, &Stop::default()).expect("nobody stops it");
        let pixels = mask.read(FRAME);
        assert!(pixels.iter().all(|value| matches!(value, 0 | 255)));
        (
            pixels.iter().filter(|value| **value > 0).count() as u64,
            mask,
        )
    }

    #[test]
    fn what_is_found_by_tolerance() {
        let left = 250 * 280 + 1;
        let right = 249 * 280;
        let wall = 279;
        let outside = FRAME.n_pixels() - 500 * 280;
        for (at, tolerance, is_contiguous, expected) in [
            ((5, 5), 0, true, left),
            ((5, 5), 9, true, left),
            ((5, 5), 10, true, left + right),
            ((5, 5), 154, true, left + right),
            ((5, 5), 155, true, left + right + wall),
            ((499, 279), 0, true, right),
            ((499, 279), 9, false, right),
            ((250, 0), 0, true, 1),
            ((250, 0), 0, false, wall),
            ((-10, -10), 0, true, outside),
            ((5, 5), 255, true, FRAME.n_pixels()),
        ] {
            let (n, _) = found(at, tolerance, is_contiguous);
            assert_eq!(n, expected, "{at:?} {tolerance} {is_contiguous}");
        }
    }

    #[test]
    fn outside_of_the_frame_there_is_nothing() {
        for at in [(-11, 0), (590, 0), (0, 290)] {
            assert!(found(at, 255, false).1.is_empty(), "{at:?}");
        }
    }

    /// A snake through one-pixel corridors: every run leads to exactly one other.
    #[test]
    fn winding_ways_are_followed_to_their_end() {
        let mut snake = Tiles::<[u8; 4]>::default();
        let frame = PixelRect::from_size(520, 521);
        snake.change_rows(frame, |x, y, row| {
            for (i, pixel) in row.iter_mut().enumerate() {
                let end = if y % 4 == 1 { 519 } else { 0 };
                let is_way = y % 2 == 0 || x + i as i32 == end;
                *pixel = [0, 0, 0, if is_way { 255 } else { 0 }];
            }
        });
        let wand = Wand {
            tolerance: 0,
            is_contiguous: true,
        };
        let content = content_of(frame, snake);
        let mask = flood(&content, (0, 0), wand, &Stop::default()).expect("nobody stops it");
        let n = mask.read(frame).iter().filter(|value| **value > 0).count();
        assert_eq!(n, 261 * 520 + 260);
    }
}
