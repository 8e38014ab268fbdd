//! What the engine tells of models, devices, and the jobs it works on.

use serde::{Deserialize, Serialize};

use super::{BlobHash, Feature, ModelId, Operation, Sampling, Setting, SettingInfo, checked};
use crate::error::ErrorKind;
use crate::samplers::{Sampler, Spacing};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: ErrorKind,
    #[serde(deserialize_with = "checked::message")]
    pub message: String,
}

/// The settings a job runs with, all defaults filled in: what a recipe records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    #[serde(deserialize_with = "checked::name")]
    pub model_name: String,
    /// SHA-256 over the model's files, in hexadecimal.
    #[serde(deserialize_with = "checked::name")]
    pub model_hash: String,
    #[serde(deserialize_with = "checked::name")]
    pub device: String,
    #[serde(deserialize_with = "checked::name")]
    pub dtype: String,
    /// Of the pictures that come.
    pub width: u32,
    pub height: u32,
    /// Where the model draws smaller pictures, which its own upscaler makes as large as that.
    pub cascade: Option<CascadePlan>,
    pub sampler: Sampler,
    pub n_steps: u32,
    pub guidance_scale: f32,
    /// `None` for a model without a prior.
    pub n_prior_steps: Option<u32>,
    pub prior_guidance_scale: Option<f32>,
    /// The end of the prompt that the model could not read, when the prompt was too long.
    pub unread_prompt: Option<String>,
    /// What the model was changed by.
    pub loras: Vec<LoraUse>,
    /// What the model looks at pictures through, where it does not by itself.
    pub ip_adapter: Option<Box<IpAdapterUse>>,
    /// What is done in place of what was asked for; `None` where the model does just that.
    pub stand_in: Option<StandIn>,
    /// `None` where it is the model's own.
    pub spacing: Option<Spacing>,
    /// These two are `None` for a model without them.
    pub guidance_rescale: Option<f32>,
    pub clip_skip: Option<u32>,
    /// What of the prompt could not be done, one sentence each.
    pub remarks: Vec<String>,
}

/// A LoRA that changed a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoraUse {
    #[serde(deserialize_with = "checked::name")]
    pub name: String,
    pub weight: f32,
    /// SHA-256 of the file, in hexadecimal.
    #[serde(deserialize_with = "checked::name")]
    pub hash: String,
    /// Layers that it changes.
    pub n_layers: u32,
    /// Changes in the file for which the model has no layer.
    pub n_unmatched: u32,
}

/// An IP-Adapter through which a model looked at pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IpAdapterUse {
    #[serde(deserialize_with = "checked::name")]
    pub name: String,
    pub scale: f32,
    /// SHA-256 of the file, in hexadecimal.
    #[serde(deserialize_with = "checked::name")]
    pub hash: String,
    /// The same of the image encoder's weights.
    #[serde(deserialize_with = "checked::name")]
    pub encoder_hash: String,
}

/// What stands in for an operation that a model cannot do as others do it. Variants are only appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandIn {
    /// The pictures themselves are noised and drawn anew, where another model looks at what they show.
    ImageToImage,
    /// The same, where an IP-Adapter would let the model look at pictures, and none that fits it is there.
    WithoutIpAdapter,
}

impl StandIn {
    /// One sentence for people.
    pub fn note(self) -> &'static str {
        match self {
            Self::ImageToImage => {
                "This model does not look at what pictures show: it draws over the pictures themselves (image to image), so that their layout stays."
            }
            Self::WithoutIpAdapter => {
                "No IP-Adapter that fits this model is there, through which it would look at what pictures show: it draws over the pictures themselves (image to image), so that their layout stays."
            }
        }
    }
}

impl LoraUse {
    /// What of it had no effect, in a sentence.
    pub fn note(&self) -> Option<String> {
        let Self {
            name,
            n_layers,
            n_unmatched,
            ..
        } = self;
        let n_all = n_layers.saturating_add(*n_unmatched);
        (*n_unmatched > 0).then(|| {
            format!("{n_unmatched} of the {n_all} changes in the LoRA {name} are for layers that this model does not have, and had no effect.")
        })
    }
}

/// What is behind a picture of a cascade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CascadePlan {
    /// Pixels of what the model itself draws.
    pub drawn_width: u32,
    pub drawn_height: u32,
    /// SHA-256 of the upscaler's file, in hexadecimal.
    #[serde(deserialize_with = "checked::name")]
    pub upscaler_hash: String,
}

/// The phases of a job, roughly in order. A hang is judged by phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    Load,
    Tune,
    /// A picture that came with the job is made ready for the model.
    Encode,
    Prior,
    Step,
    Decode,
    /// The noise is found that a picture could have been made from.
    Invert,
    Upscale,
    Embed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub phase: Phase,
    /// Which picture of the job, from 0.
    pub picture: u32,
    /// Steps done in this phase, and how many it has.
    pub step: u32,
    pub n_steps: u32,
    /// Estimate for the whole job; `None` before the first step.
    pub seconds_left: Option<f32>,
    /// The predicted picture so far. May be dropped on the way.
    pub preview: Option<Preview>,
}

/// A small RGB picture, row by row, three bytes a pixel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Which picture of the job, from 0.
    pub index: u32,
    pub seed: u64,
    pub width: u32,
    pub height: u32,
    /// RGB, row by row, three bytes a pixel.
    pub pixels: BlobHash,
    /// CLIP similarity to the prompt, where it was computed.
    pub score: Option<f32>,
    /// Of an edit: how much each pixel of the patch covers what is under it, one byte a pixel.
    pub patch_mask: Option<BlobHash>,
    /// The words that were drawn, where the prompt left a choice.
    pub chosen: Option<Wording>,
}

/// How long a prompt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCount {
    /// Of its words, without begin and end of chunks.
    pub n_tokens: u32,
    pub n_chunks: u32,
    /// How many tokens a chunk holds.
    pub chunk_tokens: u32,
}

/// A prompt and its negative after their choices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wording {
    pub prompt: String,
    pub negative_prompt: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Seconds by stage, in order: `load`, `text`, `prior`, `denoise`, `decode`, …
    pub stages: Vec<(String, f32)>,
    /// Seconds of every denoising step.
    pub steps: Vec<f32>,
    pub total_seconds: f32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUse {
    /// Weights and activations on the device now.
    pub in_use_bytes: u64,
    /// What the engine lets itself use.
    pub budget_bytes: u64,
    /// The engine process's peak resident memory, where the system reports it.
    pub peak_resident_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub id: ModelId,
    #[serde(deserialize_with = "checked::name")]
    pub name: String,
    #[serde(deserialize_with = "checked::name")]
    pub family: String,
    /// One honest line: what it draws and how large.
    #[serde(deserialize_with = "checked::message")]
    pub description: String,
    pub bytes: u64,
    /// Sizes step by this many pixels.
    pub stride: u32,
    pub default_size: (u32, u32),
    pub defaults: Sampling,
    /// Words a small model knows; `None` for one that reads anything.
    pub vocabulary: Option<Vocabulary>,
    /// Example prompts that the model does well.
    pub examples: Vec<String>,
    /// What it can be asked for.
    pub operations: Vec<Operation>,
    pub features: Vec<Feature>,
    /// The settings that it has, in the order in which they are shown.
    pub settings: Vec<SettingInfo>,
    /// The sizes that it was made for, its default first.
    pub native_sizes: Vec<(u32, u32)>,
}

impl ModelInfo {
    pub fn can(&self, operation: Operation) -> bool {
        self.operations.contains(&operation)
    }

    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    pub fn has_setting(&self, setting: Setting) -> bool {
        self.settings.iter().any(|info| info.setting == setting)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    pub objects: Vec<String>,
    pub colours: Vec<String>,
    pub places: Vec<String>,
    pub times: Vec<String>,
    /// Ways of drawing, such as "pixel art".
    pub styles: Vec<String>,
    /// Other plain words it knows.
    pub words: Vec<String>,
    /// Word the user may type → word the model knows.
    pub synonyms: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// Unique on this machine; what `--device NAME` takes.
    #[serde(deserialize_with = "checked::name")]
    pub name: String,
    /// `vulkan`, `metal`, `dx12`, `gl` or `cpu`.
    #[serde(deserialize_with = "checked::name")]
    pub backend: String,
    #[serde(deserialize_with = "checked::name")]
    pub driver: String,
    pub is_gpu: bool,
    /// A CPU that pretends to be a GPU; never chosen.
    pub is_software: bool,
    /// `None` where the driver does not tell.
    pub memory_bytes: Option<u64>,
    /// Precisions it can run, best first: `f16`, `f32`.
    pub dtypes: Vec<String>,
    pub self_test: SelfTest,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SelfTest {
    NotRun,
    /// Passed on this rung of the ladder, as in `f16 fused`.
    Passed {
        rung: String,
    },
    Failed {
        reason: String,
    },
    /// The CPU needs none.
    NotNeeded,
}
