//! What can be done with whole pictures.

use crate::session::{PictureRef, RunId};

/// Where the picture is `None`, it is the one in view.
#[derive(Debug, Clone, PartialEq)]
pub enum GestureCommand {
    Vary(Option<PictureRef>),
    /// Variations of what a run's were made from, from 0 near to 1 far, steered by words or none.
    VaryAgain {
        run: RunId,
        far: f32,
        words: String,
    },
    /// Of a file that was dropped.
    VaryDropped,
    AddToMix(Option<PictureRef>),
    /// Puts a picture into the field of what is turned.
    Turn(Option<PictureRef>),
    /// Puts away what is being put together in the prompt bar; the prompt is back.
    LeaveTray,
    Upscale {
        picture: Option<PictureRef>,
        scale: u32,
    },
}

impl GestureCommand {
    pub fn label(&self) -> String {
        let fixed = match self {
            Self::Vary(_) | Self::VaryDropped => "Variations",
            Self::VaryAgain { .. } => "More like this",
            Self::AddToMix(_) => "Mix…",
            Self::Turn(_) => "Turn … into …",
            Self::LeaveTray => "Back to the prompt",
            Self::Upscale { scale, .. } => return format!("Upscale × {scale}"),
        };
        fixed.to_owned()
    }

    pub fn tooltip(&self) -> &'static str {
        match self {
            Self::Vary(_) | Self::VaryDropped => "Pictures like this one",
            Self::VaryAgain { .. } => {
                "The same picture varied anew, as near or far as the slider says (far)"
            }
            Self::AddToMix(_) => {
                "Collects two to four pictures or words to draw what lies between (blend)"
            }
            Self::Turn(_) => "As from “day” into “night”; the rest of the picture stays (shift)",
            Self::LeaveTray => "What was collected stays until you clear it",
            Self::Upscale { .. } => "A larger picture, as a result of its own",
        }
    }
}
