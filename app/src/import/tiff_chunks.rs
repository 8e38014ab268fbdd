//! TIFF strip by strip or tile by tile, as it lies in the file.

use image::metadata::Orientation;
use tiff::decoder::{ChunkType, Decoder, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::Imported;
use super::budget::Room;
use super::canvas::{Canvas, Facts, check_size};
use super::error::Error;
use super::format::RAW;
use super::input::Source;
use super::note::Note;
use super::samples::Samples;
use super::tiff_palette::{AsGrey, colours};
use super::tiff_words::{name_of, words};

/// Of one strip or tile.
const LIMIT_CHUNK_BYTES: usize = 512 << 20;
/// Of one tag, such as a profile or the places of all strips.
const LIMIT_TAG_BYTES: usize = 16 << 20;
/// Tags, and what a decompressor holds.
const EXTRA_BYTES: u64 = 48 << 20;

const SUB_IFDS: Tag = Tag::Unknown(330);
const XMP: Tag = Tag::Unknown(700);
const ICC_PROFILE: Tag = Tag::Unknown(34_675);
const DNG_VERSION: Tag = Tag::Unknown(50_706);
/// Of `ExtraSamples`: colours were multiplied by alpha.
const ASSOCIATED_ALPHA: u16 = 1;
/// Of `SampleFormat`.
const UNSIGNED: u16 = 1;
const FLOAT: u16 = 3;

pub fn read(source: &mut dyn Source, mut room: Room) -> Result<Imported, Error> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = LIMIT_CHUNK_BYTES;
    limits.intermediate_buffer_size = LIMIT_CHUNK_BYTES;
    limits.ifd_value_size = LIMIT_TAG_BYTES;
    let source = AsGrey::new(source).map_err(Error::of_reading)?;
    let has_palette = source.has_palette();
    let mut decoder = Decoder::new(source).map_err(error)?.with_limits(limits);
    let size = decoder.dimensions().map_err(error)?;
    check_size(size)?;
    refuse_raw(&mut decoder)?;
    let colour = decoder.colortype().map_err(error)?;
    let chunks = Chunks::of(&mut decoder, size)?;
    let unpacker = Unpacker::new(&mut decoder, colour, has_palette)?;
    let mut facts = facts(&mut decoder, size, &unpacker);
    facts.extra_bytes = EXTRA_BYTES + 3 * chunks.largest_bytes as u64;
    let mut canvas = Canvas::for_rows(facts, &mut room)?;
    let mut buffer = Vec::new();
    for index in 0..chunks.n {
        let layout = decoder
            .image_coding_unit_layout(tiff::decoder::TiffCodingUnit(index))
            .map_err(error)?;
        if layout.complete_len > chunks.largest_bytes {
            return Err(Error::Bomb);
        }
        buffer.clear();
        buffer.resize(layout.complete_len, 0);
        decoder
            .read_coding_unit_bytes(tiff::decoder::TiffCodingUnit(index), &mut buffer)
            .map_err(error)?;
        let (left, top) = chunks.corner(index);
        let (width, height) = decoder.chunk_data_dimensions(index);
        let Some(row_bytes) = layout.row_stride.map(std::num::NonZeroUsize::get) else {
            continue;
        };
        let plane_bytes = layout
            .plane_stride
            .map_or(layout.len, std::num::NonZeroUsize::get);
        for y in 0..height as usize {
            let planes = (0..layout.planes).filter_map(|plane| {
                let start = plane * plane_bytes + y * row_bytes;
                buffer.get(start..start + row_bytes)
            });
            let row = unpacker.row(planes, width as usize);
            canvas.put(left, top + y as u32, &row);
        }
    }
    canvas.finish(room)
}

/// How a picture is cut up.
struct Chunks {
    n: u32,
    n_across: u32,
    size: (u32, u32),
    largest_bytes: usize,
}

impl Chunks {
    fn of(decoder: &mut Decoder<AsGrey>, size: (u32, u32)) -> Result<Self, Error> {
        let chunk = match decoder.get_chunk_type() {
            // A strip may claim more rows than there are.
            ChunkType::Strip => (size.0, decoder.chunk_dimensions().1.min(size.1)),
            ChunkType::Tile => decoder.chunk_dimensions(),
        };
        if chunk.0 == 0 || chunk.1 == 0 {
            return Err(Error::damaged("its strips have no pixels"));
        }
        let n_across = size.0.div_ceil(chunk.0);
        let n = n_across * size.1.div_ceil(chunk.1);
        let first = decoder
            .image_coding_unit_layout(tiff::decoder::TiffCodingUnit(0))
            .map_err(error)?;
        if first.complete_len > LIMIT_CHUNK_BYTES {
            return Err(Error::TooHeavy {
                width: size.0,
                height: size.1,
                needed_bytes: first.complete_len as u64,
                limit_bytes: LIMIT_CHUNK_BYTES as u64,
            });
        }
        Ok(Self {
            n,
            n_across,
            size: chunk,
            largest_bytes: first.complete_len,
        })
    }

    fn corner(&self, index: u32) -> (u32, u32) {
        let (x, y) = (index % self.n_across, index / self.n_across);
        (x * self.size.0, y * self.size.1)
    }
}

/// A camera's raw file has a small preview first and the picture elsewhere: better none than that.
fn refuse_raw(decoder: &mut Decoder<AsGrey>) -> Result<(), Error> {
    let mut has = |tag| decoder.find_tag(tag).ok().flatten().is_some();
    let is_dng = has(DNG_VERSION);
    let has_others = has(SUB_IFDS);
    let kind: Option<u32> = decoder
        .find_tag_unsigned(Tag::NewSubfileType)
        .ok()
        .flatten();
    if is_dng || (has_others && kind.is_some_and(|kind| kind & 1 == 1)) {
        return Err(Error::OtherFormat(RAW));
    }
    Ok(())
}

fn facts(decoder: &mut Decoder<AsGrey>, size: (u32, u32), unpacker: &Unpacker) -> Facts {
    let mut facts = Facts::new(size, unpacker.samples());
    // What cannot be read of these is no reason to refuse the picture.
    facts.icc_profile = decoder.get_tag_u8_vec(ICC_PROFILE).ok();
    facts.xmp = decoder.get_tag_u8_vec(XMP).ok();
    let orientation: Option<u8> = decoder.find_tag_unsigned(Tag::Orientation).ok().flatten();
    facts.orientation = orientation
        .and_then(Orientation::from_exif)
        .unwrap_or(Orientation::NoTransforms);
    facts.is_premultiplied = unpacker.has_associated_alpha;
    if unpacker.bits > 8 {
        let bits = unpacker.bits.into();
        facts.notes.push(Note::Reduced { bits });
    }
    if decoder.more_images() {
        facts.notes.push(Note::FirstPage);
    }
    facts
}

/// From samples as they lie in a strip to those that the canvas takes.
struct Unpacker {
    kind: Kind,
    bits: u8,
    is_float: bool,
    /// The colours of [`Kind::Palette`].
    palette: Vec<[u8; 3]>,
    /// Samples of a pixel in the file, unknown ones among them.
    n_channels: usize,
    has_associated_alpha: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    Cmyk,
    YCbCr,
    Palette,
}

impl Unpacker {
    fn new(
        decoder: &mut Decoder<AsGrey>,
        colour: ColorType,
        has_palette: bool,
    ) -> Result<Self, Error> {
        let extra: Vec<u16> = decoder
            .find_tag_unsigned_vec(Tag::ExtraSamples)
            .ok()
            .flatten()
            .unwrap_or_default();
        let formats: Vec<u16> = decoder
            .find_tag_unsigned_vec(Tag::SampleFormat)
            .ok()
            .flatten()
            .unwrap_or_default();
        let n_samples: u16 = decoder
            .find_tag_unsigned(Tag::SamplesPerPixel)
            .ok()
            .flatten()
            .unwrap_or(1);
        let has_alpha = matches!(extra.first(), Some(1 | 2));
        let (kind, bits) = match colour {
            ColorType::Gray(bits @ ..=8) if has_palette => (Kind::Palette, bits),
            _ if has_palette => return Err(variant("a palette with alpha or of more than 8 bit")),
            ColorType::Gray(bits) => (Kind::Grey, bits),
            ColorType::Multiband { bit_depth, .. } if has_alpha => (Kind::GreyAlpha, bit_depth),
            ColorType::Multiband { bit_depth, .. } => (Kind::Grey, bit_depth),
            ColorType::GrayA(bits) => (Kind::GreyAlpha, bits),
            ColorType::RGB(bits) => (Kind::Rgb, bits),
            ColorType::RGBA(bits) => (Kind::Rgba, bits),
            ColorType::CMYK(bits) | ColorType::CMYKA(bits) => (Kind::Cmyk, bits),
            ColorType::YCbCr(8) => (Kind::YCbCr, 8),
            other => return Err(variant(name_of(other))),
        };
        let is_float = formats.iter().all(|&format| format == FLOAT) && !formats.is_empty();
        let is_unsigned = formats.iter().all(|&format| format == UNSIGNED);
        let is_single = matches!(kind, Kind::Grey | Kind::Palette);
        match bits {
            8 | 16 if is_unsigned => {}
            // Of half and of single precision.
            16 | 32 if is_float => {}
            1 | 2 | 4 if is_unsigned && is_single && n_samples == 1 => {}
            _ => {
                let what = if is_float {
                    "fractions"
                } else {
                    "whole numbers"
                };
                let sign = if is_float || is_unsigned {
                    ""
                } else {
                    ", perhaps with a sign"
                };
                return Err(variant(&format!(
                    "{}, {what} of {bits} bit{sign}",
                    name_of(colour)
                )));
            }
        }
        let palette = match kind {
            Kind::Palette => {
                let map = decoder
                    .find_tag_unsigned_vec(Tag::ColorMap)
                    .map_err(error)?;
                let palette = colours(&map.unwrap_or_default(), bits);
                palette.ok_or_else(|| Error::damaged("its list of colours is too short"))?
            }
            _ => Vec::new(),
        };
        Ok(Self {
            kind,
            bits,
            is_float,
            palette,
            n_channels: usize::from(n_samples),
            has_associated_alpha: extra.first() == Some(&ASSOCIATED_ALPHA),
        })
    }

    fn samples(&self) -> Samples {
        match (self.kind, self.bits > 8) {
            (Kind::Grey, false) => Samples::L8,
            (Kind::Grey, true) => Samples::L16,
            (Kind::GreyAlpha, false) => Samples::La8,
            (Kind::GreyAlpha, true) => Samples::La16,
            (Kind::Rgb, true) => Samples::Rgb16,
            (Kind::Rgb | Kind::YCbCr | Kind::Palette, _) => Samples::Rgb8,
            (Kind::Rgba, false) => Samples::Rgba8,
            (Kind::Rgba, true) => Samples::Rgba16,
            (Kind::Cmyk, _) => Samples::Cmyk8,
        }
    }

    /// A row of `width` pixels out of its planes: one with all samples, or one for each.
    fn row<'a>(&self, planes: impl Iterator<Item = &'a [u8]>, width: usize) -> Vec<u8> {
        let planes: Vec<_> = planes.collect();
        let [plane] = planes[..] else {
            return self.interleaved(&planes, width);
        };
        match (self.kind, self.bits) {
            (Kind::Palette, bits @ (1 | 2 | 4)) => unpacked(plane, bits, width)
                .flat_map(|place| self.palette[usize::from(place)])
                .collect(),
            (Kind::Grey, bits @ (1 | 2 | 4)) => {
                let scale = 255 / ((1 << bits) - 1);
                unpacked(plane, bits, width)
                    .map(|value| value * scale)
                    .collect()
            }
            _ => self.whole_samples(plane),
        }
    }

    fn interleaved(&self, planes: &[&[u8]], width: usize) -> Vec<u8> {
        let n_bytes = usize::from(self.bits).div_ceil(8);
        let mut row = Vec::with_capacity(planes.len() * width * n_bytes);
        for x in 0..width {
            for plane in planes {
                let sample = plane.get(x * n_bytes..(x + 1) * n_bytes);
                row.extend_from_slice(sample.unwrap_or(&[0; 4][..n_bytes]));
            }
        }
        let unpacker = Self {
            n_channels: planes.len(),
            palette: self.palette.clone(),
            ..*self
        };
        unpacker.whole_samples(&row)
    }

    /// Samples of whole bytes: channels that are not known go, floats become 16 bit, inks 8.
    fn whole_samples(&self, row: &[u8]) -> Vec<u8> {
        let n_bytes = usize::from(self.bits) / 8;
        let n_known = match self.kind {
            Kind::Cmyk => 4,
            Kind::Palette => 1,
            _ => self.samples().n_channels(),
        };
        let n_channels = self.n_channels.max(n_known);
        let pixels = row.chunks_exact(n_bytes * n_channels);
        let known = pixels.map(|pixel| &pixel[..n_bytes * n_known]);
        match (self.kind, self.bits) {
            (Kind::YCbCr, _) => known.flat_map(rgb_of_ycbcr).collect(),
            (Kind::Palette, _) => known
                .flatten()
                .flat_map(|&place| self.palette[usize::from(place)])
                .collect(),
            (_, 16) if self.is_float => known
                .flat_map(|pixel| pixel.as_chunks::<2>().0)
                .map(|value| half::f16::from_ne_bytes(*value).to_f32())
                .flat_map(|value| level_of(value).to_ne_bytes())
                .collect(),
            (Kind::Cmyk, 16) => known
                .flat_map(|pixel| pixel.as_chunks::<2>().0)
                .map(|value| super::samples::reduced(u16::from_ne_bytes(*value)))
                .collect(),
            (_, 32) => known
                .flat_map(|pixel| pixel.as_chunks::<4>().0)
                .flat_map(|value| level_of(f32::from_ne_bytes(*value)).to_ne_bytes())
                .collect(),
            _ => known.flatten().copied().collect(),
        }
    }
}

/// Of 1 as white, to 16 bit; brighter is white.
fn level_of(value: f32) -> u16 {
    (value.clamp(0.0, 1.0) * 65_535.0 + 0.5) as u16
}

/// ITU-R BT.601, full range, as JPEG has it.
fn rgb_of_ycbcr(pixel: &[u8]) -> [u8; 3] {
    let [luma, blue, red] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
    let (blue, red) = (blue - 128.0, red - 128.0);
    [
        luma + 1.402 * red,
        luma - 0.344_136 * blue - 0.714_136 * red,
        luma + 1.772 * blue,
    ]
    .map(|value| (value + 0.5) as u8)
}

/// Samples of less than a byte, the high bits first.
fn unpacked(row: &[u8], bits: u8, width: usize) -> impl Iterator<Item = u8> + '_ {
    let per_byte = usize::from(8 / bits);
    let mask = ((1_u16 << bits) - 1) as u8;
    (0..width).map(move |x| {
        let byte = row.get(x / per_byte).copied().unwrap_or(0);
        let shift = 8 - usize::from(bits) * (x % per_byte + 1);
        (byte >> shift) & mask
    })
}

fn variant(what: &str) -> Error {
    Error::Variant {
        format: "TIFF",
        what: what.to_owned(),
    }
}

fn error(error: TiffError) -> Error {
    match error {
        TiffError::IoError(error) => Error::of_reading(error),
        TiffError::LimitsExceeded => Error::Bomb,
        TiffError::UnsupportedError(what) => variant(&words(&what)),
        error => Error::damaged(error),
    }
}
