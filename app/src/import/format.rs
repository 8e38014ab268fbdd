//! What kind of file it is, by its content: names lie.

/// The formats that Limn reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Png,
    Jpeg,
    WebP,
    Gif,
    Tiff,
    Bmp,
    Tga,
    Pnm,
    Qoi,
    Ico,
    Avif,
    JpegXl,
    Psd,
    OpenRaster,
}

/// [`Format`]s in a sentence.
pub const READABLE: &str =
    "PNG, JPEG, WebP, GIF, TIFF, BMP, TGA, PNM, QOI, ICO, AVIF, JPEG XL, PSD or OpenRaster";

/// The usual endings of files that Limn reads, for dialogs.
pub const ENDINGS: [&str; 27] = [
    "png", "apng", "jpg", "jpeg", "jfif", "webp", "gif", "tif", "tiff", "bmp", "dib", "tga", "pnm",
    "pbm", "pgm", "ppm", "pam", "qoi", "ico", "cur", "avif", "avifs", "jxl", "psd", "psb", "ora",
    "jpe",
];

/// The usual endings of pictures that Limn does not read, so that an import of a folder names them.
pub const OTHER_ENDINGS: [&str; 13] = [
    "heic", "heif", "svg", "xcf", "kra", "exr", "jp2", "dng", "cr2", "cr3", "nef", "arw", "raf",
];

/// A format that is known and not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable {
    pub name: &'static str,
    /// What to do about it, in the imperative.
    pub remedy: &'static str,
}

/// What Apple's tools make of a PNG for a phone's programs: other compression, other order of colours.
const PACKED_PNG: Unreadable = Unreadable {
    name: "iPhone PNG (CgBI)",
    remedy: "save the picture as an ordinary PNG",
};

/// How much of a file's start [`recognise`] wants to see.
pub const HEAD_BYTES: usize = 4096;

const AS_PICTURE: &str = "save the picture as PNG, JPEG or WebP";
const FROM_DRAWING: &str = "export it as PNG from the program that drew it";
const AS_OPENRASTER: &str = "export it as OpenRaster (.ora), which keeps its layers, or as PNG";
const DEVELOP: &str = "develop it in a raw converter and export a TIFF or JPEG";
const FRAME: &str = "export the frame that you want as PNG";

/// The format of a file, by its first `HEAD_BYTES`.
///
/// # Errors
/// `Some` with the name of a format that Limn does not read, or `None` for what is no known picture.
pub fn recognise(head: &[u8]) -> Result<Format, Option<Unreadable>> {
    if head.starts_with(b"\x89PNG\r\n\x1a\n") && head.get(12..16) == Some(b"CgBI") {
        return Err(Some(PACKED_PNG));
    }
    if let Some(format) = by_signature(head) {
        return Ok(format);
    }
    if let Some(brands) = iso_brands(head) {
        return by_brands(&brands);
    }
    if head.starts_with(b"PK\x03\x04") {
        return by_zip_type(head);
    }
    if let Some(unreadable) = unreadable_by_signature(head) {
        return Err(Some(unreadable));
    }
    // The only one without a signature comes last.
    if is_tga(head) {
        return Ok(Format::Tga);
    }
    Err(None)
}

fn by_signature(head: &[u8]) -> Option<Format> {
    let signatures: [(&[u8], Format); 18] = [
        (b"\x89PNG\r\n\x1a\n", Format::Png),
        (b"\xff\xd8\xff", Format::Jpeg),
        (b"GIF87a", Format::Gif),
        (b"GIF89a", Format::Gif),
        (b"II*\0", Format::Tiff),
        (b"MM\0*", Format::Tiff),
        // BigTIFF.
        (b"II+\0\x08\0", Format::Tiff),
        (b"MM\0+\0\x08", Format::Tiff),
        (b"qoif", Format::Qoi),
        (b"\xff\x0a", Format::JpegXl),
        (b"\0\0\0\x0cJXL \r\n\x87\n", Format::JpegXl),
        (b"8BPS\0\x01", Format::Psd),
        (b"8BPS\0\x02", Format::Psd),
        (b"P1", Format::Pnm),
        (b"P4", Format::Pnm),
        (b"P7", Format::Pnm),
        (b"P2", Format::Pnm),
        (b"P5", Format::Pnm),
    ];
    let found = signatures
        .iter()
        .find(|(signature, _)| head.starts_with(signature));
    match found {
        // Two letters and then white space, or it is a text that begins so.
        Some((_, Format::Pnm)) => head
            .get(2)
            .is_some_and(u8::is_ascii_whitespace)
            .then_some(Format::Pnm),
        Some((_, format)) => Some(*format),
        None if is_riff(head, *b"WEBP") => Some(Format::WebP),
        None if matches!(head, [b'P', b'3' | b'6', space, ..] if space.is_ascii_whitespace()) => {
            Some(Format::Pnm)
        }
        None if is_bmp(head) => Some(Format::Bmp),
        None if is_icon(head) => Some(Format::Ico),
        None => None,
    }
}

fn is_riff(head: &[u8], kind: [u8; 4]) -> bool {
    head.starts_with(b"RIFF") && head.get(8..12) == Some(&kind[..])
}

/// `BM`, and then one of the sizes that a header has had.
fn is_bmp(head: &[u8]) -> bool {
    let header = head.get(14..18).and_then(|bytes| bytes.first_chunk());
    let sizes = [12, 40, 52, 56, 64, 108, 124];
    head.starts_with(b"BM")
        && header.is_some_and(|bytes| sizes.contains(&u32::from_le_bytes(*bytes)))
}

/// An icon or a cursor with at least one picture, whose reserved byte is as it must be.
fn is_icon(head: &[u8]) -> bool {
    matches!(head, [0, 0, 1 | 2, 0, n, 0, _, _, _, 0, ..] if *n > 0)
}

/// Truevision's format has no signature at its start: every field of the header must make sense.
fn is_tga(head: &[u8]) -> bool {
    let Some(
        &[
            _,
            has_map,
            kind,
            map @ ..,
            width_low,
            width_high,
            height_low,
            height_high,
            depth,
            descriptor,
        ],
    ) = head.first_chunk::<18>()
    else {
        return false;
    };
    let map_depth = map[4];
    let is_mapped = matches!(kind, 1 | 9);
    let is_map_right = if is_mapped {
        has_map == 1 && matches!(map_depth, 15 | 16 | 24 | 32)
    } else {
        has_map <= 1 && (has_map == 1 || map[..4] == [0; 4])
    };
    let is_depth_right = match kind {
        1 | 9 => matches!(depth, 8 | 16),
        2 | 10 => matches!(depth, 15 | 16 | 24 | 32),
        3 | 11 => matches!(depth, 8 | 16),
        _ => false,
    };
    let has_size = (width_low, width_high) != (0, 0) && (height_low, height_high) != (0, 0);
    is_map_right && is_depth_right && has_size && descriptor & 0xc0 == 0
}

/// The brands of a file of boxes (ISO/IEC 14496-12), the major one first.
fn iso_brands(head: &[u8]) -> Option<Vec<[u8; 4]>> {
    let length = u32::from_be_bytes(*head.first_chunk()?) as usize;
    if head.get(4..8)? != b"ftyp" {
        return None;
    }
    let ftyp = head.get(8..length.clamp(12, HEAD_BYTES).min(head.len()))?;
    let (brands, _) = ftyp.as_chunks::<4>();
    // The second is a version.
    let major = brands.first().into_iter();
    Some(major.chain(brands.iter().skip(2)).copied().collect())
}

fn by_brands(brands: &[[u8; 4]]) -> Result<Format, Option<Unreadable>> {
    let has = |names: &[&[u8; 4]]| brands.iter().any(|brand| names.contains(&brand));
    if has(&[b"avif", b"avis"]) {
        return Ok(Format::Avif);
    }
    let heic: [&[u8; 4]; 9] = [
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1",
    ];
    let (name, remedy) = if has(&heic) {
        (
            "HEIC",
            "export it as JPEG or PNG (on an iPhone: Settings, Camera, Formats, Most Compatible)",
        )
    } else if has(&[b"crx "]) {
        ("Canon RAW", DEVELOP)
    } else if has(&[b"jp2 ", b"jpx "]) {
        ("JPEG 2000", AS_PICTURE)
    } else {
        ("video", FRAME)
    };
    Err(Some(Unreadable { name, remedy }))
}

/// By the first entry, named `mimetype` and stored as it is, as OpenRaster and its kin demand.
fn by_zip_type(head: &[u8]) -> Result<Format, Option<Unreadable>> {
    let name_length = head.get(26..28).map_or(0, |bytes| usize::from(bytes[0]));
    let kind = head
        .get(30..)
        .and_then(|rest| rest.strip_prefix(b"mimetype"))
        .filter(|_| name_length == 8);
    match kind {
        Some(kind) if kind.starts_with(b"image/openraster") => Ok(Format::OpenRaster),
        Some(kind) if kind.starts_with(b"application/x-krita") => Err(Some(Unreadable {
            name: "Krita",
            remedy: AS_OPENRASTER,
        })),
        _ => Err(None),
    }
}

fn unreadable_by_signature(head: &[u8]) -> Option<Unreadable> {
    const SIGNATURES: [(&[u8], &str, &str); 20] = [
        (b"%PDF", "PDF", FROM_DRAWING),
        (b"%!PS", "PostScript", FROM_DRAWING),
        (b"gimp xcf", "GIMP", AS_OPENRASTER),
        (b"CSFCHUNK", "Clip Studio", "export it as PSD or PNG"),
        (b"\x76\x2f\x31\x01", "OpenEXR", AS_PICTURE),
        (b"#?RADIANCE", "Radiance HDR", AS_PICTURE),
        (b"\0\0\0\x0cjP  ", "JPEG 2000", AS_PICTURE),
        (b"\xff\x4f\xff\x51", "JPEG 2000", AS_PICTURE),
        (b"II\xbc\x01", "JPEG XR", AS_PICTURE),
        (b"DDS ", "DDS", AS_PICTURE),
        (b"icns", "Apple icon", AS_PICTURE),
        (b"\xc5\xd0\xd3\xc6", "EPS", FROM_DRAWING),
        (b"FUJIFILMCCD-RAW", "Fujifilm RAW", DEVELOP),
        (b"IIRO", "Olympus RAW", DEVELOP),
        (b"IIRS", "Olympus RAW", DEVELOP),
        (b"IIU\0", "Panasonic RAW", DEVELOP),
        (b"\x1a\x45\xdf\xa3", "video", FRAME),
        (b"OggS", "video", FRAME),
        (b"\0\0\x01\xba", "video", FRAME),
        (b"PF\n", "PFM", AS_PICTURE),
    ];
    let found = SIGNATURES
        .iter()
        .find(|(signature, ..)| head.starts_with(signature));
    let (name, remedy) = match found {
        Some((_, name, remedy)) => (*name, *remedy),
        None if is_riff(head, *b"AVI ") => ("video", FRAME),
        None if is_svg(head) => ("SVG", FROM_DRAWING),
        None => return None,
    };
    Some(Unreadable { name, remedy })
}

/// Markup with an `svg` element near its start.
fn is_svg(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let is_markup = text.trim_ascii_start().starts_with(b"<");
    is_markup && text.windows(4).any(|part| part == b"<svg")
}

/// What is told of a camera's raw file, which is a TIFF with a small preview first.
pub const RAW: Unreadable = Unreadable {
    name: "camera RAW",
    remedy: DEVELOP,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_content() {
        let tga = [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 24, 0];
        let zip =
            |kind: &str| [&b"PK\x03\x04"[..], &[0; 22], &[8, 0, 0, 0], kind.as_bytes()].concat();
        let bmp = [&b"BM"[..], &[0; 12], &[40, 0, 0, 0]].concat();
        let cases: [(&[u8], Format); 14] = [
            (b"\x89PNG\r\n\x1a\n....", Format::Png),
            (b"RIFF\0\0\0\0WEBPVP8 ", Format::WebP),
            (b"GIF89a", Format::Gif),
            (b"MM\0*\0\0\0\x08", Format::Tiff),
            (b"P6\n4 4\n255\n", Format::Pnm),
            (b"P7\nWIDTH 4\n", Format::Pnm),
            (b"\0\0\x01\0\x01\0\x10\x10\0\0", Format::Ico),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf", Format::Avif),
            // What is told first counts less than what it is compatible with.
            (b"\0\0\0\x1cftypmif1\0\0\0\0avifmiaf", Format::Avif),
            (b"\xff\x0a\xfa", Format::JpegXl),
            (b"8BPS\0\x01\0\0", Format::Psd),
            (&bmp, Format::Bmp),
            (&tga, Format::Tga),
            (&zip("mimetypeimage/openraster"), Format::OpenRaster),
        ];
        for (head, expected) in cases {
            assert_eq!(recognise(head), Ok(expected));
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        let krita = [
            &b"PK\x03\x04"[..],
            &[0; 22],
            &[8, 0, 0, 0],
            b"mimetypeapplication/x-krita",
        ]
        .concat();
        let cases: [(&[u8], &str); 12] = [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0heic", "HEIC"),
            (b"\0\0\0\x18ftypcrx \0\0\0\x01", "Canon RAW"),
            (b"\0\0\0\x18ftypqt  \0\0\0\0", "video"),
            (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
            (b"%PDF-1.7", "PDF"),
            (b"<?xml version='1.0'?>\n<!-- x --><svg>", "SVG"),
            (b"\xef\xbb\xbf <svg xmlns=''>", "SVG"),
            (b"gimp xcf v011", "GIMP"),
            (b"FUJIFILMCCD-RAW 0201", "Fujifilm RAW"),
            (b"RIFF\0\0\0\0AVI LIST", "video"),
            (&krita, "Krita"),
        ];
        for (head, expected) in cases {
            let named = recognise(head).err().flatten().map(|found| found.name);
            assert_eq!(named, Some(expected));
        }
        let none: [&[u8]; 7] = [
            b"",
            b"P6",
            b"P2P networks",
            b"BMW M3",
            b"<html>404</html>",
            &[0; 4096],
            b"PK\x03\x04 and more of an archive that is none of them",
        ];
        for head in none {
            assert_eq!(recognise(head), Err(None));
        }
    }

    #[test]
    fn endings_are_listed_once() {
        for ending in ENDINGS {
            assert_eq!(ending, ending.to_lowercase());
            assert!(!OTHER_ENDINGS.contains(&ending), "{ending}");
        }
    }
}
