//! What the window and the engine say to each other: the only thing the app sees of a running engine.
//!
//! Both sides first send a greeting (`LIMN`, protocol version, build), then frames: a little-endian `u32`
//! length of at most 16 MiB and one postcard-encoded [`Request`] or [`Event`]. Enum variants and struct
//! fields are only appended; anything else raises [`VERSION`]. Pictures travel as [`Chunk`]s under their
//! SHA-256, never as paths; models by id from the engine's own list.

pub mod chunks;
pub mod framing;
mod gestures;

pub use gestures::{
    BlendInput, BlendNoise, BlendRequest, EmbedRequest, Embeddings, Mix, ModelDeed, PictureInput,
    ShiftRequest, UpscaleRequest, Upscaler, UpscalerInfo, VariationsRequest,
};
use serde::{Deserialize, Serialize};

use crate::error::ErrorKind;
use crate::samplers::Sampler;
use crate::stitch::{EditPlan, EditSettings};

pub const VERSION: u16 = 3;

/// A job, numbered by the side that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId(pub u64);

/// A model, named by the engine's catalogue; a folder that the engine was started with may go by that path too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelId(pub String);

/// The SHA-256 of a picture, mask or tensor that travels in chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobHash(pub [u8; 32]);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    ListModels,
    /// Facts of every device; with `self_test` those not yet tested are tested first, which can take minutes.
    ListDevices {
        self_test: bool,
    },
    /// Reads a model ahead of its first job.
    Load {
        model: ModelId,
        compute: Compute,
    },
    Generate {
        job: JobId,
        request: GenerateRequest,
    },
    Cancel {
        job: JobId,
    },
    Chunk(Chunk),
    /// Finishes nothing, frees everything and ends the process with exit code 0.
    Shutdown,
    Edit {
        job: JobId,
        request: EditRequest,
    },
    Vary {
        job: JobId,
        request: VariationsRequest,
    },
    Blend {
        job: JobId,
        request: BlendRequest,
    },
    Shift {
        job: JobId,
        request: ShiftRequest,
    },
    Upscale {
        job: JobId,
        request: UpscaleRequest,
    },
    Embed {
        job: JobId,
        request: EmbedRequest,
    },
    /// What [`Upscaler::File`] may name.
    ListUpscalers,
}

impl Request {
    /// The job that this asks for.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Generate { job, .. }
            | Self::Edit { job, .. }
            | Self::Vary { job, .. }
            | Self::Blend { job, .. }
            | Self::Shift { job, .. }
            | Self::Upscale { job, .. }
            | Self::Embed { job, .. } => Some(*job),
            Self::ListModels
            | Self::ListUpscalers
            | Self::ListDevices { .. }
            | Self::Load { .. }
            | Self::Cancel { .. }
            | Self::Chunk(_)
            | Self::Shutdown => None,
        }
    }
}

/// Where and in which precision to compute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A device by the name that [`DeviceInfo`] gives it.
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
    /// Half as far at every strength: what is painted goes on with what is there, as beyond a picture's edge.
    Continue,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    pub sampler: Option<Sampler>,
    pub n_steps: Option<u32>,
    pub guidance_scale: Option<f32>,
    pub n_prior_steps: Option<u32>,
    pub prior_guidance_scale: Option<f32>,
}

/// A part of a blob. The receiver joins parts in order and checks the hash after the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    pub blob: BlobHash,
    pub offset: u64,
    pub total_bytes: u64,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Models(Vec<ModelInfo>),
    Devices(Vec<DeviceInfo>),
    /// A model is being read, one event per component.
    Loading {
        model: ModelId,
        component: String,
        done_bytes: u64,
        total_bytes: u64,
    },
    Loaded {
        model: ModelId,
        device: String,
        memory: MemoryUse,
    },
    /// A job has left the queue; what it will really use.
    Started {
        job: JobId,
        plan: Plan,
    },
    Progress {
        job: JobId,
        progress: Progress,
    },
    Chunk(Chunk),
    /// One finished picture; its chunks came before.
    Picture {
        job: JobId,
        picture: Picture,
    },
    /// All pictures of the job were sent.
    Finished {
        job: JobId,
        timings: Timings,
        memory: MemoryUse,
    },
    /// Acknowledges a cancel; pictures sent before stay valid.
    Cancelled {
        job: JobId,
    },
    /// A job, or with `None` a request outside any job, has failed.
    Failed {
        job: Option<JobId>,
        failure: Failure,
    },
    /// Sent during long silent work, so that the other side can tell slow from dead.
    Working {
        job: Option<JobId>,
        phase: Phase,
    },
    /// All that an [`EmbedRequest`] asked for; [`Event::Finished`] follows.
    Embedded {
        job: JobId,
        embeddings: Embeddings,
    },
    Upscalers(Vec<UpscalerInfo>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: ErrorKind,
    pub message: String,
}

/// The settings a job runs with, all defaults filled in: what a recipe records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub model_name: String,
    /// SHA-256 over the model's files, in hexadecimal.
    pub model_hash: String,
    pub device: String,
    pub dtype: String,
    pub width: u32,
    pub height: u32,
    pub sampler: Sampler,
    pub n_steps: u32,
    pub guidance_scale: f32,
    pub n_prior_steps: u32,
    pub prior_guidance_scale: f32,
    /// The end of the prompt that the model could not read, when the prompt was too long.
    pub unread_prompt: Option<String>,
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
    pub name: String,
    pub family: String,
    /// One honest line: what it draws and how large.
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
    /// What it can do.
    pub deeds: Vec<ModelDeed>,
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
    pub name: String,
    /// `vulkan`, `metal`, `dx12`, `gl` or `cpu`.
    pub backend: String,
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
