//! From the pointer's samples to a smooth way.

use super::sweep::Nib;

/// Quadratic curves through the middles between samples, with the samples as their control points: smooth,
/// and never outside of what the samples span.
#[derive(Debug, Clone)]
pub struct Path {
    /// How far a chord may be off the curve.
    tolerance_px: f32,
    spacing_px: f32,
    last: Nib,
    /// Where the curve has come to.
    middle: Nib,
}

impl Path {
    pub fn start(at: Nib, spacing_px: f32, tolerance_px: f32) -> Self {
        Self {
            tolerance_px,
            spacing_px,
            last: at,
            middle: at,
        }
    }

    /// The last sample that was drawn, or will be at the end.
    pub fn last(&self) -> Nib {
        self.last
    }

    /// The next sample; `go_to` is called with what can be drawn now.
    pub fn add(&mut self, sample: Nib, go_to: impl FnMut(Nib)) {
        if sample.centre.distance(self.last.centre) >= self.spacing_px {
            self.curve_to(sample, go_to);
        }
    }

    /// A straight way to `sample`.
    pub fn line_to(&mut self, sample: Nib, mut go_to: impl FnMut(Nib)) {
        self.end(self.last, &mut go_to);
        go_to(sample);
        *self = Self {
            last: sample,
            middle: sample,
            ..*self
        };
    }

    /// The rest, up to the pointer's last place.
    pub fn end(&mut self, sample: Nib, mut go_to: impl FnMut(Nib)) {
        if sample.centre.distance(self.last.centre) > 0.01 {
            self.curve_to(sample, &mut go_to);
        }
        if self.last != self.middle {
            go_to(self.last);
            self.middle = self.last;
        }
    }

    fn curve_to(&mut self, sample: Nib, mut go_to: impl FnMut(Nib)) {
        let (start, control) = (self.middle, self.last);
        let end = mix(control, sample, 0.5);
        let bend = (start.centre - control.centre * 2.0 + end.centre).length();
        // A quadratic curve in n chords is off by at most |bend| / (4 n²).
        let n_chords = (bend / (4.0 * self.tolerance_px)).sqrt().ceil();
        let n_chords = n_chords.clamp(1.0, 64.0) as u32;
        for i in 1..=n_chords {
            let t = i as f32 / n_chords as f32;
            let (a, b) = (mix(start, control, t), mix(control, end, t));
            go_to(mix(a, b, t));
        }
        self.last = sample;
        self.middle = end;
    }
}

fn mix(a: Nib, b: Nib, t: f32) -> Nib {
    Nib {
        centre: a.centre.lerp(b.centre, t),
        radius_px: a.radius_px + (b.radius_px - a.radius_px) * t,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::pointer::Point;

    fn nib(x: f32, y: f32) -> Nib {
        Nib {
            centre: Point::new(x, y),
            radius_px: 4.0,
        }
    }

    fn drawn(samples: &[(f32, f32)], spacing_px: f32) -> Vec<Point> {
        let first = nib(samples[0].0, samples[0].1);
        let mut points = vec![first.centre];
        let mut path = Path::start(first, spacing_px, 0.25);
        for (x, y) in &samples[1..] {
            path.add(nib(*x, *y), |nib| points.push(nib.centre));
        }
        let (x, y) = samples[samples.len() - 1];
        path.end(nib(x, y), |nib| points.push(nib.centre));
        points
    }

    #[test]
    fn a_way_ends_where_the_pointer_did() {
        for samples in [
            vec![(3.0, 4.0)],
            vec![(0.0, 0.0), (0.1, 0.1)],
            vec![(0.0, 0.0), (10.0, 0.0), (10.2, 0.0)],
            vec![(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)],
        ] {
            let points = drawn(&samples, 1.0);
            let end = samples[samples.len() - 1];
            let last = points[points.len() - 1];
            assert!(last.distance(end.into()) < 1e-3, "{samples:?}: {last:?}");
        }
    }

    #[test]
    fn a_circle_sampled_coarsely_is_round() {
        let samples: Vec<_> = (0..=16)
            .map(|i| {
                let angle = std::f32::consts::TAU * i as f32 / 16.0;
                (100.0 * angle.cos(), 100.0 * angle.sin())
            })
            .collect();
        for pair in drawn(&samples, 1.0)[1..].windows(2) {
            let middle = pair[0].lerp(pair[1], 0.5);
            // A chord of the sixteen corners would be off by two.
            assert!((middle.length() - 99.0).abs() < 1.3, "{middle:?}");
        }
    }

    #[test]
    fn samples_nearer_than_the_spacing_wait() {
        let samples: Vec<_> = (0..=1000).map(|i| (i as f32 * 0.01, 0.0)).collect();
        assert!(drawn(&samples, 2.0).len() < 9);
    }
}
