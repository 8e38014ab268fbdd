//! Texts in EXIF, where JPEG and WebP files have their recipes.
//!
//! Exif 3.0 (CIPA DC-008-2023), 4.6; `UserComment` starts with eight bytes that name its character code. The structure is
//! read by a crate; what programs put into the tags is not.

use exif::{Context, Exif, In, Reader, Tag, Value};

use super::{LIMIT_TEXT_BYTES, Texts};

/// `UserComment` of EXIF, and where programs put it that do not know of directories.
const USER_COMMENT: u16 = 0x9286;
const USER_COMMENTS: [Tag; 2] = [
    Tag(Context::Exif, USER_COMMENT),
    Tag(Context::Tiff, USER_COMMENT),
];
/// Tags of Windows, in UTF-16: comment, title, subject, keywords.
const WINDOWS: [(u16, &str); 4] = [
    (0x9c9c, "XPComment"),
    (0x9c9b, "XPTitle"),
    (0x9c9f, "XPSubject"),
    (0x9c9e, "XPKeywords"),
];
/// Tags with plain texts. `ComfyUI` counts down from `Model`: its graph, its canvas, and what extensions add.
const PLAIN: [(u16, &str); 6] = [
    (0x0110, "Model"),
    (0x010f, "Make"),
    (0x010e, "ImageDescription"),
    (0x010d, "DocumentName"),
    (0x010c, "extra"),
    (0x0131, "Software"),
];
/// The type of texts in UTF-8, since version 3.
const TYPE_UTF8: u16 = 129;

impl Texts {
    /// Takes the texts in a block of EXIF that may hold a recipe, each under its tag's name; `ComfyUI`'s under their own.
    pub fn add_exif(&mut self, block: &[u8]) {
        let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
        // Damaged directories end where the damage begins.
        let mut reader = Reader::new();
        reader.continue_on_error(true);
        let read = reader.read_raw(block.to_vec());
        let read = read.or_else(|error| error.distill_partial_result(|_| {}));
        let Ok(exif) = read else {
            return;
        };
        let is_big_endian = !exif.little_endian();
        for tag in USER_COMMENTS {
            let comment = bytes(&exif, tag).and_then(|value| comment(&value, is_big_endian));
            self.add_named("UserComment", comment);
        }
        for (tag, name) in WINDOWS {
            let text = bytes(&exif, Tag(Context::Tiff, tag));
            self.add_named(name, text.and_then(|text| utf16(&text, false)));
        }
        for (tag, name) in PLAIN {
            let text = bytes(&exif, Tag(Context::Tiff, tag));
            self.add_named(name, text.and_then(|text| utf8(&text)));
        }
    }

    fn add_named(&mut self, name: &str, text: Option<String>) {
        let Some(text) = text else {
            return;
        };
        let starts_with = |keyword: &&str| {
            let (start, graph) = text.split_once(':').unwrap_or_default();
            start.eq_ignore_ascii_case(keyword) && graph.trim_start().starts_with('{')
        };
        match ["prompt", "workflow"].into_iter().find(starts_with) {
            Some(keyword) => self.add(keyword, text[keyword.len() + 1..].trim()),
            None => self.add(name, &text),
        }
    }
}

/// A tag's value as it stands in the block.
fn bytes(exif: &Exif, tag: Tag) -> Option<Vec<u8>> {
    let value = &exif.get_field(tag, In::PRIMARY)?.value;
    let bytes = match value {
        Value::Byte(bytes) | Value::Undefined(bytes, _) => bytes.clone(),
        Value::Ascii(parts) => parts.join(&0),
        // Where the value is, or where it leads to.
        Value::Unknown(TYPE_UTF8, n_bytes, at) => {
            let (n_bytes, at) = (*n_bytes as usize, *at as usize);
            let at = if n_bytes > 4 {
                let at = exif.buf().get(at..)?.first_chunk()?;
                let at = if exif.little_endian() {
                    u32::from_le_bytes(*at)
                } else {
                    u32::from_be_bytes(*at)
                };
                at as usize
            } else {
                at
            };
            exif.buf().get(at..at.checked_add(n_bytes)?)?.to_vec()
        }
        _ => return None,
    };
    (bytes.len() <= 2 * LIMIT_TEXT_BYTES).then_some(bytes)
}

fn comment(value: &[u8], is_big_endian: bool) -> Option<String> {
    let Some((code, text)) = value.split_at_checked(8) else {
        return utf8(value);
    };
    match code {
        b"UNICODE\0" => utf16(text, is_big_endian),
        b"JIS\0\0\0\0\0" => utf8(&without_jis(text)),
        // Of no code, or a wrong one, it is most often UTF-8.
        b"ASCII\0\0\0" | [0, 0, 0, 0, 0, 0, 0, 0] => utf8(text),
        _ => utf8(value),
    }
}

/// Japanese in JIS stands between escapes, two bytes a character (ISO-2022-JP, RFC 1468). Limn has no table of its
/// characters, and says so in their place; what is around them is ASCII.
fn without_jis(text: &[u8]) -> Vec<u8> {
    const UNREADABLE: &[u8] = "[Japanese, not readable]".as_bytes();
    let mut parts = text.split(|byte| *byte == 0x1b);
    let mut read = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        match part {
            // To ASCII, or to the Roman letters of JIS X 0201, which differ from it in two signs.
            [b'(', b'B' | b'J', rest @ ..] => read.extend_from_slice(rest),
            // To JIS X 0208, or to the supplement JIS X 0212.
            [b'$', b'@' | b'B', ..] | [b'$', b'(', b'D', ..] | [b'(', b'I', ..] => {
                if !read.ends_with(UNREADABLE) {
                    read.extend_from_slice(UNREADABLE);
                }
            }
            other => {
                read.push(0x1b);
                read.extend_from_slice(other);
            }
        }
    }
    read
}

fn utf8(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(['\0', ' ']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// Programs disagree about the order of the bytes, whatever the block's own: a mark decides, or else the order in
/// which more of it is plain text.
fn utf16(bytes: &[u8], is_big_endian: bool) -> Option<String> {
    let pairs = bytes.as_chunks::<2>().0;
    let decode = |is_big_endian: bool| {
        let units = pairs.iter().map(|pair| {
            if is_big_endian {
                u16::from_be_bytes(*pair)
            } else {
                u16::from_le_bytes(*pair)
            }
        });
        let text: String = char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        text.trim_matches(['\0', ' ', '\u{feff}']).to_owned()
    };
    let n_plain = |text: &str| text.chars().filter(|c| is_plain(*c)).count();
    let text = match pairs.first()? {
        [0xfe, 0xff] => decode(true),
        [0xff, 0xfe] => decode(false),
        _ => {
            let (own, other) = (decode(is_big_endian), decode(!is_big_endian));
            // Some write eight bits a character under this code all the same.
            let narrow =
                utf8(bytes).filter(|text| !text.contains(['\0', char::REPLACEMENT_CHARACTER]));
            let texts = [own, other, narrow.unwrap_or_default()];
            let [own, other, narrow] = texts.map(|text| (n_plain(&text), text));
            if narrow.0 > own.0.max(other.0) {
                narrow.1
            } else if other.0 > own.0 {
                other.1
            } else {
                own.1
            }
        }
    };
    (!text.is_empty()).then_some(text)
}

/// What nearly every recipe has much of: letters, digits and signs of ASCII.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~' | '\n')
}
