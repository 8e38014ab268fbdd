//! Texts where programs put them, and what strangers put there.

#![allow(clippy::unwrap_used)]

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use img_parts::Bytes;
use img_parts::png::PngChunk;

use super::*;

fn of_exif(block: &[u8]) -> Texts {
    let mut texts = Texts::default();
    texts.add_exif(block);
    texts
}

/// A block of EXIF with one text, as a camera or a program writes it.
fn exif(is_big_endian: bool, tag: u16, kind: u16, value: &[u8]) -> Vec<u8> {
    let short = |n: u16| {
        if is_big_endian {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let long = |n: usize| {
        let n = n as u32;
        if is_big_endian {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let mut block = if is_big_endian {
        b"MM\0*".to_vec()
    } else {
        b"II*\0".to_vec()
    };
    block.extend(long(8));
    let directory = |block: &mut Vec<u8>, tag: u16, kind: u16, n: usize, value: usize| {
        block.extend(short(1));
        block.extend([short(tag), short(kind)].concat());
        block.extend([long(n), long(value), long(0)].concat());
    };
    if tag == 0x9286 {
        directory(&mut block, 0x8769, 4, 1, 26);
    }
    let at = block.len() + 18;
    directory(&mut block, tag, kind, value.len(), at);
    block.extend(value);
    block
}

#[test]
fn user_comments_are_read_in_every_code_and_order() {
    const TEXT: &str = "a caf\u{e9} \u{1f6a4} 夜\nSteps: 20, Sampler: Euler, Seed: 5, Size: 64x64";
    let wide = |is_big_endian: bool| -> Vec<u8> {
        let units = TEXT.encode_utf16();
        units
            .flat_map(|unit| {
                if is_big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    };
    let with = |code: &[u8; 8], text: &[u8]| [code.as_slice(), text].concat();
    let comments = [
        with(b"UNICODE\0", &wide(true)),
        with(b"UNICODE\0", &wide(false)),
        with(b"UNICODE\0", &[&[0xff, 0xfe], &wide(false)[..]].concat()),
        with(b"UNICODE\0", &[&[0xfe, 0xff], &wide(true)[..]].concat()),
        with(b"UNICODE\0", TEXT.as_bytes()),
        with(b"ASCII\0\0\0", TEXT.as_bytes()),
        with(b"JIS\0\0\0\0\0", TEXT.as_bytes()),
        with(&[0; 8], TEXT.as_bytes()),
        with(b"ASCII\0\0\0", &[TEXT.as_bytes(), &[0; 5]].concat()),
        TEXT.as_bytes().to_vec(),
    ];
    for is_big_endian in [true, false] {
        for (i, comment) in comments.iter().enumerate() {
            for prefix in [&b""[..], b"Exif\0\0"] {
                let block = [prefix, &exif(is_big_endian, 0x9286, 7, comment)].concat();
                let found = of_exif(&block).get("UserComment").map(str::to_owned);
                assert_eq!(found.as_deref(), Some(TEXT), "comment {i}, {is_big_endian}");
            }
        }
    }
    // In JIS a ship stands between escapes.
    let japanese = b"a boat \x1b$BA%\x1b(B, \x1b$BA%\x1b$(D0!\x1b(J\nSteps: 20, Seed: 5";
    let comment = with(b"JIS\0\0\0\0\0", japanese);
    let texts = of_exif(&exif(true, 0x9286, 7, &comment));
    let prompt = "a boat [Japanese, not readable], [Japanese, not readable]";
    assert!(texts.get("UserComment").unwrap().starts_with(prompt));
}

#[test]
fn recipes_are_found_in_other_tags() {
    for is_big_endian in [true, false] {
        let text = |tag: u16, kind: u16, value: &[u8], name: &str| {
            let texts = of_exif(&exif(is_big_endian, tag, kind, value));
            texts.get(name).map(str::to_owned)
        };
        // ComfyUI uses a camera's tags.
        for (tag, keyword, name) in [
            (0x0110, "Prompt:", "prompt"),
            (0x010f, "workflow: ", "workflow"),
            (0x010e, "prompt:", "prompt"),
            (0x010d, "extra:", "DocumentName"),
        ] {
            let value = format!("{keyword}{{\"a\": 1}}\0");
            let found = text(tag, 2, value.as_bytes(), name).unwrap();
            assert!(found.ends_with("{\"a\": 1}"), "{found}");
        }
        // Windows: little-endian whatever the block is, of type byte.
        let comment: Vec<u8> = "né 夜\0"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(
            text(0x9c9c, 1, &comment, "XPComment").as_deref(),
            Some("né 夜")
        );
        // Texts in UTF-8 have a type of their own since version 3.
        assert_eq!(
            text(0x010e, 129, "né 夜\0".as_bytes(), "ImageDescription").as_deref(),
            Some("né 夜")
        );
        let mut short = exif(is_big_endian, 0x010e, 129, b"12345");
        let count = if is_big_endian {
            [0, 0, 0, 4]
        } else {
            [4, 0, 0, 0]
        };
        short[14..18].copy_from_slice(&count);
        short[18..22].copy_from_slice(b"abc\0");
        assert_eq!(of_exif(&short).get("ImageDescription"), Some("abc"));
        // Without directories, and as bytes.
        let comment = exif_plain(is_big_endian, 0x9286, 1, b"ASCII\0\0\0a text");
        assert_eq!(of_exif(&comment).get("UserComment"), Some("a text"));
        let comment = exif_plain(is_big_endian, 0x9286, 2, b"a text without its code\0");
        assert_eq!(
            of_exif(&comment).get("UserComment"),
            Some("a text without its code")
        );
    }
}

/// As [`exif`], with the tag in the first directory.
fn exif_plain(is_big_endian: bool, tag: u16, kind: u16, value: &[u8]) -> Vec<u8> {
    // Where this tag would be within its directory, another leads.
    let mut block = exif(is_big_endian, 0x010e, kind, value);
    let tag = if is_big_endian {
        tag.to_be_bytes()
    } else {
        tag.to_le_bytes()
    };
    block[10..12].copy_from_slice(&tag);
    block
}

fn chunk(kind: [u8; 4], contents: &[u8]) -> Vec<u8> {
    let chunk = PngChunk::new(kind, Bytes::copy_from_slice(contents));
    chunk.encoder().bytes().to_vec()
}

/// A PNG of some chunks after its header; no pixels.
fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = chunk(*b"IHDR", &[0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0]);
    let parts = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        header,
        chunks.concat(),
        chunk(*b"IEND", b""),
    ];
    parts.concat()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

fn raw_profile(name: &str, profile: &[u8]) -> Vec<u8> {
    let hex: Vec<String> = profile.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines: Vec<String> = hex.chunks(36).map(<[String]>::concat).collect();
    let text = format!(
        "Raw profile type {name}\0\n{name}\n{:8}\n{}\n",
        profile.len(),
        lines.join("\n")
    );
    text.into_bytes()
}

fn of_png(file: &[u8]) -> Texts {
    let mut texts = Texts::of_png(file);
    texts.open_profiles();
    texts
}

#[test]
fn texts_are_read_from_every_kind_of_chunk() {
    const TEXT: &str = "夜 café\nSteps: 20";
    let utf8 = TEXT.as_bytes();
    let comment = exif(true, 0x9286, 7, &[b"ASCII\0\0\0", utf8].concat());
    let framed = [b"Exif\0\0", &comment[..]].concat();
    let xmp = format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"r\"><rdf:Description xmlns:exif=\"e\" \
        xmlns:xmp=\"m\" xmp:CreatorTool=\"Draw Things\"><exif:UserComment><rdf:Alt><rdf:li>{TEXT}</rdf:li><rdf:li>x</rdf:li>\
        </rdf:Alt></exif:UserComment></rdf:Description></rdf:RDF></x:xmpmeta>"
    );
    let app1 = [crate::marking::JPEG_PREFIX, xmp.as_bytes()].concat();
    let pixels = chunk(*b"IDAT", &[0; 9]);
    let cases: Vec<(&str, &str, Vec<Vec<u8>>)> = vec![
        (
            "UTF-8 where Latin-1 should be",
            "k",
            vec![chunk(*b"tEXt", &[b"k\0", utf8].concat())],
        ),
        (
            "compressed",
            "k",
            vec![chunk(*b"zTXt", &[b"k\0\0", &zlib(utf8)[..]].concat())],
        ),
        (
            "international",
            "k",
            vec![chunk(*b"iTXt", &[b"k\0\0\0de\0key\0", utf8].concat())],
        ),
        (
            "both",
            "k",
            vec![chunk(
                *b"iTXt",
                &[b"k\0\x01\0\0\0", &zlib(utf8)[..]].concat(),
            )],
        ),
        (
            "after the pixels",
            "k",
            vec![pixels.clone(), chunk(*b"tEXt", &[b"k\0", utf8].concat())],
        ),
        ("EXIF", "UserComment", vec![chunk(*b"eXIf", &comment)]),
        (
            "EXIF with JPEG's frame",
            "UserComment",
            vec![pixels, chunk(*b"eXIf", &framed)],
        ),
        (
            "EXIF as text",
            "UserComment",
            vec![chunk(*b"tEXt", &raw_profile("exif", &framed))],
        ),
        (
            "EXIF as text of another name",
            "UserComment",
            vec![chunk(*b"tEXt", &raw_profile("APP1", &comment))],
        ),
        (
            "XMP",
            "xmp:UserComment",
            vec![chunk(
                *b"iTXt",
                &[b"XML:com.adobe.xmp\0\0\0\0\0", xmp.as_bytes()].concat(),
            )],
        ),
        (
            "XMP as text",
            "xmp:UserComment",
            vec![chunk(*b"tEXt", &raw_profile("xmp", xmp.as_bytes()))],
        ),
        (
            "XMP as text of another name",
            "xmp:UserComment",
            vec![chunk(*b"tEXt", &raw_profile("APP1", &app1))],
        ),
    ];
    for (name, keyword, chunks) in &cases {
        let texts = of_png(&png(chunks));
        assert_eq!(texts.get(keyword), Some(TEXT), "{name}");
        let tool = keyword.starts_with("xmp").then_some("Draw Things");
        assert_eq!(texts.get("xmp:CreatorTool"), tool, "{name}");
        // A chunk whose checksum fails is left out.
        let mut file = png(chunks);
        let at = file.len() - 14;
        file[at] ^= 1;
        assert_eq!(of_png(&file).get(keyword), None, "{name}");
    }
    let latin1 = of_png(&png(&[chunk(*b"tEXt", b"k\0caf\xe9")]));
    assert_eq!(latin1.get("k"), Some("café"));
}

#[test]
fn comments_of_jpegs_are_read() {
    let segment = |marker: u8, contents: &[u8]| {
        let n_bytes = (contents.len() as u16 + 2).to_be_bytes();
        [&[0xff, marker], &n_bytes[..], contents].concat()
    };
    let file = [
        &[0xff, 0xd8][..],
        &segment(0xe0, b"JFIF\0"),
        &segment(0xfe, "夜".as_bytes()),
        &segment(0xda, b"12"),
        &segment(0xfe, b"x"),
    ];
    let mut texts = Texts::default();
    texts.add_jpeg_comments(&file.concat());
    assert_eq!(texts.iter().collect::<Vec<_>>(), [("Comment", "夜")]);
    for cut in 0..file.concat().len() {
        Texts::default().add_jpeg_comments(&file.concat()[..cut]);
    }
}

/// A PNG with a text hidden in it, as the web interfaces' extension does.
fn with_hidden(
    signature: &str,
    contents: &[u8],
    n_bits: u32,
    (width, height): (u32, u32),
) -> Vec<u8> {
    let n_channels = if signature.starts_with("stealth_rgb") {
        3
    } else {
        1
    };
    let bytes = [signature.as_bytes(), &n_bits.to_be_bytes(), contents].concat();
    let mut bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let mut pixels = vec![254; (width * height * 4) as usize];
    for x in 0..width {
        for y in 0..height {
            let at = ((y * width + x) * 4) as usize;
            let from = if n_channels == 1 { at + 3 } else { at };
            for channel in &mut pixels[from..from + n_channels] {
                *channel |= bits.next().unwrap_or(0);
            }
        }
    }
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, width, height);
    encoder.set_color(::png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    file
}

/// The picture of a PNG as a WebP without loss.
fn as_webp(png: &[u8]) -> Vec<u8> {
    let mut webp = std::io::Cursor::new(Vec::new());
    image::load_from_memory(png)
        .unwrap()
        .write_to(&mut webp, image::ImageFormat::WebP)
        .unwrap();
    webp.into_inner()
}

#[test]
fn texts_hidden_in_a_webp_are_read_and_those_in_pixels_can_be_taken_out() {
    const TEXT: &str = "a pier at 夜\nSteps: 20, Seed: 5";
    let packed = gzip(TEXT.as_bytes());
    for (signature, contents) in [
        ("stealth_pnginfo", TEXT.as_bytes()),
        ("stealth_pngcomp", &packed),
        ("stealth_rgbinfo", TEXT.as_bytes()),
        ("stealth_rgbcomp", &packed),
    ] {
        let png = with_hidden(signature, contents, 8 * contents.len() as u32, (64, 48));
        let webp = as_webp(&png);
        assert_eq!(
            hidden_text_of_webp(&webp).as_deref(),
            Some(TEXT),
            "{signature}"
        );
        for cut in [20, webp.len() / 2, webp.len() - 1] {
            hidden_text_of_webp(&webp[..cut]);
        }
        let header = crate::gallery::picture_file::read_header(&webp).unwrap();
        let recipe = header.foreign.unwrap().recipe.unwrap();
        assert_eq!(
            (recipe.prompt.as_str(), recipe.seed),
            ("a pier at 夜", Some(5))
        );

        let pixels = image::load_from_memory(&png).unwrap().into_rgba8();
        let clean = without_hidden(&pixels).unwrap();
        for (clean, pixel) in clean.iter().zip(pixels.iter()) {
            assert!(clean.abs_diff(*pixel) <= 1, "nobody sees it");
        }
        assert_eq!(without_hidden(&clean), None);
    }
    let plain = with_hidden("no signature", b"", 0, (64, 48));
    assert_eq!(hidden_text_of_webp(&as_webp(&plain)), None);
    let plain = image::load_from_memory(&plain).unwrap().into_rgba8();
    assert_eq!(without_hidden(&plain), None);
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

#[test]
fn hidden_texts_are_read_in_every_form() {
    const TEXT: &str = "a pier at 夜\nSteps: 20, Seed: 5";
    let plain = TEXT.as_bytes();
    let packed = gzip(plain);
    for (signature, contents) in [
        ("stealth_pnginfo", plain),
        ("stealth_pngcomp", &packed),
        ("stealth_rgbinfo", plain),
        ("stealth_rgbcomp", &packed),
    ] {
        let n_bits = 8 * contents.len() as u32;
        // The signature in one column, and across many.
        for size in [(16, 160), (160, 16), (700, 1)] {
            let file = with_hidden(signature, contents, n_bits, size);
            assert_eq!(
                hidden_text(&file).as_deref(),
                Some(TEXT),
                "{signature}, {size:?}"
            );
        }
        // Lengths that are not there, or too much; contents of the other kind.
        let swapped = if signature.ends_with("info") {
            "comp"
        } else {
            "info"
        };
        let other = format!("{}{swapped}", &signature[..11]);
        assert_eq!(
            hidden_text(&with_hidden(&other, contents, n_bits, (16, 160))).as_deref(),
            None
        );
        for n_bits in [u32::MAX, 1 << 23, 1 << 24, 64 * 64 * 8] {
            let file = with_hidden(signature, contents, n_bits, (64, 64));
            assert_eq!(hidden_text(&file), None, "{n_bits}");
        }
        assert_eq!(
            hidden_text(&with_hidden(signature, contents, n_bits, (8, 8))),
            None
        );
    }
    // A bomb.
    let bomb = gzip(&vec![b' '; LIMIT_TEXT_BYTES + 1]);
    let file = with_hidden("stealth_pngcomp", &bomb, 8 * bomb.len() as u32, (256, 256));
    assert_eq!(hidden_text(&file), None);
    assert_eq!(hidden_text(b"no picture"), None);
}

#[test]
fn texts_have_limits_one_by_one_and_together() {
    let text = |n_bytes: usize| zlib(&vec![b' '; n_bytes]);
    let bomb = |n_bytes: usize| chunk(*b"zTXt", &[b"k\0\0", &text(n_bytes)[..]].concat());
    let names = |chunks: &[Vec<u8>]| of_png(&png(chunks)).iter().count();
    assert_eq!(
        names(&[bomb(LIMIT_TEXT_BYTES), bomb(LIMIT_TEXT_BYTES + 1)]),
        1
    );
    let many: Vec<_> = std::iter::repeat_n(bomb(LIMIT_TEXT_BYTES), 100).collect();
    assert_eq!(names(&many), LIMIT_ALL_BYTES / LIMIT_TEXT_BYTES);
    // What is thrown away was unpacked, too: it leaves no room for the one after it.
    let mut many: Vec<_> = std::iter::repeat_n(bomb(64 << 20), 100).collect();
    many.push(chunk(*b"tEXt", b"k\0text"));
    assert_eq!(names(&many), 0);
    let small: Vec<_> = std::iter::repeat_n(chunk(*b"tEXt", b"k\0a"), 20_000).collect();
    assert_eq!(names(&small), LIMIT_TEXTS);
    // A document that multiplies itself, or nests.
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><x><UserComment>&b;</UserComment></x>";
    let deep = format!(
        "{}<UserComment>a</UserComment>{}",
        "<x>".repeat(100_000),
        "</x>".repeat(100_000)
    );
    let wide = format!(
        "<x><UserComment>a</UserComment>{}</x>",
        "<y/>".repeat(200_000)
    );
    for packet in [laughs, &deep, &wide, "<x", "", "\u{feff}<UserComment/>"] {
        let mut texts = Texts::default();
        texts.add_xmp(packet);
        assert!(
            texts.iter().all(|(_, text)| text.len() < 10),
            "{}",
            packet.len()
        );
    }
}

/// Blocks of EXIF cut off anywhere, with every byte turned over, in rings and with values that are not there: 2 × 3 × its
/// length, and none stops the reader.
#[test]
fn hostile_exif_is_read_as_far_as_it_goes() {
    let mut n = 0;
    for is_big_endian in [true, false] {
        let block = exif(
            is_big_endian,
            0x9286,
            7,
            b"ASCII\0\0\0a\nSteps: 20, Seed: 5",
        );
        for at in 0..block.len() {
            let mut turned = block.clone();
            turned[at] ^= 0xff;
            let mut zero = block.clone();
            zero[at] = 0;
            for bytes in [&block[..at], &turned, &zero] {
                assert!(of_exif(bytes).iter().count() <= 2);
                n += 1;
            }
        }
    }
    assert_eq!(n, 2 * 3 * 72);
    // 5,000 entries, each with the whole block as its value.
    let mut many = b"II*\0\x08\0\0\0\x88\x13".to_vec();
    for _ in 0..5000 {
        many.extend(b"\x86\x92\x07\0\x00\x00\x01\x00\x08\0\0\0");
    }
    many.resize(80_000, 0);
    assert!(of_exif(&many).iter().count() <= 1);
}
