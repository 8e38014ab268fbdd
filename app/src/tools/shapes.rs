//! Outlines of areas: rectangles, ellipses and whatever a line encloses.

use limn_engine::PixelRect;

use super::pointer::Point;

/// A closed outline in document pixels; the last point is joined to the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    points: Vec<Point>,
}

impl Outline {
    pub fn polygon(points: Vec<Point>) -> Self {
        Self { points }
    }

    /// On whole pixels, so that its edges are crisp.
    pub fn rectangle(a: Point, b: Point) -> Self {
        let (a, b) = (rounded(a), rounded(b));
        Self::polygon(vec![a, Point::new(b.x, a.y), b, Point::new(a.x, b.y)])
    }

    /// The ellipse that fills a box on whole pixels.
    pub fn ellipse(a: Point, b: Point) -> Self {
        const TOLERANCE_PX: f32 = 0.005;
        let (a, b) = (rounded(a), rounded(b));
        let centre = a.lerp(b, 0.5);
        let radius = (b - a) * 0.5;
        let longest = radius.x.abs().max(radius.y.abs());
        if longest < 0.5 {
            return Self::polygon(Vec::new());
        }
        let step = 2.0 * (1.0 - TOLERANCE_PX / longest).acos();
        let n = (std::f32::consts::TAU / step).ceil().max(8.0);
        let point = |i: u32| {
            let angle = std::f32::consts::TAU * i as f32 / n;
            centre + Point::new(radius.x * angle.cos(), radius.y * angle.sin())
        };
        Self::polygon((0..n as u32).map(point).collect())
    }

    pub fn points(&self) -> &[Point] {
        &self.points
    }

    pub fn into_points(self) -> Vec<Point> {
        self.points
    }

    #[must_use]
    pub fn translated(mut self, dx: i32, dy: i32) -> Self {
        for point in &mut self.points {
            *point = *point + Point::new(dx as f32, dy as f32);
        }
        self
    }

    /// Every pixel that it may touch.
    pub fn bounds(&self) -> PixelRect {
        let Some(first) = self.points.first() else {
            return PixelRect::default();
        };
        let (mut low, mut high) = (*first, *first);
        for point in &self.points {
            low = Point::new(low.x.min(point.x), low.y.min(point.y));
            high = Point::new(high.x.max(point.x), high.y.max(point.y));
        }
        PixelRect::from_corners(
            low.x.floor() as i32,
            low.y.floor() as i32,
            high.x.ceil() as i32,
            high.y.ceil() as i32,
        )
    }
}

/// What a dragged corner makes of a box: with `is_square` as wide as high, in whole pixels.
pub fn dragged_corner(from: Point, to: Point, is_square: bool) -> Point {
    if !is_square {
        return to;
    }
    let from = rounded(from);
    let way = rounded(to) - from;
    let side = way.x.abs().max(way.y.abs());
    from + Point::new(side.copysign(way.x), side.copysign(way.y))
}

fn rounded(point: Point) -> Point {
    Point::new(point.x.round(), point.y.round())
}
