//! JPEG. What is cut off is shown as far as it goes: photographs are sent so, and every viewer opens them.

use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Imported;
use super::budget::Room;
use super::canvas::{Canvas, Facts, check_size};
use super::error::Error;
use super::input::Input;
use super::note::Note;
use super::samples::Samples;

/// Passes over a picture; a real one has about ten, a bomb thousands.
const LIMIT_SCANS: usize = 100;
/// Tables, and the rows that are being unpacked.
const EXTRA_BYTES: u64 = 32 << 20;
/// Less of a picture is not worth showing.
const LEAST_PART: f64 = 0.05;
/// Of a sheet of paper, the least that is drawn, an encoder's usual tables make more than this.
const ENOUGH_PART: f64 = 2.5;

pub fn read(input: &mut Input, mut room: Room) -> Result<Imported, Error> {
    let whole_bytes = input.whole_bytes();
    let file = input.whole()?;
    let walked = Walked::over(&file);
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .jpeg_set_max_scans(LIMIT_SCANS)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&file[..]), options);
    let failed = |error: DecodeErrors| match error {
        _ if !walked.is_whole => Error::CutOff,
        error => Error::damaged(error),
    };
    decoder.decode_headers().map_err(failed)?;
    let (width, height) = decoder.dimensions().ok_or(Error::CutOff)?;
    let size = (width as u32, height as u32);
    check_size(size)?;
    let (samples, colours) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (Samples::L8, ColorSpace::Luma),
        // Inks are converted by the decoder, which knows how Adobe's are meant.
        _ => (Samples::Rgb8, ColorSpace::RGB),
    };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(colours));

    let mut facts = Facts::new(size, samples);
    facts.xmp = decoder.xmp().cloned();
    let exif = decoder.exif();
    facts.orientation = exif
        .and_then(|exif| Orientation::from_exif_chunk(exif))
        .unwrap_or(Orientation::NoTransforms);
    if walked.n_components == 4 {
        // What is left of their profile says nothing about light.
        facts.notes.push(Note::FromInks);
    } else {
        facts.icc_profile = decoder.icc_profile();
    }
    if !walked.is_whole {
        facts.notes.push(Note::CutOff);
    }
    let coefficients = if walked.is_progressive {
        // All of them stay until the last scan, 2 bytes each.
        2 * u64::from(walked.n_components.max(1)) * facts.n_pixels()
    } else {
        0
    };
    facts.extra_bytes = EXTRA_BYTES + whole_bytes + coefficients;
    if !walked.is_whole && walked.n_scan_bytes == 0 {
        return Err(Error::CutOff);
    }
    let (width, height) = size;
    let nearly_nothing = Error::NearlyNothing { width, height };
    let most = walked.most_of(size);
    if most < LEAST_PART {
        return Err(nearly_nothing);
    }
    let mut canvas = Canvas::for_whole(facts, &mut room)?;
    canvas
        .fill(|samples| decoder.decode_into(samples))
        .map_err(failed)?;
    // What is missing is filled with one colour.
    let least_rows = (f64::from(height) * LEAST_PART) as u32;
    let n_rows = height - canvas.n_rows_of_one_colour();
    if !walked.is_whole && most < ENOUGH_PART && n_rows <= least_rows {
        return Err(nearly_nothing);
    }
    canvas.finish(room)
}

/// What the decoder does not tell: it fills in what is missing, and converts inks silently. ITU-T T.81, annex B.
#[derive(Debug, Default)]
pub struct Walked {
    /// 4 for CMYK.
    pub n_components: u8,
    pub is_progressive: bool,
    /// Whether the file goes on to its end marker.
    pub is_whole: bool,
    /// From the first scan on.
    pub n_scan_bytes: usize,
}

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];

impl Walked {
    /// The part of a picture of that size that the scans can hold at most.
    fn most_of(&self, (width, height): (u32, u32)) -> f64 {
        /// One for a block's mean, and one for its end; where the means come alone, the rest may be skipped in runs.
        const SEQUENTIAL_BITS: f64 = 2.0;
        const PROGRESSIVE_BITS: f64 = 1.0;
        let bits_per_block = if self.is_progressive {
            PROGRESSIVE_BITS
        } else {
            SEQUENTIAL_BITS
        };
        // At least one component has all of them.
        let n_blocks = f64::from(width.div_ceil(8)) * f64::from(height.div_ceil(8));
        8.0 * self.n_scan_bytes as f64 / (bits_per_block * n_blocks)
    }

    /// Walks the segments up to the first scan.
    pub fn over(file: &[u8]) -> Self {
        let mut walked = Self::default();
        let mut rest = file.get(2..).unwrap_or_default();
        while let [0xff, kind, after @ ..] = rest {
            if *kind == 0xff {
                // Fill bytes before a marker.
                rest = &rest[1..];
                continue;
            }
            let &[high, low, ..] = after else {
                break;
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            if *kind == START_OF_SCAN {
                // Within a scan this pair of bytes cannot occur; a thumbnail's own end is before it.
                walked.is_whole = after.windows(2).any(|pair| pair == END_OF_IMAGE);
                walked.n_scan_bytes = after.len().saturating_sub(length);
                break;
            }
            // All frame headers but those of tables: precision, height, width, number of components.
            let is_frame = matches!(kind, 0xc0..=0xcf) && !matches!(kind, 0xc4 | 0xc8 | 0xcc);
            if is_frame {
                walked.n_components = after.get(7).copied().unwrap_or(0);
                walked.is_progressive = matches!(kind, 0xc2 | 0xc6 | 0xca | 0xce);
            }
            rest = after.get(length..).unwrap_or_default();
        }
        walked
    }
}
