//! Everything that can go wrong in the engine, as the user will read it.
//!
//! A message says what happened, what to do, and names the path last.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the prompt is empty: describe a picture first")]
    EmptyPrompt,
    #[error("one of the texts is empty: say in words what is meant")]
    EmptyText,
    #[error(
        "{width}×{height} does not fit this model, whose sizes step by {stride} px: use {nearest_width}×{nearest_height}"
    )]
    UnsupportedSize {
        width: u32,
        height: u32,
        stride: u32,
        nearest_width: u32,
        nearest_height: u32,
    },
    #[error(
        "{width}×{height} needs about {} and {} may be used: {fitting_width}×{fitting_height} would fit",
        gibibytes(*needed_bytes),
        gibibytes(*available_bytes)
    )]
    TooLarge {
        width: u32,
        height: u32,
        needed_bytes: u64,
        available_bytes: u64,
        fitting_width: u32,
        fitting_height: u32,
    },
    #[error("{name} must be {allowed}, and is {value}")]
    OutOfRange {
        name: &'static str,
        value: String,
        allowed: String,
    },
    #[error("nothing is masked: paint over what may change, or change the whole picture")]
    EmptyMask,
    #[error("there is no picture to change")]
    NoPicture,
    #[error("the picture is transparent all over: there is nothing to see in it")]
    TransparentPicture,
    #[error("“{from}” and “{to}” mean the same to this model: name two things that differ")]
    NoDifference { from: String, to: String },
    #[error("the {name} is not {width}×{height}, as the request says")]
    WrongPictureSize {
        name: &'static str,
        width: u32,
        height: u32,
    },
    #[error("there is no sampler `{name}`: use one of {}", valid.join(", "))]
    UnknownSampler { name: String, valid: Vec<String> },
    #[error("there is no device `{name}`: use one of {}", valid.join(", "))]
    UnknownDevice { name: String, valid: Vec<String> },
    #[error("there is no model `{name}`: {}", choices(valid))]
    UnknownModel { name: String, valid: Vec<String> },
    #[error("this is not a model that Limn can read: {reason}: {}", path.display())]
    NotAModel { path: PathBuf, reason: String },
    #[error("the model is damaged or incomplete: {reason}: {}", path.display())]
    BadWeights { path: PathBuf, reason: String },
    #[error("a pickle can run code, so Limn never opens one; look for the same model as .safetensors: {}", path.display())]
    Pickle { path: PathBuf },
    #[error("cannot read the file ({source}): {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the device failed: {0}")]
    Device(String),
    #[error("the device is out of memory: {0}")]
    OutOfMemory(String),
    #[error(
        "the picture came out as not-a-number; try another seed, or the full precision of --dtype f32"
    )]
    NotANumber,
    #[error(
        "the other side speaks Limn protocol {theirs}, this side {ours}: install the same version on both"
    )]
    ProtocolVersion { ours: u16, theirs: u16 },
    #[error("the connection to the engine broke: {0}")]
    Protocol(String),
    #[error("cancelled")]
    Cancelled,
    #[error("the engine failed where it never should ({0}); its log has the details")]
    Bug(String),
}

fn choices(names: &[String]) -> String {
    if names.is_empty() {
        "none is installed; name a model's folder by its path".to_owned()
    } else {
        format!("use one of {}", names.join(", "))
    }
}

/// The kind of an [`Error`], for the other side of the protocol. Variants are only appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorKind {
    BadRequest,
    BadModel,
    Io,
    Device,
    OutOfMemory,
    NotANumber,
    Protocol,
    Cancelled,
    Bug,
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::EmptyPrompt
            | Self::EmptyText
            | Self::UnsupportedSize { .. }
            | Self::TooLarge { .. }
            | Self::OutOfRange { .. }
            | Self::EmptyMask
            | Self::NoPicture
            | Self::TransparentPicture
            | Self::NoDifference { .. }
            | Self::WrongPictureSize { .. }
            | Self::UnknownSampler { .. }
            | Self::UnknownDevice { .. }
            | Self::UnknownModel { .. } => ErrorKind::BadRequest,
            Self::NotAModel { .. } | Self::BadWeights { .. } | Self::Pickle { .. } => {
                ErrorKind::BadModel
            }
            Self::Io { .. } => ErrorKind::Io,
            Self::Device(_) => ErrorKind::Device,
            Self::OutOfMemory(_) => ErrorKind::OutOfMemory,
            Self::NotANumber => ErrorKind::NotANumber,
            Self::ProtocolVersion { .. } | Self::Protocol(_) => ErrorKind::Protocol,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Bug(_) => ErrorKind::Bug,
        }
    }

    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}

/// As in `7.8 GiB`.
fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}
