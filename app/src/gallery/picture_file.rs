//! The gallery's PNG files: pixels, recipe and mark in one file, written and read back.
//!
//! Reading trusts nothing: sizes are limited before anything is allocated, compressed text before it is
//! unpacked. What cannot be read gives a reason, never a panic.

use std::io::Cursor;

use image::{ImageReader, Limits, RgbImage, RgbaImage};
use png::text_metadata::ITXtChunk;

use super::marking;
use super::recipe::Recipe;

/// The keyword of our JSON.
pub const RECIPE_KEYWORD: &str = "limn";
/// The keyword of the text that other programs read.
pub const PARAMETERS_KEYWORD: &str = "parameters";

/// Larger files are not read.
pub const LIMIT_FILE_BYTES: u64 = 256 << 20;
/// Larger pictures are not decoded: 16384 a side, and 512 MiB in all.
pub const LIMIT_SIDE_PX: u32 = 16_384;
const LIMIT_DECODED_BYTES: u64 = 512 << 20;
/// Longer texts are not unpacked.
const LIMIT_TEXT_BYTES: usize = 1 << 20;
/// What the reader of a PNG's header and texts may allocate in all.
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

    let mut file = Vec::with_capacity(pixels.len() / 2);
    let mut encoder =
        png::Encoder::with_info(&mut file, info).map_err(|error| error.to_string())?;
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer
        .write_image_data(pixels)
        .map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(file)
}

/// Latin-1 as PNG allows it in `tEXt`: printable, or a line feed.
fn is_latin1_text(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{ff}'))
}

/// What a picture file says about itself, without its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    pub width: u32,
    pub height: u32,
    pub recipe: Option<Recipe>,
    /// The `parameters` text, for pictures that other programs made.
    pub parameters: Option<String>,
    /// The XMP packet as it stands in the file.
    pub xmp: Option<String>,
}

/// Reads a PNG's size and texts.
///
/// # Errors
/// The reason, if the file is not a PNG or is damaged before its pixels.
pub fn read_header(file: &[u8]) -> Result<Header, String> {
    let limits = png::Limits {
        bytes: LIMIT_HEADER_BYTES,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    let (width, height) = decoder
        .read_header_info()
        .map_err(|error| error.to_string())?
        .size();
    if width > LIMIT_SIDE_PX || height > LIMIT_SIDE_PX {
        return Err(format!(
            "{width}×{height} is larger than {LIMIT_SIDE_PX} px a side"
        ));
    }
    let reader = decoder.read_info().map_err(|error| error.to_string())?;
    let info = reader.info();
    let text = |keyword: &str| find_text(info, keyword);
    Ok(Header {
        width,
        height,
        recipe: text(RECIPE_KEYWORD).and_then(|json| Recipe::from_json(&json)),
        parameters: text(PARAMETERS_KEYWORD),
        xmp: text(marking::PNG_KEYWORD),
    })
}

/// The first text under a keyword, in whichever kind of chunk, unless it unpacks to too much.
fn find_text(info: &png::Info, keyword: &str) -> Option<String> {
    let utf8 = info
        .utf8_text
        .iter()
        .filter(|chunk| chunk.keyword == keyword)
        .find_map(|chunk| {
            let mut chunk = chunk.clone();
            chunk.decompress_text_with_limit(LIMIT_TEXT_BYTES).ok()?;
            chunk.get_text().ok()
        });
    let latin1 = || {
        let mut chunks = info.uncompressed_latin1_text.iter();
        chunks
            .find(|chunk| chunk.keyword == keyword)
            .map(|chunk| chunk.text.clone())
    };
    let compressed = || {
        let mut chunks = info
            .compressed_latin1_text
            .iter()
            .filter(|chunk| chunk.keyword == keyword);
        chunks.find_map(|chunk| {
            let mut chunk = chunk.clone();
            chunk.decompress_text_with_limit(LIMIT_TEXT_BYTES).ok()?;
            chunk.get_text().ok()
        })
    };
    utf8.or_else(latin1)
        .or_else(compressed)
        .filter(|text| text.len() <= LIMIT_TEXT_BYTES)
}

/// Decodes a picture of any kind that Limn reads, within the limits.
///
/// # Errors
/// The reason, if it is not a picture, is damaged, or is too large.
pub fn decode(file: &[u8]) -> Result<RgbaImage, String> {
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
