//! PNG row by row: 16 bit of 16384² would take 2 GiB as they are.

use image::metadata::Orientation;

use super::Imported;
use super::budget::Room;
use super::canvas::{Canvas, Facts, check_size};
use super::error::Error;
use super::input::Source;
use super::note::Note;
use super::png_chunks::{Found, StillChunks};
use super::samples::Samples;
use crate::marking;

/// What a decoder may hold besides the pixels: profiles, texts, a row.
pub const LIMIT_EXTRA_BYTES: u64 = 32 << 20;
/// Longer texts are not unpacked.
const LIMIT_TEXT_BYTES: usize = 1 << 20;

pub fn read(source: &mut dyn Source, mut room: Room) -> Result<Imported, Error> {
    let limits = png::Limits {
        bytes: LIMIT_EXTRA_BYTES as usize,
    };
    let mut chunks = StillChunks::new(source);
    let mut decoder = png::Decoder::new_with_limits(&mut chunks, limits);
    // So large a row may not even be allocated.
    check_size(decoder.read_header_info()?.size())?;
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let facts = facts(&reader);
    let has_alpha = facts.samples.has_alpha();
    let has_profile = facts.icc_profile.is_some();
    let (width, is_deep) = (facts.size.0, facts.samples.is_deep());
    let mut canvas = Canvas::for_rows(facts, &mut room)?;
    let mut samples = Vec::new();
    let mut y = 0;
    while let Some(row) = reader.next_interlaced_row()? {
        samples.clear();
        samples.extend_from_slice(row.data());
        if is_deep {
            to_native_order(&mut samples);
        }
        match row.interlace() {
            png::InterlaceInfo::Null(_) => {
                canvas.put(0, y, &samples);
                y += 1;
            }
            png::InterlaceInfo::Adam7(pass) => canvas.put_converted(&samples, |pixels, rgba| {
                png::expand_interlaced_row(pixels, 4 * width as usize, rgba, pass, 32);
            }),
        }
    }
    note_losses(&mut canvas, chunks.found, has_profile, has_alpha);
    canvas.finish(room)
}

/// What stood beside the pixels and could not be used.
fn note_losses(canvas: &mut Canvas, found: Found, has_profile: bool, has_alpha: bool) {
    if found.is_animated {
        canvas.note(Note::FirstFrame);
    }
    if found.has_profile && !has_profile {
        canvas.note(Note::UnknownProfile);
    }
    if found.has_transparency && !has_alpha {
        canvas.note(Note::TransparencyLost);
    }
    if found.is_damaged {
        canvas.note(Note::ExtrasLost);
    }
}

fn facts(reader: &png::Reader<&mut StillChunks>) -> Facts {
    let info = reader.info();
    let samples = match reader.output_color_type() {
        (png::ColorType::Grayscale, png::BitDepth::Sixteen) => Samples::L16,
        (png::ColorType::GrayscaleAlpha, png::BitDepth::Sixteen) => Samples::La16,
        (png::ColorType::Rgb, png::BitDepth::Sixteen) => Samples::Rgb16,
        (png::ColorType::Rgba, png::BitDepth::Sixteen) => Samples::Rgba16,
        (png::ColorType::Grayscale, _) => Samples::L8,
        (png::ColorType::GrayscaleAlpha, _) => Samples::La8,
        (png::ColorType::Rgb | png::ColorType::Indexed, _) => Samples::Rgb8,
        (png::ColorType::Rgba, _) => Samples::Rgba8,
    };
    let mut facts = Facts::new(info.size(), samples);
    facts.icc_profile = info.icc_profile.as_deref().map(<[u8]>::to_vec);
    let mut texts = info.utf8_text.iter();
    let xmp = texts.find(|text| text.keyword == marking::PNG_KEYWORD);
    facts.xmp = xmp.and_then(|text| {
        let mut text = text.clone();
        text.decompress_text_with_limit(LIMIT_TEXT_BYTES).ok()?;
        text.get_text().ok().map(String::into_bytes)
    });
    let exif = info.exif_metadata.as_deref();
    facts.orientation = exif
        .and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms);
    facts.extra_bytes = LIMIT_EXTRA_BYTES;
    facts
}

/// PNG has the high byte first.
fn to_native_order(samples: &mut [u8]) {
    for value in samples.as_chunks_mut::<2>().0 {
        *value = u16::from_be_bytes(*value).to_ne_bytes();
    }
}
