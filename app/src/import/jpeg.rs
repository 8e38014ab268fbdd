//! What the decoder does not tell about a JPEG: it fills in what is missing, and converts inks silently.

/// ITU-T T.81, annex B.
pub struct Facts {
    /// 4 for CMYK.
    pub n_components: u8,
    /// Whether the file goes on to its end marker.
    pub is_whole: bool,
}

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];

impl Facts {
    /// Walks the segments up to the first scan.
    pub fn read(file: &[u8]) -> Self {
        let mut facts = Self {
            n_components: 0,
            is_whole: false,
        };
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
                facts.is_whole = after.windows(2).any(|pair| pair == END_OF_IMAGE);
                break;
            }
            // All frame headers but those of tables: precision, height, width, number of components.
            let is_frame = matches!(kind, 0xc0..=0xcf) && !matches!(kind, 0xc4 | 0xc8 | 0xcc);
            if is_frame {
                facts.n_components = after.get(7).copied().unwrap_or(0);
            }
            rest = after.get(length..).unwrap_or_default();
        }
        facts
    }
}
