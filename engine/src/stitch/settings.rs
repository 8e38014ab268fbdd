use serde::{Deserialize, Serialize};

/// What is chosen for an edit. Lengths are in pixels of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditSettings {
    /// How much may change, from 0 to 1.
    pub strength: f32,
    /// How far the edit reaches beyond the mask before its soft edge; `None` for what suits the mask.
    pub grow_px: Option<f32>,
    /// Width of the soft edge; `None` for what suits the mask.
    pub feather_px: Option<f32>,
    /// What the model finds under the mask.
    pub fill: Fill,
    /// Looks at and works on the whole picture rather than the surroundings of the mask.
    pub whole: bool,
    /// Shifts the result's colours to those of the untouched pixels round the mask.
    pub match_colours: bool,
}

impl EditSettings {
    /// What suits a strength.
    pub fn for_strength(strength: f32) -> Self {
        Self {
            strength,
            grow_px: None,
            feather_px: None,
            fill: Fill::for_strength(strength),
            whole: false,
            match_colours: true,
        }
    }
}

impl Default for EditSettings {
    fn default() -> Self {
        Self::for_strength(1.0)
    }
}

/// What is put under the mask before the model sees the picture. Transparent pixels are filled in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// What is there.
    Keep,
    /// The surroundings, blurred into the hole.
    Blur,
    /// Middle grey.
    Neutral,
    /// Grain in the colours of the surroundings.
    Noise,
}

impl Fill {
    /// At full strength nothing of what was there should shine through; below, it is what is changed.
    pub fn for_strength(strength: f32) -> Self {
        // A slider's end counts as the end.
        if strength >= 0.999 {
            Self::Blur
        } else {
            Self::Keep
        }
    }
}

/// The sizes that a model works at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelSize {
    /// Width and height that it was made for.
    pub native: (u32, u32),
    /// Its sizes step by this many pixels.
    pub stride: u32,
}
