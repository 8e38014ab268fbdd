//! Pictures from elsewhere, as the ground of a document: opened, dropped or pasted.
//!
//! What comes out is what Limn works in: sRGB, 8 bit, straight alpha, upright. Whatever had to be changed for
//! that is told in a [`Note`]. Reading trusts nothing: what would not fit is refused before it is unpacked, and
//! what is damaged is refused with a word for it, never shown half.

mod colour_profile;
mod fit;
mod jpeg;
#[cfg(test)]
mod tests;

pub use fit::{LOOKED_AT_PX, small_enough};
use std::fmt;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, Limits, RgbaImage};
use limn_engine::device::memory;

use crate::files::{Fs, RealFs, remedy};
use crate::gallery::marking;
use crate::gallery::picture_file::LIMIT_SIDE_PX;

/// A picture of that size in 16 bit that cannot be compressed.
const LIMIT_FILE_BYTES: u64 = 2 << 30;
/// What a decoder may hold besides the pixels: profiles, texts, a row.
const LIMIT_EXTRA_BYTES: u64 = 64 << 20;

/// A picture as Limn works on it.
#[derive(Debug)]
pub struct Imported {
    pub pixels: RgbaImage,
    /// What is not as it was in the file, for the user to know.
    pub notes: Vec<Note>,
    /// IPTC's name for how the picture came to be, where its file is marked with one.
    pub source_type: Option<String>,
}

/// Something that was changed on the way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// 16 bit a channel became 8.
    Reduced,
    /// Only the first picture of an animation is there.
    FirstFrame,
    /// The camera was held on its side.
    Turned,
    /// Colours of another colour space became those of sRGB.
    Converted { profile: String },
    /// Inks became light without knowing the press.
    FromInks,
    /// The colour profile could not be read, and sRGB was taken for granted.
    UnknownProfile,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reduced => f.write_str("16 bit reduced to 8"),
            Self::FirstFrame => f.write_str("an animation: this is its first picture"),
            Self::Turned => f.write_str("turned upright"),
            Self::Converted { profile } => write!(f, "colours converted from {profile} to sRGB"),
            Self::FromInks => f.write_str("converted from CMYK: colours are approximate"),
            Self::UnknownProfile => {
                f.write_str("its colour profile cannot be read: colours may be off")
            }
        }
    }
}

/// Why a picture was not opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be read ({cause}): {}", remedy(cause))]
    Io { cause: io::Error },
    #[error("the file is empty: get it again")]
    Empty,
    #[error("this is not a picture that Limn reads: open a PNG, JPEG or WebP")]
    NotAPicture,
    #[error("Limn does not read {0} files: save the picture as PNG, JPEG or WebP")]
    OtherFormat(&'static str),
    #[error("the picture is damaged ({0}): get it again, or save it anew where it was made")]
    Damaged(String),
    #[error("what comes with the picture unpacks to far too much: save it anew where it was made")]
    Bomb,
    #[error("the picture is cut off: get it again, or save it anew where it was made")]
    CutOff,
    #[error("{width}×{height} is too large: Limn takes up to {LIMIT_SIDE_PX} pixels a side")]
    TooLarge { width: u32, height: u32 },
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

/// Opens a picture file. Its name does not matter, only what is in it.
///
/// # Errors
/// [`FileError`] with the reason.
pub fn open(path: &Path) -> Result<Imported, FileError> {
    let read = RealFs.read(path, LIMIT_FILE_BYTES);
    let read = read.map_err(|cause| Error::Io { cause });
    read.and_then(|file| decode(&file))
        .map_err(|error| FileError {
            path: path.to_owned(),
            error,
        })
}

/// Opens a picture from the bytes of a file, as a clipboard has them.
///
/// # Errors
/// [`Error`] with the reason.
pub fn decode(file: &[u8]) -> Result<Imported, Error> {
    let free_bytes = memory::available_ram_bytes().unwrap_or(u64::MAX);
    decode_within(file, free_bytes)
}

/// [`decode`], with a word on how much memory it may take.
pub(crate) fn decode_within(file: &[u8], free_bytes: u64) -> Result<Imported, Error> {
    if file.is_empty() {
        return Err(Error::Empty);
    }
    let mut notes = Vec::new();
    match image::guess_format(file) {
        Ok(ImageFormat::Png) => {
            let (width, height) = png_size(file).ok_or(Error::CutOff)?;
            check_size(width, height)?;
            let mut limits = Limits::default();
            limits.max_alloc = Some(LIMIT_EXTRA_BYTES);
            let decoder = PngDecoder::with_limits(Cursor::new(file), limits).map_err(damaged)?;
            if decoder.is_apng().map_err(damaged)? {
                notes.push(Note::FirstFrame);
            }
            read(decoder, free_bytes, notes)
        }
        Ok(ImageFormat::Jpeg) => {
            let facts = jpeg::Facts::read(file);
            if !facts.is_whole {
                return Err(Error::CutOff);
            }
            if facts.n_components == 4 {
                notes.push(Note::FromInks);
            }
            let decoder = JpegDecoder::new(Cursor::new(file)).map_err(damaged)?;
            read(decoder, free_bytes, notes)
        }
        Ok(ImageFormat::WebP) => {
            if !is_riff_whole(file) {
                return Err(Error::CutOff);
            }
            let decoder = WebPDecoder::new(Cursor::new(file)).map_err(damaged)?;
            if decoder.has_animation() {
                notes.push(Note::FirstFrame);
            }
            read(decoder, free_bytes, notes)
        }
        _ => Err(other_format(file).map_or(Error::NotAPicture, Error::OtherFormat)),
    }
}

/// Pixels, turned upright, in sRGB.
fn read(
    mut decoder: impl ImageDecoder,
    free_bytes: u64,
    mut notes: Vec<Note>,
) -> Result<Imported, Error> {
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    // The pixels as they are in the file, a copy turned or converted, and Limn's own.
    let rgba_bytes = 4 * u64::from(width) * u64::from(height);
    let needed_bytes = decoder.total_bytes() + 2 * rgba_bytes;
    if needed_bytes > free_bytes {
        return Err(Error::OutOfMemory {
            width,
            height,
            needed_bytes,
            free_bytes,
        });
    }
    // What cannot be read of these three is no reason to refuse the picture.
    let profile = decoder.icc_profile().ok().flatten();
    let xmp = decoder.xmp_metadata().ok().flatten();
    let xmp = xmp.and_then(|xmp| String::from_utf8(xmp).ok());
    let source_type = xmp.as_deref().and_then(marking::source_type);
    let source_type = source_type.map(str::to_owned);
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    if orientation != Orientation::NoTransforms {
        picture.apply_orientation(orientation);
        notes.push(Note::Turned);
    }
    if picture.color().bytes_per_pixel() / picture.color().channel_count() > 1 {
        notes.push(Note::Reduced);
    }
    // Inks were converted by the decoder; what is left of their profile says nothing about light.
    let is_from_inks = notes.contains(&Note::FromInks);
    let pixels = match profile.filter(|_| !is_from_inks) {
        Some(profile) => colour_profile::to_srgb(picture, &profile, &mut notes),
        None => picture.into_rgba8(),
    };
    Ok(Imported {
        pixels,
        notes,
        source_type,
    })
}

fn check_size(width: u32, height: u32) -> Result<(), Error> {
    if width == 0 || height == 0 {
        return Err(Error::Damaged("it has no pixels".to_owned()));
    }
    if width > LIMIT_SIDE_PX || height > LIMIT_SIDE_PX {
        return Err(Error::TooLarge { width, height });
    }
    Ok(())
}

fn damaged(error: image::ImageError) -> Error {
    match error {
        image::ImageError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Error::CutOff
        }
        image::ImageError::Limits(_) => Error::Bomb,
        error => Error::Damaged(error.to_string()),
    }
}

/// Width and height, where a header begins as it must: so large a row may not even be allocated.
fn png_size(file: &[u8]) -> Option<(u32, u32)> {
    let sizes = file.get(16..24)?.as_chunks::<4>().0;
    Some((u32::from_be_bytes(sizes[0]), u32::from_be_bytes(sizes[1])))
}

/// Whether a RIFF file is as long as it says.
fn is_riff_whole(file: &[u8]) -> bool {
    let length = file.get(4..).and_then(|rest| rest.first_chunk());
    length.is_some_and(|&length| file.len() >= 8 + u32::from_le_bytes(length) as usize)
}

/// The name of a format that is known by its first bytes but not read.
fn other_format(file: &[u8]) -> Option<&'static str> {
    let at = |from: usize, signature: &[u8]| {
        file.get(from..)
            .is_some_and(|rest| rest.starts_with(signature))
    };
    let signatures: [(usize, &[u8], &str); 14] = [
        (0, b"GIF8", "GIF"),
        (0, b"II*\0", "TIFF"),
        (0, b"MM\0*", "TIFF"),
        (0, b"BM", "BMP"),
        (0, b"8BPS", "Photoshop"),
        (0, b"%PDF", "PDF"),
        (0, b"<svg", "SVG"),
        (0, b"<?xml", "SVG"),
        (0, b"\x76\x2f\x31\x01", "OpenEXR"),
        (4, b"ftypavif", "AVIF"),
        (4, b"ftypheic", "HEIC"),
        (4, b"ftypmif1", "HEIC"),
        (0, b"\xff\x0a", "JPEG XL"),
        (4, b"JXL ", "JPEG XL"),
    ];
    let found = signatures
        .iter()
        .find(|(from, signature, _)| at(*from, signature));
    found.map(|(_, _, name)| *name)
}
