//! Kinds of TIFF that other programs write and no fixture has.

use super::*;

/// An entry of a directory: tag, type, values.
type Entry<'a> = (u16, u16, &'a [u32]);

const SHORT: u16 = 3;
const LONG: u16 = 4;

/// One strip, in either byte order.
fn tiff_of(entries: &[Entry], strip: &[u8], is_little: bool) -> Vec<u8> {
    let number = |value: u32, n_bytes: usize| {
        let bytes = value.to_le_bytes()[..n_bytes].to_vec();
        if is_little {
            bytes
        } else {
            bytes.into_iter().rev().collect()
        }
    };
    let n_entries = entries.len() + 2;
    let values_at = 8 + 2 + 12 * n_entries + 4;
    let mut values = strip.to_vec();
    values.resize(values.len().next_multiple_of(2), 0);
    let strip_entries: [Entry; 2] = [
        (273, LONG, &[values_at as u32]),
        (279, LONG, &[strip.len() as u32]),
    ];
    let mut entries: Vec<&Entry> = entries.iter().chain(&strip_entries).collect();
    entries.sort_by_key(|entry| entry.0);
    let mut file = if is_little {
        b"II".to_vec()
    } else {
        b"MM".to_vec()
    };
    file.extend(number(42, 2));
    file.extend(number(8, 4));
    file.extend(number(n_entries as u32, 2));
    for (tag, kind, numbers) in entries {
        file.extend(number((*tag).into(), 2));
        file.extend(number((*kind).into(), 2));
        file.extend(number(numbers.len() as u32, 4));
        let n_bytes = if *kind == SHORT { 2 } else { 4 };
        let mut value: Vec<u8> = numbers.iter().flat_map(|n| number(*n, n_bytes)).collect();
        if value.len() > 4 {
            let at = values_at + values.len();
            values.append(&mut value);
            value = number(at as u32, 4);
        }
        value.resize(4, 0);
        file.extend(value);
    }
    file.extend([0; 4]);
    file.extend(values);
    file
}

/// `width` × 2 in samples of `bits`.
fn picture(
    width: u32,
    bits: &[u32],
    photometric: u32,
    more: &[Entry],
    strip: &[u8],
) -> [Vec<u8>; 2] {
    let n_samples = [bits.len() as u32];
    let mut entries: Vec<Entry> = vec![
        (256, LONG, std::slice::from_ref(&width)),
        (257, LONG, &[2]),
        (258, SHORT, bits),
        (259, SHORT, &[1]),
        (262, SHORT, std::slice::from_ref(&photometric)),
        (277, SHORT, &n_samples),
        (278, LONG, &[2]),
    ];
    entries.extend(more);
    [true, false].map(|is_little| tiff_of(&entries, strip, is_little))
}

const RED: [u8; 4] = [250, 20, 10, 255];
const BLUE: [u8; 4] = [10, 20, 250, 255];

#[test]
fn palettes_of_every_depth_are_read_in_both_byte_orders() {
    // Rows end at whole bytes: red, blue, red and blue, red, blue.
    for (bits, strip) in [
        (1_u32, vec![0b0100_0000, 0b1010_0000]),
        (2, vec![0b0001_0000, 0b0100_0100]),
        (4, vec![0x01, 0x00, 0x10, 0x10]),
        (8, vec![0, 1, 0, 1, 0, 1]),
    ] {
        let n = 1_usize << bits;
        for scale in [1, 256, 257] {
            let mut map = vec![0_u32; 3 * n];
            for channel in 0..3 {
                map[channel * n] = u32::from(RED[channel]) * scale;
                map[channel * n + 1] = u32::from(BLUE[channel]) * scale;
            }
            for file in picture(3, &[bits], 3, &[(320, SHORT, &map)], &strip) {
                let imported = decode(&file).unwrap_or_else(|error| panic!("{bits} bit: {error}"));
                let rows: Vec<[u8; 4]> = imported.pixels.pixels().map(|pixel| pixel.0).collect();
                let expected = [RED, BLUE, RED, BLUE, RED, BLUE];
                assert_eq!(rows, expected, "{bits} bit, colours times {scale}");
                assert_eq!(imported.notes, []);
            }
            let short = &map[..2 * n];
            for file in picture(3, &[bits], 3, &[(320, SHORT, short)], &strip) {
                let message = decode(&file).unwrap_err().to_string();
                assert!(message.contains("list of colours"), "{message}");
            }
        }
    }
}

#[test]
fn half_floats_and_grey_with_alpha_are_read() {
    let half = |value: f32| half::f16::from_f32(value).to_bits();
    for is_little in [true, false] {
        let samples = [0.0, 0.5, 1.0, 2.0, -1.0, f32::NAN].map(half);
        let strip: Vec<u8> = samples
            .iter()
            .flat_map(|bits| {
                if is_little {
                    bits.to_le_bytes()
                } else {
                    bits.to_be_bytes()
                }
            })
            .collect();
        let files = picture(3, &[16], 1, &[(339, SHORT, &[3])], &strip);
        let imported = decode(&files[usize::from(!is_little)]).unwrap();
        let grey: Vec<u8> = imported.pixels.pixels().map(|pixel| pixel[0]).collect();
        assert_eq!(grey, [0, 128, 255, 255, 0, 0]);
        assert_eq!(imported.notes, [Note::Reduced { bits: 16 }]);
    }
    let strip = [0, 255, 128, 64, 255, 0, 1, 2, 3, 4, 5, 6];
    let extra: Entry = (338, SHORT, &[2]);
    for file in picture(3, &[8, 8], 1, &[extra], &strip) {
        let pixels = decode(&file).unwrap().pixels;
        assert_eq!(pixels.get_pixel(0, 0).0, [0, 0, 0, 255]);
        assert_eq!(pixels.get_pixel(1, 0).0, [128, 128, 128, 64]);
        assert_eq!(pixels.get_pixel(2, 1).0, [5, 5, 5, 6]);
    }
}

/// Of what is not read the name is told, and the way out.
#[test]
fn other_kinds_are_refused_by_name() {
    let format: Entry = (339, SHORT, &[2]);
    let subsampled: Entry = (530, SHORT, &[2, 2]);
    let strip = [0; 64];
    let compressed = |method: u32| {
        let mut files = picture(3, &[8], 1, &[], &strip);
        for (file, low) in files.iter_mut().zip([0, 1]) {
            // The fourth entry's value.
            let at = 8 + 2 + 12 * 3 + 8;
            let bytes = method as u16;
            let bytes = if low == 0 {
                bytes.to_le_bytes()
            } else {
                bytes.to_be_bytes()
            };
            file[at..at + 2].copy_from_slice(&bytes);
        }
        files
    };
    for (name, files) in [
        (
            "perhaps with a sign",
            picture(3, &[8], 1, &[format], &strip),
        ),
        (
            "YCbCr with colours of fewer pixels",
            picture(4, &[8, 8, 8], 6, &[subsampled], &strip),
        ),
        ("Lab", picture(3, &[8, 8, 8], 8, &[], &strip)),
        (
            "a mask for another picture",
            picture(3, &[1], 4, &[], &strip),
        ),
        ("CCITT fax, group 3", compressed(3)),
        ("Zstandard", compressed(50_000)),
        ("WebP", compressed(50_001)),
        ("a compression that is not known", compressed(65_535)),
    ] {
        for file in files {
            let message = decode(&file).unwrap_err().to_string();
            let start = "Limn does not read this kind of TIFF (";
            assert!(message.starts_with(start), "{message}");
            assert!(message.contains(name), "{name}: {message}");
            assert!(message.ends_with("save the picture as PNG"), "{message}");
        }
    }
}
