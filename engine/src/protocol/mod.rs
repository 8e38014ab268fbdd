//! What the window and the engine say to each other: the only thing the app sees of a running engine.
//!
//! Both sides first send a greeting (`LIMN`, protocol version, build), then frames: a little-endian `u32`
//! length of at most 16 MiB and one postcard-encoded [`Request`] or [`Event`]. Enum variants and struct
//! fields are only appended; anything else raises [`VERSION`]. Pictures travel as [`Chunk`]s under their
//! SHA-256, never as paths, each part but the last of 64 KiB at least; models by id from the engine's own list.

mod answers;
mod capabilities;
mod checked;
pub mod chunks;
pub mod framing;
mod gestures;
mod requests;

pub use answers::{
    CascadePlan, DeviceInfo, Failure, IpAdapterUse, LoraUse, MemoryUse, ModelInfo, Phase, Picture,
    Plan, Preview, Progress, SelfTest, StandIn, Timings, TokenCount, Vocabulary, Wording,
};
pub use capabilities::{Feature, Operation, Setting, SettingInfo};
pub use gestures::{
    BlendInput, BlendNoise, BlendRequest, EmbedRequest, Embeddings, Mix, PictureInput,
    ShiftRequest, UpscaleRequest, Upscaler, UpscalerInfo, VariationsRequest,
};
pub use requests::{
    Compute, DeviceChoice, DtypeChoice, EditRequest, GenerateRequest, IpAdapterChoice, LoraChoice,
    Sampling, Steering,
};
use serde::{Deserialize, Serialize};

pub const VERSION: u16 = 6;

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
    /// How long a prompt is for a model, while it is being written.
    CountTokens {
        model: ModelId,
        prompt: String,
    },
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
            | Self::CountTokens { .. }
            | Self::ListDevices { .. }
            | Self::Load { .. }
            | Self::Cancel { .. }
            | Self::Chunk(_)
            | Self::Shutdown => None,
        }
    }
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
        /// Kernels that were compiled for this work so far, on a GPU.
        n_kernels: u32,
    },
    /// All that an [`EmbedRequest`] asked for; [`Event::Finished`] follows.
    Embedded {
        job: JobId,
        embeddings: Embeddings,
    },
    Upscalers(Vec<UpscalerInfo>),
    /// `None` for a model that has no tokens to count.
    TokenCount(Option<TokenCount>),
}

impl Event {
    /// A sign of life from work that compiles nothing.
    pub fn working(job: Option<JobId>, phase: Phase) -> Self {
        Self::Working {
            job,
            phase,
            n_kernels: 0,
        }
    }

    /// The job that this tells of.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Started { job, .. }
            | Self::Progress { job, .. }
            | Self::Picture { job, .. }
            | Self::Finished { job, .. }
            | Self::Cancelled { job }
            | Self::Embedded { job, .. } => Some(*job),
            Self::Failed { job, .. } | Self::Working { job, .. } => *job,
            Self::Models(_)
            | Self::Devices(_)
            | Self::Loading { .. }
            | Self::Loaded { .. }
            | Self::Chunk(_)
            | Self::Upscalers(_)
            | Self::TokenCount(_) => None,
        }
    }
}
