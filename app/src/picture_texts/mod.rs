//! The texts that picture files carry beside their pixels, each under a keyword: what they mean is read elsewhere.
//!
//! - `png`: text chunks before and after the pixels, raw profiles, EXIF;
//! - `exif`: the tags that programs put recipes into, in JPEG, WebP and PNG;
//! - `xmp`: the same of XMP packets;
//! - `hidden`: texts in the lowest bits of the pixels.
//!
//! Everything comes from strangers: each text and all together have limits, compressed ones before they are unpacked,
//! and what is damaged is left out.

mod exif;
mod hidden;
mod png;
#[cfg(test)]
mod tests;
mod xmp;

use std::io::Read;

pub use hidden::{hidden_text, hidden_text_of_webp, without_hidden};
pub use xmp::{Authorship, authorship};

/// Longer texts are left out.
pub const LIMIT_TEXT_BYTES: usize = 1 << 20;
/// Texts of one file, and what they take in all.
const LIMIT_TEXTS: usize = 1000;
const LIMIT_ALL_BYTES: usize = 8 << 20;

/// The texts of one file, in its order.
#[derive(Debug, Default)]
pub struct Texts {
    texts: Vec<(String, String)>,
    n_bytes: usize,
}

impl Texts {
    /// The first text under a keyword.
    pub fn get(&self, keyword: &str) -> Option<&str> {
        let mut texts = self.iter();
        texts.find_map(|(name, text)| (name == keyword).then_some(text))
    }

    /// Keywords and texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.texts.iter();
        texts.map(|(keyword, text)| (keyword.as_str(), text.as_str()))
    }

    /// Takes a text in, unless it is too long or there are too many.
    pub fn add(&mut self, keyword: &str, text: &str) {
        if text.len() <= self.room() {
            self.n_bytes += text.len();
            self.texts.push((keyword.to_owned(), text.to_owned()));
        }
    }

    /// What the next text may take.
    fn room(&self) -> usize {
        match self.texts.len() {
            0..LIMIT_TEXTS => LIMIT_TEXT_BYTES.min(LIMIT_ALL_BYTES - self.n_bytes),
            _ => 0,
        }
    }

    /// Unpacks a text. What an unfinished or too long one unpacks to counts all the same, so that a thousand bombs
    /// take no longer than one.
    fn unpack(&mut self, packed: impl Read) -> Option<Vec<u8>> {
        let room = self.room();
        let mut text = Vec::new();
        let read = packed.take(room as u64 + 1).read_to_end(&mut text);
        let is_whole = read.is_ok() && text.len() <= room;
        if !is_whole {
            self.n_bytes += text.len().min(room);
        }
        is_whole.then_some(text)
    }

    /// The comments of a JPEG: segments before its pixels (ITU-T T.81, B.2.4.5).
    pub fn add_jpeg_comments(&mut self, file: &[u8]) {
        let mut rest = file.get(2..).unwrap_or_default();
        while let [0xff, marker, high, low, after @ ..] = rest {
            let n_bytes = usize::from(u16::from_be_bytes([*high, *low]));
            let Some((contents, after)) = after.split_at_checked(n_bytes.saturating_sub(2)) else {
                return;
            };
            match marker {
                // The scan's pixels follow.
                0xda => return,
                0xfe => self.add("Comment", &utf8_or_latin1(contents)),
                _ => {}
            }
            rest = after;
        }
    }
}

/// Bytes that are UTF-8 are UTF-8, whatever the format asks for; others are Latin-1.
fn utf8_or_latin1(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}
