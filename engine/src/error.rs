//! Everything that can go wrong in the engine, as the user will read it.
//!
//! A message says what happened, what to do, and names the path last. What others wrote in it goes through
//! [`foreign_text`], so that a message is one line of about 1 KB whatever it is about.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{foreign_text, protocol::Operation};

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
    #[error(
        "{name} must be {}, and is {}",
        foreign_text::reason(allowed),
        foreign_text::name(value)
    )]
    OutOfRange {
        name: &'static str,
        value: String,
        allowed: String,
    },
    #[error("{family} has no {setting}: leave out its settings, or choose a model that has one")]
    NoSuchSetting {
        setting: &'static str,
        family: String,
    },
    #[error("nothing is masked: paint over what may change, or change the whole picture")]
    EmptyMask,
    #[error("there is no picture to change")]
    NoPicture,
    #[error("the picture is transparent all over: there is nothing to see in it")]
    TransparentPicture,
    #[error(
        "“{}” and “{}” mean the same to this model: name two things that differ",
        foreign_text::name(from),
        foreign_text::name(to)
    )]
    NoDifference { from: String, to: String },
    #[error("the {name} is not {width}×{height}, as the request says")]
    WrongPictureSize {
        name: &'static str,
        width: u32,
        height: u32,
    },
    #[error(
        "there is no sampler `{}`: use one of {}",
        foreign_text::name(name),
        foreign_text::names(valid)
    )]
    UnknownSampler { name: String, valid: Vec<String> },
    #[error(
        "there is no device `{}`: use one of {}",
        foreign_text::name(name),
        foreign_text::names(valid)
    )]
    UnknownDevice { name: String, valid: Vec<String> },
    #[error("there is no model `{}`: {}", foreign_text::name(name), choices(valid))]
    UnknownModel { name: String, valid: Vec<String> },
    #[error(
        "there is no LoRA `{}`; put its .safetensors file into the folder: {}",
        foreign_text::name(name),
        foreign_text::path(folder)
    )]
    UnknownLora { name: String, folder: PathBuf },
    #[error(
        "this LoRA cannot be used: {}: {}",
        foreign_text::reason(reason),
        foreign_text::path(path)
    )]
    UnfitLora { path: PathBuf, reason: String },
    #[error(
        "there is no IP-Adapter `{}`; put its .safetensors file into the folder: {}",
        foreign_text::name(name),
        foreign_text::path(folder)
    )]
    UnknownIpAdapter { name: String, folder: PathBuf },
    #[error(
        "this IP-Adapter cannot be used: {}: {}",
        foreign_text::reason(reason),
        foreign_text::path(path)
    )]
    UnfitIpAdapter { path: PathBuf, reason: String },
    #[error(
        "“{operation}” is not for this model: {}: {}",
        foreign_text::reason(reason),
        foreign_text::path(path)
    )]
    NotForThisModel {
        operation: Operation,
        reason: String,
        path: PathBuf,
    },
    #[error(
        "this is not a model that Limn can read: {}: {}",
        foreign_text::reason(reason),
        foreign_text::path(path)
    )]
    NotAModel { path: PathBuf, reason: String },
    #[error(
        "the model is damaged or incomplete: {}: {}",
        foreign_text::reason(reason),
        foreign_text::path(path)
    )]
    BadWeights { path: PathBuf, reason: String },
    #[error(
        "the weights are packed as {kind}, which Limn does not read: get the same model in F16, BF16 or FP8: {}",
        foreign_text::path(path)
    )]
    Quantised { kind: &'static str, path: PathBuf },
    #[error(
        "a pickle can run code, so Limn never opens one; look for the same model as .safetensors: {}",
        foreign_text::path(path)
    )]
    Pickle { path: PathBuf },
    #[error(
        "cannot read the file ({}): {}: {}",
        foreign_text::reason(cause),
        remedy(cause),
        foreign_text::path(path)
    )]
    Io {
        path: PathBuf,
        /// Told in the message, and so no `source` that a printer would repeat.
        cause: std::io::Error,
    },
    #[error("the device failed: {}", foreign_text::reason(.0))]
    Device(String),
    #[error("the device is out of memory: {}", foreign_text::reason(.0))]
    OutOfMemory(String),
    #[error(
        "the picture came out as not-a-number; try another seed, or the full precision of --dtype f32"
    )]
    NotANumber,
    #[error(
        "the other side speaks Limn protocol {theirs}, this side {ours}: install the same version on both"
    )]
    ProtocolVersion { ours: u16, theirs: u16 },
    #[error("the connection to the engine broke: {}", foreign_text::reason(.0))]
    Protocol(String),
    #[error("cancelled")]
    Cancelled,
    #[error(
        "the engine failed where it never should ({}); its log has the details",
        foreign_text::reason(.0)
    )]
    Bug(String),
}

fn choices(names: &[String]) -> String {
    if names.is_empty() {
        "none is installed; name a model's folder by its path".to_owned()
    } else {
        format!("use one of {}", foreign_text::names(names))
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
            | Self::NoSuchSetting { .. }
            | Self::EmptyMask
            | Self::NoPicture
            | Self::TransparentPicture
            | Self::NoDifference { .. }
            | Self::WrongPictureSize { .. }
            | Self::UnknownSampler { .. }
            | Self::UnknownDevice { .. }
            | Self::UnknownModel { .. }
            | Self::UnknownLora { .. }
            | Self::UnfitLora { .. }
            | Self::UnknownIpAdapter { .. }
            | Self::UnfitIpAdapter { .. }
            | Self::NotForThisModel { .. } => ErrorKind::BadRequest,
            Self::NotAModel { .. }
            | Self::BadWeights { .. }
            | Self::Quantised { .. }
            | Self::Pickle { .. } => ErrorKind::BadModel,
            Self::Io { .. } => ErrorKind::Io,
            Self::Device(_) => ErrorKind::Device,
            Self::OutOfMemory(_) => ErrorKind::OutOfMemory,
            Self::NotANumber => ErrorKind::NotANumber,
            Self::ProtocolVersion { .. } | Self::Protocol(_) => ErrorKind::Protocol,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Bug(_) => ErrorKind::Bug,
        }
    }

    pub fn io(path: impl Into<PathBuf>, cause: std::io::Error) -> Self {
        Self::Io {
            path: path.into(),
            cause,
        }
    }
}

/// What to do about a file that cannot be read.
fn remedy(cause: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match cause.kind() {
        ErrorKind::NotFound => "see whether it was moved, or was never all there",
        ErrorKind::PermissionDenied => "allow Limn to read it",
        ErrorKind::NotADirectory => "there is a file where a folder should be; get it again",
        ErrorKind::IsADirectory => "there is a folder where a file should be; get it again",
        // Of the kinds that are not stable yet, as that of a link to itself.
        _ => "see whether its disk is well and its links lead anywhere",
    }
}

/// As in `7.8 GiB`.
fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_is_long_or_steers_a_terminal_whatever_its_fields_hold() {
        let text = || "\u{1b}[2J\u{202e}模".repeat(100_000);
        let path = || PathBuf::from(text());
        let errors = [
            Error::OutOfRange {
                name: "the size",
                value: text(),
                allowed: text(),
            },
            Error::NoDifference {
                from: text(),
                to: text(),
            },
            Error::UnknownSampler {
                name: text(),
                valid: vec![text(); 10],
            },
            Error::UnknownDevice {
                name: text(),
                valid: vec![text(); 10],
            },
            Error::UnknownModel {
                name: text(),
                valid: vec![text(); 10],
            },
            Error::UnknownLora {
                name: text(),
                folder: path(),
            },
            Error::UnfitLora {
                path: path(),
                reason: text(),
            },
            Error::UnknownIpAdapter {
                name: text(),
                folder: path(),
            },
            Error::UnfitIpAdapter {
                path: path(),
                reason: text(),
            },
            Error::NotForThisModel {
                operation: Operation::Generate,
                path: path(),
                reason: text(),
            },
            Error::NotAModel {
                path: path(),
                reason: text(),
            },
            Error::BadWeights {
                path: path(),
                reason: text(),
            },
            Error::Pickle { path: path() },
            Error::io(path(), std::io::Error::other(text())),
            Error::Device(text()),
            Error::OutOfMemory(text()),
            Error::Protocol(text()),
            Error::Bug(text()),
        ];
        for error in errors {
            let message = error.to_string();
            assert!(
                message.len() <= 2 * foreign_text::MAX_MESSAGE_BYTES,
                "{message}"
            );
            assert!(!message.contains(foreign_text::is_hidden), "{message}");
        }
    }
}
