//! What pictures are asked for by words, and where they are to be computed.

use serde::{Deserialize, Serialize};

use super::{BlobHash, ModelId, ModelInfo, Setting};
use crate::samplers::{Sampler, Spacing};
use crate::stitch::{EditPlan, EditSettings};

/// Where and in which precision to compute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compute {
    pub device: DeviceChoice,
    pub dtype: DtypeChoice,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// The best GPU that passes its self-test, else the CPU.
    #[default]
    Auto,
    Gpu,
    Cpu,
    /// A device by the name that [`DeviceInfo`](super::DeviceInfo) gives it.
    Named(String),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DtypeChoice {
    #[default]
    Auto,
    F32,
    F16,
}

/// Text to pictures. What is `None` comes from the model folder, then from the family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerateRequest {
    pub model: ModelId,
    pub compute: Compute,
    pub prompt: String,
    pub negative_prompt: Option<String>,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    pub n_pictures: u32,
    /// Each picture is the best of this many by CLIP similarity to the prompt; 1 keeps every one.
    pub best_of: u32,
    /// The first picture's seed; each further picture's is one higher.
    pub seed: u64,
    pub sampling: Sampling,
    /// Initial noise, in safetensors with one tensor `latents`, already sent as chunks.
    pub latents: Option<BlobHash>,
    /// What changes the model for this request, one after another.
    pub loras: Vec<LoraChoice>,
    /// Through which the model looks at pictures, where it does not by itself; `None`: the first that fits it.
    pub ip_adapter: Option<IpAdapterChoice>,
}

/// A LoRA by its file's name, without the ending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoraChoice {
    pub name: String,
    /// What its change is multiplied with; below 0 it is taken away.
    pub weight: f32,
}

/// An IP-Adapter by its file's name, without the ending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IpAdapterChoice {
    pub name: String,
    /// How much of what it sees in pictures is added, from 0; 1 is as it was trained.
    pub scale: f32,
}

impl GenerateRequest {
    /// One picture that asks for nothing in words.
    pub fn blank(model: ModelId, compute: Compute) -> Self {
        Self {
            model,
            compute,
            prompt: String::new(),
            negative_prompt: None,
            size: None,
            n_pictures: 1,
            best_of: 1,
            seed: 0,
            sampling: Sampling::default(),
            latents: None,
            loras: Vec::new(),
            ip_adapter: None,
        }
    }
}

/// A picture, or what a mask covers of it, made anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditRequest {
    /// Its `size` is not read: the plan has the size to work at.
    pub generate: GenerateRequest,
    pub settings: EditSettings,
    /// As the side that asks computed and drew it.
    pub plan: EditPlan,
    /// `None`: [`Steering::Blend`] under a mask on an ordinary decoder, else [`Steering::Prompt`].
    pub steering: Option<Steering>,
    /// RGBA of `plan.context`, straight alpha, row by row; already sent as chunks.
    pub image: BlobHash,
    /// One byte for each pixel of `plan.context`, 255 where it may change; `None`: everywhere.
    pub mask: Option<BlobHash>,
}

/// Which image embedding steers an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Steering {
    /// The prompt's alone, as the reference pipelines have it.
    Prompt,
    /// From that of the context box towards the prompt's, by the strength: what is painted fits its place.
    Blend,
    /// A quarter as far at every strength, and from what lies beside the edges that grew where some did: what is painted
    /// goes on with what is there.
    Continue,
    /// That of the context box alone: one of many tiles beyond a picture's edge, each of which would else paint the
    /// prompt's subject once more.
    Surroundings,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    pub sampler: Option<Sampler>,
    pub n_steps: Option<u32>,
    pub guidance_scale: Option<f32>,
    pub n_prior_steps: Option<u32>,
    pub prior_guidance_scale: Option<f32>,
    /// How many of the text encoder's last layers are left out; `None` and 0: none beyond the family's own.
    pub clip_skip: Option<u32>,
    /// How the sampler's steps are spaced over the noise; `None`: as the model's own schedule has it.
    pub spacing: Option<Spacing>,
    /// How much of the contrast that guidance adds is taken back, from 0 to 1.
    pub guidance_rescale: Option<f32>,
}

impl Sampling {
    /// What is chosen for a setting; `None` where it is the model's own, and for a setting that is not among these.
    pub fn get(&self, setting: Setting) -> Option<f32> {
        match setting {
            Setting::Steps => self.n_steps.map(|n| n as f32),
            Setting::Guidance => self.guidance_scale,
            Setting::PriorSteps => self.n_prior_steps.map(|n| n as f32),
            Setting::PriorGuidance => self.prior_guidance_scale,
            Setting::ClipSkip => self.clip_skip.map(|n| n as f32),
            Setting::GuidanceRescale => self.guidance_rescale,
        }
    }

    /// Chooses a value; counts are rounded.
    pub fn set(&mut self, setting: Setting, value: Option<f32>) {
        let count = value.map(|value| value.round().max(0.0) as u32);
        match setting {
            Setting::Steps => self.n_steps = count,
            Setting::Guidance => self.guidance_scale = value,
            Setting::PriorSteps => self.n_prior_steps = count,
            Setting::PriorGuidance => self.prior_guidance_scale = value,
            Setting::ClipSkip => self.clip_skip = count,
            Setting::GuidanceRescale => self.guidance_rescale = value,
        }
    }

    /// Without what a model does not have, as when settings come from another model's picture.
    #[must_use]
    pub fn for_model(mut self, model: &ModelInfo) -> Self {
        for setting in Setting::ALL {
            if !model.has_setting(setting) {
                self.set(setting, None);
            }
        }
        self
    }
}
