//! What a round brush covers on its way from one place to the next.

use limn_engine::PixelRect;

use super::pointer::Point;

/// The brush at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nib {
    pub centre: Point,
    pub radius_px: f32,
}

/// A brush on its way from one nib to another: what dabs at every point between would cover together. So a
/// stroke is even whatever the spacing of the samples.
#[derive(Debug, Clone, Copy)]
pub struct Sweep {
    from: Nib,
    to: Nib,
    hardness: f32,
    /// Of unit length.
    direction: Point,
    length: f32,
    /// Change of the radius along the way.
    slope: f32,
    /// What lies behind `from` was covered before.
    only_ahead: bool,
}

/// Where the fade ends and the full cover begins, for a radius: half a pixel of the edge is antialiasing.
fn edge_and_core(radius: f32, hardness: f32) -> (f32, f32) {
    (radius + 0.5, (hardness * radius).min(radius - 0.5).max(0.0))
}

/// A radius that grows faster than this along the way shows behind its end too.
const MAX_SLOPE: f32 = 0.02;
/// Wide fades are computed at one column in so many.
const FADE_STEP: usize = 8;

impl Sweep {
    /// One dab.
    pub fn dab(nib: Nib, hardness: f32) -> Self {
        Self {
            from: nib,
            to: nib,
            hardness,
            direction: Point::new(1.0, 0.0),
            length: 0.0,
            slope: 0.0,
            only_ahead: false,
        }
    }

    /// The way from `from`, which is covered already, to `to`. The second sweep is there where the brush
    /// grows so fast that `to` shows beyond the first.
    pub fn between(from: Nib, to: Nib, hardness: f32) -> (Self, Option<Self>) {
        let way = to.centre - from.centre;
        let length = way.length();
        if length < 1e-3 {
            return (Self::dab(to, hardness), None);
        }
        let slope = (to.radius_px - from.radius_px) / length;
        let sweep = Self {
            from,
            to,
            hardness,
            direction: way * (1.0 / length),
            length,
            slope,
            only_ahead: true,
        };
        (sweep, (slope > MAX_SLOPE).then(|| Self::dab(to, hardness)))
    }

    /// Every pixel that may be covered.
    pub fn bounds(&self) -> PixelRect {
        let rect = |nib: &Nib| {
            let reach = nib.radius_px + 0.5;
            PixelRect::from_corners(
                (nib.centre.x - reach).floor() as i32,
                (nib.centre.y - reach).floor() as i32,
                (nib.centre.x + reach).ceil() as i32,
                (nib.centre.y + reach).ceil() as i32,
            )
        };
        rect(&self.from).union(&rect(&self.to))
    }

    /// The columns of row `y`, from inclusive to exclusive, that may be covered anew: one stretch, or two with
    /// a hole that is fully covered already.
    pub fn columns(&self, y: i32) -> [(i32, i32); 2] {
        let dy = y as f32 + 0.5 - self.from.centre.y;
        let reach = self.from.radius_px.max(self.to.radius_px) + 0.5;
        let Point { x: ux, y: uy } = self.direction;
        let mut span = (f32::MIN, f32::MAX);
        if self.length <= 0.0 {
            // A disc.
            let half = (reach * reach - dy * dy).max(0.0).sqrt();
            span = (-half, half);
        }
        // Within reach of the line: -reach <= dx * uy - dy * ux <= reach.
        narrow(&mut span, uy, dy * ux - reach, dy * ux + reach);
        // Between the two ends: behind <= dx * ux + dy * uy <= length + reach.
        let behind = if self.only_ahead { 0.0 } else { -reach };
        narrow(
            &mut span,
            ux,
            behind - dy * uy,
            self.length + reach - dy * uy,
        );
        let bounds = self.bounds();
        let column = |dx: f32| (self.from.centre.x + dx - 0.5).clamp(-1e9, 1e9);
        let first = (column(span.0).ceil() as i32).max(bounds.x);
        let end = (column(span.1).floor() as i32 + 1).min(bounds.right());
        if first >= end {
            return [(0, 0); 2];
        }
        let (_, core) = edge_and_core(self.from.radius_px, self.hardness);
        let half = core * core - dy * dy;
        if !self.only_ahead || half <= 0.0 {
            return [(first, end), (0, 0)];
        }
        let half = half.sqrt();
        let hole = (
            (column(-half).ceil() as i32).clamp(first, end),
            (column(half).floor() as i32 + 1).clamp(first, end),
        );
        if hole.0 >= hole.1 {
            return [(first, end), (0, 0)];
        }
        [(first, hole.0), (hole.1, end)]
    }

    /// How much the brush covers of each pixel of a row from `x` on, 0 to 255.
    pub fn cover(&self, x: i32, y: i32, row: &mut [u8]) {
        let (first, end) = self.core_columns(y);
        let clamp = |column: i32| (column - x).clamp(0, row.len() as i32) as usize;
        let (first, end) = (clamp(first), clamp(end).max(clamp(first)));
        row[first..end].fill(u8::MAX);
        self.fade(x, y, &mut row[..first]);
        self.fade(x + end as i32, y, &mut row[end..]);
    }

    /// The columns of row `y`, from inclusive to exclusive, that are fully covered, or all but one at each end.
    fn core_columns(&self, y: i32) -> (i32, i32) {
        const NONE: (i32, i32) = (0, 0);
        let dy = y as f32 + 0.5 - self.from.centre.y;
        let (_, core) = edge_and_core(self.from.radius_px, self.hardness);
        if self.slope.abs() > f32::EPSILON || core < 2.0 {
            return NONE;
        }
        let mut widest = (f32::MAX, f32::MIN);
        let mut widen = |from: f32, to: f32| widest = (widest.0.min(from), widest.1.max(to));
        // The discs at both ends and what lies between: together they are convex, so each row has one stretch.
        for at in [0.0, self.length] {
            let centre = self.direction * at;
            let half = core * core - (dy - centre.y).powi(2);
            if half > 0.0 {
                widen(centre.x - half.sqrt(), centre.x + half.sqrt());
            }
        }
        let Point { x: ux, y: uy } = self.direction;
        let mut span = (f32::MIN, f32::MAX);
        narrow(&mut span, uy, dy * ux - core, dy * ux + core);
        narrow(&mut span, ux, -dy * uy, self.length - dy * uy);
        if self.length > 0.0 && span.0 < span.1 {
            widen(span.0, span.1);
        }
        if widest.0 >= widest.1 {
            return NONE;
        }
        let column = |dx: f32| (self.from.centre.x + dx - 0.5).clamp(-1e9, 1e9);
        (
            column(widest.0).ceil() as i32 + 1,
            column(widest.1).floor() as i32,
        )
    }

    fn fade(&self, x: i32, y: i32, row: &mut [u8]) {
        if self.fade_is_wide() {
            self.fade_in_steps(x, y, row);
        } else {
            self.fade_each(x, y, row);
        }
    }

    fn fade_each(&self, x: i32, y: i32, row: &mut [u8]) {
        let dx = x as f32 + 0.5 - self.from.centre.x;
        let dy = y as f32 + 0.5 - self.from.centre.y;
        for (i, cover) in row.iter_mut().enumerate() {
            *cover = byte(self.share(dx + i as f32, dy));
        }
    }

    /// Computes the ends of steps, which lie at the same columns whatever the row begins with, and draws lines
    /// between them.
    fn fade_in_steps(&self, x: i32, y: i32, row: &mut [u8]) {
        const MOST: usize = 32;
        let dy = y as f32 + 0.5 - self.from.centre.y;
        let begun = x.rem_euclid(FADE_STEP as i32);
        let mut column = x - begun;
        let mut begun = begun as usize;
        let mut rest = row;
        while !rest.is_empty() {
            let n = rest.len().min(MOST * FADE_STEP - begun);
            let n_steps = (begun + n).div_ceil(FADE_STEP);
            let dx = column as f32 + 0.5 - self.from.centre.x;
            let mut ends = [0.0; MOST + 1];
            for (i, end) in ends[..=n_steps].iter_mut().enumerate() {
                *end = self.share(dx + (i * FADE_STEP) as f32, dy);
            }
            let mut steps = [[0; FADE_STEP]; MOST];
            for (step, ends) in steps[..n_steps].iter_mut().zip(ends.windows(2)) {
                let rise = (ends[1] - ends[0]) / FADE_STEP as f32;
                for (i, cover) in step.iter_mut().enumerate() {
                    *cover = byte(ends[0] + rise * i as f32);
                }
            }
            let (part, after) = rest.split_at_mut(n);
            part.copy_from_slice(&steps.as_flattened()[begun..begun + n]);
            rest = after;
            column += (MOST * FADE_STEP) as i32;
            begun = 0;
        }
    }

    /// Along a line the cover's second derivative is at most 12 / width² of the whole, so a chord of 8 px is off
    /// by at most 8² / 8 · 12 / width²: less than half of 1 / 255 at this width.
    fn fade_is_wide(&self) -> bool {
        const WIDE_PX: f32 = 256.0;
        let is_wide = |nib: Nib| {
            let (edge, core) = edge_and_core(nib.radius_px, self.hardness);
            edge - core >= WIDE_PX
        };
        // Where the radius changes fast the fade has a crease.
        is_wide(self.from) && is_wide(self.to) && self.slope.abs() <= MAX_SLOPE
    }

    /// How much is covered at a place, seen from `from`: 0 to 1.
    #[inline]
    fn share(&self, dx: f32, dy: f32) -> f32 {
        let Point { x: ux, y: uy } = self.direction;
        let along = dx * ux + dy * uy;
        let aside = dx * uy - dy * ux;
        let nearest = along.clamp(0.0, self.length);
        let beyond = along - nearest;
        let distance = (aside * aside + beyond * beyond).sqrt();
        let (edge, core) = edge_and_core(self.from.radius_px + self.slope * nearest, self.hardness);
        let t = ((edge - distance) / (edge - core)).clamp(0.0, 1.0);
        t * t * (3.0 - 2.0 * t)
    }
}

/// `fraction` of 255, to the nearest; without the checks of a cast, which keep the loop from running on
/// several pixels at once.
fn byte(fraction: f32) -> u8 {
    const TO_LOW_BITS: f32 = 8_388_608.0;
    (fraction * 255.0 + TO_LOW_BITS).to_bits() as u8
}

/// Narrows `span` to where `low <= dx * factor <= high`.
fn narrow(span: &mut (f32, f32), factor: f32, low: f32, high: f32) {
    if factor.abs() < 1e-6 {
        if low > 0.0 || high < 0.0 {
            *span = (0.0, -1.0);
        }
        return;
    }
    let (a, b) = (low / factor, high / factor);
    span.0 = span.0.max(a.min(b));
    span.1 = span.1.min(a.max(b));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The middle of a brush is filled without being computed: it must be what computing it gives.
    #[test]
    fn the_core_is_fully_covered() {
        let nib = |x: f32, y: f32| Nib {
            centre: Point::new(x, y),
            radius_px: 17.3,
        };
        for (to, hardness) in [
            (nib(60.0, 30.0), 1.0),
            (nib(60.0, 61.7), 0.6),
            (nib(31.0, 90.0), 0.9),
            (nib(30.2, 30.1), 0.3),
        ] {
            let (sweep, _) = Sweep::between(nib(30.0, 30.0), to, hardness);
            for sweep in [sweep, Sweep::dab(to, hardness)] {
                let mut n_core = 0;
                for y in 0..128 {
                    let (mut quick, mut computed) = ([0; 128], [0; 128]);
                    sweep.cover(0, y, &mut quick);
                    sweep.fade_each(0, y, &mut computed);
                    assert_eq!(quick, computed, "{y}");
                    let (first, end) = sweep.core_columns(y);
                    n_core += (end - first).max(0);
                }
                assert!(n_core > 30 || hardness < 0.5, "{hardness}: {n_core}");
            }
        }
    }

    /// Wide fades are drawn in steps: nothing of that may be seen, and it may not matter where a row begins.
    #[test]
    fn a_wide_fade_is_what_computing_every_pixel_gives() {
        let nib = |x: f32, y: f32, radius_px: f32| Nib {
            centre: Point::new(x, y),
            radius_px,
        };
        for (to, hardness) in [
            (nib(1010.4, 1000.0, 1000.0), 0.0),
            (nib(1040.0, 1070.5, 1000.0), 0.6),
            (nib(930.0, 1010.0, 999.0), 0.3),
            (nib(1000.0, 1200.0, 1003.0), 0.74),
        ] {
            let (sweep, _) = Sweep::between(nib(1000.3, 1000.0, 1000.0), to, hardness);
            assert!(sweep.fade_is_wide(), "{hardness}");
            let (mut drawn, mut computed) = ([0; 2100], [0; 2100]);
            for y in (-20..2300).step_by(29) {
                sweep.fade(-5, y, &mut drawn);
                sweep.fade_each(-5, y, &mut computed);
                for (x, (a, b)) in (-5..).zip(drawn.into_iter().zip(computed)) {
                    assert!(a.abs_diff(b) <= 1, "{hardness} {x} {y}: {a} {b}");
                }
                for (from, to) in [(0, 1), (3, 5), (3, 4), (9, 300), (1001, 2017)] {
                    let mut part = vec![0; to - from];
                    sweep.fade(from as i32 - 5, y, &mut part);
                    assert_eq!(part, drawn[from..to], "{from}..{to} of {y}");
                }
            }
        }
        // Where a step would show, nothing is left out.
        let narrow = Sweep::between(nib(0.0, 0.0, 1000.0), nib(40.0, 0.0, 1000.0), 0.8).0;
        let growing = Sweep::between(nib(0.0, 0.0, 900.0), nib(40.0, 0.0, 1000.0), 0.0).0;
        assert!(!narrow.fade_is_wide() && !growing.fade_is_wide());
    }

    /// The columns are the only ones that can be covered; leaving some out would show as gaps.
    #[test]
    fn no_column_is_missed() {
        let nib = |x: f32, y: f32, radius_px: f32| Nib {
            centre: Point::new(x, y),
            radius_px,
        };
        for (from, to) in [
            (nib(20.0, 20.0, 8.0), nib(50.0, 20.0, 8.0)),
            (nib(20.0, 20.0, 8.0), nib(20.5, 44.0, 8.0)),
            (nib(50.3, 40.1, 6.0), nib(23.0, 21.7, 2.0)),
            (nib(30.0, 30.0, 0.5), nib(44.0, 31.0, 0.6)),
        ] {
            let (sweep, _) = Sweep::between(from, to, 0.5);
            let dab = Sweep::dab(from, 0.5);
            for y in 0..64 {
                let (mut all, mut before) = ([0; 64], [0; 64]);
                sweep.cover(0, y, &mut all);
                dab.cover(0, y, &mut before);
                let spans = sweep.columns(y);
                for x in 0..64 {
                    let is_listed = spans.iter().any(|span| (span.0..span.1).contains(&x));
                    let (now, was) = (all[x as usize], before[x as usize]);
                    assert!(
                        is_listed || now <= was.saturating_add(1),
                        "{x} {y}: {now} {was}"
                    );
                }
            }
        }
    }
}
