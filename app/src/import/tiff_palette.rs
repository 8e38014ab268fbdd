//! TIFF whose pixels are places in a list of colours (TIFF 6.0, section 5).
//!
//! The decoder refuses them; shown as grey it gives the places as they are.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::input::{Source, read_buffered};

const PHOTOMETRIC_INTERPRETATION: u16 = 262;
const PALETTE: u16 = 3;
const BLACK_IS_ZERO: u8 = 1;
const SHORT: u16 = 3;
/// More entries has no directory.
const LIMIT_ENTRIES: u64 = 4096;

/// The file, read as one whose places in a list are shades of grey.
pub struct AsGrey<'a> {
    source: &'a mut dyn Source,
    at: u64,
    /// Where the low byte of the interpretation lies, if it is that of a palette.
    place: Option<u64>,
    /// What is left of a byte that was changed.
    changed: [u8; 1],
}

impl<'a> AsGrey<'a> {
    /// Goes back to the start of the file.
    ///
    /// # Errors
    /// Those of the source. What is damaged is left to the decoder.
    pub fn new(source: &'a mut dyn Source) -> io::Result<Self> {
        let place = match place_of_palette(source) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            place => place.ok().flatten(),
        };
        source.seek(SeekFrom::Start(0))?;
        Ok(Self {
            source,
            at: 0,
            place,
            changed: [BLACK_IS_ZERO],
        })
    }

    pub fn has_palette(&self) -> bool {
        self.place.is_some()
    }
}

/// Where the low byte of the first picture's interpretation lies, if it is a palette.
fn place_of_palette(source: &mut dyn Source) -> io::Result<Option<u64>> {
    let mut head = [0; 4];
    source.read_exact(&mut head)?;
    let is_little = head[0] == b'I';
    let is_big_tiff = head.contains(&43);
    let number = |source: &mut dyn Source, n_bytes: usize| -> io::Result<u64> {
        let mut bytes = [0; 8];
        source.read_exact(&mut bytes[..n_bytes])?;
        if !is_little {
            bytes[..n_bytes].reverse();
        }
        Ok(u64::from_le_bytes(bytes))
    };
    let (n_bytes_count, n_bytes_value) = if is_big_tiff { (8, 8) } else { (2, 4) };
    if is_big_tiff {
        // The size of an offset, and nothing.
        number(source, 4)?;
    }
    let directory = number(source, n_bytes_value)?;
    source.seek(SeekFrom::Start(directory))?;
    let n_entries = number(source, n_bytes_count)?.min(LIMIT_ENTRIES);
    let mut at = directory.saturating_add(n_bytes_count as u64);
    for _ in 0..n_entries {
        let (tag, kind) = (number(source, 2)? as u16, number(source, 2)? as u16);
        let count = number(source, n_bytes_value)?;
        let value = number(source, 2)? as u16;
        number(source, n_bytes_value - 2)?;
        let place = at + 4 + n_bytes_value as u64;
        if (tag, kind, count, value) == (PHOTOMETRIC_INTERPRETATION, SHORT, 1, PALETTE) {
            return Ok(Some(if is_little { place } else { place + 1 }));
        }
        at = place + n_bytes_value as u64;
    }
    Ok(None)
}

impl BufRead for AsGrey<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let at = self.at;
        let bytes = self.source.fill_buf()?;
        let Some(n_before) = self.place.and_then(|place| place.checked_sub(at)) else {
            return Ok(bytes);
        };
        match usize::try_from(n_before) {
            Ok(0) if !bytes.is_empty() => Ok(&self.changed),
            Ok(n_before) if n_before < bytes.len() => Ok(&bytes[..n_before]),
            _ => Ok(bytes),
        }
    }

    fn consume(&mut self, n: usize) {
        self.source.consume(n);
        self.at += n as u64;
    }
}

impl Read for AsGrey<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

impl Seek for AsGrey<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.source.seek(to)?;
        Ok(self.at)
    }
}

/// Red, green and blue of every place.
///
/// # Shapes
/// `map`: `[3 * 2^bits]` of 16 bit, all reds first. Some programs write 8 bit there.
pub fn colours(map: &[u16], bits: u8) -> Option<Vec<[u8; 3]>> {
    let n = 1_usize << bits;
    let (reds, rest) = map.split_at_checked(n)?;
    let (greens, blues) = rest.split_at_checked(n)?;
    let blues = blues.get(..n)?;
    let is_short = map.iter().all(|&value| value < 256);
    let level = |value: u16| {
        if is_short {
            value as u8
        } else {
            // By 256 or by 257: programs differ, and the high byte is right for both.
            (value >> 8) as u8
        }
    };
    let places = reds.iter().zip(greens).zip(blues);
    let colours = places.map(|((&red, &green), &blue)| [red, green, blue].map(level));
    Some(colours.collect())
}
