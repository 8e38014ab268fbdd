//! Texts of PNG files.
//!
//! PNG 3rd edition, 11.3.3: `tEXt` and `zTXt` are Latin-1, `iTXt` is UTF-8. They may stand after the pixels, too. Many
//! programs put UTF-8 into `tEXt`.

use flate2::read::ZlibDecoder;

use super::{Texts, utf8_or_latin1};
use crate::marking;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Larger chunks of EXIF are not read.
const LIMIT_EXIF_BYTES: usize = 4 << 20;

impl Texts {
    /// The texts of a PNG; those in profiles once they are opened.
    pub fn of_png(file: &[u8]) -> Self {
        let mut texts = Self::default();
        let mut rest = file.strip_prefix(SIGNATURE).unwrap_or_default();
        let mut exif = None;
        while let Some((chunk, after)) = Chunk::split(rest) {
            let contents = chunk.contents;
            match chunk.kind {
                // Damaged chunks that are not needed are left out, as decoders do.
                b"tEXt" | b"zTXt" | b"iTXt" | b"eXIf" if !chunk.is_sound() => {}
                b"tEXt" => texts.add_plain(contents),
                b"zTXt" => texts.add_compressed(contents),
                b"iTXt" => texts.add_international(contents),
                b"eXIf" => exif = exif.or(Some(contents)),
                b"IEND" => break,
                _ => {}
            }
            rest = after;
        }
        if let Some(block) = exif.filter(|block| block.len() <= LIMIT_EXIF_BYTES) {
            texts.add_exif(block);
        }
        texts
    }

    fn add_plain(&mut self, contents: &[u8]) {
        if let Some((keyword, text)) = split_at_nul(contents)
            && text.len() <= self.room()
        {
            self.add(&utf8_or_latin1(keyword), &utf8_or_latin1(text));
        }
    }

    fn add_compressed(&mut self, contents: &[u8]) {
        if let Some((keyword, [0, packed @ ..])) = split_at_nul(contents)
            && let Some(text) = self.unpack(ZlibDecoder::new(packed))
        {
            self.add(&utf8_or_latin1(keyword), &utf8_or_latin1(&text));
        }
    }

    fn add_international(&mut self, contents: &[u8]) {
        // Keyword, whether it is compressed, the method, language, translated keyword.
        let Some((keyword, [is_compressed, _, after @ ..])) = split_at_nul(contents) else {
            return;
        };
        let Some((_, after)) = split_at_nul(after) else {
            return;
        };
        let Some((_, text)) = split_at_nul(after) else {
            return;
        };
        let unpacked = match is_compressed {
            0 => None,
            _ => match self.unpack(ZlibDecoder::new(text)) {
                Some(text) => Some(text),
                None => return,
            },
        };
        let text = unpacked.as_deref().unwrap_or(text);
        if text.len() <= self.room()
            && let Ok(text) = str::from_utf8(text)
        {
            self.add(&utf8_or_latin1(keyword), text);
        }
    }

    /// Takes the texts within texts: in XMP, and in EXIF and XMP as `ImageMagick` keeps them, which is the profile's name,
    /// its length, and its bytes in hexadecimal.
    pub fn open_profiles(&mut self) {
        if let Some(packet) = self.get(marking::PNG_KEYWORD).map(str::to_owned) {
            self.add_xmp(&packet);
        }
        let profiles = self.iter().filter_map(|(keyword, text)| {
            let name = keyword.strip_prefix("Raw profile type ")?;
            Some((name.to_ascii_lowercase(), raw_profile(text)?))
        });
        for (name, profile) in profiles.collect::<Vec<_>>() {
            let xmp = profile.strip_prefix(marking::JPEG_PREFIX);
            match (name.as_str(), xmp) {
                ("xmp", None) => self.add_xmp(&String::from_utf8_lossy(&profile)),
                ("app1" | "exif" | "xmp", Some(xmp)) => {
                    self.add_xmp(&String::from_utf8_lossy(xmp));
                }
                ("app1" | "exif", None) => self.add_exif(&profile),
                _ => {}
            }
        }
    }
}

struct Chunk<'a> {
    kind: &'a [u8; 4],
    contents: &'a [u8],
    /// What the checksum is of.
    checked: &'a [u8],
    checksum: u32,
}

impl<'a> Chunk<'a> {
    /// The first chunk, and what follows it.
    fn split(rest: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (length, rest) = rest.split_first_chunk()?;
        let n_bytes = u32::from_be_bytes(*length) as usize;
        let (checked, after) = rest.split_at_checked(n_bytes.checked_add(4)?)?;
        let (kind, contents) = checked.split_first_chunk()?;
        let (checksum, after) = after.split_first_chunk()?;
        let chunk = Self {
            kind,
            contents,
            checked,
            checksum: u32::from_be_bytes(*checksum),
        };
        Some((chunk, after))
    }

    fn is_sound(&self) -> bool {
        crc32fast::hash(self.checked) == self.checksum
    }
}

fn split_at_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn raw_profile(text: &str) -> Option<Vec<u8>> {
    let mut lines = text.trim_start().lines();
    // The name once more, and the length.
    lines.next()?;
    let n_bytes: usize = lines.next()?.trim().parse().ok()?;
    let digits: Vec<u8> = lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    let pairs = digits.as_chunks::<2>().0;
    let bytes = pairs.iter().map(|[high, low]| high << 4 | low);
    Some(bytes.take(n_bytes).collect())
}
