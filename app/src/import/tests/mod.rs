//! Files as designers have them, and as they should not be.

#![allow(clippy::unwrap_used)]

mod bad_files;
mod beside;
mod formats;
mod open_raster;
mod tiff_kinds;

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage,
};
use moxcms::ColorProfile;

use super::*;

/// Red at the top left, blue elsewhere.
fn sample() -> RgbImage {
    RgbImage::from_fn(24, 16, |x, y| {
        if x < 8 && y < 8 {
            Rgb([250, 20, 10])
        } else {
            Rgb([10, 20, 250])
        }
    })
}

fn jpeg_with(profile: Option<Vec<u8>>, exif_orientation: Option<u8>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 95);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).unwrap();
    }
    if let Some(orientation) = exif_orientation {
        encoder.set_exif_metadata(exif(orientation)).unwrap();
    }
    encoder.encode_image(&sample()).unwrap();
    file
}

/// A little-endian Exif block with the one entry 0x0112.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [&b"II*\0\x08\0\0\0\x01\0"[..], &entry, &[0; 4]].concat()
}

fn png_of(bytes: &[u8], colour: ExtendedColorType, profile: Option<&ColorProfile>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut file);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile.encode().unwrap()).unwrap();
    }
    encoder.write_image(bytes, 24, 16, colour).unwrap();
    file
}

fn webp() -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    sample().write_to(&mut file, ImageFormat::WebP).unwrap();
    file.into_inner()
}

/// A sound PNG with more chunks after its header.
fn png_with(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let plain = png_of(&sample(), ExtendedColorType::Rgb8, None);
    let chunks = chunks.iter().flat_map(|(kind, contents)| {
        img_parts::png::PngChunk::new(**kind, contents.clone().into())
            .encoder()
            .bytes()
    });
    let (start, rest) = plain.split_at(33);
    [start, &chunks.collect::<Vec<u8>>(), rest].concat()
}

/// The first picture of an animation is the picture itself.
fn animated_png() -> Vec<u8> {
    let numbers = |numbers: &[u32]| -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect()
    };
    let control = [&numbers(&[0, 24, 16, 0, 0])[..], &[0, 1, 0, 10, 0, 0]].concat();
    png_with(&[(b"acTL", numbers(&[1, 0])), (b"fcTL", control)])
}

/// The frame header of a JPEG, told to have other than three components, so much as the walk over it sees.
fn with_components(mut file: Vec<u8>, n_components: u8) -> Vec<u8> {
    let frame = file
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    file[frame + 9] = n_components;
    file
}

fn near(pixel: Rgba<u8>, expected: [u8; 3], tolerance: u8) -> bool {
    pixel
        .0
        .iter()
        .zip(expected)
        .all(|(a, b)| a.abs_diff(b) <= tolerance)
}

#[test]
fn what_designers_have() {
    let deep: Vec<u8> = sample()
        .iter()
        .flat_map(|&value| (u16::from(value) * 257).to_ne_bytes())
        .collect();
    let grey = [200; 24 * 16];
    let (red, blue) = ([250, 20, 10], [10, 20, 250]);
    let cases = [
        (
            "PNG",
            png_of(&sample(), ExtendedColorType::Rgb8, None),
            vec![],
            red,
            blue,
        ),
        (
            "16 bit",
            png_of(&deep, ExtendedColorType::Rgb16, None),
            vec![Note::Reduced { bits: 16 }],
            red,
            blue,
        ),
        (
            "grey",
            png_of(&grey, ExtendedColorType::L8, None),
            vec![],
            [200; 3],
            [200; 3],
        ),
        ("JPEG", jpeg_with(None, None), vec![], red, blue),
        ("WebP", webp(), vec![], red, blue),
        (
            "animated PNG",
            animated_png(),
            vec![Note::FirstFrame],
            red,
            blue,
        ),
        (
            "turned JPEG",
            jpeg_with(None, Some(3)),
            vec![Note::Turned],
            blue,
            red,
        ),
        ("upright JPEG", jpeg_with(None, Some(1)), vec![], red, blue),
        (
            "nonsense for Exif",
            jpeg_with(None, Some(77)),
            vec![],
            red,
            blue,
        ),
    ];
    for (name, file, notes, first, last) in cases {
        let imported = decode(&file).unwrap();
        assert_eq!(imported.notes, notes, "{name}");
        assert_eq!(imported.pixels.dimensions(), (24, 16), "{name}");
        let tolerance = if name.contains("JPEG") || name.contains("Exif") {
            12
        } else {
            0
        };
        for (x, y, expected) in [(3, 3, first), (20, 12, last)] {
            let pixel = *imported.pixels.get_pixel(x, y);
            assert!(
                pixel[3] == 255 && near(pixel, expected, tolerance),
                "{name}: {pixel:?}"
            );
        }
    }
}

#[test]
fn a_camera_held_on_its_side() {
    // Clockwise by a quarter: the red corner goes to the top right.
    let imported = decode(&jpeg_with(None, Some(6))).unwrap();
    assert_eq!(imported.pixels.dimensions(), (16, 24));
    assert!(near(*imported.pixels.get_pixel(13, 3), [250, 20, 10], 12));
}

#[test]
fn alpha_is_straight_and_kept_to_the_bit() {
    let pixels = RgbaImage::from_fn(24, 16, |x, y| {
        Rgba([x as u8 * 9, y as u8 * 9, 7, (x * 10) as u8])
    });
    let file = png_of(&pixels, ExtendedColorType::Rgba8, None);
    assert_eq!(decode(&file).unwrap().pixels, pixels);
}

#[test]
fn colours_become_those_of_srgb() {
    let srgb = ColorProfile::new_srgb();
    let p3 = ColorProfile::new_display_p3();
    let even = |colour: [u8; 3]| colour.repeat(24 * 16);
    // Known pairs: Display P3's red is outside sRGB; a muted colour moves outwards.
    for (colour, expected) in [([255, 0, 0], [255, 0, 0]), ([200, 100, 100], [213, 95, 97])] {
        let file = png_of(&even(colour), ExtendedColorType::Rgb8, Some(&p3));
        let imported = decode(&file).unwrap();
        let [Note::Converted { profile }] = &imported.notes[..] else {
            panic!("{:?}", imported.notes);
        };
        assert!(profile.contains("P3"), "{profile}");
        let pixel = *imported.pixels.get_pixel(0, 0);
        assert!(near(pixel, expected, 3), "{colour:?} became {pixel:?}");
    }
    let deep: Vec<u8> = even([200, 100, 100])
        .iter()
        .flat_map(|&value| (u16::from(value) * 257).to_ne_bytes())
        .collect();
    let imported = decode(&png_of(&deep, ExtendedColorType::Rgb16, Some(&p3))).unwrap();
    assert_eq!(imported.notes[0], Note::Reduced { bits: 16 });
    assert!(near(*imported.pixels.get_pixel(0, 0), [213, 95, 97], 3));

    // sRGB by another name changes no bit.
    let file = png_of(&sample(), ExtendedColorType::Rgb8, Some(&srgb));
    let imported = decode(&file).unwrap();
    assert!(imported.notes.is_empty());
    assert_eq!(imported.pixels, DynamicImage::from(sample()).into_rgba8());
}

#[test]
fn grey_profiles_are_read_and_others_are_told_of() {
    let grey = ColorProfile::new_gray_with_gamma(1.0);
    let imported = decode(&png_of(&[55; 24 * 16], ExtendedColorType::L8, Some(&grey))).unwrap();
    assert!(matches!(imported.notes[..], [Note::Converted { .. }]));
    let pixel = *imported.pixels.get_pixel(0, 0);
    assert!(
        near(pixel, [128; 3], 2),
        "light of 55/255 is {pixel:?} in sRGB"
    );

    let nonsense = jpeg_with(Some(b"no profile at all".to_vec()), None);
    let imported = decode(&nonsense).unwrap();
    assert_eq!(imported.notes, [Note::UnknownProfile]);
}

#[test]
fn inks_are_told_of() {
    let walked = jpeg::Walked::over(&with_components(jpeg_with(None, Some(1)), 4));
    assert!(walked.is_whole);
    assert_eq!(walked.n_components, 4);
    for file in [
        &b""[..],
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\x00\x00\xff",
    ] {
        assert!(!jpeg::Walked::over(file).is_whole);
    }
}

#[test]
fn what_is_no_picture_is_refused_with_a_word_for_it() {
    let half = |file: Vec<u8>| file[..file.len() / 2].to_vec();
    let png = png_of(&sample(), ExtendedColorType::Rgb8, None);
    let damaged = |mut file: Vec<u8>| {
        let at = file.windows(4).position(|name| name == b"IDAT").unwrap() + 8;
        file[at] ^= 0x40;
        file
    };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "the file is empty"),
        ("one byte", vec![0x89], "not a picture"),
        ("zeros", vec![0; 4096], "not a picture"),
        ("text", b"a boat at night".to_vec(), "not a picture"),
        ("web page", b"<html>404</html>".to_vec(), "not a picture"),
        ("HEIC", b"\0\0\0\x18ftypheic".to_vec(), "does not read HEIC"),
        ("PDF", b"%PDF-1.7".to_vec(), "does not read PDF"),
        ("PNG cut", half(png.clone()), "cut off"),
        (
            "PNG without its end",
            png[..png.len() - 30].to_vec(),
            "cut off",
        ),
        (
            "JPEG cut in its header",
            jpeg_with(None, None)[..40].to_vec(),
            "cut off",
        ),
        ("WebP cut", half(webp()), "cut off"),
        ("PNG damaged", damaged(png), "damaged"),
    ];
    for (name, file, expected) in cases {
        let message = decode(&file).unwrap_err().to_string();
        assert!(message.contains(expected), "{name}: {message}");
    }
}

fn chunk(kind: [u8; 4], contents: Vec<u8>) -> Vec<u8> {
    img_parts::png::PngChunk::new(kind, contents.into())
        .encoder()
        .bytes()
        .to_vec()
}

/// A PNG that claims a size, with next to nothing in it.
fn claims(width: u32, height: u32, depth: u8) -> Vec<u8> {
    let header = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[depth, 6, 0, 0, 0],
    ]
    .concat();
    let parts = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(*b"IHDR", header),
        chunk(*b"IDAT", vec![0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]),
        chunk(*b"IEND", vec![]),
    ];
    parts.concat()
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    for (file, free_bytes, expected) in [
        (claims(16_385, 1, 8), u64::MAX, "up to 16384 pixels a side"),
        (
            claims(0x7fff_ffff, 0x7fff_ffff, 16),
            u64::MAX,
            "up to 16384 pixels a side",
        ),
        (
            claims(16_384, 16_384, 16),
            1 << 30,
            "needs 1056 MiB of memory and 1024 are free",
        ),
        (claims(4, 4, 8), u64::MAX, "damaged"),
    ] {
        let message = decode_within(&file, free_bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    // A profile of 256 MiB in a quarter of one: the picture is opened without it, or refused.
    let profile = fdeflate_zeros(256 << 20);
    let file = png_with(&[(b"iCCP", [b"bomb\0\0".to_vec(), profile].concat())]);
    match decode(&file) {
        Ok(imported) => assert_eq!(imported.pixels.dimensions(), (24, 16)),
        Err(error) => assert!(matches!(error, Error::Bomb), "{error}"),
    }
}

/// Zeros, compressed as PNG has them.
fn fdeflate_zeros(n_bytes: usize) -> Vec<u8> {
    let mut text = png::text_metadata::ZTXtChunk::new("x", "\0".repeat(n_bytes));
    text.compress_text().unwrap();
    let mut chunk = Vec::new();
    png::text_metadata::EncodableTextChunk::encode(&text, &mut chunk).unwrap();
    // Length, name, keyword with its end, method; the checksum is behind.
    chunk[4 + 4 + 3..chunk.len() - 4].to_vec()
}

#[test]
fn files_are_opened_by_what_is_in_them_and_errors_name_them_last() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("really.png"), jpeg_with(None, None)).unwrap();
    assert_eq!(
        open(&at("really.png")).unwrap().pixels.dimensions(),
        (24, 16)
    );

    std::fs::write(at("notes.png"), "notes").unwrap();
    for (path, expected) in [
        (at("notes.png"), "not a picture"),
        (at("none.png"), "cannot be read"),
        (folder.path().to_owned(), "not a regular file"),
    ] {
        let message = open(&path).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.ends_with(&path.display().to_string()), "{message}");
    }
}
