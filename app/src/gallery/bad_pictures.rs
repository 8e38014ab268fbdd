//! Files that are not what their name says, found in the gallery's folder: each becomes a placeholder or
//! a picture without a recipe, and the gallery opens.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use img_parts::Bytes;
use img_parts::png::PngChunk;
use png::text_metadata::{EncodableTextChunk, ITXtChunk, ZTXtChunk};

use super::layout::FileKind;
use super::recipe::tests::recipe;
use super::{Gallery, PictureId, Query, picture_file};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// No single file may take longer; the slowest measured are some tens of milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// What the gallery makes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// A picture, made by Limn or not.
    Picture {
        has_recipe: bool,
    },
    Placeholder,
}

const PICTURE: Outcome = Outcome::Picture { has_recipe: false };
const RECIPE: Outcome = Outcome::Picture { has_recipe: true };

fn chunk(kind: [u8; 4], contents: &[u8]) -> Vec<u8> {
    PngChunk::new(kind, Bytes::copy_from_slice(contents))
        .encoder()
        .bytes()
        .to_vec()
}

fn header(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let sizes = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(*b"IHDR", &[&sizes[..], &[depth, colour, 0, 0, 0]].concat())
}

/// A PNG of 8×8 pixels by the `png` crate.
fn encoded(colour: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 8);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette(vec![9; 48]);
        encoder.set_trns(vec![77; 4]);
    }
    let n_bits = 8 * colour.samples() * depth as usize;
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; n_bits]).unwrap();
    writer.finish().unwrap();
    file
}

fn sound() -> Vec<u8> {
    let pixels = image::RgbImage::from_pixel(8, 8, image::Rgb([200, 30, 40]));
    picture_file::encode_png(&pixels, &recipe("a boat", 1, (8, 8))).unwrap()
}

/// A sound PNG without a recipe, with more chunks after its header.
fn with_chunks(chunks: &[Vec<u8>]) -> Vec<u8> {
    let plain = encoded(png::ColorType::Rgb, png::BitDepth::Eight);
    let (start, rest) = plain.split_at(33);
    [start, &chunks.concat(), rest].concat()
}

fn text_chunk(text: &impl EncodableTextChunk) -> Vec<u8> {
    let mut bytes = Vec::new();
    text.encode(&mut bytes).unwrap();
    bytes
}

fn recipe_chunk(json: &str) -> Vec<u8> {
    text_chunk(&ITXtChunk::new("limn", json))
}

/// 64 MiB in some ten kilobytes.
fn bomb(keyword: &str) -> [Vec<u8>; 2] {
    let text = " ".repeat(64 << 20);
    let mut international = ITXtChunk::new(keyword, text.clone());
    international.compressed = true;
    [
        text_chunk(&ZTXtChunk::new(keyword, text)),
        text_chunk(&international),
    ]
}

/// Turns a bit of the byte at an offset from the first place where `name` stands.
fn damaged(mut file: Vec<u8>, name: [u8; 4], offset: isize) -> Vec<u8> {
    let at = file.windows(4).position(|window| window == name).unwrap();
    file[at.checked_add_signed(offset).unwrap()] ^= 0x40;
    file
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn containers() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    use Outcome::Placeholder;
    let sound = sound();
    let end = chunk(*b"IEND", b"");
    let n_bytes = sound.len();
    vec![
        ("sound", sound.clone(), RECIPE),
        ("empty", Vec::new(), Placeholder),
        ("one byte", vec![0x89], Placeholder),
        ("zero bytes", vec![0; 4096], Placeholder),
        ("half a signature", SIGNATURE[..4].to_vec(), Placeholder),
        ("signature only", SIGNATURE.to_vec(), Placeholder),
        ("text", b"<html>not found</html>".to_vec(), Placeholder),
        (
            "GIF",
            b"GIF89a\x01\x00\x01\x00\x00\x00\x00;".to_vec(),
            Placeholder,
        ),
        ("ZIP", b"PK\x03\x04\x14\x00\x00\x00".to_vec(), Placeholder),
        ("header cut", sound[..20].to_vec(), Placeholder),
        (
            "cut in the pixels",
            sound[..n_bytes - 30].to_vec(),
            Placeholder,
        ),
        ("cut in half", sound[..n_bytes / 2].to_vec(), Placeholder),
        ("end missing", sound[..n_bytes - 12].to_vec(), Placeholder),
        (
            "more after the end",
            joined(&[&sound, &[0xff; 1000]]),
            RECIPE,
        ),
        (
            "header checksum",
            damaged(sound.clone(), *b"IHDR", 17),
            Placeholder,
        ),
        (
            "pixel checksum",
            damaged(sound.clone(), *b"IDAT", 8),
            Placeholder,
        ),
        (
            "checksum of the mark",
            damaged(sound.clone(), *b"iTXt", 30),
            RECIPE,
        ),
        (
            "no pixels",
            joined(&[SIGNATURE, &header(8, 8, 8, 2), &end]),
            Placeholder,
        ),
        (
            "endless chunk",
            joined(&[SIGNATURE, &header(8, 8, 8, 2), &[255; 4], b"IDAT"]),
            Placeholder,
        ),
        (
            "chunk longer than the file",
            joined(&[
                SIGNATURE,
                &header(8, 8, 8, 2),
                &[0x7f, 255, 255, 255],
                b"tEXtlimn\0",
            ]),
            Placeholder,
        ),
        (
            "pixels that are not compressed",
            joined(&[
                SIGNATURE,
                &header(8, 8, 8, 2),
                &chunk(*b"IDAT", &[7; 200]),
                &end,
            ]),
            Placeholder,
        ),
        ("no header", joined(&[SIGNATURE, &sound[33..]]), Placeholder),
        (
            "two headers",
            with_chunks(&[header(9, 9, 8, 2)]),
            Placeholder,
        ),
        (
            "unknown critical chunk",
            with_chunks(&[chunk(*b"LIMN", b"?")]),
            Placeholder,
        ),
    ]
}

fn headers() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    use png::{BitDepth, ColorType};
    let pixels = chunk(*b"IDAT", &[0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]);
    let claims = |width, height, depth, colour| {
        joined(&[
            SIGNATURE,
            &header(width, height, depth, colour),
            &pixels,
            &chunk(*b"IEND", b""),
        ])
    };
    vec![
        ("no width", claims(0, 8, 8, 2), Outcome::Placeholder),
        ("no height", claims(8, 0, 8, 2), Outcome::Placeholder),
        (
            "wide as an ocean",
            claims(u32::MAX, 1, 8, 2),
            Outcome::Placeholder,
        ),
        (
            "2³¹ − 1 squared",
            claims(0x7fff_ffff, 0x7fff_ffff, 16, 6),
            Outcome::Placeholder,
        ),
        (
            "30,000 squared",
            claims(30_000, 30_000, 8, 0),
            Outcome::Placeholder,
        ),
        (
            "16,384 squared, 16 bit",
            claims(16_384, 16_384, 16, 6),
            Outcome::Placeholder,
        ),
        (
            "fewer pixels than said",
            claims(1000, 1000, 8, 2),
            Outcome::Placeholder,
        ),
        ("depth 3", claims(8, 8, 3, 2), Outcome::Placeholder),
        ("colour type 7", claims(8, 8, 8, 7), Outcome::Placeholder),
        (
            "palette without colours",
            claims(8, 8, 8, 3),
            Outcome::Placeholder,
        ),
        (
            "16 bit",
            encoded(ColorType::Rgb, BitDepth::Sixteen),
            PICTURE,
        ),
        (
            "16 bit, alpha",
            encoded(ColorType::Rgba, BitDepth::Sixteen),
            PICTURE,
        ),
        (
            "palette, 4 bit",
            encoded(ColorType::Indexed, BitDepth::Four),
            PICTURE,
        ),
        (
            "grey, 1 bit",
            encoded(ColorType::Grayscale, BitDepth::One),
            PICTURE,
        ),
        (
            "grey, alpha",
            encoded(ColorType::GrayscaleAlpha, BitDepth::Eight),
            PICTURE,
        ),
    ]
}

fn texts() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    let [ztxt, itxt] = bomb("limn");
    let [foreign_ztxt, foreign_itxt] = bomb("Comment");
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let other = recipe("of another picture", 5, (8, 8)).to_json();
    let long = recipe(&"x".repeat(2 << 20), 5, (8, 8)).to_json();
    let many: Vec<Vec<u8>> = (0..20_000).map(|_| chunk(*b"tEXt", b"a\0b")).collect();
    vec![
        ("bombs for a recipe", with_chunks(&[ztxt, itxt]), PICTURE),
        (
            "bombs elsewhere",
            with_chunks(&[foreign_ztxt, foreign_itxt, recipe_chunk(&other)]),
            RECIPE,
        ),
        (
            "recipe that is none",
            with_chunks(&[recipe_chunk("{\"prompt\": 3}")]),
            PICTURE,
        ),
        (
            "recipe 100,000 deep",
            with_chunks(&[recipe_chunk(&nested)]),
            PICTURE,
        ),
        (
            "recipe of 2 MiB",
            with_chunks(&[recipe_chunk(&long)]),
            PICTURE,
        ),
        (
            "recipe not in UTF-8",
            with_chunks(&[chunk(*b"iTXt", b"limn\0\0\0\0\0\xff\xfe")]),
            PICTURE,
        ),
        (
            "recipe with another's id",
            with_chunks(&[recipe_chunk(&other)]),
            RECIPE,
        ),
        (
            "two recipes",
            with_chunks(&[recipe_chunk("{}"), recipe_chunk(&other)]),
            PICTURE,
        ),
        (
            "text without its parts",
            with_chunks(&[chunk(*b"iTXt", b"limn"), chunk(*b"tEXt", b"")]),
            PICTURE,
        ),
        ("20,000 texts", with_chunks(&many), PICTURE),
    ]
}

/// Files of other kinds under a PNG's name, and EXIF that is too much or none.
fn others() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    let encoded = |format| {
        let mut file = std::io::Cursor::new(Vec::new());
        let pixels = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8, y as u8, 9]));
        pixels.write_to(&mut file, format).unwrap();
        file.into_inner()
    };
    let jpeg = encoded(image::ImageFormat::Jpeg);
    let with_exif = |contents: &[u8]| {
        let length = (contents.len() as u16 + 2).to_be_bytes();
        joined(&[&jpeg[..2], &[0xff, 0xe1], &length, contents, &jpeg[2..]])
    };
    // Directories that lead to each other.
    let ring = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\0";
    vec![
        ("JPEG", jpeg.clone(), PICTURE),
        ("WebP", encoded(image::ImageFormat::WebP), PICTURE),
        (
            "JPEG cut in half",
            jpeg[..jpeg.len() / 2].to_vec(),
            Outcome::Placeholder,
        ),
        (
            "JPEG's first bytes",
            jpeg[..4].to_vec(),
            Outcome::Placeholder,
        ),
        ("64 KiB of no EXIF", with_exif(&[0x45; 65_000]), PICTURE),
        ("EXIF in a ring", with_exif(ring), PICTURE),
        (
            "4 MiB of EXIF",
            with_chunks(&[chunk(*b"eXIf", &vec![b'M'; 4 << 20])]),
            PICTURE,
        ),
    ]
}

/// T5: none of 56 bad or unusual files stops the gallery, and each shows as what it is.
#[test]
fn bad_pictures_become_placeholders() {
    let folder = tempfile::tempdir().unwrap();
    let mut cases: Vec<_> = [containers(), headers(), texts(), others()].concat();
    assert_eq!(cases.len(), 56);
    let path = |name: &str| folder.path().join(name);
    let ids: Vec<PictureId> = cases.iter().map(|_| PictureId::new()).collect();
    for (id, (_, file, _)) in ids.iter().zip(&mut cases) {
        let month = path("pictures").join(id.month());
        std::fs::create_dir_all(&month).unwrap();
        File::create(month.join(id.file_name(FileKind::Png)))
            .unwrap()
            .write_all(file)
            .unwrap();
    }
    let start = Instant::now();
    let mut gallery =
        Gallery::open(&path("pictures"), &path("indexes"), &path("thumbnails")).unwrap();
    assert_eq!(gallery.scan().unwrap().n_adopted, cases.len());
    assert!(
        start.elapsed() < LIMIT,
        "the scan took {:?}",
        start.elapsed()
    );
    assert_eq!(gallery.ids(&Query::default()).unwrap().len(), cases.len());

    let mut wrong = Vec::new();
    for (id, (name, _, expected)) in ids.iter().zip(&cases) {
        let start = Instant::now();
        let thumbnail = gallery.thumbnail(*id);
        assert!(start.elapsed() < LIMIT, "{name} took {:?}", start.elapsed());
        let record = gallery.record(*id).unwrap();
        let outcome = if record.problem.is_some() {
            Outcome::Placeholder
        } else {
            Outcome::Picture {
                has_recipe: record.recipe.is_some(),
            }
        };
        let has_thumbnail = *expected != Outcome::Placeholder;
        if outcome != *expected || thumbnail.is_ok() != has_thumbnail {
            wrong.push((name, outcome, record.problem));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut n_unreadable = 0;
    let count = &mut |finding: &super::verify::Finding| {
        n_unreadable += usize::from(matches!(finding, super::verify::Finding::Unreadable { .. }));
    };
    gallery.verify(count).unwrap();
    let n_placeholders = cases
        .iter()
        .filter(|case| case.2 == Outcome::Placeholder)
        .count();
    assert_eq!(n_unreadable, n_placeholders);
}

/// What is no regular file, or larger than any picture, is not read at all.
#[test]
fn what_is_no_file_is_not_read() {
    const NOT_REGULAR: &str = "not a regular file, but a link, a folder, a pipe or a device";
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let [directory, huge, endless] = [0; 3].map(|_| PictureId::new());
    let month = path("pictures").join(directory.month());
    std::fs::create_dir_all(month.join(directory.file_name(FileKind::Png))).unwrap();
    File::create(month.join(huge.file_name(FileKind::Png)))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/dev/zero", month.join(endless.file_name(FileKind::Png))).unwrap();
    #[cfg(not(unix))]
    std::fs::create_dir_all(month.join(endless.file_name(FileKind::Png))).unwrap();
    let mut gallery =
        Gallery::open(&path("pictures"), &path("indexes"), &path("thumbnails")).unwrap();
    assert_eq!(gallery.scan().unwrap().n_adopted, 3);
    for (id, problem) in [
        (directory, NOT_REGULAR),
        (endless, NOT_REGULAR),
        (huge, "larger than 256 MiB"),
    ] {
        assert_eq!(
            gallery.record(id).unwrap().problem.as_deref(),
            Some(problem)
        );
        assert!(gallery.thumbnail(id).is_err());
    }
}
