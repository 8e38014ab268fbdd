//! Texts in EXIF, where JPEG and WebP files have their recipes.
//!
//! Exif 3.0 (CIPA DC-008-2023), 4.6: directories of TIFF entries; `UserComment` starts with eight bytes that name
//! its character code.

/// `ImageDescription`, `Make`, `Model`, `UserComment`, and the way to the directory where the last one is.
const IMAGE_DESCRIPTION: u16 = 0x010e;
const MAKE: u16 = 0x010f;
const MODEL: u16 = 0x0110;
const EXIF_DIRECTORY: u16 = 0x8769;
const USER_COMMENT: u16 = 0x9286;

/// Entries of one directory; real ones have some dozens.
const LIMIT_ENTRIES: usize = 512;
const LIMIT_TEXT_BYTES: usize = 2 * super::LIMIT_TEXT_BYTES;

/// The texts in a block of EXIF that may hold a recipe, `UserComment` first.
pub fn texts(block: &[u8]) -> Vec<String> {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let Some(block) = Block::open(block) else {
        return Vec::new();
    };
    let first = block.u32(4).map(|at| block.entries(at)).unwrap_or_default();
    let exif = first.iter().find(|entry| entry.tag == EXIF_DIRECTORY);
    let exif = exif.and_then(|entry| block.u32(entry.at + 8));
    let exif = exif.map(|at| block.entries(at)).unwrap_or_default();
    let mut texts = Vec::new();
    let comments = exif
        .iter()
        .chain(&first)
        .filter(|entry| entry.tag == USER_COMMENT);
    texts.extend(comments.filter_map(|entry| block.comment(block.value(entry)?)));
    for tag in [IMAGE_DESCRIPTION, MODEL, MAKE] {
        let found = first.iter().filter(|entry| entry.tag == tag);
        texts.extend(found.filter_map(|entry| utf8(block.value(entry)?)));
    }
    texts
}

/// A TIFF structure: offsets count from its start.
struct Block<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

/// Where an entry of a directory is: tag, type, count, value or the way to it.
struct Entry {
    tag: u16,
    at: usize,
}

impl<'a> Block<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let is_big_endian = match bytes.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        Some(Self {
            bytes,
            is_big_endian,
        })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        } as usize)
    }

    fn entries(&self, at: usize) -> Vec<Entry> {
        let n = self.u16(at).map_or(0, usize::from).min(LIMIT_ENTRIES);
        let places = (0..n).map_while(|i| at.checked_add(2 + 12 * i));
        places
            .map_while(|at| {
                Some(Entry {
                    tag: self.u16(at)?,
                    at,
                })
            })
            .collect()
    }

    fn value(&self, entry: &Entry) -> Option<&'a [u8]> {
        let n_bytes = match self.u16(entry.at + 2)? {
            // Bytes, text, undefined, and UTF-8 since version 3.
            1 | 2 | 7 | 129 => self.u32(entry.at + 4)?,
            _ => return None,
        };
        let at = if n_bytes <= 4 {
            entry.at + 8
        } else {
            self.u32(entry.at + 8)?
        };
        self.bytes
            .get(at..at.checked_add(n_bytes.min(LIMIT_TEXT_BYTES))?)
    }

    fn comment(&self, value: &[u8]) -> Option<String> {
        let (code, text) = value.split_at_checked(8)?;
        match code {
            b"UNICODE\0" => utf16(text, self.is_big_endian),
            b"JIS\0\0\0\0\0" => utf8(&without_jis(text)),
            // Of no code, or a wrong one, it is most often UTF-8.
            b"ASCII\0\0\0" | [0, 0, 0, 0, 0, 0, 0, 0] => utf8(text),
            _ => utf8(value),
        }
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
