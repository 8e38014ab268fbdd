//! The flattened picture of a Photoshop file, which is at its end. Adobe Photoshop File Formats Specification, 2019.
//!
//! The crates that read it refuse files with more than four channels or read 16 bit wrongly; it is only the header,
//! three sections to skip and planes of PackBits.

use std::io::{Read, SeekFrom};

use super::Imported;
use super::budget::Room;
use super::canvas::{Canvas, Facts, check_size};
use super::error::Error;
use super::input::Source;
use super::note::Note;
use super::samples::{Samples, reduced};

/// The resources: profiles, thumbnails, paths.
const LIMIT_RESOURCES_BYTES: u64 = 64 << 20;
const ICC_PROFILE: u16 = 1039;
const XMP: u16 = 1060;
/// Channels of a file, by the specification.
const LIMIT_CHANNELS: u16 = 56;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Grey,
    Indexed,
    Rgb,
    Cmyk,
}

struct Header {
    /// A large document: lengths have more bytes.
    is_large: bool,
    n_channels: u16,
    size: (u32, u32),
    bits: u16,
    mode: Mode,
}

pub fn read(source: &mut dyn Source, mut room: Room) -> Result<Imported, Error> {
    let header = Header::read(source)?;
    check_size(header.size)?;
    let palette = read_palette(source, &header)?;
    let resources = read_resources(source)?;
    let layers = skip_layers(source, header.is_large)?;
    let compression = u16_of(source)?;
    if compression > 1 {
        return Err(variant("its compression"));
    }

    let samples = header.samples(layers.has_transparency);
    let mut facts = Facts::new(header.size, samples);
    facts.icc_profile = resource(&resources, ICC_PROFILE);
    facts.xmp = resource(&resources, XMP);
    if header.bits > 8 {
        let bits = header.bits.into();
        facts.notes.push(Note::Reduced { bits });
    }
    if layers.has_any {
        facts.notes.push(Note::Flattened);
    }
    // All planes come before the first pixel is whole.
    let n_planes = header.n_shown_planes(layers.has_transparency);
    let planes_bytes = (n_planes as u64) * facts.n_pixels();
    facts.extra_bytes = LIMIT_RESOURCES_BYTES / 4 + resources.len() as u64 + planes_bytes;
    drop(resources);
    let mut canvas = Canvas::for_rows(facts, &mut room)?;
    let planes = read_planes(source, &header, n_planes, compression == 1)?;
    let (width, height) = (header.size.0 as usize, header.size.1 as usize);
    let mut row = Vec::new();
    for y in 0..height {
        row.clear();
        let planes: Vec<_> = planes
            .iter()
            .map(|plane| &plane[y * width..(y + 1) * width])
            .collect();
        match (&palette, &planes[..]) {
            (Some(palette), [indices, ..]) => {
                row.extend(indices.iter().flat_map(|&i| palette[usize::from(i)]));
            }
            _ => row.extend((0..width).flat_map(|x| planes.iter().map(move |plane| plane[x]))),
        }
        if header.mode == Mode::Cmyk {
            // Here 0 is full ink.
            for ink in &mut row {
                *ink = 255 - *ink;
            }
        } else if samples == Samples::Rgba8 {
            for pixel in row.as_chunks_mut::<4>().0 {
                unmatte(pixel);
            }
        }
        canvas.put(0, y as u32, &row);
    }
    canvas.finish(room)
}

impl Header {
    fn read(source: &mut dyn Source) -> Result<Self, Error> {
        let mut bytes = [0; 26];
        source.read_exact(&mut bytes).map_err(Error::of_reading)?;
        let u16_at = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) << 16 | u32::from(u16_at(at + 2));
        let mode = match u16_at(24) {
            1 | 8 => Mode::Grey,
            2 => Mode::Indexed,
            3 => Mode::Rgb,
            4 => Mode::Cmyk,
            9 => return Err(variant("Lab colours")),
            _ => return Err(variant("its colour mode")),
        };
        let header = Self {
            is_large: u16_at(4) == 2,
            n_channels: u16_at(12),
            size: (u32_at(18), u32_at(14)),
            bits: u16_at(22),
            mode,
        };
        if header.n_channels == 0 || header.n_channels > LIMIT_CHANNELS {
            return Err(Error::damaged("it has no channels"));
        }
        if usize::from(header.n_channels) < header.n_colours() {
            return Err(Error::damaged("channels are missing"));
        }
        match header.bits {
            8 => Ok(header),
            16 if mode != Mode::Indexed => Ok(header),
            bits => Err(variant(&format!("{bits} bit"))),
        }
    }

    fn n_colours(&self) -> usize {
        match self.mode {
            Mode::Grey | Mode::Indexed => 1,
            Mode::Rgb => 3,
            Mode::Cmyk => 4,
        }
    }

    /// Colours, and transparency where Limn can show it. Other planes are selections.
    fn n_shown_planes(&self, has_transparency: bool) -> usize {
        match self.mode {
            Mode::Grey | Mode::Rgb if has_transparency => {
                (self.n_colours() + 1).min(usize::from(self.n_channels))
            }
            _ => self.n_colours(),
        }
    }

    fn samples(&self, has_transparency: bool) -> Samples {
        match (self.mode, self.n_shown_planes(has_transparency)) {
            (Mode::Grey, 1) => Samples::L8,
            (Mode::Grey, _) => Samples::La8,
            (Mode::Indexed, _) | (Mode::Rgb, 3) => Samples::Rgb8,
            (Mode::Rgb, _) => Samples::Rgba8,
            (Mode::Cmyk, _) => Samples::Cmyk8,
        }
    }
}

/// Photoshop lays transparent pixels over white.
fn unmatte(pixel: &mut [u8; 4]) {
    let [colours @ .., alpha] = pixel;
    let alpha = f32::from(*alpha) / 255.0;
    if alpha > 0.0 && alpha < 1.0 {
        for value in colours {
            let straight = (f32::from(*value) - 255.0 * (1.0 - alpha)) / alpha;
            *value = (straight + 0.5) as u8;
        }
    }
}

/// All reds, then all greens, then all blues.
fn read_palette(source: &mut dyn Source, header: &Header) -> Result<Option<Vec<[u8; 3]>>, Error> {
    let n_bytes = u64::from(u32_of(source)?);
    if header.mode != Mode::Indexed {
        skip(source, n_bytes)?;
        return Ok(None);
    }
    if n_bytes != 768 {
        return Err(Error::damaged("its palette has another size"));
    }
    let mut bytes = [0; 768];
    source.read_exact(&mut bytes).map_err(Error::of_reading)?;
    let colours = (0..256).map(|i| [bytes[i], bytes[256 + i], bytes[512 + i]]);
    Ok(Some(colours.collect()))
}

fn read_resources(source: &mut dyn Source) -> Result<Vec<u8>, Error> {
    let n_bytes = u64::from(u32_of(source)?);
    if n_bytes > LIMIT_RESOURCES_BYTES {
        return Err(Error::Bomb);
    }
    let mut bytes = Vec::new();
    let n_read = source
        .take(n_bytes)
        .read_to_end(&mut bytes)
        .map_err(Error::of_reading)?;
    if (n_read as u64) < n_bytes {
        return Err(Error::CutOff);
    }
    Ok(bytes)
}

/// The bytes of one resource: a signature, an id, a name, a length, and the bytes, each of even length.
fn resource(mut rest: &[u8], wanted: u16) -> Option<Vec<u8>> {
    while let [b'8', b'B', b'I', b'M', high, low, after @ ..] = rest {
        let id = u16::from_be_bytes([*high, *low]);
        let name = usize::from(*after.first()?) + 1;
        let after = after.get(name.next_multiple_of(2)..)?;
        let n_bytes = u32::from_be_bytes(*after.first_chunk()?) as usize;
        let after = &after[4..];
        if id == wanted {
            return after.get(..n_bytes).map(<[u8]>::to_vec);
        }
        rest = after.get(n_bytes.next_multiple_of(2)..)?;
    }
    None
}

struct Layers {
    has_any: bool,
    /// Whether the first plane after the colours is what shines through.
    has_transparency: bool,
}

fn skip_layers(source: &mut dyn Source, is_large: bool) -> Result<Layers, Error> {
    let length_of = |source: &mut dyn Source| -> Result<u64, Error> {
        let high = if is_large { u32_of(source)? } else { 0 };
        Ok(u64::from(high) << 32 | u64::from(u32_of(source)?))
    };
    let n_bytes = length_of(source)?;
    let start = source.stream_position().map_err(Error::of_reading)?;
    let n_layers = if n_bytes >= 10 && length_of(source)? >= 2 {
        u16_of(source)? as i16
    } else {
        0
    };
    let end = start.checked_add(n_bytes).ok_or(Error::CutOff)?;
    source
        .seek(SeekFrom::Start(end))
        .map_err(Error::of_reading)?;
    Ok(Layers {
        has_any: n_layers != 0,
        has_transparency: n_layers < 0,
    })
}

/// Planes of 8 bit a sample.
fn read_planes(
    source: &mut dyn Source,
    header: &Header,
    n_planes: usize,
    is_packed: bool,
) -> Result<Vec<Vec<u8>>, Error> {
    let (width, height) = (header.size.0 as usize, header.size.1 as usize);
    let row_bytes = width * usize::from(header.bits) / 8;
    let lengths = if is_packed {
        let n_rows = usize::from(header.n_channels) * height;
        read_lengths(source, n_rows, header.is_large)?
    } else {
        Vec::new()
    };
    let mut lengths = lengths.into_iter();
    let mut row = vec![0; row_bytes];
    let mut planes = Vec::new();
    for _ in 0..n_planes {
        let mut plane = Vec::with_capacity(width * height);
        for _ in 0..height {
            if is_packed {
                let n_bytes = lengths.next().unwrap_or(0);
                unpack_row(source, n_bytes, &mut row)?;
            } else {
                source.read_exact(&mut row).map_err(Error::of_reading)?;
            }
            if header.bits == 16 {
                let values = row.as_chunks::<2>().0.iter();
                plane.extend(values.map(|value| reduced(u16::from_be_bytes(*value))));
            } else {
                plane.extend_from_slice(&row);
            }
        }
        planes.push(plane);
    }
    Ok(planes)
}

/// The packed length of each row of each plane.
fn read_lengths(source: &mut dyn Source, n_rows: usize, is_large: bool) -> Result<Vec<u32>, Error> {
    let mut lengths = Vec::with_capacity(n_rows);
    for _ in 0..n_rows {
        lengths.push(if is_large {
            u32_of(source)?
        } else {
            u16_of(source)?.into()
        });
    }
    Ok(lengths)
}

/// A row of PackBits.
fn unpack_row(source: &mut dyn Source, n_bytes: u32, row: &mut [u8]) -> Result<(), Error> {
    // No row gets longer by being packed than by one byte in 128.
    if n_bytes as usize > 2 * row.len() + 128 {
        return Err(Error::damaged("a row is too long"));
    }
    let mut packed = vec![0; n_bytes as usize];
    source.read_exact(&mut packed).map_err(Error::of_reading)?;
    let mut rest = &packed[..];
    let mut at = 0;
    while let [control, after @ ..] = rest {
        let n = match *control as i8 {
            -128 => {
                rest = after;
                continue;
            }
            control => usize::from(control.unsigned_abs()) + 1,
        };
        let Some(out) = row.get_mut(at..at + n) else {
            return Err(Error::damaged("a row is too long"));
        };
        if (*control as i8) < 0 {
            let Some((value, after)) = after.split_first() else {
                return Err(Error::CutOff);
            };
            out.fill(*value);
            rest = after;
        } else {
            let Some((values, after)) = after.split_at_checked(n) else {
                return Err(Error::CutOff);
            };
            out.copy_from_slice(values);
            rest = after;
        }
        at += n;
    }
    if at < row.len() {
        return Err(Error::damaged("a row is too short"));
    }
    Ok(())
}

fn u16_of(source: &mut dyn Source) -> Result<u16, Error> {
    let mut bytes = [0; 2];
    source.read_exact(&mut bytes).map_err(Error::of_reading)?;
    Ok(u16::from_be_bytes(bytes))
}

fn u32_of(source: &mut dyn Source) -> Result<u32, Error> {
    let mut bytes = [0; 4];
    source.read_exact(&mut bytes).map_err(Error::of_reading)?;
    Ok(u32::from_be_bytes(bytes))
}

fn skip(source: &mut dyn Source, n_bytes: u64) -> Result<(), Error> {
    let n_bytes = i64::try_from(n_bytes).map_err(|_| Error::CutOff)?;
    source
        .seek(SeekFrom::Current(n_bytes))
        .map_err(Error::of_reading)?;
    Ok(())
}

fn variant(what: &str) -> Error {
    Error::Variant {
        format: "Photoshop file",
        what: what.to_owned(),
    }
}
