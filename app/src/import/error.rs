use std::io;
use std::path::PathBuf;

use limn_engine::plain_words;

use super::format::{READABLE, Unreadable};
use crate::files::remedy;
use crate::gallery::picture_file::LIMIT_SIDE_PX;

/// Why a picture was not opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be read ({cause}): {}", remedy(cause))]
    Io { cause: io::Error },
    #[error("the file is empty: get it again")]
    Empty,
    #[error("this is not a picture that Limn reads: open a {READABLE}")]
    NotAPicture,
    #[error("Limn does not read {} files: {}", .0.name, .0.remedy)]
    OtherFormat(Unreadable),
    #[error("Limn does not read this kind of {format} ({what}): save the picture as PNG")]
    Variant { format: &'static str, what: String },
    #[error("the picture is damaged ({0}): get it again, or save it anew where it was made")]
    Damaged(String),
    #[error("what comes with the picture unpacks to far too much: save it anew where it was made")]
    Bomb,
    #[error("the picture is cut off: get it again, or save it anew where it was made")]
    CutOff,
    #[error(
        "the picture is cut off, and nearly nothing of its {width}×{height} pixels is there: get it again"
    )]
    NearlyNothing { width: u32, height: u32 },
    #[error("{width}×{height} is too large: Limn takes up to {LIMIT_SIDE_PX} pixels a side")]
    TooLarge { width: u32, height: u32 },
    #[error("the file has {} MiB and may have {}: save it smaller, or as PNG or TIFF", bytes >> 20, limit_bytes >> 20)]
    FileTooLarge { bytes: u64, limit_bytes: u64 },
    #[error(
        "{width}×{height} takes {} MiB to open in this format and may take {}: save it smaller, or as a PNG of 8 bit",
        needed_bytes >> 20,
        limit_bytes >> 20
    )]
    TooHeavy {
        width: u32,
        height: u32,
        needed_bytes: u64,
        limit_bytes: u64,
    },
    #[error(
        "{width}×{height} needs {} MiB of memory and {} are free: close other programs, or make it smaller",
        needed_bytes >> 20,
        free_bytes >> 20
    )]
    OutOfMemory {
        width: u32,
        height: u32,
        needed_bytes: u64,
        free_bytes: u64,
    },
}

/// An [`Error`] and the file it is about.
#[derive(Debug, thiserror::Error)]
#[error("{error}: {}", path.display())]
pub struct FileError {
    pub path: PathBuf,
    pub error: Error,
}

impl Error {
    pub(super) fn damaged(error: impl std::fmt::Display) -> Self {
        let text = error.to_string();
        let text = plain_words::plain(&text);
        // Which decoder says so is of no use, and some put their words in quotation marks.
        let reason = match text.strip_prefix("Format error decoding ") {
            Some(rest) => rest.split_once(": ").map_or(rest, |(_, reason)| reason),
            None => &text,
        };
        let quoted = reason
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        Self::Damaged(quoted.unwrap_or(reason).trim_end_matches('.').to_owned())
    }

    /// Of a reader: an early end is a file that was cut off.
    pub(super) fn of_reading(cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutOff,
            // What a decoder says of the content comes as this kind too.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                Self::damaged(cause)
            }
            _ => Self::Io { cause },
        }
    }
}

impl From<image::ImageError> for Error {
    fn from(error: image::ImageError) -> Self {
        use image::ImageError;
        match error {
            ImageError::IoError(error) => Self::of_reading(error),
            ImageError::Limits(_) => Self::Bomb,
            ImageError::Unsupported(error) => Self::Variant {
                format: name_of(&error.format_hint()),
                what: error.to_string(),
            },
            error if is_of_early_end(&error) => Self::CutOff,
            error => Self::damaged(error),
        }
    }
}

impl From<png::DecodingError> for Error {
    fn from(error: png::DecodingError) -> Self {
        match error {
            png::DecodingError::IoError(error) => Self::of_reading(error),
            png::DecodingError::LimitsExceeded => Self::Bomb,
            error => Self::damaged(error),
        }
    }
}

/// As it is called in a message.
fn name_of(hint: &image::error::ImageFormatHint) -> &'static str {
    use image::ImageFormat;
    use image::error::ImageFormatHint;
    match hint {
        ImageFormatHint::Exact(ImageFormat::Bmp) => "BMP",
        ImageFormatHint::Exact(ImageFormat::Gif) => "GIF",
        ImageFormatHint::Exact(ImageFormat::Ico) => "ICO",
        ImageFormatHint::Exact(ImageFormat::Pnm) => "PNM",
        ImageFormatHint::Exact(ImageFormat::Qoi) => "QOI",
        ImageFormatHint::Exact(ImageFormat::Tga) => "TGA",
        ImageFormatHint::Exact(ImageFormat::WebP) => "WebP",
        _ => "picture",
    }
}

/// Whether a reader's early end is at the bottom of it.
fn is_of_early_end(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof)
    })
}
