//! What the user has set on each tool; kept between sessions.

use serde::{Deserialize, Serialize};

use super::brush::Brush;

/// Every tool's settings. Keys that this version does not know are ignored, missing ones get the usual value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolSettings {
    pub brush: Brush,
    pub eraser: Brush,
    pub sketch: Brush,
    /// What the sketch brush paints with: red, green and blue in sRGB.
    pub colour: [u8; 3],
    /// Pressure sets a stroke's width; where none is reported, speed does so gently.
    pub width_follows_hand: bool,
    pub wand: Wand,
    /// What Grow, Shrink and Soften go by.
    pub edge_px: f32,
}

impl Default for ToolSettings {
    fn default() -> Self {
        let brush = Brush {
            diameter_points: 40.0,
            hardness: 0.7,
            opacity: 1.0,
        };
        Self {
            brush,
            eraser: brush,
            sketch: Brush {
                diameter_points: 24.0,
                hardness: 0.9,
                opacity: 1.0,
            },
            colour: [0xff, 0xb3, 0x47],
            width_follows_hand: true,
            wand: Wand::default(),
            edge_px: 8.0,
        }
    }
}

/// The wand's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wand {
    /// How far a channel may be from the clicked colour, 0 to 255.
    pub tolerance: u8,
    /// Only what hangs together with the clicked pixel.
    pub is_contiguous: bool,
}

impl Default for Wand {
    fn default() -> Self {
        Self {
            tolerance: 32,
            is_contiguous: true,
        }
    }
}
