//! Copies of pictures for elsewhere: PNG, JPEG or WebP, in sRGB and always with the mark that they were
//! made by AI. Marks that a picture from elsewhere already has stay as they are.

mod formats;
#[cfg(test)]
mod tests;

use std::path::Path;

use image::RgbaImage;

use super::error::{Error, Result};
use super::layout::{FileKind, PictureId, is_among_pictures};
use super::picture_file::{self, Header};
use super::store::Gallery;
use crate::files::{Existing, sweep, write_atomically};
use crate::marking;
use crate::picture_texts;
use formats::{to_jpeg, to_png, to_webp};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Png,
    /// Quality from 1 to 100. Transparent parts become white.
    Jpeg {
        quality: u8,
    },
    /// Lossless.
    WebP,
}

pub const DEFAULT_JPEG_QUALITY: u8 = 92;

impl Format {
    /// The format that a file name asks for; `None` for an ending that Limn does not write.
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg {
                quality: DEFAULT_JPEG_QUALITY,
            }),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg { .. } => "jpg",
            Self::WebP => "webp",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportOptions {
    pub format: Format,
    /// Whether a PNG keeps the recipe: prompt, seed, model. Without it, nothing goes along that any program says of
    /// how the picture was made, but for the mark.
    pub with_recipe: bool,
    pub existing: Existing,
}

impl Gallery {
    /// Writes a copy of a picture.
    ///
    /// # Errors
    /// [`Error::Exists`] if the name is taken and may not be replaced; [`Error::AmongPictures`] for one in a gallery's
    /// own folders; [`Error::Unreadable`] for a damaged picture.
    pub fn export(&self, id: PictureId, path: &Path, options: ExportOptions) -> Result<()> {
        let source = self.file(id)?;
        let copy = convert(&source, options).map_err(|reason| Error::Unreadable {
            path: self.path(id),
            reason,
        })?;
        self.export_bytes(path, &copy, options.existing)
    }

    /// Writes the bytes of a copy that was made elsewhere.
    ///
    /// # Errors
    /// As [`export`](Self::export).
    pub fn export_bytes(&self, path: &Path, copy: &[u8], existing: Existing) -> Result<()> {
        if is_among_pictures(path) {
            let path = path.to_owned();
            return Err(Error::AmongPictures { path });
        }
        sweep(&*self.fs, path.parent().unwrap_or(Path::new(".")));
        write_atomically(&*self.fs, path, copy, existing).map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                Error::Exists {
                    path: path.to_owned(),
                }
            } else {
                Error::io("export the picture", path, error)
            }
        })
    }
}

/// Makes the bytes of a copy from those of a gallery's file.
///
/// # Errors
/// The reason, if the picture cannot be read or the format cannot hold it.
pub fn convert(source: &[u8], options: ExportOptions) -> Result<Vec<u8>, String> {
    let mut header = picture_file::read_header(source)?;
    // A damaged picture is not passed on, and a JPEG or WebP needs the pixels anyway.
    let mut pixels = picture_file::pixels(source)?;
    let mut was_hiding = false;
    if !options.with_recipe {
        let xmp = header.xmp.take();
        header.xmp = xmp.and_then(|xmp| marking::packet_without_recipe(&xmp));
        if let Some(clean) = picture_texts::without_hidden(&pixels) {
            (pixels, was_hiding) = (clean, true);
        }
    }
    match options.format {
        Format::Png if is_kept(source, &header, options) && !was_hiding => {
            to_png(source, &header, options.with_recipe)
        }
        Format::Png => to_png(&picture_file::encode_plain_png(&pixels)?, &header, false),
        Format::Jpeg { quality } => to_jpeg(&pixels, &header, quality),
        Format::WebP => to_webp(&pixels, &header),
    }
}

/// Makes a file of pixels, with what it says of itself in XMP. No text that hides in the pixels goes along.
///
/// # Errors
/// The reason, if the format cannot hold it.
pub fn encode(pixels: &RgbaImage, xmp: Option<String>, format: Format) -> Result<Vec<u8>, String> {
    let clean = picture_texts::without_hidden(pixels);
    let pixels = clean.as_ref().unwrap_or(pixels);
    let file = picture_file::encode_plain_png(pixels)?;
    let header = Header {
        xmp,
        ..picture_file::read_header(&file)?
    };
    match format {
        Format::Png => to_png(&file, &header, false),
        Format::Jpeg { quality } => to_jpeg(pixels, &header, quality),
        Format::WebP => to_webp(pixels, &header),
    }
}

/// Whether a PNG may go out as the file that it is: other programs hide their recipes in more places than one.
fn is_kept(source: &[u8], header: &Header, options: ExportOptions) -> bool {
    FileKind::of(source) == Some(FileKind::Png) && (options.with_recipe || header.recipe.is_some())
}

/// The XMP packet of a copy: the picture's own where it has a mark or Limn did not make it.
pub(super) fn xmp_for(header: &Header) -> Option<String> {
    match (&header.xmp, &header.recipe) {
        (Some(xmp), _) if marking::source_type(xmp).is_some() => Some(xmp.clone()),
        (_, Some(recipe)) => recipe.digital_source_type().map(marking::xmp_packet),
        (xmp, None) => xmp.clone(),
    }
}
