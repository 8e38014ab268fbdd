//! The pixels of one stroke: what it has covered so far over what was there before.

use std::sync::{Mutex, PoisonError};

use limn_engine::PixelRect;

use super::stroke_tile::TileOfStroke;
use super::sweep::{Nib, Sweep};
use crate::document::tiles::{Pixel, TileIndex, Tiles};

/// A stroke's cover is the greatest of all its dabs, laid over the pixels from before the stroke. So it never
/// builds up where it crosses itself, and only pixels that a new dab covers more than any before are touched.
#[derive(Debug, Clone)]
pub struct Stroke<P> {
    before: Tiles<P>,
    cover: Tiles<u8>,
    /// Nothing is painted outside.
    clip: PixelRect,
    hardness: f32,
    at: Option<Nib>,
}

impl<P: Pixel> Stroke<P> {
    pub fn new(before: Tiles<P>, clip: PixelRect, hardness: f32) -> Self {
        Self {
            before,
            cover: Tiles::default(),
            clip,
            hardness,
            at: None,
        }
    }

    /// Goes on to `nib`; the first one is a dab. `paint` says what a pixel becomes from what it was before
    /// the stroke and how much of it is covered, and with cover 0 leaves it. True where a pixel was touched.
    pub fn go_to(
        &mut self,
        nib: Nib,
        plane: &mut Tiles<P>,
        paint: impl Fn(P, u8) -> P + Sync,
    ) -> bool {
        let (sweep, end) = match self.at.replace(nib) {
            Some(from) => Sweep::between(from, nib, self.hardness),
            None => (Sweep::dab(nib, self.hardness), None),
        };
        let is_touched = self.lay(&sweep, plane, &paint);
        end.is_some_and(|end| self.lay(&end, plane, &paint)) || is_touched
    }

    fn lay(
        &mut self,
        sweep: &Sweep,
        plane: &mut Tiles<P>,
        paint: &(impl Fn(P, u8) -> P + Sync),
    ) -> bool {
        let erases = paint(P::default(), u8::MAX) == P::default();
        let bounds = sweep.bounds().intersect(&self.clip);
        let columns: Vec<_> = (bounds.y..bounds.bottom())
            .map(|y| sweep.columns(y))
            .collect();
        let covered = TileIndex::covering(bounds)
            .filter(|index| !erases || self.before.tile(*index).is_some());
        let mut tiles: Vec<TileOfStroke<P>> = covered
            .map(|index| TileOfStroke {
                index,
                cover: self.cover.take_out(index),
                pixels: plane.take_out(index),
                is_touched: false,
            })
            .collect();
        let before = &self.before;
        let lay_one = |tile: &mut TileOfStroke<P>| {
            let part = tile.index.rect().intersect(&bounds);
            let columns = &columns[(part.y - bounds.y) as usize..];
            tile.lay(sweep, part, columns, before.tile(tile.index), paint);
        };
        let spans = columns.iter().flatten();
        let n_pixels: i32 = spans.map(|(first, end)| end - first).sum();
        if n_pixels >= PIXELS_FOR_ALL_CORES {
            on_all_cores(&mut tiles, lay_one);
        } else {
            tiles.iter_mut().for_each(lay_one);
        }
        let is_touched = tiles.iter().any(|tile| tile.is_touched);
        let (covers, pixels): (Vec<_>, Vec<_>) = tiles
            .into_iter()
            .map(|tile| ((tile.index, tile.cover), (tile.index, tile.pixels)))
            .unzip();
        self.cover.put_back(covers, is_touched);
        plane.put_back(pixels, is_touched);
        is_touched
    }

    /// Drops the tiles that the stroke has emptied.
    pub fn finish(self, plane: &mut Tiles<P>) {
        let touched: Vec<TileIndex> = self.cover.iter().map(|(index, _)| index).collect();
        for index in touched {
            let is_empty = plane
                .tile(index)
                .is_some_and(|tile| tile.iter().all(|pixel| *pixel == P::default()));
            if is_empty {
                plane.set_tile(index, None);
            }
        }
    }
}

/// From so many on a large brush is worth waking the other cores.
const PIXELS_FOR_ALL_CORES: i32 = 200_000;

/// The window's thread works with the others: how soon they wake is not for it to wait for.
fn on_all_cores<T: Send>(tasks: &mut [T], work: impl Fn(&mut T) + Sync) {
    let n_helpers = rayon::current_num_threads()
        .min(tasks.len())
        .saturating_sub(1);
    let left = Mutex::new(tasks.iter_mut());
    let take = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_on = || {
        while let Some(task) = take() {
            work(task);
        }
    };
    rayon::in_place_scope(|scope| {
        (0..n_helpers).for_each(|_| scope.spawn(|_| work_on()));
        work_on();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::blend;
    use crate::tools::pointer::Point;

    const CLIP: PixelRect = PixelRect::from_size(64, 48);

    fn nib(x: f32, y: f32, diameter_px: f32) -> Nib {
        Nib {
            centre: Point::new(x, y),
            radius_px: diameter_px / 2.0,
        }
    }

    /// A mask with one stroke through `points`.
    fn stroke(points: &[(f32, f32)], diameter_px: f32, hardness: f32) -> Tiles<u8> {
        let mut mask = Tiles::default();
        let mut stroke = Stroke::new(mask.clone(), CLIP, hardness);
        for (x, y) in points {
            stroke.go_to(nib(*x, *y, diameter_px), &mut mask, blend::add);
        }
        stroke.finish(&mut mask);
        mask
    }

    fn row(mask: &Tiles<u8>, y: i32) -> Vec<u8> {
        mask.read(PixelRect::new(0, y, CLIP.width, 1))
    }

    fn area(mask: &Tiles<u8>) -> f64 {
        let sum: u64 = mask.read(CLIP).into_iter().map(u64::from).sum();
        sum as f64 / 255.0
    }

    #[test]
    fn one_pixel_is_one_pixel() {
        let dot = stroke(&[(8.5, 8.5)], 1.0, 1.0);
        assert_eq!(dot.bounds(|value| value > 0), PixelRect::new(8, 8, 1, 1));
        assert_eq!(dot.pixel(8, 8), 255);
        let line = stroke(&[(8.5, 8.5), (40.5, 8.5)], 1.0, 1.0);
        assert_eq!(line.bounds(|value| value > 0), PixelRect::new(8, 8, 33, 1));
        assert!(row(&line, 8)[8..41].iter().all(|value| *value == 255));
        // Between two rows, half on each.
        let between = stroke(&[(8.5, 8.0), (40.5, 8.0)], 1.0, 1.0);
        assert_eq!([between.pixel(20, 7), between.pixel(20, 8)], [128, 128]);
    }

    #[test]
    fn a_dab_has_the_area_of_its_disc() {
        for diameter in [3.0, 8.0, 21.0, 40.0] {
            let dab = stroke(&[(31.3, 24.6)], diameter, 1.0);
            let disc = std::f64::consts::PI * f64::from(diameter).powi(2) / 4.0;
            let error = (area(&dab) - disc).abs() / disc;
            assert!(error < 0.05, "{diameter}: {} {disc}", area(&dab));
        }
    }

    #[test]
    fn hardness_is_where_the_fade_begins() {
        for hardness in [0.0, 0.3, 0.7, 1.0] {
            let dab = stroke(&[(32.5, 24.5)], 41.0, hardness);
            let profile = &row(&dab, 24)[32..];
            assert!(profile.windows(2).all(|pair| pair[0] >= pair[1]));
            let n_full = profile.iter().take_while(|value| **value == 255).count() as f32;
            let core = 20.5 * hardness;
            // A fade begins so gently that its first pixels still round to full.
            assert!(
                n_full >= core.floor() && n_full <= core + 4.0,
                "{hardness}: {n_full}"
            );
            assert!(profile[20] > 0 || hardness < 1.0);
            assert_eq!(profile[21], 0, "{hardness}");
        }
    }

    /// The same line, however often the pointer was seen on the way.
    #[test]
    fn a_stroke_is_even_at_any_sample_rate() {
        for (diameter, hardness) in [(1.0, 1.0), (6.0, 1.0), (16.0, 0.5), (30.0, 0.0)] {
            let sampled = |n: u16| {
                let points: Vec<_> = (0..=n)
                    .map(|i| (12.0 + 40.0 * f32::from(i) / f32::from(n), 20.3))
                    .collect();
                stroke(&points, diameter, hardness)
            };
            let once = sampled(1);
            for n in [2, 7, 40, 333] {
                let often = sampled(n);
                for (a, b) in once.read(CLIP).into_iter().zip(often.read(CLIP)) {
                    assert!(a.abs_diff(b) <= 1, "{diameter} {hardness} {n}: {a} {b}");
                }
            }
            for y in 0..CLIP.height as i32 {
                let middle = &row(&once, y)[13..51];
                assert!(
                    middle.iter().all(|value| *value == middle[0]),
                    "beads at {y}"
                );
            }
        }
    }

    #[test]
    fn crossing_itself_adds_nothing() {
        let there = stroke(&[(10.0, 20.0), (50.0, 20.0)], 14.0, 0.4);
        let and_back = stroke(&[(10.0, 20.0), (50.0, 20.0), (10.0, 20.0)], 14.0, 0.4);
        assert_eq!(there.read(CLIP), and_back.read(CLIP));
    }

    #[test]
    fn strokes_start_and_run_off_the_picture() {
        let off = stroke(&[(-500.0, 20.0), (2000.0, 20.0)], 10.0, 1.0);
        assert_eq!(off.bounds(|value| value > 0), PixelRect::new(0, 15, 64, 10));
        let inside = stroke(&[(-10.0, 20.0), (80.0, 20.0)], 10.0, 1.0);
        assert_eq!(off.read(CLIP), inside.read(CLIP));
        assert!(stroke(&[(-20.0, -20.0), (-20.0, 90.0)], 10.0, 1.0).is_empty());
    }

    /// Pressing harder on the spot shows behind the pen too.
    #[test]
    fn a_growing_nib_is_round() {
        let mut mask = Tiles::default();
        let mut stroke = Stroke::new(Tiles::default(), CLIP, 1.0);
        stroke.go_to(nib(32.0, 24.0, 1.0), &mut mask, blend::add);
        stroke.go_to(nib(33.0, 24.0, 30.0), &mut mask, blend::add);
        assert_eq!(
            mask.bounds(|value| value > 127),
            PixelRect::new(18, 9, 30, 30)
        );
    }

    #[test]
    fn an_eraser_leaves_nothing_behind() {
        let mut mask = stroke(&[(12.0, 20.0), (50.0, 30.0)], 12.0, 0.6);
        let mut eraser = Stroke::new(mask.clone(), CLIP, 1.0);
        for (x, y) in [(12.0, 20.0), (50.0, 30.0)] {
            eraser.go_to(nib(x, y, 16.0), &mut mask, blend::subtract);
        }
        eraser.finish(&mut mask);
        assert!(mask.is_empty());
        // Over nothing it makes no tiles, however large it is.
        let clip = PixelRect::from_size(4000, 4000);
        for (clip, diameter) in [(CLIP, 16.0), (clip, 2000.0)] {
            let mut empty = Tiles::default();
            let mut eraser = Stroke::new(Tiles::default(), clip, 1.0);
            assert!(!eraser.go_to(nib(20.0, 20.0, diameter), &mut empty, blend::subtract));
            assert_eq!(empty.n_tiles(), 0);
        }
    }

    /// A large brush is worked on by all cores: what comes of it is what one pixel after the other gives.
    #[test]
    fn a_large_brush_covers_what_its_sweeps_cover() {
        let clip = PixelRect::from_size(3000, 2500);
        let nibs = [nib(1100.3, 1200.0, 2000.0), nib(1190.0, 1230.5, 1990.0)];
        for hardness in [0.0, 0.7, 1.0] {
            let mut mask = Tiles::default();
            let mut stroke = Stroke::new(mask.clone(), clip, hardness);
            for nib in nibs {
                stroke.go_to(nib, &mut mask, blend::add);
            }
            let dab = Sweep::dab(nibs[0], hardness);
            let (way, _) = Sweep::between(nibs[0], nibs[1], hardness);
            for y in (0..2500).step_by(83) {
                let (mut first, mut second) = ([0; 3000], [0; 3000]);
                dab.cover(0, y, &mut first);
                way.cover(0, y, &mut second);
                let row = mask.read(PixelRect::new(0, y, 3000, 1));
                for (x, value) in row.into_iter().enumerate() {
                    let expected = first[x].max(second[x]);
                    // Behind the first nib nothing is computed again.
                    assert!(value.abs_diff(expected) <= 1, "{hardness} {x} {y}: {value}");
                }
            }
        }
    }
}
