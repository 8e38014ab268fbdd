//! The gallery's files. Limn's own are PNG with pixels, recipe and mark in one, written and read back; those of
//! others may be JPEG or WebP too.
//!
//! Reading trusts nothing: sizes are limited before anything is allocated, compressed text before it is
//! unpacked. What cannot be read gives a reason, never a panic.

use std::io::{Cursor, Write};

use image::codecs::{jpeg::JpegDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{ImageDecoder, ImageReader, Limits, RgbImage, RgbaImage};
use png::text_metadata::ITXtChunk;

use super::foreign;
use super::layout::FileKind;
use super::recipe::Recipe;
use crate::import;
use crate::import::LIMIT_SIDE_PX;
use crate::marking;
use crate::picture_texts::{self, LIMIT_TEXT_BYTES, Texts};

/// The keyword of our JSON.
pub const RECIPE_KEYWORD: &str = "limn";
/// The keyword of the text that other programs read.
pub const PARAMETERS_KEYWORD: &str = "parameters";

/// Larger files are not read.
pub const LIMIT_FILE_BYTES: u64 = 256 << 20;
const LIMIT_DECODED_BYTES: u64 = 512 << 20;
/// What unpacking and converting a picture from elsewhere may take in all.
const LIMIT_IMPORTED_BYTES: u64 = 2 << 30;
/// What the reader of a PNG's header may allocate in all.
const LIMIT_HEADER_BYTES: usize = 16 << 20;

/// Encodes a picture with its recipe and the mark.
///
/// # Errors
/// The reason, if the picture has no pixels or the encoder refuses it.
pub fn encode_png(pixels: &RgbImage, recipe: &Recipe) -> Result<Vec<u8>, String> {
    encode(pixels, pixels.dimensions(), png::ColorType::Rgb, recipe)
}

/// As [`encode_png`], with transparency.
pub fn encode_png_with_alpha(pixels: &RgbaImage, recipe: &Recipe) -> Result<Vec<u8>, String> {
    encode(pixels, pixels.dimensions(), png::ColorType::Rgba, recipe)
}

/// Pixels and nothing else, of a picture that Limn did not make.
pub fn encode_plain_png(pixels: &RgbaImage) -> Result<Vec<u8>, String> {
    let mut file = Cursor::new(Vec::new());
    let written = pixels.write_to(&mut file, image::ImageFormat::Png);
    written.map_err(|error| error.to_string())?;
    Ok(file.into_inner())
}

/// Pixels, and an XMP packet where there is one, of a picture that Limn did not make. `None` where the file would have
/// more than so many bytes.
///
/// # Errors
/// The reason, if the encoder refuses it.
pub fn encode_png_within(
    pixels: &RgbaImage,
    xmp: Option<String>,
    limit_bytes: u64,
) -> Result<Option<Vec<u8>>, String> {
    /// Of what is compressed before it is written.
    const BUFFER_BYTES: usize = 1 << 20;
    let is_opaque = pixels.pixels().all(|pixel| pixel[3] == 255);
    let mut info = png::Info::with_size(pixels.width(), pixels.height());
    info.color_type = if is_opaque {
        png::ColorType::Rgb
    } else {
        png::ColorType::Rgba
    };
    info.bit_depth = png::BitDepth::Eight;
    let text = xmp.map(|xmp| ITXtChunk::new(marking::PNG_KEYWORD, xmp));
    info.utf8_text.extend(text);
    let mut file = Bounded {
        bytes: Vec::new(),
        limit_bytes,
        is_full: false,
    };
    let write = || -> Result<(), png::EncodingError> {
        let mut writer = encoder(&mut file, info)?.write_header()?;
        // Row by row: the compressed pixels are in memory once.
        let mut rows = writer.stream_writer_with_size(BUFFER_BYTES)?;
        for row in pixels.chunks_exact(4 * pixels.width() as usize) {
            if is_opaque {
                let opaque = row.as_chunks::<4>().0.iter();
                let row: Vec<u8> = opaque.flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
                rows.write_all(&row)?;
            } else {
                rows.write_all(row)?;
            }
        }
        rows.finish()?;
        writer.finish()
    };
    match write() {
        Ok(()) => Ok(Some(file.bytes)),
        Err(_) if file.is_full => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Bytes in memory up to a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit_bytes: u64,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.is_full |= (self.bytes.len() + bytes.len()) as u64 > self.limit_bytes;
        if self.is_full {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn encode(
    pixels: &[u8],
    (width, height): (u32, u32),
    color_type: png::ColorType,
    recipe: &Recipe,
) -> Result<Vec<u8>, String> {
    let mut info = png::Info::with_size(width, height);
    info.color_type = color_type;
    info.bit_depth = png::BitDepth::Eight;
    if let Some(source_type) = recipe.digital_source_type() {
        let xmp = marking::xmp_packet(source_type);
        info.utf8_text
            .push(ITXtChunk::new(marking::PNG_KEYWORD, xmp));
    }
    info.utf8_text
        .push(ITXtChunk::new(RECIPE_KEYWORD, recipe.to_json()));
    // A NUL ends a text in some readers.
    let parameters = recipe.to_parameters().replace('\0', " ");
    if is_latin1_text(&parameters) {
        let chunk = png::text_metadata::TEXtChunk::new(PARAMETERS_KEYWORD, parameters);
        info.uncompressed_latin1_text.push(chunk);
    } else {
        info.utf8_text
            .push(ITXtChunk::new(PARAMETERS_KEYWORD, parameters));
    }

    encode_with(info, pixels)
}

fn encode_with(info: png::Info, pixels: &[u8]) -> Result<Vec<u8>, String> {
    let mut file = Vec::new();
    let write = || {
        let mut writer = encoder(&mut file, info)?.write_header()?;
        writer.write_image_data(pixels)?;
        writer.finish()
    };
    write().map_err(|error: png::EncodingError| error.to_string())?;
    Ok(file)
}

fn encoder<W: Write>(
    file: W,
    info: png::Info<'_>,
) -> Result<png::Encoder<'_, W>, png::EncodingError> {
    let mut encoder = png::Encoder::with_info(file, info)?;
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder.set_compression(png::Compression::Balanced);
    Ok(encoder)
}

/// Latin-1 as PNG allows it in `tEXt`: printable, or a line feed.
fn is_latin1_text(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{ff}'))
}

/// What a picture file says about itself, without its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// As it is shown: upright.
    pub width: u32,
    pub height: u32,
    pub recipe: Option<Recipe>,
    /// How another program says that it was made. Limn's own recipe comes before it.
    pub foreign: Option<foreign::Found>,
    /// The `parameters` text, which Limn's own pictures have too.
    pub parameters: Option<String>,
    /// The XMP packet as it stands in the file.
    pub xmp: Option<String>,
}

/// Reads a picture's size and texts.
///
/// # Errors
/// The reason, if the file is none that Limn reads or is damaged before its pixels.
pub fn read_header(file: &[u8]) -> Result<Header, String> {
    match FileKind::of(file) {
        Some(FileKind::Jpeg) => {
            let mut texts = Texts::default();
            texts.add_jpeg_comments(file);
            let decoder = JpegDecoder::new(Cursor::new(file)).map_err(|error| error.to_string())?;
            read_other_header(decoder, texts)
        }
        Some(FileKind::WebP) => {
            let decoder = WebPDecoder::new(Cursor::new(file)).map_err(|error| error.to_string())?;
            let mut header = read_other_header(decoder, Texts::default())?;
            header.foreign = or_hidden(header.foreign, || picture_texts::hidden_text_of_webp(file));
            Ok(header)
        }
        // What is no picture at all is told by PNG's own words.
        Some(FileKind::Png) | None => read_png_header(file),
    }
}

fn read_png_header(file: &[u8]) -> Result<Header, String> {
    let limits = png::Limits {
        bytes: LIMIT_HEADER_BYTES,
    };
    // Texts are read apart: one that is damaged or too long is no reason to refuse the picture.
    let mut source = Cursor::new(file);
    let mut decoder = png::Decoder::new_with_limits(import::StillChunks::new(&mut source), limits);
    decoder.set_ignore_text_chunk(true);
    let size = decoder
        .read_header_info()
        .map_err(|error| error.to_string())?
        .size();
    check_size(size)?;
    let reader = decoder.read_info().map_err(|error| error.to_string())?;
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.and_then(Orientation::from_exif_chunk);
    let texts = Texts::of_png(file);
    let text = |keyword: &str| texts.get(keyword).map(str::to_owned);
    let recipe = text(RECIPE_KEYWORD).and_then(|json| Recipe::from_json(&json));
    let (width, height) = match recipe {
        Some(_) => size,
        None => upright(size, orientation),
    };
    Ok(Header {
        width,
        height,
        parameters: text(PARAMETERS_KEYWORD),
        xmp: text(marking::PNG_KEYWORD),
        foreign: match recipe {
            Some(_) => None,
            None => read_foreign(file, texts),
        },
        recipe,
    })
}

/// Another program's recipe in a PNG: in its texts, or else hidden in its pixels.
fn read_foreign(file: &[u8], mut texts: Texts) -> Option<foreign::Found> {
    texts.open_profiles();
    let found = foreign::from_texts(&texts);
    or_hidden(found, || picture_texts::hidden_text(file))
}

/// What was found in texts, unless nothing of it is understood and the pixels say more.
fn or_hidden(
    found: Option<foreign::Found>,
    hidden: impl FnOnce() -> Option<String>,
) -> Option<foreign::Found> {
    let is_read = |found: &foreign::Found| found.recipe.is_some();
    if found.as_ref().is_some_and(is_read) {
        return found;
    }
    let hidden = hidden().map(|text| foreign::from_text(&text));
    hidden.filter(is_read).or(found)
}

fn read_other_header(mut decoder: impl ImageDecoder, mut texts: Texts) -> Result<Header, String> {
    let size = decoder.dimensions();
    check_size(size)?;
    // What cannot be read of these is no reason to refuse the picture.
    let exif = decoder.exif_metadata().ok().flatten();
    let xmp = decoder.xmp_metadata().ok().flatten();
    let xmp = xmp.filter(|xmp| xmp.len() <= LIMIT_TEXT_BYTES);
    let xmp = xmp.and_then(|xmp| String::from_utf8(xmp).ok());
    let (width, height) = upright(size, decoder.orientation().ok());
    if let Some(exif) = exif {
        texts.add_exif(&exif);
    }
    if let Some(xmp) = &xmp {
        texts.add_xmp(xmp);
    }
    Ok(Header {
        width,
        height,
        recipe: None,
        foreign: foreign::from_texts(&texts),
        parameters: None,
        xmp,
    })
}

fn check_size((width, height): (u32, u32)) -> Result<(), String> {
    if width > LIMIT_SIDE_PX || height > LIMIT_SIDE_PX {
        return Err(format!(
            "{width}×{height} is larger than {LIMIT_SIDE_PX} px a side"
        ));
    }
    Ok(())
}

/// The size of a picture after it was turned upright.
fn upright((width, height): (u32, u32), orientation: Option<Orientation>) -> (u32, u32) {
    match orientation {
        Some(
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH,
        ) => (height, width),
        _ => (width, height),
    }
}

/// A gallery picture's pixels as they are shown: Limn's own as they are, others upright and in sRGB.
///
/// # Errors
/// The reason, if it is not a picture, is damaged, or is too large.
pub fn pixels(file: &[u8]) -> Result<RgbaImage, String> {
    match read_header(file) {
        Ok(header) if header.recipe.is_none() => import::decode_within(file, LIMIT_IMPORTED_BYTES)
            .map(|imported| imported.pixels)
            .map_err(|error| match error {
                import::Error::OutOfMemory { width, height, .. }
                | import::Error::TooHeavy { width, height, .. } => {
                    format!("{width}×{height} takes too much memory to show")
                }
                error => error.to_string(),
            }),
        _ => decode(file),
    }
}

/// Decodes a picture of any kind that Limn reads, within the limits.
///
/// # Errors
/// The reason, if it is not a picture, is damaged, or is too large.
pub fn decode(file: &[u8]) -> Result<RgbaImage, String> {
    if FileKind::of(file).is_none() {
        // Other formats come in by [`import`] alone.
        return Err("this is no PNG, JPEG or WebP".to_owned());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LIMIT_SIDE_PX);
    limits.max_image_height = Some(LIMIT_SIDE_PX);
    limits.max_alloc = Some(LIMIT_DECODED_BYTES);
    let mut reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| error.to_string())?;
    if picture.width() == 0 || picture.height() == 0 {
        return Err("it has no pixels".to_owned());
    }
    Ok(picture.into_rgba8())
}
