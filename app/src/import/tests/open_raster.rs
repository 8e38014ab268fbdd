//! Archives of layers, as other programs write them and as attackers would.

use rawzip::{CompressionMethod, ZipArchiveWriter};

use super::formats::fixture;
use super::*;
use crate::blend_mode::BlendMode;
use crate::import::ora::{self, read_layers};

/// An archive of files, each stored or deflated.
fn archive(files: &[File], is_packed: bool) -> Vec<u8> {
    use std::io::Write;
    let mut out = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut out);
    for (name, contents) in files {
        let is_packed = is_packed && *name != "mimetype";
        let method = if is_packed {
            CompressionMethod::DEFLATE
        } else {
            CompressionMethod::STORE
        };
        let file = archive.new_file(*name).compression_method(method);
        let (mut entry, config) = file.start().unwrap();
        let descriptor = if is_packed {
            let level = flate2::Compression::fast();
            let encoder = flate2::write::DeflateEncoder::new(&mut entry, level);
            let mut out = config.wrap(encoder);
            out.write_all(contents).unwrap();
            let (encoder, descriptor) = out.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        } else {
            let mut out = config.wrap(&mut entry);
            out.write_all(contents).unwrap();
            out.finish().unwrap().1
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    out
}

/// A name and what is in it.
type File<'a> = (&'a str, &'a [u8]);

const MIME_TYPE: File = ("mimetype", b"image/openraster");

#[test]
fn layers_come_as_they_lie_in_the_file() {
    let (_, file) = fixture!("layers.ora");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whatever.png");
    std::fs::write(&path, file).unwrap();
    let layered = ora::open(&path).unwrap().unwrap();
    assert_eq!(layered.size, (24, 16));
    let what = "groups".to_owned();
    assert_eq!(layered.notes, [Note::LayersSimplified { what }]);
    let facts: Vec<_> = layered
        .layers
        .iter()
        .map(|layer| {
            (
                layer.name.as_str(),
                layer.offset,
                layer.opacity,
                layer.blend,
                layer.is_visible,
            )
        })
        .collect();
    assert_eq!(
        facts,
        [
            ("Paper", (0, 0), 1.0, BlendMode::Normal, true),
            ("Draft", (0, 0), 0.5, BlendMode::Normal, false),
            ("Ink & wash", (4, -2), 0.25, BlendMode::Multiply, true),
        ]
    );
    assert_eq!(layered.layers[2].pixels.dimensions(), (5, 6));
    assert_eq!(layered.layers[2].pixels.get_pixel(0, 0).0, [0, 200, 0, 255]);

    std::fs::write(&path, jpeg_with(None, None)).unwrap();
    assert!(ora::open(&path).unwrap().is_none());
}

#[test]
fn without_a_merged_picture_the_layers_are_laid_over_each_other() {
    let below = png_of(&[100; 24 * 16], ExtendedColorType::L8, None);
    let above = png_of(&[200; 24 * 16], ExtendedColorType::L8, None);
    let stack = br#"<image w="24" h="16"><stack>
        <layer src="b" x="8" y="-8" opacity="0.5"/><layer src="a"/></stack></image>"#;
    for is_packed in [false, true] {
        let files = [
            MIME_TYPE,
            ("stack.xml", &stack[..]),
            ("a", &below),
            ("b", &above),
        ];
        let imported = decode(&archive(&files, is_packed)).unwrap();
        assert_eq!(imported.notes, [Note::Flattened]);
        for ((x, y), expected) in [((7, 0), 100), ((8, 7), 150), ((23, 0), 150), ((8, 8), 100)] {
            let pixel = *imported.pixels.get_pixel(x, y);
            assert!(
                near(pixel, [expected; 3], 1) && pixel[3] == 255,
                "{x} {y} {pixel:?}"
            );
        }
    }
}

#[test]
fn hostile_archives_are_refused() {
    let png = png_of(&sample(), ExtendedColorType::Rgb8, None);
    let large = claims(16_384, 16_384, 8);
    let stack = |layers: &str| format!("<image w='24' h='16'><stack>{layers}</stack></image>");
    let one = stack("<layer src='a.png'/>");
    let many = stack(&"<layer src='a.png'/>".repeat(900));
    let outside = stack("<layer src='../../../../../../etc/passwd'/>");
    let zeros = vec![0; 257 << 20];
    let cases: Vec<(&str, Vec<File>, &str)> = vec![
        ("no stack", vec![MIME_TYPE], "\"stack.xml\" is missing"),
        (
            "no layer",
            vec![MIME_TYPE, ("stack.xml", one.as_bytes())],
            "\"a.png\" is missing",
        ),
        (
            "outside",
            vec![MIME_TYPE, ("stack.xml", outside.as_bytes())],
            "passwd\" is missing",
        ),
        (
            "nine hundred of the largest",
            vec![MIME_TYPE, ("stack.xml", many.as_bytes()), ("a.png", &large)],
            "and may take",
        ),
        (
            "a stack of zeros",
            vec![MIME_TYPE, ("stack.xml", &zeros[..8 << 20])],
            "far too much",
        ),
        (
            "a merged picture of zeros",
            vec![MIME_TYPE, ("mergedimage.png", &zeros)],
            "far too much",
        ),
        (
            "a layer that is none",
            vec![
                MIME_TYPE,
                ("stack.xml", one.as_bytes()),
                ("a.png", b"<svg/>"),
            ],
            "no PNG",
        ),
        (
            "a layer that is cut off",
            vec![
                MIME_TYPE,
                ("stack.xml", one.as_bytes()),
                ("a.png", &png[..png.len() - 40]),
            ],
            "cut off",
        ),
    ];
    for (name, files, expected) in cases {
        let file = archive(&files, true);
        assert!(file.len() < 4 << 20, "{name} is no bomb");
        let message = decode(&file).unwrap_err().to_string();
        assert!(message.contains(expected), "{name}: {message}");
        let layers = read_layers(&file, budget::Room::shared(None));
        assert!(layers.is_err(), "{name}");
    }
}

/// 100 under 200 at half strength: multiplied 78, of that half.
#[test]
fn layers_are_laid_over_each_other_by_their_modes() {
    let below = png_of(&[100; 24 * 16], ExtendedColorType::L8, None);
    let above = png_of(&[200; 24 * 16], ExtendedColorType::L8, None);
    for (mode, expected) in [
        ("svg:multiply", 89),
        ("svg:screen", 161),
        ("svg:darken", 100),
        ("svg:lighten", 150),
        ("svg:overlay", 128),
        ("svg:src-over", 150),
        ("svg:hue", 150),
    ] {
        let stack = format!(
            r#"<image w="24" h="16"><stack><layer src="b" opacity="0.5" composite-op="{mode}"/>
            <layer src="a"/></stack></image>"#
        );
        let files = [
            MIME_TYPE,
            ("stack.xml", stack.as_bytes()),
            ("a", &below),
            ("b", &above),
        ];
        let imported = decode(&archive(&files, false)).unwrap();
        let pixel = *imported.pixels.get_pixel(3, 3);
        assert!(near(pixel, [expected; 3], 1), "{mode}: {pixel:?}");
        let what = "blend modes".to_owned();
        let is_told = imported.notes.contains(&Note::LayersSimplified { what });
        assert_eq!(is_told, mode == "svg:hue", "{mode}");
    }
}
