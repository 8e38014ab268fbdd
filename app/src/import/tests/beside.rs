//! What is damaged beside the pixels is no reason to refuse them.

use super::formats::fixture;
use super::*;

/// The chunk as it is, with a checksum that is not its.
fn with_bad_checksum(mut file: Vec<u8>, kind: [u8; 4]) -> Vec<u8> {
    let at = file.windows(4).position(|bytes| bytes == kind).unwrap();
    let length = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
    file[at + 4 + length] ^= 0xff;
    file
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_png_opens_whatever_is_damaged_beside_its_pixels() {
    let profile = ColorProfile::new_display_p3();
    let with_profile = || png_of(&sample(), ExtendedColorType::Rgb8, Some(&profile));
    let zeros = |n: usize| vec![0; n];
    let text = || b"Comment\0a boat".to_vec();
    let lost = vec![Note::ExtrasLost];
    let cases: Vec<(&str, Vec<u8>, Vec<Note>)> = vec![
        (
            "cICP of unknown kind",
            png_with(&[(b"cICP", vec![255; 4])]),
            lost.clone(),
        ),
        ("short cICP", png_with(&[(b"cICP", vec![1])]), lost.clone()),
        (
            "sound cICP",
            png_with(&[(b"cICP", vec![1, 13, 0, 1])]),
            vec![],
        ),
        (
            "acTL of no pictures",
            png_with(&[(b"acTL", zeros(8))]),
            lost.clone(),
        ),
        (
            "acTL of too many",
            png_with(&[(b"acTL", vec![255; 8])]),
            lost.clone(),
        ),
        ("short fcTL", png_with(&[(b"fcTL", zeros(3))]), lost.clone()),
        (
            "fcTL of nonsense",
            png_with(&[(b"fcTL", vec![9; 26])]),
            vec![],
        ),
        (
            "fdAT before the picture",
            png_with(&[(b"fdAT", vec![7; 40])]),
            vec![],
        ),
        (
            "eXIf of nonsense",
            png_with(&[(b"eXIf", vec![7; 40])]),
            lost.clone(),
        ),
        (
            "empty iCCP",
            png_with(&[(b"iCCP", vec![])]),
            vec![Note::UnknownProfile],
        ),
        (
            "iCCP of nonsense",
            png_with(&[(b"iCCP", [&b"P3\0\0"[..], &[7; 40]].concat())]),
            vec![Note::UnknownProfile],
        ),
        (
            "iCCP with a bad checksum",
            with_bad_checksum(with_profile(), *b"iCCP"),
            vec![Note::UnknownProfile],
        ),
        (
            "text with a bad checksum",
            with_bad_checksum(png_with(&[(b"tEXt", text())]), *b"tEXt"),
            lost.clone(),
        ),
        (
            "gAMA with a bad checksum",
            with_bad_checksum(png_with(&[(b"gAMA", zeros(4))]), *b"gAMA"),
            lost.clone(),
        ),
        (
            "zTXt of nonsense",
            png_with(&[(b"zTXt", vec![7; 40])]),
            vec![],
        ),
        (
            "iTXt of nonsense",
            png_with(&[(b"iTXt", vec![7; 40])]),
            vec![],
        ),
        (
            "pHYs, cHRM, sBIT of nonsense",
            png_with(&[
                (b"pHYs", zeros(1)),
                (b"cHRM", vec![255; 32]),
                (b"sBIT", vec![99; 9]),
            ]),
            vec![],
        ),
        (
            "tRNS of a picture with three channels, too short",
            png_with(&[(b"tRNS", zeros(1))]),
            vec![Note::TransparencyLost],
        ),
        (
            "unknown chunk",
            png_with(&[(b"abCd", vec![255; 99])]),
            vec![],
        ),
    ];
    assert_eq!(cases.len(), 19);
    for (name, file, notes) in cases {
        let imported = decode(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(imported.notes, notes, "{name}");
        assert_eq!(
            imported.pixels,
            DynamicImage::from(sample()).into_rgba8(),
            "{name}"
        );
    }
}

/// What is of the picture itself is none of that.
#[test]
fn a_png_with_damage_in_what_it_is_made_of_is_refused() {
    let plain = || png_of(&sample(), ExtendedColorType::Rgb8, None);
    for (name, file) in [
        (
            "IDAT with a bad checksum",
            with_bad_checksum(plain(), *b"IDAT"),
        ),
        (
            "IHDR with a bad checksum",
            with_bad_checksum(plain(), *b"IHDR"),
        ),
        (
            "two headers",
            png_with(&[(b"IHDR", plain()[16..29].to_vec())]),
        ),
        (
            "an unknown chunk that matters",
            png_with(&[(b"ABCD", vec![1])]),
        ),
        ("a chunk longer than the file", {
            let mut file = png_with(&[(b"tEXt", b"a\0b".to_vec())]);
            file[33] = 0x7f;
            file
        }),
    ] {
        let message = decode(&file).unwrap_err().to_string();
        assert!(!message.contains('{'), "{name}: {message}");
        assert!(!message.contains("ChunkType"), "{name}: {message}");
    }
    let mut packed = plain();
    packed.splice(8..8, chunk(*b"CgBI", vec![0x50, 0, 0x20, 2]));
    let message = decode(&packed).unwrap_err().to_string();
    assert_eq!(
        message,
        "Limn does not read iPhone PNG (CgBI) files: save the picture as an ordinary PNG"
    );
}

/// A file of boxes around the bare picture of a fixture.
fn boxed(boxes: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ".to_vec();
    for (kind, contents) in boxes {
        file.extend((contents.len() as u32 + 8).to_be_bytes());
        file.extend(*kind);
        file.extend(*contents);
    }
    file
}

#[test]
fn a_jpeg_xl_opens_whatever_is_damaged_in_its_boxes() {
    let (_, bare) = fixture!("lossy.jxl");
    let bare = jxl_boxes::codestream(bare).unwrap_or_else(|| bare.to_vec());
    let pixels = decode(&bare).unwrap().pixels;
    let (first, second) = bare.split_at(bare.len() / 2);
    let part = |number: u32, bytes: &[u8]| [&number.to_be_bytes(), bytes].concat();
    let parts = [part(0, first), part(0x8000_0001, second)];
    let lost = [Note::ExtrasLost];
    let cases: [(&str, Vec<u8>, &[Note]); 5] = [
        ("whole", boxed(&[(b"jxlc", &bare)]), &[]),
        (
            "in parts",
            boxed(&[(b"jxlp", &parts[0]), (b"jxlp", &parts[1])]),
            &[],
        ),
        (
            "packed Exif of nonsense",
            boxed(&[(b"brob", b"Exif\xff\xff\xff\xff\xff\xff"), (b"jxlc", &bare)]),
            &lost,
        ),
        (
            "a JPEG's own data of nonsense",
            boxed(&[(b"jbrd", &[255; 40]), (b"jxlc", &bare)]),
            &lost,
        ),
        (
            "nonsense before parts",
            boxed(&[
                (b"jbrd", &[255; 40]),
                (b"jxlp", &parts[0]),
                (b"jxlp", &parts[1]),
            ]),
            &lost,
        ),
    ];
    for (name, file, notes) in cases {
        let imported = decode(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(imported.notes, notes, "{name}");
        assert_eq!(imported.pixels, pixels, "{name}");
    }
    let nothing = boxed(&[(b"jbrd", &[255; 40])]);
    assert!(decode(&nothing).is_err());
}

/// What a file is by its first brand is one thing, and what it can be read as another.
#[test]
fn an_avif_opens_whichever_of_its_brands_comes_first() {
    let (_, plain) = fixture!("full.avif");
    let expected = decode(plain).unwrap();
    for major in [b"mif1", b"miaf", b"heic", b"MA1A"] {
        let mut file = plain.to_vec();
        file[8..12].copy_from_slice(major);
        let opened = decode(&file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(opened.pixels, expected.pixels);
    }
}
