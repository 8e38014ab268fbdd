#![allow(clippy::unwrap_used)]
use std::io::Cursor;

use image::{ImageDecoder, RgbImage};

use super::*;
use crate::gallery::recipe::tests::recipe;

const ALL: [Format; 3] = [Format::Png, Format::Jpeg { quality: 90 }, Format::WebP];

fn saved(prompt: &str) -> (RgbImage, Vec<u8>) {
    let pixels = RgbImage::from_fn(48, 32, |x, y| image::Rgb([x as u8 * 5, y as u8 * 8, 90]));
    let file = picture_file::encode_png(&pixels, &recipe(prompt, 1, (48, 32))).unwrap();
    (pixels, file)
}

fn options(format: Format, with_recipe: bool) -> ExportOptions {
    ExportOptions {
        format,
        with_recipe,
        existing: Existing::Keep,
    }
}

/// What another program reads from a file: pixels, XMP, colour profile, through `image`'s decoders.
fn read_elsewhere(file: &[u8]) -> (RgbImage, Option<String>, Option<Vec<u8>>) {
    let reader = image::ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .unwrap();
    let mut decoder = reader.into_decoder().unwrap();
    let xmp = decoder
        .xmp_metadata()
        .unwrap()
        .map(|xmp| String::from_utf8(xmp).unwrap());
    let profile = decoder.icc_profile().unwrap();
    let pixels = image::DynamicImage::from_decoder(decoder)
        .unwrap()
        .into_rgb8();
    (pixels, xmp, profile)
}

/// T15: the mark is in the file of every save and every export, with and without the recipe.
#[test]
fn every_way_out_is_marked() {
    for prompt in [
        "a red sailboat",
        "caf\u{e9}",
        "ein Boot \u{1f6a4}",
        "<x:xmpmeta> ]]> &amp;",
        "",
    ] {
        let (pixels, file) = saved(prompt);
        let exports = ALL
            .iter()
            .flat_map(|format| [(*format, true), (*format, false)]);
        let files = exports.map(|(format, with_recipe)| {
            (
                format,
                convert(&file, options(format, with_recipe)).unwrap(),
            )
        });
        for (format, copy) in files.chain([(Format::Png, file.clone())]) {
            let (read, xmp, profile) = read_elsewhere(&copy);
            let source_type = marking::source_type(xmp.as_deref().unwrap());
            assert_eq!(
                source_type,
                Some(marking::TRAINED_ALGORITHMIC_MEDIA),
                "{format:?}"
            );
            let has_srgb = profile.is_some() || copy.windows(4).any(|window| window == b"sRGB");
            assert!(has_srgb, "{format:?} says that it is sRGB");
            if !matches!(format, Format::Jpeg { .. }) {
                assert_eq!(read, pixels, "{format:?} is lossless");
            }
        }
    }
}

#[test]
fn the_recipe_stays_or_goes() {
    for prompt in ["a red sailboat", "ein Boot \u{1f6a4}"] {
        let (_, file) = saved(prompt);
        let with = convert(&file, options(Format::Png, true)).unwrap();
        assert_eq!(with, file, "nothing changes");
        let header = picture_file::read_header(&with).unwrap();
        assert_eq!(header.recipe.unwrap().prompt, prompt);
        assert!(header.parameters.unwrap().starts_with(prompt));
        for format in ALL {
            let without = convert(&file, options(format, false)).unwrap();
            let says = |text: &str| without.windows(text.len()).any(|w| w == text.as_bytes());
            assert!(
                !says(prompt) && !says("Seed"),
                "{format:?} keeps the prompt private"
            );
        }
    }
}

/// Files as other programs write them.
fn foreign_files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/cases/M");
    let entries = std::fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).unwrap())
    });
    files.collect()
}

/// Whether a text is in a file, in the ways in which texts are in files.
fn says(file: &[u8], text: &str) -> bool {
    let utf16 = text.encode_utf16();
    let (low, high): (Vec<_>, Vec<_>) = utf16.map(|c| (c.to_le_bytes(), c.to_be_bytes())).unzip();
    let ways = [text.as_bytes().to_vec(), low.concat(), high.concat()];
    ways.iter()
        .any(|way| file.windows(way.len()).any(|window| window == way))
}

#[test]
fn without_its_recipe_a_picture_says_nothing_of_other_programs_either() {
    let mut n_recipes = 0;
    for (name, file) in foreign_files() {
        let Ok(header) = picture_file::read_header(&file) else {
            panic!("{name}");
        };
        let recipe = header.foreign.and_then(|found| found.recipe);
        n_recipes += usize::from(recipe.is_some());
        let prompt = recipe.map_or_else(String::new, |recipe| recipe.prompt);
        let words: Vec<&str> = prompt.split_whitespace().filter(|w| w.len() > 3).collect();
        for format in ALL {
            let copy = convert(&file, options(format, false)).unwrap();
            let copied = picture_file::read_header(&copy).unwrap();
            assert_eq!(copied.foreign, None, "{name} as {format:?}");
            assert_eq!(copied.parameters, None, "{name} as {format:?}");
            let told = words.iter().find(|word| says(&copy, word));
            assert_eq!(told, None, "{name} as {format:?}");
            let pixels = picture_file::pixels(&copy).unwrap();
            assert_eq!(picture_texts::without_hidden(&pixels), None, "{name}");
        }
    }
    assert!(n_recipes >= 45, "{n_recipes} recipes");
}

/// Another program had a picture of Limn's, and said so wherever it could.
#[test]
fn what_others_add_to_a_picture_of_limn_s_goes_with_its_recipe() {
    let (pixels, file) = saved("a red sailboat");
    let mut png = img_parts::png::Png::from_bytes(file.into()).unwrap();
    let last = png.chunks().len() - 1;
    for (at, kind) in [
        (1, *b"tEXt"),
        (1, *b"eXIf"),
        (1, *b"prVt"),
        (last, *b"zTXt"),
    ] {
        let contents = b"Comment\0a secret pier".to_vec();
        let chunk = img_parts::png::PngChunk::new(kind, contents.into());
        png.chunks_mut().insert(at, chunk);
    }
    let mut file = png.encoder().bytes().to_vec();
    file.extend_from_slice(b"a secret pier");
    assert!(says(&file, "a secret pier"));
    for format in ALL {
        let copy = convert(&file, options(format, false)).unwrap();
        assert!(!says(&copy, "secret"), "{format:?}");
        let (read, xmp, _) = read_elsewhere(&copy);
        let mark = xmp.as_deref().and_then(marking::source_type);
        assert_eq!(mark, Some(marking::TRAINED_ALGORITHMIC_MEDIA), "{format:?}");
        if !matches!(format, Format::Jpeg { .. }) {
            assert_eq!(read, pixels, "{format:?}");
        }
    }
}

/// Neither a picture of the gallery nor the one beside it is replaced, whatever is allowed.
#[test]
fn nothing_is_exported_among_the_pictures_of_a_gallery() {
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| home.path().join(name);
    let mut gallery =
        Gallery::open(&place("Limn"), &place("indexes"), &place("thumbnails")).unwrap();
    let pixels = RgbImage::from_pixel(8, 8, image::Rgb([1, 2, 3]));
    let ids = [1, 2].map(|seed| {
        gallery
            .save(&pixels, &recipe("a boat", seed, (8, 8)))
            .unwrap()
            .id
    });
    let before = std::fs::read(gallery.path(ids[1])).unwrap();
    let mut allowed = options(Format::Png, true);
    allowed.existing = Existing::Replace;
    let month = gallery.path(ids[1]).parent().unwrap().to_owned();
    for path in [
        gallery.path(ids[1]),
        month.join("new.png"),
        place("Limn/Trash/new.png"),
        month.join("../Trash/new.png"),
    ] {
        let error = gallery.export(ids[0], &path, allowed).unwrap_err();
        assert!(matches!(error, Error::AmongPictures { .. }), "{error}");
        assert_eq!(std::fs::read(gallery.path(ids[1])).unwrap(), before);
    }
    // Beside them is the user's own.
    gallery
        .export(ids[0], &place("Limn/copy.png"), allowed)
        .unwrap();
    gallery.export(ids[0], &place("copy.png"), allowed).unwrap();
}

#[test]
fn foreign_marks_stay_as_they_are() {
    let composite =
        "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
    let foreign = format!("<x Iptc4xmpExt:DigitalSourceType=\"{composite}\" dc:creator=\"Ada\"/>");
    let photo = "<x dc:creator=\"Ada\"/>".to_owned();
    for xmp in [foreign, photo] {
        let mut file = Vec::new();
        let mut info = png::Info::with_size(4, 4);
        info.color_type = png::ColorType::Rgb;
        info.utf8_text.push(png::text_metadata::ITXtChunk::new(
            marking::PNG_KEYWORD,
            xmp.clone(),
        ));
        let mut writer = png::Encoder::with_info(&mut file, info)
            .unwrap()
            .write_header()
            .unwrap();
        writer.write_image_data(&[9; 48]).unwrap();
        writer.finish().unwrap();
        for format in ALL {
            let copy = convert(&file, options(format, true)).unwrap();
            assert_eq!(read_elsewhere(&copy).1, Some(xmp.clone()), "{format:?}");
        }
    }
}

#[test]
fn transparent_parts_stay_or_become_white() {
    let mut file = Cursor::new(Vec::new());
    RgbaImage::from_pixel(4, 4, image::Rgba([10, 20, 30, 0]))
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    let file = file.into_inner();
    let webp = convert(&file, options(Format::WebP, true)).unwrap();
    assert_eq!(
        image::load_from_memory(&webp).unwrap().into_rgba8()[(0, 0)][3],
        0
    );
    let jpeg = convert(&file, options(Format::Jpeg { quality: 95 }, true)).unwrap();
    assert_eq!(
        image::load_from_memory(&jpeg).unwrap().into_rgb8()[(0, 0)],
        image::Rgb([255; 3])
    );
    assert_eq!(
        read_elsewhere(&jpeg).1,
        None,
        "Limn did not make it and does not say so"
    );
}

#[test]
fn an_export_replaces_nothing_unasked() {
    let home = tempfile::tempdir().unwrap();
    let [pictures, indexes, thumbnails] =
        ["pictures", "indexes", "thumbnails"].map(|name| home.path().join(name));
    let mut gallery = Gallery::open(&pictures, &indexes, &thumbnails).unwrap();
    let id = gallery
        .save(&RgbImage::new(8, 8), &recipe("a", 1, (8, 8)))
        .unwrap()
        .id;
    let path = home.path().join("copy.jpg");
    std::fs::write(&path, b"mine").unwrap();
    let mut options = options(Format::from_path(&path).unwrap(), true);
    let error = gallery.export(id, &path, options).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    options.existing = Existing::Replace;
    gallery.export(id, &path, options).unwrap();
    assert!(std::fs::read(&path).unwrap().starts_with(&[0xff, 0xd8]));
    assert_eq!(
        std::fs::read_dir(home.path()).unwrap().count(),
        3,
        "no temporary file stays"
    );
}
