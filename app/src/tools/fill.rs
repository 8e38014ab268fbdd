//! Outlines filled into a mask.
//!
//! What is inside follows the nonzero rule: a lasso that crosses itself has no hole where its loops lie over
//! each other, unless they run in opposite directions. Each pixel is covered by as much of it as lies inside.

use limn_engine::PixelRect;

use super::mask_work::{Stop, Stopped};
use super::pointer::Point;
use super::shapes::Outline;
use crate::document::tiles::{TILE_SIDE, TileIndex, Tiles};

/// Lays what `outline` encloses over `mask`, inside `clip` only; `blend` as in [`super::blend`].
///
/// # Errors
/// [`Stopped`]
pub fn fill(
    outline: &Outline,
    clip: PixelRect,
    mask: &mut Tiles<u8>,
    blend: fn(u8, u8) -> u8,
    stop: &Stop,
) -> Result<(), Stopped> {
    let bounds = outline.bounds().intersect(&clip);
    if bounds.is_empty() {
        return stop.check();
    }
    let first = TileIndex::of_pixel(bounds.x, bounds.y).row;
    let last = TileIndex::of_pixel(bounds.x, bounds.bottom() - 1).row;
    // A row of tiles at a time, so that the memory stays small however high the outline is.
    for tile_row in first..=last {
        stop.check()?;
        let band = TileIndex {
            column: 0,
            row: tile_row,
        };
        let band = PixelRect::new(bounds.x, band.rect().y, bounds.width, TILE_SIDE);
        let band = band.intersect(&bounds);
        let cover = cover_of(outline, band);
        lay(&cover, band, mask, blend);
    }
    Ok(())
}

fn lay(cover: &[u8], band: PixelRect, mask: &mut Tiles<u8>, blend: fn(u8, u8) -> u8) {
    let erases = blend(0, u8::MAX) == 0;
    for index in TileIndex::covering(band) {
        let part = index.rect().intersect(&band);
        let row_of = |y: i32| {
            let start = (y - band.y) as usize * band.width as usize + (part.x - band.x) as usize;
            &cover[start..start + part.width as usize]
        };
        let is_touched = (part.y..part.bottom()).any(|y| row_of(y).iter().any(|cover| *cover > 0));
        if !is_touched || (erases && mask.tile(index).is_none()) {
            continue;
        }
        mask.change_rows(part, |_, y, pixels| {
            for (pixel, cover) in pixels.iter_mut().zip(row_of(y)) {
                *pixel = blend(*pixel, *cover);
            }
        });
    }
}

/// How much of each pixel of `band` lies inside, by exact signed areas: each edge adds its own to the pixels
/// that it crosses, and a sum along the row carries it to everything on its right.
fn cover_of(outline: &Outline, band: PixelRect) -> Vec<u8> {
    let mut areas = Areas {
        width: band.width as usize,
        // Edges on the right border write one step beyond the row.
        sums: vec![0.0; (band.width as usize + 2) * band.height as usize],
    };
    let origin = Point::new(band.x as f32, band.y as f32);
    let size = Point::new(band.width as f32, band.height as f32);
    let points = outline.points();
    for (i, a) in points.iter().enumerate() {
        let b = points[(i + 1) % points.len()];
        areas.add_edge(*a - origin, b - origin, size);
    }
    areas.cover()
}

struct Areas {
    width: usize,
    sums: Vec<f32>,
}

impl Areas {
    /// Cuts an edge to the rows of the band, then to its columns: what is left of the band counts as on its
    /// left border, what is right of it does not count.
    fn add_edge(&mut self, a: Point, b: Point, size: Point) {
        let (top, bottom, sign) = if a.y < b.y { (a, b, 1.0) } else { (b, a, -1.0) };
        if top.y >= size.y || bottom.y <= 0.0 || top.y >= bottom.y {
            return;
        }
        let at_y = |y: f32| top.lerp(bottom, (y - top.y) / (bottom.y - top.y)).x;
        let start = if top.y < 0.0 {
            Point::new(at_y(0.0), 0.0)
        } else {
            top
        };
        let end = if bottom.y > size.y {
            Point::new(at_y(size.y), size.y)
        } else {
            bottom
        };
        // Where it crosses the left and the right border, in order.
        let mut cuts = [start, start, end, end];
        let mut n_cuts = 1;
        let mut borders = [0.0, size.x];
        if start.x > end.x {
            borders.reverse();
        }
        for border in borders {
            let is_crossed = (start.x < border) != (end.x < border);
            if is_crossed {
                let t = (border - start.x) / (end.x - start.x);
                cuts[n_cuts] = Point::new(border, start.lerp(end, t).y);
                n_cuts += 1;
            }
        }
        cuts[n_cuts] = end;
        for pair in cuts[..=n_cuts].windows(2) {
            let clamp = |p: Point| Point::new(p.x.clamp(0.0, size.x), p.y);
            self.add_inside(clamp(pair[0]), clamp(pair[1]), sign);
        }
    }

    /// An edge that runs down inside the band.
    fn add_inside(&mut self, top: Point, bottom: Point, sign: f32) {
        if top.y >= bottom.y {
            return;
        }
        let x_per_y = (bottom.x - top.x) / (bottom.y - top.y);
        let n_rows = self.sums.len() / (self.width + 2);
        let (mut x, mut y) = (top.x, top.y);
        for row in top.y.floor() as usize..(bottom.y.ceil() as usize).min(n_rows) {
            let next_y = bottom.y.min((row + 1) as f32);
            let height = next_y - y;
            let next_x = (x + x_per_y * height).clamp(0.0, self.width as f32);
            self.add_in_row(row, x.min(next_x), x.max(next_x), height * sign);
            (x, y) = (next_x, next_y);
        }
    }

    /// A piece of an edge inside one row, from `left` to `right`, `height` high with its sign.
    fn add_in_row(&mut self, row: usize, left: f32, right: f32, height: f32) {
        let sums = &mut self.sums[row * (self.width + 2)..(row + 1) * (self.width + 2)];
        let first = left.floor() as usize;
        let end = right.ceil() as usize;
        if end <= first + 1 {
            // Inside one pixel: what lies right of the middle of the piece is covered.
            let middle = 0.5 * (left + right) - first as f32;
            sums[first] += height * (1.0 - middle);
            sums[first + 1] += height * middle;
            return;
        }
        // A triangle in the first pixel, full steps between, the rest in the last.
        let per_pixel = height / (right - left);
        let mut covered = 0.0;
        let mut carried = 0.0;
        for (i, sum) in sums[first..end].iter_mut().enumerate() {
            let pixel = (first + i) as f32;
            let (enter, leave) = (left.max(pixel), right.min(pixel + 1.0));
            let piece = (leave - enter) * per_pixel;
            let middle = 0.5 * (enter + leave) - pixel;
            let area = carried + piece * (1.0 - middle);
            *sum += area - covered;
            covered = area;
            carried += piece;
        }
        sums[end] += height - covered;
    }

    fn cover(&self) -> Vec<u8> {
        let n_rows = self.sums.len() / (self.width + 2);
        let mut cover = Vec::with_capacity(self.width * n_rows);
        for row in self.sums.chunks_exact(self.width + 2) {
            let mut sum = 0.0_f32;
            cover.extend(row[..self.width].iter().map(|step| {
                sum += step;
                (sum.abs().min(1.0) * 255.0 + 0.5) as u8
            }));
        }
        cover
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::blend;
    use crate::tools::shapes::dragged_corner;

    const CLIP: PixelRect = PixelRect::new(-300, -300, 900, 900);

    fn point(x: f32, y: f32) -> Point {
        Point::new(x, y)
    }

    fn filled(outline: &Outline) -> Tiles<u8> {
        let mut mask = Tiles::default();
        let filled = fill(outline, CLIP, &mut mask, blend::add, &Stop::default());
        filled.expect("nobody stops it");
        mask
    }

    fn polygon(points: &[(f32, f32)]) -> Tiles<u8> {
        filled(&Outline::polygon(
            points.iter().copied().map(Point::from).collect(),
        ))
    }

    fn area(mask: &Tiles<u8>) -> f32 {
        let sum: u64 = mask.read(CLIP).into_iter().map(u64::from).sum();
        sum as f32 / 255.0
    }

    #[test]
    fn a_rectangle_is_whole_pixels() {
        for (a, b, expected) in [
            ((2.0, 3.0), (10.0, 7.0), PixelRect::new(2, 3, 8, 4)),
            ((10.4, 6.6), (2.4, 2.6), PixelRect::new(2, 3, 8, 4)),
            (
                (-280.0, -3.0),
                (260.0, 259.0),
                PixelRect::new(-280, -3, 540, 262),
            ),
        ] {
            let mask = filled(&Outline::rectangle(a.into(), b.into()));
            assert_eq!(mask.bounds(|value| value > 0), expected);
            assert!(mask.read(expected).iter().all(|value| *value == 255));
        }
        assert!(filled(&Outline::rectangle(point(5.0, 5.0), point(5.3, 9.0))).is_empty());
    }

    #[test]
    fn an_ellipse_has_its_area_and_fills_its_box() {
        for (width, height) in [(2.0, 2.0), (9.0, 9.0), (100.0, 40.0), (500.0, 500.0)] {
            let mask = filled(&Outline::ellipse(
                point(10.0, 20.0),
                point(10.0 + width, 20.0 + height),
            ));
            let exact = std::f32::consts::PI * width * height / 4.0;
            let error = (area(&mask) - exact).abs() / exact;
            assert!(error < 0.01, "{width} × {height}: {} {exact}", area(&mask));
            assert_eq!(
                mask.bounds(|value| value > 0),
                PixelRect::new(10, 20, width as u32, height as u32)
            );
        }
    }

    #[test]
    fn a_pixel_is_covered_by_as_much_as_lies_inside() {
        let half = polygon(&[(4.0, 4.0), (8.0, 4.0), (4.0, 8.0)]);
        assert_eq!(half.pixel(4, 4), 255);
        assert_eq!(
            [half.pixel(7, 4), half.pixel(6, 5), half.pixel(5, 6)],
            [128; 3]
        );
        assert_eq!(half.pixel(7, 7), 0);
        let quarter = polygon(&[(4.0, 4.0), (4.5, 4.0), (4.5, 4.5), (4.0, 4.5)]);
        assert_eq!(quarter.pixel(4, 4), 64);
        // A shallow edge through many pixels: an eighth more of the row for each.
        let ramp = polygon(&[(0.0, 1.0), (8.0, 0.0), (8.0, 1.0)]);
        let row = ramp.read(PixelRect::new(0, 0, 8, 1));
        assert_eq!(row, [16, 48, 80, 112, 143, 175, 207, 239]);
    }

    #[test]
    fn any_triangle_has_its_area() {
        for [a, b, c] in [
            [(1.3_f32, 2.7_f32), (250.1, 40.9), (90.2, 300.6)],
            [(-250.0, -20.0), (599.0, -19.0), (10.0, 5.0)],
            [(255.5, 0.0), (256.5, 500.0), (254.9, 500.0)],
        ] {
            let exact = ((b.0 - a.0) * (c.1 - a.1) - (c.0 - a.0) * (b.1 - a.1)).abs() / 2.0;
            let mask = polygon(&[a, b, c]);
            let error = (area(&mask) - exact).abs();
            assert!(
                error < exact.max(100.0) * 0.003,
                "{a:?}: {} {exact}",
                area(&mask)
            );
            let same = polygon(&[a, c, b]);
            assert_eq!(mask.read(CLIP), same.read(CLIP), "either way round");
        }
    }

    #[test]
    fn loops_over_each_other_leave_no_hole() {
        let pentagram: Vec<_> = (0..5)
            .map(|i| {
                let angle = std::f32::consts::TAU * (2 * i) as f32 / 5.0;
                (50.0 + 40.0 * angle.sin(), 50.0 - 40.0 * angle.cos())
            })
            .collect();
        assert_eq!(polygon(&pentagram).pixel(50, 50), 255);
        let eight = polygon(&[(0.0, 0.0), (20.0, 20.0), (20.0, 0.0), (0.0, 20.0)]);
        assert_eq!([eight.pixel(3, 10), eight.pixel(16, 10)], [255, 255]);
    }

    #[test]
    fn what_lies_outside_is_cut_at_the_border() {
        let mask = polygon(&[
            (-2000.0, -2000.0),
            (3000.0, -2500.0),
            (2500.0, 3000.0),
            (-2100.0, 2000.0),
        ]);
        assert_eq!(mask.bounds(|value| value == 255), CLIP);
        assert!(mask.read(CLIP).iter().all(|value| *value == 255));
        assert!(polygon(&[(-900.0, 0.0), (-800.0, 9.0), (-900.0, 9.0)]).is_empty());
        // In by one border and out by the other.
        let band = polygon(&[
            (-1000.0, 9.5),
            (1000.0, 9.5),
            (1000.0, 11.0),
            (-1000.0, 11.0),
        ]);
        assert_eq!([band.pixel(-300, 9), band.pixel(599, 9)], [128, 128]);
        assert_eq!([band.pixel(-300, 10), band.pixel(599, 10)], [255, 255]);
    }

    #[test]
    fn taking_away_is_the_exact_opposite_of_adding() {
        let outline = Outline::ellipse(point(3.0, 3.0), point(200.0, 290.0));
        let mut mask = filled(&Outline::rectangle(point(0.0, 0.0), point(300.0, 300.0)));
        let stop = Stop::default();
        fill(&outline, CLIP, &mut mask, blend::subtract, &stop).expect("nobody stops it");
        let rest = 90_000.0 - std::f32::consts::PI * 197.0 * 287.0 / 4.0;
        assert!((area(&mask) - rest).abs() < 30.0);
        assert_eq!([mask.pixel(100, 100), mask.pixel(1, 1)], [0, 255]);
    }

    #[test]
    fn a_square_goes_the_way_of_the_pointer() {
        for (to, expected) in [
            ((30.0, 14.0), (30.0, 30.0)),
            ((5.0, 0.0), (0.0, 0.0)),
            ((12.0, -20.0), (40.0, -20.0)),
        ] {
            let corner = dragged_corner(point(10.0, 10.0), to.into(), true);
            assert_eq!(corner, expected.into(), "{to:?}");
        }
    }
}
