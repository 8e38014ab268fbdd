//! The formats that the `image` crate decodes as a whole.

use image::codecs::{
    bmp::BmpDecoder, gif::GifDecoder, ico::IcoDecoder, pnm::PnmDecoder, qoi::QoiDecoder,
    tga::TgaDecoder, webp::WebPDecoder,
};
use image::metadata::Orientation;
use image::{ImageDecoder, Limits};
use std::io::{Cursor, SeekFrom};

use super::Imported;
use super::budget::Room;
use super::canvas::{Canvas, Facts, check_size};
use super::error::Error;
use super::input::{Input, Source};
use super::note::Note;
use super::samples::Samples;

/// What a decoder may hold besides the pixels: profiles, texts, a row.
const EXTRA_BYTES: u64 = 16 << 20;

pub fn read_bmp(source: &mut dyn Source, room: Room) -> Result<Imported, Error> {
    read(BmpDecoder::new(source)?, "BMP", 0, Vec::new(), room)
}

pub fn read_tga(source: &mut dyn Source, room: Room) -> Result<Imported, Error> {
    // Indices of a colour map, and pixels of 15 bit, are copied.
    read(TgaDecoder::new(source)?, "TGA", 2, Vec::new(), room)
}

pub fn read_pnm(source: &mut dyn Source, room: Room) -> Result<Imported, Error> {
    read(PnmDecoder::new(source)?, "PNM", 0, Vec::new(), room)
}

pub fn read_qoi(input: &mut Input, room: Room) -> Result<Imported, Error> {
    let file = input.whole()?;
    let decoder = QoiDecoder::new(Cursor::new(&file[..]))?;
    read(decoder, "QOI", 0, Vec::new(), room)
}

/// The largest picture of an icon or a cursor.
pub fn read_icon(input: &mut Input, room: Room) -> Result<Imported, Error> {
    const HEAD_BYTES: usize = 6;
    const ENTRY_BYTES: usize = 16;
    let file = input.whole()?;
    let n_pictures = match file.get(4..HEAD_BYTES) {
        Some(&[low, high]) => usize::from(u16::from_le_bytes([low, high])),
        _ => return Err(Error::CutOff),
    };
    let directory = file.get(HEAD_BYTES..HEAD_BYTES + n_pictures * ENTRY_BYTES);
    let (entries, _) = directory.ok_or(Error::CutOff)?.as_chunks::<ENTRY_BYTES>();
    // A side of 256 is written as 0. Of pictures of one size the deepest, which is the last of them, is best.
    let side = |side: u8| if side == 0 { 256 } else { u32::from(side) };
    let largest = entries
        .iter()
        .max_by_key(|entry| side(entry[0]) * side(entry[1]));
    let entry = largest.ok_or(Error::CutOff)?;
    let at = |i: usize| u32::from_le_bytes([entry[i], entry[i + 1], entry[i + 2], entry[i + 3]]);
    let (n_bytes, start) = (at(8) as usize, at(12) as usize);
    let picture = file.get(start..).and_then(|rest| rest.get(..n_bytes));
    let picture = picture.ok_or(Error::CutOff)?;
    let mut imported = if picture.starts_with(b"\x89PNG") {
        super::png_rows::read(&mut Cursor::new(picture), room)?
    } else {
        // The decoder takes PNG of one kind only, and no cursors: an icon of the one picture.
        let mut alone = vec![0, 0, 1, 0, 1, 0];
        alone.extend_from_slice(&entry[..12]);
        alone.extend_from_slice(&((HEAD_BYTES + ENTRY_BYTES) as u32).to_le_bytes());
        alone.extend_from_slice(picture);
        read(
            IcoDecoder::new(Cursor::new(&alone[..]))?,
            "ICO",
            1,
            Vec::new(),
            room,
        )?
    };
    if n_pictures > 1 {
        imported.notes.push(Note::LargestSize);
    }
    Ok(imported)
}

/// The first frame alone is decoded, however many follow.
pub fn read_gif(source: &mut dyn Source, room: Room) -> Result<Imported, Error> {
    let notes = has_second_frame(source).then_some(Note::FirstFrame);
    source.seek(SeekFrom::Start(0)).map_err(Error::of_reading)?;
    read(
        GifDecoder::new(source)?,
        "GIF",
        4,
        Vec::from_iter(notes),
        room,
    )
}

fn has_second_frame(source: &mut dyn Source) -> bool {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let Ok(mut decoder) = options.read_info(source) else {
        return false;
    };
    // What is damaged behind the first frame does not matter.
    let mut next = || matches!(decoder.next_frame_info(), Ok(Some(_)));
    next() && next()
}

pub fn read_webp(source: &mut dyn Source, n_bytes: u64, room: Room) -> Result<Imported, Error> {
    if !is_riff_whole(source, n_bytes)? {
        return Err(Error::CutOff);
    }
    let decoder = WebPDecoder::new(source)?;
    let notes = decoder.has_animation().then_some(Note::FirstFrame);
    // Lossless pictures are unpacked with alpha first, animations onto a canvas.
    read(decoder, "WebP", 4, Vec::from_iter(notes), room)
}

/// Whether a RIFF file is as long as it says.
fn is_riff_whole(source: &mut dyn Source, n_bytes: u64) -> Result<bool, Error> {
    let mut head = [0; 8];
    source.read_exact(&mut head).map_err(Error::of_reading)?;
    source.seek(SeekFrom::Start(0)).map_err(Error::of_reading)?;
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    Ok(n_bytes >= 8 + u64::from(length))
}

/// `extra_per_pixel`: bytes that the decoder allocates beside its output.
fn read(
    mut decoder: impl ImageDecoder,
    format: &'static str,
    extra_per_pixel: u64,
    notes: Vec<Note>,
    mut room: Room,
) -> Result<Imported, Error> {
    let size = decoder.dimensions();
    check_size(size)?;
    let colour = decoder.color_type();
    let samples = Samples::of(colour).ok_or_else(|| Error::Variant {
        format,
        what: format!("{colour:?}"),
    })?;
    let mut facts = Facts::new(size, samples);
    facts.notes = notes;
    facts.extra_bytes = EXTRA_BYTES + extra_per_pixel * facts.n_pixels();
    // What cannot be read of these three is no reason to refuse the picture.
    facts.icc_profile = decoder.icc_profile().ok().flatten();
    facts.xmp = decoder.xmp_metadata().ok().flatten();
    facts.orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut limits = Limits::default();
    limits.max_alloc = Some(decoder.total_bytes() + facts.extra_bytes);
    decoder.set_limits(limits)?;
    let mut canvas = Canvas::for_whole(facts, &mut room)?;
    canvas.fill(|samples| decoder.read_image(samples))?;
    canvas.finish(room)
}
