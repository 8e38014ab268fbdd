//! A round brush.

use serde::{Deserialize, Serialize};

pub const MIN_DIAMETER_PX: f32 = 1.0;
pub const MAX_DIAMETER_PX: f32 = 2000.0;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Brush {
    /// From 1 to 2000.
    pub diameter_px: f32,
    /// From 0, which fades from the middle on, to 1, which has an edge.
    pub hardness: f32,
    /// From 0 to 1; a stroke never covers more than this, however often it crosses itself.
    pub opacity: f32,
}

impl Brush {
    /// With every value inside its bounds.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            diameter_px: self.diameter_px.clamp(MIN_DIAMETER_PX, MAX_DIAMETER_PX),
            hardness: self.hardness.clamp(0.0, 1.0),
            opacity: self.opacity.clamp(0.0, 1.0),
        }
    }

    /// Bigger (`n` > 0) or smaller by steps that grow with the brush.
    #[must_use]
    pub fn stepped_size(self, n: i32) -> Self {
        let mut diameter = self.diameter_px.round();
        for _ in 0..n.abs() {
            let below = if n > 0 { diameter } else { diameter - 1.0 };
            let step = match below {
                ..10.0 => 1.0,
                ..50.0 => 5.0,
                ..100.0 => 10.0,
                ..400.0 => 25.0,
                ..1000.0 => 50.0,
                _ => 100.0,
            };
            // From one multiple of the step to the next, so that both ways meet the same sizes.
            diameter = if n > 0 {
                ((diameter / step).floor() + 1.0) * step
            } else {
                ((diameter / step).ceil() - 1.0) * step
            };
        }
        Self {
            diameter_px: diameter,
            ..self
        }
        .bounded()
    }

    /// How far apart two samples of the pointer are worth drawing. The way between them is covered evenly at
    /// any distance; this only bounds the work.
    pub fn spacing_px(self) -> f32 {
        (self.diameter_px * (0.02 + 0.03 * (1.0 - self.hardness))).max(0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_step_the_same_way_up_and_down() {
        let mut brush = Brush {
            diameter_px: 1.0,
            hardness: 1.0,
            opacity: 1.0,
        };
        let mut sizes = vec![brush.diameter_px];
        while brush.diameter_px < MAX_DIAMETER_PX {
            brush = brush.stepped_size(1);
            sizes.push(brush.diameter_px);
        }
        assert!(sizes.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(sizes.len() < 80, "{}", sizes.len());
        for size in sizes.iter().rev() {
            assert!((brush.diameter_px - size).abs() < 0.01, "{size}");
            brush = brush.stepped_size(-1);
        }
        assert!((brush.diameter_px - MIN_DIAMETER_PX).abs() < 0.01);
    }
}
