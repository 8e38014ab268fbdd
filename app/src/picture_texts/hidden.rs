//! Texts in the lowest bits of the pixels of a PNG or a WebP, as web interfaces and `NovelAI` hide them.
//!
//! The format is that of the "stealth pnginfo" extension: column by column, one bit of each pixel's alpha, or one of
//! each of its three colours, the highest bit of a byte first: 15 bytes of signature, the number of bits that follow in
//! 32 bits, and the text as UTF-8, plain or in gzip.

use std::io::{Cursor, Read};

use flate2::read::GzDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ImageDecoder, Limits, RgbaImage};

use super::LIMIT_TEXT_BYTES;

const SIGNATURE_BYTES: usize = 15;
const HEAD_BITS: usize = 8 * SIGNATURE_BYTES + 32;
/// Larger pictures are not searched.
const LIMIT_PIXELS: u64 = 40_000_000;
/// What the PNG decoder may take beside its rows.
const LIMIT_DECODER_BYTES: usize = 16 << 20;

/// Which channels of a pixel hold bits.
#[derive(Clone, Copy)]
enum Channels {
    Alpha,
    Colours,
}

impl Channels {
    /// What plain and compressed texts start with alike.
    fn signature(self) -> &'static [u8] {
        match self {
            Self::Alpha => b"stealth_png",
            Self::Colours => b"stealth_rgb",
        }
    }

    fn n_bits(self) -> usize {
        match self {
            Self::Alpha => 1,
            Self::Colours => 3,
        }
    }

    /// The lowest bits of a pixel.
    fn bits(self, pixel: &[u8]) -> impl Iterator<Item = bool> {
        let from = match self {
            Self::Alpha => 3,
            Self::Colours => 0,
        };
        let channels = pixel[from..from + self.n_bits()].iter();
        channels.map(|channel| channel & 1 == 1)
    }
}

/// The text in the pixels. Costs a few rows where there is none, which the first column shows.
pub fn hidden_text(file: &[u8]) -> Option<String> {
    [Channels::Alpha, Channels::Colours]
        .into_iter()
        .find_map(|channels| text_in(file, channels))
}

/// As [`hidden_text`], in the pixels of a WebP that has them to the bit. It is unpacked for that.
pub fn hidden_text_of_webp(file: &[u8]) -> Option<String> {
    if !may_hide(file) {
        return None;
    }
    let mut decoder = WebPDecoder::new(Cursor::new(file)).ok()?;
    let (width, height) = decoder.dimensions();
    let n_channels = usize::from(decoder.color_type().channel_count());
    let n_pixels = u64::from(width) * u64::from(height);
    if decoder.has_animation() || n_pixels > LIMIT_PIXELS || !(3..=4).contains(&n_channels) {
        return None;
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(3 * decoder.total_bytes() + LIMIT_DECODER_BYTES as u64);
    decoder.set_limits(limits).ok()?;
    let mut pixels = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut pixels).ok()?;
    let size = (width as usize, height as usize);
    [Channels::Alpha, Channels::Colours]
        .into_iter()
        .filter(|channels| n_channels == 4 || matches!(channels, Channels::Colours))
        .find_map(|channels| read(bits_in(&pixels, n_channels, size, channels), channels))
}

/// Whether the file has pixels or alpha without loss (RFC 9649).
fn may_hide(webp: &[u8]) -> bool {
    let mut rest = webp.get(12..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        if matches!(&head[..4], b"VP8L" | b"ALPH") {
            return true;
        }
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        // Chunks have even lengths.
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    false
}

/// The picture without the text that its pixels hide, which nobody sees. `None` where they hide none.
pub fn without_hidden(pixels: &RgbaImage) -> Option<RgbaImage> {
    let size = (pixels.width() as usize, pixels.height() as usize);
    let hiding = [Channels::Alpha, Channels::Colours].map(|channels| {
        let mut bits = bits_in(pixels, 4, size, channels);
        let mut signature = bits_of(channels.signature());
        let hides = signature.all(|expected| bits.next() == Some(expected));
        hides.then_some(channels)
    });
    let mut clean = None;
    for channels in hiding.into_iter().flatten() {
        for pixel in clean.get_or_insert_with(|| pixels.clone()).pixels_mut() {
            match channels {
                Channels::Alpha => pixel[3] |= 1,
                Channels::Colours => pixel.0[..3].iter_mut().for_each(|value| *value |= 1),
            }
        }
    }
    clean
}

/// The lowest bits in the order of such texts.
fn bits_in(
    pixels: &[u8],
    n_channels: usize,
    (width, height): (usize, usize),
    channels: Channels,
) -> impl Iterator<Item = bool> {
    let places = (0..width).flat_map(move |x| (0..height).map(move |y| y * width + x));
    places.flat_map(move |place| {
        let start = place * n_channels;
        channels.bits(&pixels[start..start + n_channels])
    })
}

fn text_in(file: &[u8], channels: Channels) -> Option<String> {
    let limits = png::Limits {
        bytes: LIMIT_DECODER_BYTES,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().ok()?;
    let info = reader.info();
    let n_channels = match info.color_type {
        png::ColorType::Rgba => 4,
        png::ColorType::Rgb if matches!(channels, Channels::Colours) => 3,
        _ => return None,
    };
    let (width, height) = (info.width as usize, info.height as usize);
    if info.interlaced
        || info.bit_depth != png::BitDepth::Eight
        || u64::from(info.width) * u64::from(info.height) > LIMIT_PIXELS
    {
        return None;
    }
    // No more columns than the longest text fills.
    let column_bits = height * channels.n_bits();
    let n_columns = (HEAD_BITS + 8 * LIMIT_TEXT_BYTES).div_ceil(column_bits);
    let n_columns = n_columns.min(width);
    let mut rows: Vec<Vec<bool>> = Vec::new();
    let mut signature = bits_of(channels.signature());
    while let Some(row) = reader.next_row().ok()? {
        let pixels = row.data().chunks_exact(n_channels).take(n_columns);
        let bits: Vec<bool> = pixels.flat_map(|pixel| channels.bits(pixel)).collect();
        let mut first = bits.iter().take(channels.n_bits());
        if !first.all(|bit| signature.next().is_none_or(|expected| expected == *bit)) {
            return None;
        }
        rows.push(bits);
    }
    let bits = (0..n_columns).flat_map(|column| {
        let n = channels.n_bits();
        let pixels = rows
            .iter()
            .map(move |row| &row[column * n..(column + 1) * n]);
        pixels.flatten().copied()
    });
    read(bits, channels)
}

fn bits_of(bytes: &'static [u8]) -> impl Iterator<Item = bool> {
    let bits = |byte: &u8| {
        let byte = *byte;
        (0..8).rev().map(move |bit| byte >> bit & 1 == 1)
    };
    bytes.iter().flat_map(bits)
}

fn read(mut bits: impl Iterator<Item = bool>, channels: Channels) -> Option<String> {
    let mut byte = move || -> Option<u8> {
        let mut byte = 0;
        for _ in 0..8 {
            byte = byte << 1 | u8::from(bits.next()?);
        }
        Some(byte)
    };
    let mut bytes = |n: usize| -> Option<Vec<u8>> { (0..n).map(|_| byte()).collect() };
    let signature = bytes(SIGNATURE_BYTES)?;
    let kind = signature.strip_prefix(channels.signature())?;
    let n_bits = u32::from_be_bytes(*bytes(4)?.first_chunk()?);
    let n_bytes = (n_bits / 8) as usize;
    if n_bytes > LIMIT_TEXT_BYTES {
        return None;
    }
    let contents = bytes(n_bytes)?;
    let text = match kind {
        b"info" => contents,
        b"comp" => {
            let mut text = Vec::new();
            let limit = LIMIT_TEXT_BYTES as u64 + 1;
            let mut unpacked = GzDecoder::new(contents.as_slice()).take(limit);
            unpacked.read_to_end(&mut text).ok()?;
            text
        }
        _ => return None,
    };
    let text = String::from_utf8(text).ok()?;
    (text.len() <= LIMIT_TEXT_BYTES).then_some(text)
}
