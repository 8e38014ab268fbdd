//! T5: files that are not as they should be, in every format.

use std::time::{Duration, Instant};

use super::formats::ALL;
use super::*;

/// No file may keep Limn longer, however large the machine's load.
const LIMIT: Duration = Duration::from_secs(10);

/// What comes of a file: a picture, or a reason in one line.
fn outcome(name: &str, file: &[u8]) -> Result<Imported, Error> {
    let start = Instant::now();
    let found = decode(file);
    assert!(start.elapsed() < LIMIT, "{name} took {:?}", start.elapsed());
    match &found {
        Ok(imported) => {
            let (width, height) = imported.pixels.dimensions();
            let n_bytes = 4 * width as usize * height as usize;
            assert_eq!(imported.pixels.as_raw().len(), n_bytes, "{name}");
        }
        Err(error) => {
            let message = error.to_string();
            assert!(!message.contains("gave up"), "{name}: a decoder panicked");
            assert!(message.contains(": "), "{name}: no way out in {message:?}");
        }
    }
    found
}

#[test]
fn files_that_are_cut_off_are_refused_or_told_of() {
    let mut n_files = 0;
    for (name, file) in ALL {
        for n_bytes in [1, 8, 20, 40, file.len() / 4, file.len() / 2, file.len() - 1] {
            n_files += 1;
            let case = format!("{name} cut to {n_bytes}");
            let cut = outcome(&case, &file[..n_bytes.min(file.len())]);
            // A byte may be missing of what stands behind the pixels, but not half the file.
            if n_bytes <= file.len() / 4 {
                assert!(
                    cut.is_err() || cut.is_ok_and(|cut| cut.notes.contains(&Note::CutOff)),
                    "{case} is taken for whole"
                );
            }
        }
    }
    assert_eq!(n_files, 7 * 39);
}

/// Headers that promise more than there is, of the greatest size and beyond.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn headers_without_a_picture_are_refused() {
    let le = |side: u16| side.to_le_bytes();
    let tga = |side: u16, kind: u8| {
        let head = [0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        [&head[..], &le(side), &le(side), &[32, 8]].concat()
    };
    let gif = |side: u16| [&b"GIF89a"[..], &le(side), &le(side), &[0, 0, 0, 0x3b]].concat();
    let qoi = |side: u32| {
        let side = side.to_be_bytes();
        [&b"qoif"[..], &side, &side, &[4, 0]].concat()
    };
    let bmp = |side: i32, bits: u8| {
        let side = side.to_le_bytes();
        let header = [&[40, 0, 0, 0][..], &side, &side, &[1, 0, bits, 0]].concat();
        [&b"BM"[..], &[0; 8], &[54, 0, 0, 0], &header, &[0; 24]].concat()
    };
    let psd = |side: u32, n_channels: u8, mode: u8| {
        let side = side.to_be_bytes();
        let header = [
            &b"8BPS\0\x01"[..],
            &[0; 6],
            &[0, n_channels],
            &side,
            &side,
            &[0, 8, 0, mode],
        ];
        [&header.concat()[..], &[0; 12], &[0, 1]].concat()
    };
    let pnm = |kind: &str, side: u32| format!("{kind}\n{side} {side}\n255\n").into_bytes();
    let tiff = |side: u32| {
        let entry = |tag: u16, value: u32| {
            [
                &tag.to_le_bytes()[..],
                &[4, 0, 1, 0, 0, 0],
                &value.to_le_bytes(),
            ]
            .concat()
        };
        let entries = [
            entry(256, side),
            entry(257, side),
            entry(258, 8),
            entry(259, 1),
            entry(262, 1),
            entry(273, 8),
            entry(277, 1),
            entry(278, side),
            entry(279, u32::MAX),
        ];
        [&b"II*\0\x08\0\0\0\x09\0"[..], &entries.concat(), &[0; 4]].concat()
    };
    let icon = |n: u8, start: u32| {
        let entry = [
            &[0, 0, 0, 0, 1, 0, 32, 0, 0xff, 0xff, 0, 0][..],
            &start.to_le_bytes(),
        ];
        [&[0, 0, 1, 0, n, 0][..], &entry.concat()].concat()
    };
    let cases = [
        ("TGA", tga(16_384, 2)),
        ("TGA beyond", tga(u16::MAX, 10)),
        ("TGA packed", tga(4_000, 10)),
        ("TGA small", tga(4, 2)),
        ("GIF", gif(16_384)),
        ("GIF beyond", gif(u16::MAX)),
        ("GIF without pixels", gif(0)),
        ("GIF small", gif(4)),
        ("QOI", qoi(16_384)),
        ("QOI beyond", qoi(u32::MAX)),
        ("QOI without pixels", qoi(0)),
        ("BMP", bmp(16_384, 24)),
        ("BMP beyond", bmp(i32::MAX, 24)),
        ("BMP upside down", bmp(i32::MIN, 24)),
        ("BMP of no bits", bmp(4, 0)),
        ("BMP of 77 bits", bmp(4, 77)),
        ("PSD", psd(12_000, 3, 3)),
        ("PSD beyond", psd(30_000, 3, 3)),
        ("PSD without pixels", psd(0, 3, 3)),
        ("PSD without channels", psd(4, 0, 3)),
        ("PSD of few channels", psd(4, 2, 4)),
        ("PSD of 99 channels", psd(4, 99, 3)),
        ("PSD of another mode", psd(4, 3, 77)),
        ("PSD small", psd(4, 3, 3)),
        ("PNM", pnm("P6", 10_000)),
        ("PNM in text", pnm("P3", 10_000)),
        ("PNM beyond", pnm("P6", u32::MAX)),
        ("PNM without pixels", pnm("P5", 0)),
        ("PNM small", pnm("P5", 4)),
        ("TIFF", tiff(16_384)),
        ("TIFF beyond", tiff(u32::MAX)),
        ("TIFF without pixels", tiff(0)),
        ("TIFF of no directory", b"II*\0\x08\0\0\0".to_vec()),
        (
            "TIFF in a circle",
            b"II*\0\x08\0\0\0\0\0\x08\0\0\0".to_vec(),
        ),
        ("icon without pictures", icon(0, 22)),
        ("icon of too few bytes", icon(1, 22)),
        ("icon beyond its file", icon(1, u32::MAX)),
        ("icon of 255 pictures", icon(255, 22)),
        (
            "JPEG XL",
            b"\xff\x0a\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
        (
            "JPEG XL of boxes",
            b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x01jxlc\xff".to_vec(),
        ),
        ("AVIF", b"\0\0\0\x14ftypavif\0\0\0\0avif".to_vec()),
        (
            "AVIF of an endless box",
            b"\0\0\0\x14ftypavif\0\0\0\0avif\xff\xff\xff\xffmeta".to_vec(),
        ),
        ("WebP", b"RIFF\x04\0\0\0WEBP".to_vec()),
        (
            "OpenRaster",
            b"PK\x03\x04......................\x08\0\0\0mimetypeimage/openraster".to_vec(),
        ),
        ("Photoshop's name", b"8BPS".to_vec()),
        ("PNM's name", b"P6\n".to_vec()),
    ];
    assert!(cases.len() >= 40);
    for (name, file) in cases {
        assert!(outcome(name, &file).is_err(), "{name} is no picture");
    }
}

/// Names of other formats, and other formats' content under them.
#[test]
fn zeros_and_noise_after_every_start_are_refused() {
    for (name, file) in ALL {
        for fill in [0, 0x55, 0xff] {
            let mut filled = file.to_vec();
            filled[16.min(file.len())..].fill(fill);
            let case = format!("{name} filled with {fill}");
            // Of a format without checks, such as BMP, anything is a picture.
            let _ = outcome(&case, &filled);
        }
    }
}

/// 40 files of each fixture with some bytes changed: each a picture or a reason, never a panic.
#[test]
fn mutated_files_end_in_a_picture_or_a_reason() {
    let (n_files, n_pictures) = mutate(40);
    assert_eq!(n_files, 40 * ALL.len());
    // Some changes do not matter, and some do.
    assert!(
        (1..n_files).contains(&n_pictures),
        "{n_pictures} of {n_files}"
    );
}

/// How many files, and how many pictures came of them.
fn mutate(n_each: usize) -> (usize, usize) {
    // Marsaglia's xorshift: the same files at every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut n_files, mut n_pictures) = (0, 0);
    for (name, file) in ALL {
        for round in 0..n_each {
            let mut file = file.to_vec();
            for _ in 0..=random(6) {
                // Headers are where it hurts.
                let reach = if random(2) == 0 {
                    file.len()
                } else {
                    file.len().min(96)
                };
                let at = random(reach);
                file[at] = match random(4) {
                    0 => 0xff,
                    1 => 0,
                    2 => file[at] ^ (1 << random(8)),
                    _ => random(256) as u8,
                };
            }
            n_files += 1;
            n_pictures += usize::from(outcome(&format!("{name}, round {round}"), &file).is_ok());
        }
    }
    (n_files, n_pictures)
}
