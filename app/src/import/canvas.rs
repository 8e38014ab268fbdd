//! Where decoders put pixels: one buffer, in which samples become RGBA of 8 bit row by row or in place.

use image::metadata::Orientation;
use image::{DynamicImage, RgbaImage};

use super::Imported;
use super::LIMIT_SIDE_PX;
use super::budget::Room;
use super::error::Error;
use super::note::Note;
use super::samples::{Converter, Samples};
use crate::marking;

/// What a decoder knows of a picture before its pixels.
pub struct Facts {
    pub size: (u32, u32),
    pub samples: Samples,
    pub is_premultiplied: bool,
    pub icc_profile: Option<Vec<u8>>,
    pub xmp: Option<Vec<u8>>,
    pub orientation: Orientation,
    pub notes: Vec<Note>,
    /// What the decoder allocates at its peak beside the pixels.
    pub extra_bytes: u64,
}

impl Facts {
    pub fn new(size: (u32, u32), samples: Samples) -> Self {
        Self {
            size,
            samples,
            is_premultiplied: false,
            icc_profile: None,
            xmp: None,
            orientation: Orientation::NoTransforms,
            notes: Vec::new(),
            extra_bytes: 0,
        }
    }

    pub fn n_pixels(&self) -> u64 {
        u64::from(self.size.0) * u64::from(self.size.1)
    }
}

/// How pixels come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Rows,
    Whole,
}

pub struct Canvas {
    size: (u32, u32),
    pixels: Vec<u8>,
    converter: Converter,
    orientation: Orientation,
    notes: Vec<Note>,
    source_type: Option<String>,
}

impl Canvas {
    /// For pixels that come in rows or blocks.
    ///
    /// # Errors
    /// For a size that is none or too large, and where the memory is not there.
    pub fn for_rows(facts: Facts, room: &mut Room) -> Result<Self, Error> {
        Self::new(facts, Way::Rows, room)
    }

    /// For pixels that come all at once, by [`Self::fill`].
    ///
    /// # Errors
    /// As [`Self::for_rows`].
    pub fn for_whole(facts: Facts, room: &mut Room) -> Result<Self, Error> {
        Self::new(facts, Way::Whole, room)
    }

    fn new(facts: Facts, way: Way, room: &mut Room) -> Result<Self, Error> {
        check_size(facts.size)?;
        let rgba_bytes = 4 * facts.n_pixels();
        let source_bytes = facts.samples.bytes_per_pixel() as u64 * facts.n_pixels();
        let buffer_bytes = match way {
            Way::Rows => rgba_bytes,
            Way::Whole => rgba_bytes.max(source_bytes),
        };
        // Turned by a quarter, a picture is copied once the decoder is done.
        let turned_bytes = if is_quarter_turn(facts.orientation) {
            2 * rgba_bytes
        } else {
            0
        };
        let at_peak = (buffer_bytes + facts.extra_bytes).max(turned_bytes);
        room.take(facts.size, at_peak)?;
        let mut notes = facts.notes;
        let converter = Converter::new(
            facts.samples,
            facts.icc_profile.as_deref(),
            facts.is_premultiplied,
            &mut notes,
        );
        let xmp = facts.xmp.and_then(|xmp| String::from_utf8(xmp).ok());
        let source_type = xmp.as_deref().and_then(marking::source_type);
        Ok(Self {
            size: facts.size,
            pixels: vec![0; buffer_bytes as usize],
            converter,
            orientation: facts.orientation,
            notes,
            source_type: source_type.map(str::to_owned),
        })
    }

    pub fn note(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Puts samples into row `y` from column `x` on. What would lie outside the picture is left out.
    pub fn put(&mut self, x: u32, y: u32, samples: &[u8]) {
        let (width, height) = self.size;
        if x >= width || y >= height {
            return;
        }
        let bytes_per_pixel = self.converter.samples().bytes_per_pixel();
        let n = (samples.len() / bytes_per_pixel).min((width - x) as usize);
        let start = 4 * (y as usize * width as usize + x as usize);
        let rgba = &mut self.pixels[start..start + 4 * n];
        self.converter.row(&samples[..n * bytes_per_pixel], rgba);
    }

    /// Puts a row of samples through the converter, and what comes of it where `place` says.
    pub fn put_converted(&mut self, samples: &[u8], place: impl FnOnce(&mut [u8], &[u8])) {
        let n = samples.len() / self.converter.samples().bytes_per_pixel();
        let mut rgba = vec![0; 4 * n];
        self.converter.row(samples, &mut rgba);
        place(&mut self.pixels, &rgba);
    }

    /// Lets a decoder write all samples at once and converts them in place.
    ///
    /// # Errors
    /// Those of the decoder.
    pub fn fill<E>(&mut self, decode: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<(), E> {
        let width = self.size.0 as usize;
        let row_bytes = width * self.converter.samples().bytes_per_pixel();
        let n_rows = self.size.1 as usize;
        decode(&mut self.pixels[..row_bytes * n_rows])?;
        let mut samples = vec![0; row_bytes];
        let mut convert = |y: usize| {
            samples.copy_from_slice(&self.pixels[y * row_bytes..(y + 1) * row_bytes]);
            let rgba = &mut self.pixels[4 * width * y..4 * width * (y + 1)];
            self.converter.row(&samples, rgba);
        };
        if row_bytes <= 4 * width {
            // From the last row, so that none is overwritten before it is read.
            (0..n_rows).rev().for_each(&mut convert);
        } else {
            (0..n_rows).for_each(&mut convert);
        }
        Ok(())
    }

    /// How many rows at the end are of one colour, all of them of the same.
    pub fn n_rows_of_one_colour(&self) -> u32 {
        let (width, height) = (self.size.0 as usize, self.size.1);
        let row_bytes = 4 * width;
        let rows = self.pixels[..row_bytes * height as usize].chunks_exact(row_bytes);
        let Some(colour) = self.pixels[..row_bytes * height as usize].last_chunk::<4>() else {
            return 0;
        };
        let is_of_it = |row: &&[u8]| row.as_chunks::<4>().0.iter().all(|pixel| pixel == colour);
        rows.rev().take_while(is_of_it).count() as u32
    }

    /// The picture, upright.
    pub fn finish(mut self, room: Room) -> Result<Imported, Error> {
        let (width, height) = self.size;
        let n_bytes = 4 * width as usize * height as usize;
        if self.pixels.len() > n_bytes {
            self.pixels.truncate(n_bytes);
            self.pixels.shrink_to_fit();
        }
        let pixels = RgbaImage::from_raw(width, height, self.pixels);
        let mut pixels = pixels.ok_or_else(|| Error::damaged("it has no pixels"))?;
        if self.orientation != Orientation::NoTransforms {
            let mut picture = DynamicImage::ImageRgba8(pixels);
            picture.apply_orientation(self.orientation);
            pixels = picture.into_rgba8();
            self.notes.push(Note::Turned);
        }
        Ok(Imported {
            pixels,
            notes: self.notes,
            source_type: self.source_type,
            _share: room.into_share(),
        })
    }
}

fn is_quarter_turn(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// # Errors
/// For a picture without pixels, and for one that is larger than Limn works on.
pub fn check_size((width, height): (u32, u32)) -> Result<(), Error> {
    if width == 0 || height == 0 {
        return Err(Error::damaged("it has no pixels"));
    }
    if width > LIMIT_SIDE_PX || height > LIMIT_SIDE_PX {
        return Err(Error::TooLarge { width, height });
    }
    Ok(())
}
