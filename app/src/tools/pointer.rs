//! What the canvas tells the tools.

use std::ops::{Add, Mul, Sub};

/// One thing that the pointer did over the canvas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointerEvent {
    /// In document pixels; whole numbers are the corners of pixels.
    pub position: (f32, f32),
    pub kind: PointerKind,
    /// From 0 to 1, where the device reports it.
    pub pressure: Option<f32>,
    pub modifiers: PointerModifiers,
    /// The time of the event; only differences count.
    pub seconds: f64,
    /// Screen points for each document pixel.
    pub zoom: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerKind {
    /// The primary button, the pen or the finger is down.
    Down,
    /// Moved, pressed or not.
    Moved,
    Up,
    /// Comes after the second [`Self::Down`].
    DoubleClick,
    /// Gone from the canvas. A gesture stays open: it goes on when the pointer is back, and ends with
    /// [`Self::Up`].
    Left,
    /// Taken away: by the system, or by a second finger that pans. What the gesture did is undone.
    Cancelled,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PointerModifiers {
    pub shift: bool,
    pub alt: bool,
    /// Ctrl, or Cmd on macOS.
    pub command: bool,
}

impl Default for PointerEvent {
    fn default() -> Self {
        Self {
            position: (0.0, 0.0),
            kind: PointerKind::Moved,
            pressure: None,
            modifiers: PointerModifiers::default(),
            seconds: 0.0,
            zoom: 1.0,
        }
    }
}

impl PointerEvent {
    pub fn point(&self) -> Point {
        Point::from(self.position)
    }

    /// How many document pixels `points` on the screen are.
    pub fn px_from_points(&self, points: f32) -> f32 {
        points / self.zoom.max(1e-3)
    }
}

/// A place in document pixels, or the way between two.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

impl Point {
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// The pixel that it lies in.
    pub fn pixel(self) -> (i32, i32) {
        (self.x.floor() as i32, self.y.floor() as i32)
    }

    pub fn distance(self, other: Self) -> f32 {
        (self - other).length()
    }

    pub fn length(self) -> f32 {
        self.x.hypot(self.y)
    }

    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    #[must_use]
    pub fn lerp(self, to: Self, t: f32) -> Self {
        self + (to - self) * t
    }

    /// Onto the nearest of the eight directions from `origin`, 45° apart.
    #[must_use]
    pub fn snapped_to_eighths(self, origin: Self) -> Self {
        let way = self - origin;
        let eighth = std::f32::consts::FRAC_PI_4;
        let angle = (way.y.atan2(way.x) / eighth).round() * eighth;
        let direction = Self::new(angle.cos(), angle.sin());
        origin + direction * way.dot(direction)
    }
}

impl From<(f32, f32)> for Point {
    fn from((x, y): (f32, f32)) -> Self {
        Self { x, y }
    }
}

impl Add for Point {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;

    fn mul(self, by: f32) -> Self {
        Self::new(self.x * by, self.y * by)
    }
}
