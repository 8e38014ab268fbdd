use std::io;
use std::path::PathBuf;

use limn_engine::plain_words;

use super::LIMIT_SIDE_PX;
use super::format::{READABLE, Unreadable};
use crate::files::remedy;

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
            None => text
                .strip_prefix("The decoder for ")
                .and_then(|rest| rest.split_once(" does not support the format features "))
                .map_or(&*text, |(_, reason)| reason),
        };
        let quoted = reason
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let reason = quoted.unwrap_or(reason).trim_end_matches('.');
        Self::Damaged(of_content(reason).unwrap_or(reason).to_owned())
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

/// What some decoders say that means something to their authors alone.
fn of_content(reason: &str) -> Option<&'static str> {
    // By the system, to whoever reads from a place that no file can have.
    if reason == "Invalid argument" {
        return Some("it points to places outside of it");
    }
    let size = reason.strip_prefix("Image dimensions (");
    if size.is_some_and(|size| size.starts_with("0x") || size.contains("x0 ")) {
        return Some("it has no pixels");
    }
    // Names of their types and functions; PNG's names of chunks have four letters.
    let mut words = reason.split(|c: char| !c.is_alphanumeric());
    words
        .any(|word| {
            let mut letters = word.chars();
            word.len() > 4
                && letters.next().is_some_and(char::is_uppercase)
                && letters.any(char::is_uppercase)
                && word.contains(char::is_lowercase)
        })
        .then_some("what is in it makes no sense")
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn what_decoders_say_is_told_where_it_says_something() {
        for (said, told) in [
            (
                "Format error decoding Png: \"CgBI chunk appeared before IHDR chunk.\"",
                "CgBI chunk appeared before IHDR chunk",
            ),
            (
                "The decoder for Bmp does not support the format features Image dimensions (0x40 w/3 channels) are too large",
                "it has no pixels",
            ),
            (
                "The decoder for Bmp does not support the format features Image dimensions (64x0 w/3 channels) are too large",
                "it has no pixels",
            ),
            (
                "The decoder for Tga does not support the format features a colour of 7 bits",
                "a colour of 7 bits",
            ),
            (
                "Invalid argument (os error 22)",
                "it points to places outside of it",
            ),
            (
                "PadZeroToByte() read non-zero bits",
                "what is in it makes no sense",
            ),
            (
                "Enum(MaProperty) read invalid enum value of 166",
                "what is in it makes no sense",
            ),
            (
                "Corrupt JPEG data: SOI marker",
                "Corrupt JPEG data: SOI marker",
            ),
        ] {
            let Error::Damaged(reason) = Error::damaged(said) else {
                unreachable!("always of this kind");
            };
            assert_eq!(reason, told, "{said}");
        }
    }
}
