//! One picture in every format that Limn reads: red at the top left, blue elsewhere, 24×16.
//! `tests/reference/make_pictures.py` makes those that Limn does not write.

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../../../tests/fixtures/pictures/", $name)) as &[u8],
        )
    };
}
pub(super) use fixture;

const RED: [u8; 3] = [250, 20, 10];
const BLUE: [u8; 3] = [10, 20, 250];

/// All of them, for tests that go over every format.
pub(super) const ALL: [(&str, &[u8]); 39] = [
    fixture!("still.gif"),
    fixture!("animated.gif"),
    fixture!("rgb.bmp"),
    fixture!("packed.tga"),
    fixture!("alpha.tga"),
    fixture!("rgb.ppm"),
    fixture!("rgb.qoi"),
    fixture!("sizes.ico"),
    fixture!("bitmap.ico"),
    fixture!("eight.avif"),
    fixture!("alpha.avif"),
    fixture!("turned.avif"),
    fixture!("ten.avif"),
    fixture!("full.avif"),
    fixture!("lossy.jxl"),
    fixture!("alpha.jxl"),
    fixture!("lzw.tif"),
    fixture!("turned.tif"),
    fixture!("cmyk.tif"),
    fixture!("cmyk.jpg"),
    fixture!("ycbcr.tif"),
    fixture!("alpha.tif"),
    fixture!("deep.tif"),
    fixture!("tiles.tif"),
    fixture!("planar.tif"),
    fixture!("float.tif"),
    fixture!("half.tif"),
    fixture!("palette.tif"),
    fixture!("big.tif"),
    fixture!("pages.tif"),
    fixture!("premultiplied.tif"),
    fixture!("rgb.psd"),
    fixture!("raw.psd"),
    fixture!("deep.psd"),
    fixture!("large.psb"),
    fixture!("selection.psd"),
    fixture!("alpha.psd"),
    fixture!("cmyk.psd"),
    fixture!("layers.ora"),
];

/// What is told of a fixture, by its name.
fn notes_of(name: &str) -> Vec<Note> {
    match name {
        "animated.gif" => vec![Note::FirstFrame],
        "sizes.ico" => vec![Note::LargestSize],
        "turned.avif" | "turned.tif" => vec![Note::Turned],
        "ten.avif" => vec![Note::Reduced { bits: 10 }],
        "cmyk.tif" | "cmyk.jpg" | "cmyk.psd" => vec![Note::FromInks],
        "deep.tif" | "tiles.tif" | "half.tif" | "deep.psd" => vec![Note::Reduced { bits: 16 }],
        "float.tif" => vec![Note::Reduced { bits: 32 }],
        "pages.tif" => vec![Note::FirstPage],
        "rgb.psd" | "selection.psd" | "alpha.psd" | "layers.ora" => vec![Note::Flattened],
        _ => vec![],
    }
}

#[test]
fn every_format_shows_the_same_picture() {
    for (name, file) in ALL {
        let imported = decode(file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(imported.notes, notes_of(name), "{name}");
        let (size, red, blue) = match name {
            // Clockwise by a quarter: the red corner goes to the top right.
            "turned.avif" | "turned.tif" => ((16, 24), (12, 3), (3, 12)),
            "tiles.tif" => ((72, 48), (51, 35), (70, 46)),
            "sizes.ico" => ((48, 32), (3, 3), (40, 24)),
            "bitmap.ico" => ((32, 32), (3, 3), (28, 28)),
            _ => ((24, 16), (3, 3), (20, 12)),
        };
        assert_eq!(imported.pixels.dimensions(), size, "{name}");
        let tolerance = match name {
            "eight.avif" | "ten.avif" | "full.avif" | "alpha.avif" | "turned.avif"
            | "lossy.jxl" | "cmyk.jpg" | "ycbcr.tif" => 5,
            "premultiplied.tif" | "alpha.psd" => 1,
            _ => 0,
        };
        // The lower half lets half through, or all of it.
        let (upper, lower) = match name {
            "alpha.tga" | "alpha.avif" | "alpha.jxl" | "alpha.tif" | "layers.ora" => (255, 128),
            "premultiplied.tif" | "alpha.psd" => (128, 128),
            _ => (255, 255),
        };
        for ((x, y), colour, alpha) in [(red, RED, upper), (blue, BLUE, lower)] {
            let pixel = *imported.pixels.get_pixel(x, y);
            assert!(
                near(pixel, colour, tolerance) && pixel[3] == alpha,
                "{name} at {x}, {y}: {pixel:?}"
            );
        }
    }
}

#[test]
fn a_raw_file_is_not_taken_for_its_preview() {
    let (_, file) = fixture!("raw.tif");
    let message = decode(file).unwrap_err().to_string();
    assert!(
        message.contains("camera RAW files: develop it"),
        "{message}"
    );
}

#[test]
fn interlaced_pictures_are_those_of_rows() {
    let picture = RgbaImage::from_fn(13, 11, |x, y| {
        Rgba([x as u8 * 9, y as u8 * 9, 7, 255 - x as u8])
    });
    for depth in [png::BitDepth::Eight, png::BitDepth::Sixteen] {
        let mut info = png::Info::with_size(13, 11);
        info.color_type = png::ColorType::Rgba;
        info.bit_depth = depth;
        info.interlaced = true;
        // The encoder writes rows only.
        let passes = adam7(&picture, depth);
        let file = png_of_parts(&info, &passes);
        let imported = decode(&file).unwrap();
        assert_eq!(imported.pixels, picture, "{depth:?}");
    }
}

/// The filtered bytes of all seven passes.
fn adam7(picture: &RgbaImage, depth: png::BitDepth) -> Vec<u8> {
    let passes = [
        (8, 0, 8, 0),
        (8, 4, 8, 0),
        (4, 0, 8, 4),
        (4, 2, 4, 0),
        (2, 0, 4, 2),
        (2, 1, 2, 0),
        (1, 0, 2, 1),
    ];
    let mut bytes = Vec::new();
    for (step_x, start_x, step_y, start_y) in passes {
        for y in (start_y..picture.height()).step_by(step_y) {
            if start_x >= picture.width() {
                continue;
            }
            bytes.push(0);
            for x in (start_x..picture.width()).step_by(step_x) {
                for value in picture.get_pixel(x, y).0 {
                    bytes.push(value);
                    if depth == png::BitDepth::Sixteen {
                        bytes.push(value);
                    }
                }
            }
        }
    }
    bytes
}

fn png_of_parts(info: &png::Info, filtered: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(filtered).unwrap();
    let header = [
        &info.width.to_be_bytes()[..],
        &info.height.to_be_bytes(),
        &[
            info.bit_depth as u8,
            info.color_type as u8,
            0,
            0,
            u8::from(info.interlaced),
        ],
    ]
    .concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(*b"IHDR", header),
        chunk(*b"IDAT", packed.finish().unwrap()),
        chunk(*b"IEND", vec![]),
    ]
    .concat()
}

/// D08 of the files after reported faults: every viewer shows it.
#[test]
fn a_photograph_without_its_end_is_shown_with_a_note() {
    let file = include_bytes!("../../../../tests/fixtures/cases/D/D08-no-end-marker.jpg");
    let imported = decode(file).unwrap();
    assert_eq!(imported.notes, [Note::CutOff]);
    assert_eq!(imported.pixels.dimensions(), (48, 32));
    for ((x, y), is_seen) in [
        ((2, 2), [true, false, false]),
        ((45, 2), [false, true, false]),
        ((2, 29), [false, false, true]),
        ((45, 29), [true, true, true]),
    ] {
        let pixel = *imported.pixels.get_pixel(x, y);
        for (value, is_seen) in pixel.0.into_iter().zip(is_seen) {
            assert_eq!(value > 128, is_seen, "{x}, {y}: {pixel:?}");
        }
    }
}

/// A JPEG's size, changed in its frame header.
fn with_size(mut jpeg: Vec<u8>, width: u16, height: u16) -> Vec<u8> {
    let is_frame = |pair: &[u8]| matches!(pair, [0xff, 0xc0 | 0xc2]);
    let frame = jpeg.windows(2).position(is_frame).unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

/// A file of 2 KB that claims 16384²: before anything is allocated for it.
#[test]
fn a_photograph_of_which_nearly_nothing_is_there_is_refused() {
    let encoded = |pixels: &RgbImage, quality: u8| {
        let mut file = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, quality)
            .encode_image(pixels)
            .unwrap();
        file
    };
    let noise = |side: u32| {
        RgbImage::from_fn(side, side, |x, y| {
            Rgb([(x * y * 31) as u8, (x * 7 + y * y) as u8, (x ^ y) as u8])
        })
    };
    let small = encoded(&noise(64), 90);
    let no_end = include_bytes!("../../../../tests/fixtures/cases/D/D08-no-end-marker.jpg");
    for file in [
        with_size(small.clone(), 16_384, 16_384),
        with_size(small[..small.len() - 2].to_vec(), 16_384, 16_384),
        with_size(small[..small.len() / 2].to_vec(), 16_384, 16_384),
        with_size(no_end.to_vec(), 4096, 4096),
    ] {
        let refused = decode(&file);
        assert!(
            matches!(refused, Err(Error::NearlyNothing { .. })),
            "{refused:?}"
        );
    }
    // One part of a hundred, of a picture that its bytes could hold half of.
    let large = encoded(&noise(2048), 5);
    let refused = decode(&large[..large.len() / 100]);
    assert!(
        matches!(refused, Err(Error::NearlyNothing { .. })),
        "{refused:?}"
    );
    let imported = decode(&large[..large.len() / 5]).unwrap();
    assert_eq!(imported.notes, [Note::CutOff]);
    // A sheet of paper has little to say, and all of it is there.
    let paper = encoded(&RgbImage::from_pixel(1024, 1024, Rgb([255; 3])), 90);
    let imported = decode(&paper[..paper.len() - 2]).unwrap();
    assert_eq!(imported.notes, [Note::CutOff]);
}

#[test]
fn what_is_left_of_a_photograph_is_shown_with_a_note() {
    let noise = RgbImage::from_fn(256, 256, |x, y| {
        let value = (x * 31 + y * 17 + x * y) as u8;
        Rgb([value, value.wrapping_mul(3), 200])
    });
    let mut whole = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut whole, 90)
        .encode_image(&noise)
        .unwrap();
    let expected = decode(&whole).unwrap();
    assert!(expected.notes.is_empty());
    let cut = decode(&whole[..whole.len() / 2]).unwrap();
    assert_eq!(cut.notes, [Note::CutOff]);
    assert_eq!(cut.pixels.dimensions(), (256, 256));
    for y in 0..80 {
        assert_eq!(
            cut.pixels.get_pixel(100, y),
            expected.pixels.get_pixel(100, y),
            "row {y}"
        );
    }
    // Of a file that ends before the first pixel nothing is left.
    let scan = whole
        .windows(2)
        .position(|pair| pair == [0xff, 0xda])
        .unwrap();
    for n_bytes in [scan, scan + 2, scan + 14] {
        assert!(
            matches!(decode(&whole[..n_bytes]), Err(Error::CutOff)),
            "{n_bytes}"
        );
    }
}
