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
    native: (u32, u32),
    stride: u32,
}

impl ModelSize {
    /// No model has smaller pictures: less would part an edit into thousands.
    const MIN_SIDE_PX: u32 = 16;
    const MAX_SIDE_PX: u32 = crate::model::MAX_SIDE_PX;
    const MAX_STRIDE_PX: u32 = 1_024;

    /// `native` are the width and height that it was made for; its sizes step by `stride` pixels.
    ///
    /// Numbers that no model has become the nearest that one can have.
    pub const fn new((width, height): (u32, u32), stride: u32) -> Self {
        Self {
            native: (
                clamped(width, Self::MIN_SIDE_PX, Self::MAX_SIDE_PX),
                clamped(height, Self::MIN_SIDE_PX, Self::MAX_SIDE_PX),
            ),
            stride: clamped(stride, 1, Self::MAX_STRIDE_PX),
        }
    }

    pub(super) fn native(self) -> (u32, u32) {
        self.native
    }

    pub(super) fn stride(self) -> u32 {
        self.stride
    }

    /// The most strides along a side.
    pub(super) fn most_strides(self) -> u32 {
        Self::MAX_SIDE_PX / self.stride
    }
}

/// [`Ord::clamp`], for constants too.
const fn clamped(value: u32, least: u32, most: u32) -> u32 {
    if value < least {
        least
    } else if value > most {
        most
    } else {
        value
    }
}
