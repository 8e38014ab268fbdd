use serde::{Deserialize, Serialize};

/// A rectangle of whole pixels. Its origin may be negative: a picture that has grown to the left keeps its
/// coordinates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PixelRect {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

impl PixelRect {
    pub const fn new(x: i32, y: i32, width: u32, height: u32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    pub const fn from_size(width: u32, height: u32) -> Self {
        Self::new(0, 0, width, height)
    }

    /// From the corners; the right and bottom ones are outside. Empty where they are crossed.
    pub fn from_corners(left: i32, top: i32, right: i32, bottom: i32) -> Self {
        Self {
            x: left,
            y: top,
            width: right.saturating_sub(left).max(0) as u32,
            height: bottom.saturating_sub(top).max(0) as u32,
        }
    }

    /// The first column to the right of it.
    pub const fn right(&self) -> i32 {
        self.x.saturating_add_unsigned(self.width)
    }

    /// The first row below it.
    pub const fn bottom(&self) -> i32 {
        self.y.saturating_add_unsigned(self.height)
    }

    pub const fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub const fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    pub const fn n_pixels(&self) -> u64 {
        self.width as u64 * self.height as u64
    }

    pub const fn contains(&self, x: i32, y: i32) -> bool {
        x >= self.x && y >= self.y && x < self.right() && y < self.bottom()
    }

    pub fn contains_rect(&self, other: &Self) -> bool {
        other.is_empty() || self.intersect(other) == *other
    }

    /// What both have; empty where they do not meet.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self::from_corners(
            self.x.max(other.x),
            self.y.max(other.y),
            self.right().min(other.right()),
            self.bottom().min(other.bottom()),
        )
    }

    /// The smallest rectangle around both; an empty one adds nothing.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return *other;
        }
        if other.is_empty() {
            return *self;
        }
        Self::from_corners(
            self.x.min(other.x),
            self.y.min(other.y),
            self.right().max(other.right()),
            self.bottom().max(other.bottom()),
        )
    }

    /// Grown by `by` pixels on every side, or shrunk where it is negative.
    #[must_use]
    pub fn expand(&self, by: i32) -> Self {
        Self::from_corners(
            self.x.saturating_sub(by),
            self.y.saturating_sub(by),
            self.right().saturating_add(by),
            self.bottom().saturating_add(by),
        )
    }

    #[must_use]
    pub fn translate(&self, dx: i32, dy: i32) -> Self {
        Self {
            x: self.x.saturating_add(dx),
            y: self.y.saturating_add(dy),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rectangles_share_and_span() {
        let a = PixelRect::new(-4, 0, 8, 8);
        let b = PixelRect::new(2, 6, 8, 8);
        assert_eq!(a.intersect(&b), PixelRect::new(2, 6, 2, 2));
        assert_eq!(a.union(&b), PixelRect::new(-4, 0, 14, 14));
        assert!(a.intersect(&PixelRect::new(4, 0, 1, 1)).is_empty());
        assert_eq!(PixelRect::default().union(&b), b);
        assert_eq!(a.expand(1), PixelRect::new(-5, -1, 10, 10));
        assert!(a.expand(-4).is_empty());
        assert!(a.contains(-4, 7) && !a.contains(4, 7));
        assert!(a.contains_rect(&PixelRect::new(0, 0, 4, 8)) && !a.contains_rect(&b));
    }
}
