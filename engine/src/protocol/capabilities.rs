//! What a model can be asked for, and the settings that it has: the window and the command line know no family.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::checked;

/// What is asked for. Variants are only appended (they travel in the protocol); the names are those of recipes on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    #[serde(rename = "text_to_image")]
    Generate,
    Inpaint,
    ImageToImage,
    Outpaint,
    /// Pictures like a given one.
    Variations,
    /// Pictures between several pictures or texts.
    Blend,
    /// A picture turned from what one text says into what another says.
    Shift,
    /// A larger picture.
    Upscale,
}

impl Operation {
    pub const ALL: [Self; 8] = [
        Self::Generate,
        Self::Inpaint,
        Self::ImageToImage,
        Self::Outpaint,
        Self::Variations,
        Self::Blend,
        Self::Shift,
        Self::Upscale,
    ];

    /// As the field calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Generate => "text to image",
            Self::Inpaint => "inpaint",
            Self::ImageToImage => "image to image",
            Self::Outpaint => "outpaint",
            Self::Variations => "variations",
            Self::Blend => "blend",
            Self::Shift => "shift",
            Self::Upscale => "upscale",
        }
    }

    /// Whether it changes a part or all of a picture that is there.
    pub fn is_edit(self) -> bool {
        matches!(self, Self::Inpaint | Self::ImageToImage | Self::Outpaint)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.label())
    }
}

/// What a model takes or does beside its operations. Variants are only appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Feature {
    /// A picture's embedding steers it: variations and blends keep what a picture shows, not where it shows it.
    ImageEmbeddings,
    /// Pictures beside the prompt that it looks at.
    ReferencePictures,
    /// Its denoiser was trained to repaint: it takes the mask and the masked picture beside the latents.
    RepaintingChannels,
    NegativePrompt,
    /// Classifier-free guidance.
    Guidance,
    /// `(word:1.2)` in prompts.
    PromptWeights,
    /// Embeds pictures and texts for a search.
    Embeddings,
    /// It looks at pictures through an IP-Adapter, where one is there.
    IpAdapters,
}

/// A number that a model lets the user choose. Variants are only appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Setting {
    Steps,
    Guidance,
    PriorSteps,
    PriorGuidance,
    ClipSkip,
    GuidanceRescale,
}

impl Setting {
    pub const ALL: [Self; 6] = [
        Self::Steps,
        Self::Guidance,
        Self::PriorSteps,
        Self::PriorGuidance,
        Self::ClipSkip,
        Self::GuidanceRescale,
    ];

    /// Whether it is a count, and not any number.
    pub fn is_whole(self) -> bool {
        match self {
            Self::Steps | Self::PriorSteps | Self::ClipSkip => true,
            Self::Guidance | Self::PriorGuidance | Self::GuidanceRescale => false,
        }
    }
}

/// How a setting is shown, and the values that it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingInfo {
    pub setting: Setting,
    #[serde(deserialize_with = "checked::name")]
    pub label: String,
    /// One line of explanation, with the name that the field gives it.
    #[serde(deserialize_with = "checked::name")]
    pub hint: String,
    /// A heading over this and the settings after it.
    #[serde(deserialize_with = "checked::some_name")]
    pub heading: Option<String>,
    /// What a slider offers; more may be typed elsewhere.
    pub least: f32,
    pub most: f32,
    /// The model's own.
    pub default: f32,
}
