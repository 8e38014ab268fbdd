//! Imports as the window and the command line ask for them.

#![allow(clippy::unwrap_used)]

use std::time::SystemTime;

use super::*;
use crate::gallery::export;
use crate::gallery::index::Record;
use crate::gallery::recipe::tests::recipe;
use crate::gallery::{Mark, Query};
use crate::marking;

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("camera")).unwrap();
        Self { folder }
    }

    fn open(&self) -> Gallery {
        let [pictures, indexes, thumbnails] =
            ["pictures", "indexes", "thumbnails"].map(|name| self.folder.path().join(name));
        Gallery::open(&pictures, &indexes, &thumbnails).unwrap()
    }

    fn camera(&self) -> PathBuf {
        self.folder.path().join("camera")
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.camera().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn import(gallery: &mut Gallery, paths: &[PathBuf]) -> ImportReport {
    gallery.import(paths, &AtomicBool::new(false), &mut |_| {})
}

fn pixels(seed: u8) -> RgbaImage {
    RgbaImage::from_fn(20, 12, |x, y| {
        image::Rgba([seed, x as u8 * 9, y as u8 * 15, 255])
    })
}

fn encoded(pixels: &RgbaImage, format: image::ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let picture = image::DynamicImage::from(pixels.clone());
    let picture = match format {
        image::ImageFormat::Jpeg => picture.into_rgb8().into(),
        _ => picture,
    };
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[test]
fn files_come_in_byte_for_byte_whatever_their_kind() {
    use image::ImageFormat::{Jpeg, Png, WebP};
    let home = Home::new();
    let mut gallery = home.open();
    let files = [
        ("pier.png", Png, 1),
        ("Bild 7.jpeg", Jpeg, 2),
        ("wrong.png", WebP, 3),
    ];
    let files = files.map(|(name, format, seed)| {
        let bytes = encoded(&pixels(seed), format);
        (home.file(name, &bytes), bytes)
    });
    // 2019-05-06T07:08:09Z
    let made = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_557_126_489);
    let pier = std::fs::File::open(&files[0].0).unwrap();
    pier.set_modified(made).unwrap();

    let mut seen = Vec::new();
    let report = gallery.import(&[home.camera()], &AtomicBool::new(false), &mut |report| {
        seen.push((report.n_done, report.n_files));
    });
    assert_eq!(seen, [(0, 3), (3, 3)]);
    assert_eq!(
        (report.added.len(), report.n_failed, report.stopped),
        (3, 0, None)
    );
    // By name: "Bild 7.jpeg", "pier.png", "wrong.png".
    let [jpeg, png, webp] = report.added[..].try_into().unwrap();
    for (id, i) in [(png, 0), (jpeg, 1), (webp, 2)] {
        assert_eq!(gallery.file(id).unwrap(), files[i].1);
        assert_eq!(gallery.record(id).unwrap().width, 20);
        assert_eq!(gallery.thumbnail(id).unwrap().dimensions(), (20, 12));
        assert!(files[i].0.exists(), "the original stays where it is");
    }
    assert_eq!(gallery.pixels(png).unwrap(), pixels(1));
    assert_eq!(png.month(), "2019-05");
    assert!(gallery.path(jpeg).to_string_lossy().ends_with(".jpg"));
    assert!(gallery.path(webp).to_string_lossy().ends_with(".webp"));
    assert_eq!(gallery.record(jpeg).unwrap().name(), "Bild 7");
    let by_name = |words: &str| Query {
        words: words.into(),
        ..Query::default()
    };
    assert_eq!(gallery.ids(&by_name("bild")).unwrap(), [jpeg]);

    // They are pictures like any other: to the trash, back, exported, verified, indexed anew.
    gallery.trash(jpeg).unwrap();
    gallery.restore(jpeg).unwrap();
    let ids = gallery.ids(&Query::default()).unwrap();
    let before: Vec<Record> = ids.iter().map(|id| gallery.record(*id).unwrap()).collect();
    gallery.rebuild(&mut |_| {}).unwrap();
    let after: Vec<Record> = ids.iter().map(|id| gallery.record(*id).unwrap()).collect();
    assert_eq!(before, after);
    let mut findings = Vec::new();
    gallery
        .verify(&mut |finding| findings.push(finding.clone()))
        .unwrap();
    assert_eq!(findings, []);
}

/// Decoders differ in what beside the pixels they stumble over.
#[test]
fn a_png_comes_in_whatever_is_damaged_beside_its_pixels() {
    let home = Home::new();
    let mut gallery = home.open();
    let plain = encoded(&pixels(1), image::ImageFormat::Png);
    let kinds = [
        b"acTL", b"fcTL", b"fdAT", b"cICP", b"gAMA", b"cHRM", b"iCCP", b"eXIf", b"tRNS", b"zTXt",
        b"pHYs", b"mDCV", b"cLLI", b"tIME",
    ];
    let mut n_files = 0;
    for kind in kinds {
        for (i, contents) in [vec![], vec![0xff; 26], vec![0; 8], vec![1; 300]]
            .into_iter()
            .enumerate()
        {
            let chunk = img_parts::png::PngChunk::new(*kind, contents.into());
            let chunk = chunk.encoder().bytes();
            let file = [&plain[..33], &chunk, &plain[33..]].concat();
            n_files += 1;
            home.file(&format!("{}-{i}.png", kind.escape_ascii()), &file);
        }
    }
    let report = import(&mut gallery, &[home.camera()]);
    assert_eq!(report.failures, []);
    // They show the same, so that one is enough.
    assert_eq!((report.added.len(), report.n_duplicates), (1, n_files - 1));
    assert_eq!(gallery.pixels(report.added[0]).unwrap(), pixels(1));
}

#[test]
fn what_is_there_already_does_not_come_twice() {
    let home = Home::new();
    let mut gallery = home.open();
    let own = recipe("a boat", 1, (20, 12));
    let rgb = image::DynamicImage::from(pixels(1)).into_rgb8();
    gallery.save(&rgb, &own).unwrap();
    // The same pixels in other files: a plain PNG, a WebP, and the same file under two names.
    home.file("a.png", &encoded(&pixels(1), image::ImageFormat::Png));
    home.file("b.webp", &encoded(&pixels(1), image::ImageFormat::WebP));
    home.file("c.png", &encoded(&pixels(2), image::ImageFormat::Png));
    home.file("d.png", &encoded(&pixels(2), image::ImageFormat::Png));
    let other = home.camera();
    let report = import(&mut gallery, std::slice::from_ref(&other));
    assert_eq!((report.added.len(), report.n_duplicates), (1, 3));
    let again = import(&mut gallery, std::slice::from_ref(&other));
    assert_eq!((again.added.len(), again.n_duplicates), (0, 4));

    // What is in the trash comes back, and what lost its file gets it again, with its marks.
    let new = report.added[0];
    gallery.mark(&[new], &Mark::Star(true)).unwrap();
    gallery.trash(new).unwrap();
    assert_eq!(
        import(&mut gallery, std::slice::from_ref(&other)).added,
        [new]
    );
    std::fs::remove_file(gallery.path(new)).unwrap();
    gallery.scan().unwrap();
    assert_eq!(import(&mut gallery, &[other]).added, [new]);
    let record = gallery.record(new).unwrap();
    assert!(record.is_starred && record.state == State::Here);
}

#[test]
fn a_picture_of_limn_keeps_its_name_recipe_and_mark() {
    let [theirs, ours] = [Home::new(), Home::new()];
    let parent = recipe("a boat", 1, (20, 12));
    let mut child = recipe("two boats", 2, (20, 12));
    child.parents.push(parent.id);
    let mut gallery = theirs.open();
    for (seed, recipe) in [(1, &parent), (2, &child)] {
        let rgb = image::DynamicImage::from(pixels(seed)).into_rgb8();
        gallery.save(&rgb, recipe).unwrap();
    }
    let mut gallery = ours.open();
    let report = import(&mut gallery, &[theirs.folder.path().join("pictures")]);
    let mut added = report.added.clone();
    added.sort_unstable();
    assert_eq!(added, [parent.id, child.id]);
    assert_eq!(
        gallery.record(child.id).unwrap().recipe.as_ref(),
        Some(&child)
    );
    let header = picture_file::read_header(&gallery.file(child.id).unwrap()).unwrap();
    assert!(marking::source_type(header.xmp.as_deref().unwrap()).is_some());
    let family = gallery.family(parent.id).unwrap();
    let ids: Vec<PictureId> = family.members.iter().map(|member| member.id).collect();
    assert_eq!(ids, [parent.id, child.id]);

    // Somebody painted on it and left the recipe in: another picture.
    let rgb = image::DynamicImage::from(pixels(9)).into_rgb8();
    let painted = picture_file::encode_png(&rgb, &child).unwrap();
    let report = import(&mut gallery, &[ours.file("painted.png", &painted)]);
    assert_eq!(report.added.len(), 1);
    assert_ne!(report.added[0], child.id);
}

#[test]
fn what_a_file_says_of_ai_is_known_of_the_picture_whatever_its_format() {
    let home = Home::new();
    let mut gallery = home.open();
    for (seed, name) in [(1, "a.png"), (2, "b.jpg"), (3, "c.webp")] {
        let format = export::Format::from_path(name.as_ref()).unwrap();
        let mark = marking::xmp_packet(marking::TRAINED_ALGORITHMIC_MEDIA);
        let file = export::encode(&pixels(seed), Some(mark), format).unwrap();
        let added = import(&mut gallery, &[home.file(name, &file)]).added;
        let record = gallery.record(added[0]).unwrap();
        let source_type = record.digital_source_type();
        assert_eq!(source_type, Some(marking::TRAINED_ALGORITHMIC_MEDIA));
        assert_eq!(record.recipe, None);
        // What is left of it for the family tree says it too.
        gallery.keep_ghost(added[0]).unwrap();
        let ghost = std::fs::read(gallery.layout.ghost(added[0])).unwrap();
        let xmp = picture_file::read_header(&ghost).unwrap().xmp.unwrap();
        let mark = marking::source_type(&xmp);
        assert_eq!(mark, Some(marking::TRAINED_ALGORITHMIC_MEDIA));
    }
    let plain = export::encode(&pixels(4), None, export::Format::Png).unwrap();
    let added = import(&mut gallery, &[home.file("d.png", &plain)]).added;
    let record = gallery.record(added[0]).unwrap();
    assert_eq!(record.digital_source_type(), None);
}

#[test]
fn foreign_recipes_come_along() {
    let home = Home::new();
    let mut gallery = home.open();
    let mut file = Vec::new();
    let mut info = png::Info::with_size(2, 2);
    info.color_type = png::ColorType::Rgb;
    let parameters =
        "a castle\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, Seed: 7, Model: dream";
    let chunk = png::text_metadata::TEXtChunk::new("parameters", parameters);
    info.uncompressed_latin1_text.push(chunk);
    let encoder = png::Encoder::with_info(&mut file, info).unwrap();
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&[7; 12])
        .unwrap();
    let id = import(&mut gallery, &[home.file("00012-7.png", &file)]).added[0];
    let record = gallery.record(id).unwrap();
    assert_eq!(record.parameters.as_deref(), Some(parameters));
    let foreign = record.foreign.as_ref().unwrap();
    assert_eq!((foreign.seed, foreign.n_steps), (Some(7), Some(20)));
    assert_eq!(
        (record.name(), record.origin.as_deref()),
        ("a castle".to_owned(), Some("00012-7.png"))
    );
    for (words, model, n_found) in [
        ("castl", None, 1),
        ("00012", None, 1),
        ("", Some("dream"), 1),
        ("", Some("x"), 0),
    ] {
        let query = Query {
            words: words.into(),
            model: model.map(str::to_owned),
            ..Query::default()
        };
        assert_eq!(
            gallery.ids(&query).unwrap().len(),
            n_found,
            "{words} {model:?}"
        );
    }
}

/// Large files come one by one: all that come at once are in memory until they are in.
#[test]
fn large_files_are_read_one_by_one() {
    let home = Home::new();
    let sized = |name: &str, mib: u64| {
        let path = home.camera().join(name);
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(mib << 20).unwrap();
        path
    };
    for (sizes, expected) in [
        (&[1, 1, 1, 1, 1][..], 4),
        (&[20, 20, 20, 20], 3),
        (&[200, 1], 1),
        (&[1, 200], 1),
        (&[1], 1),
    ] {
        let files = sizes
            .iter()
            .zip(0..)
            .map(|(mib, n)| sized(&n.to_string(), *mib));
        assert_eq!(n_at_once(&files.collect::<Vec<_>>()), expected, "{sizes:?}");
    }
    assert_eq!(n_at_once(&[home.camera().join("not there")]), 1);
}

#[test]
fn what_cannot_come_in_is_told_and_stops_nothing() {
    let home = Home::new();
    let mut gallery = home.open();
    let sound = encoded(&pixels(1), image::ImageFormat::Png);
    home.file("a empty.png", b"");
    home.file("b cut.png", &sound[..sound.len() / 2]);
    home.file("c moving.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;");
    home.file("d text.png", b"<html>not found</html>");
    home.file("e sound.png", &sound);
    let missing = home.camera().join("missing.png");
    let report = import(&mut gallery, &[home.camera(), missing]);
    assert_eq!(
        (report.added.len(), report.n_failed, report.n_done),
        (1, 5, 6)
    );
    let names: Vec<_> = report
        .failures
        .iter()
        .map(|failure| {
            failure
                .path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    let expected = [
        "a empty.png",
        "b cut.png",
        "c moving.gif",
        "d text.png",
        "missing.png",
    ];
    assert_eq!(sorted, expected);
    for failure in &report.failures {
        assert!(
            failure.reason.contains(": "),
            "what to do about {}",
            failure.reason
        );
    }
    assert_eq!(gallery.ids(&Query::default()).unwrap(), report.added);
}

#[test]
fn an_import_that_was_cancelled_goes_on_where_it_was() {
    let home = Home::new();
    let mut gallery = home.open();
    for seed in 0..20 {
        home.file(
            &format!("{seed:02}.png"),
            &encoded(&pixels(seed), image::ImageFormat::Png),
        );
    }
    let is_cancelled = AtomicBool::new(false);
    let first = gallery.import(&[home.camera()], &is_cancelled, &mut |report| {
        is_cancelled.store(report.n_done >= 8, Ordering::Relaxed);
    });
    assert_eq!((first.added.len(), first.n_done), (8, 8));
    assert_eq!(first.stopped, Some(Stopped::Cancelled));
    let second = import(&mut gallery, &[home.camera()]);
    assert_eq!((second.added.len(), second.n_duplicates), (12, 8));
    assert_eq!(gallery.ids(&Query::default()).unwrap().len(), 20);
}

/// Pictures go without the lock that adding takes.
#[test]
fn a_picture_that_goes_while_its_like_comes_in_is_no_end_of_the_import() {
    let home = Home::new();
    let mut gallery = home.open();
    let file = home.file("a.png", &encoded(&pixels(1), image::ImageFormat::Png));
    let sound = || check(read(&file).unwrap()).map_err(|(_, _, reason)| reason);
    let gone = PictureId::new();
    let place = gallery.place_beside(gone, &sound().unwrap()).unwrap();
    assert!(matches!(place, adding::Place::New(id) if id != gone));
    let report = import(&mut gallery, std::slice::from_ref(&file));
    let place = gallery.place_beside(report.added[0], &sound().unwrap());
    assert!(matches!(place.unwrap(), adding::Place::Duplicate));
}
