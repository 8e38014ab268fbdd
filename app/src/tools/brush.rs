//! A round brush.

use serde::{Deserialize, Serialize};

pub const MIN_DIAMETER_POINTS: f32 = 1.0;
pub const MAX_DIAMETER_POINTS: f32 = 1000.0;
/// What a stroke may cover of the picture at once, however far it is zoomed out.
const MAX_DIAMETER_PX: f32 = 4000.0;
const MIN_DIAMETER_PX: f32 = 1.0;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Brush {
    /// On the screen, from 1 to 1000: zooming keeps it. Settings of before have it in pixels of the picture.
    #[serde(alias = "diameter_px")]
    pub diameter_points: f32,
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
            diameter_points: self
                .diameter_points
                .clamp(MIN_DIAMETER_POINTS, MAX_DIAMETER_POINTS),
            hardness: self.hardness.clamp(0.0, 1.0),
            opacity: self.opacity.clamp(0.0, 1.0),
        }
    }

    /// How much of the picture it covers; `zoom` is points of the screen for each pixel.
    pub fn diameter_px(self, zoom: f32) -> f32 {
        (self.bounded().diameter_points / zoom.max(1e-3)).clamp(MIN_DIAMETER_PX, MAX_DIAMETER_PX)
    }

    /// Bigger (`n` > 0) or smaller by steps that grow with the brush.
    #[must_use]
    pub fn stepped_size(self, n: i32) -> Self {
        let mut diameter = self.diameter_points.round();
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
            diameter_points: diameter,
            ..self
        }
        .bounded()
    }

    /// How far apart two samples of the pointer are worth drawing. The way between them is covered evenly at
    /// any distance; this only bounds the work.
    pub fn spacing_px(self, diameter_px: f32) -> f32 {
        (diameter_px * (0.02 + 0.03 * (1.0 - self.hardness))).max(0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_step_the_same_way_up_and_down() {
        let mut brush = Brush {
            diameter_points: 1.0,
            hardness: 1.0,
            opacity: 1.0,
        };
        let mut sizes = vec![brush.diameter_points];
        while brush.diameter_points < MAX_DIAMETER_POINTS {
            brush = brush.stepped_size(1);
            sizes.push(brush.diameter_points);
        }
        assert!(sizes.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(sizes.len() < 80, "{}", sizes.len());
        for size in sizes.iter().rev() {
            assert!((brush.diameter_points - size).abs() < 0.01, "{size}");
            brush = brush.stepped_size(-1);
        }
        assert!((brush.diameter_points - MIN_DIAMETER_POINTS).abs() < 0.01);
    }

    #[test]
    fn a_brush_keeps_its_size_on_the_screen() {
        let brush = Brush {
            diameter_points: 40.0,
            hardness: 1.0,
            opacity: 1.0,
        };
        for zoom in [0.02, 0.5, 1.0, 3.0, 16.0] {
            let on_screen = brush.diameter_px(zoom) * zoom;
            assert!((on_screen - 40.0).abs() < 0.01, "{zoom}: {on_screen}");
        }
        // Never less than a pixel, and never more than a stroke has time for.
        assert!((brush.diameter_px(400.0) - 1.0).abs() < 1e-6);
        assert!((brush.diameter_px(0.001) - MAX_DIAMETER_PX).abs() < 1e-6);
    }

    #[test]
    fn settings_of_before_keep_their_brush() {
        let json = r#"{"diameter_px": 96.0, "hardness": 0.5, "opacity": 1.0}"#;
        let brush: Brush = serde_json::from_str(json).expect("they are understood");
        assert!((brush.diameter_points - 96.0).abs() < 1e-6);
        let json = serde_json::to_string(&brush).expect("it is written");
        assert!(json.contains("diameter_points"), "{json}");
    }
}
