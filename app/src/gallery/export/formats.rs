//! A copy in each format, with its profile and its mark.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageEncoder, RgbaImage};
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::{CHUNK_XMP, WebP};
use img_parts::{Bytes, ImageICC};

use super::xmp_for;
use crate::gallery::flattened::Flattened;
use crate::gallery::picture_file::Header;
use crate::marking::{self, JPEG_PREFIX};

/// Chunks that say how pixels look, and nothing else.
const OF_PIXELS: [[u8; 4]; 14] = [
    *b"IHDR", *b"PLTE", *b"IDAT", *b"IEND", *b"tRNS", *b"sRGB", *b"iCCP", *b"cICP", *b"gAMA",
    *b"cHRM", *b"sBIT", *b"pHYs", *b"mDCV", *b"cLLI",
];

/// The same file with fewer or more chunks: pixels, profiles and foreign marks stay byte for byte.
pub(super) fn to_png(source: &[u8], header: &Header, with_recipe: bool) -> Result<Vec<u8>, String> {
    let mut png =
        Png::from_bytes(Bytes::copy_from_slice(source)).map_err(|error| error.to_string())?;
    if !with_recipe {
        // Any other may hold a text, of whatever program.
        png.chunks_mut()
            .retain(|chunk| OF_PIXELS.contains(&chunk.kind()));
    }
    let mut new_chunks = Vec::new();
    let colours = [*b"sRGB", *b"iCCP", *b"cICP", *b"gAMA"];
    if !colours
        .iter()
        .any(|kind| png.chunk_by_type(*kind).is_some())
    {
        // Rendering intent 0, perceptual.
        new_chunks.push(PngChunk::new(*b"sRGB", Bytes::from_static(&[0])));
    }
    let xmp = xmp_for(header);
    let has_xmp = png
        .chunks()
        .iter()
        .any(|chunk| has_keyword(chunk, marking::PNG_KEYWORD));
    if xmp != header.xmp || !has_xmp {
        png.chunks_mut()
            .retain(|chunk| !has_keyword(chunk, marking::PNG_KEYWORD));
        if let Some(xmp) = xmp {
            // Keyword, no compression, no language, no translated keyword.
            let text = [marking::PNG_KEYWORD.as_bytes(), &[0; 5], xmp.as_bytes()].concat();
            new_chunks.push(PngChunk::new(*b"iTXt", text.into()));
        }
    }
    // Straight after the header: before the palette and the pixels.
    png.chunks_mut().splice(1..1, new_chunks);
    Ok(png.encoder().bytes().to_vec())
}

fn has_keyword(chunk: &PngChunk, keyword: &str) -> bool {
    matches!(&chunk.kind(), b"tEXt" | b"zTXt" | b"iTXt")
        && chunk
            .contents()
            .strip_prefix(keyword.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&0))
}

pub(super) fn to_jpeg(pixels: &RgbaImage, header: &Header, quality: u8) -> Result<Vec<u8>, String> {
    /// What one segment holds.
    const LIMIT_XMP_BYTES: usize = 65_533 - JPEG_PREFIX.len();
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100))
        .encode_image(&Flattened::over(pixels, [255; 3]))
        .map_err(|error| error.to_string())?;
    let mut jpeg = Jpeg::from_bytes(file.into()).map_err(|error| error.to_string())?;
    if let Some(mut xmp) = xmp_for(header) {
        if xmp.len() > LIMIT_XMP_BYTES {
            // Of a packet that is too long for a JPEG only the mark goes along.
            xmp = marking::source_type(&xmp)
                .map(marking::xmp_packet)
                .unwrap_or_default();
        }
        let contents = [JPEG_PREFIX, xmp.as_bytes()].concat();
        // After APP0, which must be first.
        let segment = JpegSegment::new_with_contents(markers::APP1, contents.into());
        jpeg.segments_mut().insert(1, segment);
    }
    jpeg.set_icc_profile(Some(srgb_profile()?));
    Ok(jpeg.encoder().bytes().to_vec())
}

pub(super) fn to_webp(pixels: &RgbaImage, header: &Header) -> Result<Vec<u8>, String> {
    let mut file = Cursor::new(Vec::new());
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
    let (width, height) = pixels.dimensions();
    let is_opaque = pixels.pixels().all(|pixel| pixel[3] == 255);
    let encoded = if is_opaque {
        let rgb = Flattened::over(pixels, [255; 3]).to_image();
        encoder.write_image(&rgb, width, height, image::ExtendedColorType::Rgb8)
    } else {
        encoder.write_image(pixels, width, height, image::ExtendedColorType::Rgba8)
    };
    encoded.map_err(|error| error.to_string())?;
    let mut webp = WebP::from_bytes(file.into_inner().into()).map_err(|error| error.to_string())?;
    if let Some(xmp) = xmp_for(header) {
        webp.chunks_mut()
            .push(RiffChunk::new(CHUNK_XMP, RiffContent::Data(xmp.into())));
    }
    // Makes the extended header too, whose flags tell of profile and XMP: so it comes last.
    webp.set_icc_profile(Some(srgb_profile()?));
    Ok(webp.encoder().bytes().to_vec())
}

fn srgb_profile() -> Result<Bytes, String> {
    let profile = moxcms::ColorProfile::new_srgb()
        .encode()
        .map_err(|error| error.to_string())?;
    Ok(profile.into())
}
