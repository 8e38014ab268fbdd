//! Several imports at once, and pictures that come twice.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Barrier};

use super::*;
use crate::gallery::importing::ImportReport;

fn import(gallery: &mut Gallery, path: &Path) -> ImportReport {
    gallery.import(&[path.to_owned()], &AtomicBool::new(false), &mut |_| {})
}

/// Eight at once, each with a folder that another has too, and every picture in two files.
#[test]
fn a_crowd_of_imports_adds_every_picture_once() {
    const N_THREADS: usize = 8;
    const N_PICTURES: u8 = 24;
    let home = Arc::new(Home::new());
    drop(home.open());
    let camera = home.path("camera");
    std::fs::create_dir(&camera).unwrap();
    for seed in 0..N_PICTURES {
        pixels(seed)
            .save(camera.join(format!("{seed:02}.png")))
            .unwrap();
        pixels(seed)
            .save(camera.join(format!("{seed:02} again.webp")))
            .unwrap();
    }
    let barrier = Arc::new(Barrier::new(N_THREADS));
    let threads: Vec<_> = (0..N_THREADS)
        .map(|_| {
            let (home, barrier, camera) = (Arc::clone(&home), Arc::clone(&barrier), camera.clone());
            std::thread::spawn(move || {
                let mut gallery = home.open();
                barrier.wait();
                import(&mut gallery, &camera)
            })
        })
        .collect();
    let reports: Vec<ImportReport> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    for report in &reports {
        assert_eq!((report.n_failed, &report.stopped), (0, &None));
        assert_eq!(
            report.added.len() + report.n_duplicates,
            2 * usize::from(N_PICTURES)
        );
    }
    let n_added: usize = reports.iter().map(|report| report.added.len()).sum();
    assert_eq!(n_added, usize::from(N_PICTURES));
    let mut gallery = home.open();
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery).len(), usize::from(N_PICTURES));
    assert_eq!(findings(&mut gallery), []);
}

/// Whatever was done when an import was killed, the next one adds nothing twice.
#[test]
fn what_a_killed_import_copied_is_not_copied_again() {
    let home = Home::new();
    let camera = home.path("camera");
    std::fs::create_dir(&camera).unwrap();
    for seed in 0..4 {
        pixels(seed)
            .save(camera.join(format!("{seed}.png")))
            .unwrap();
    }
    let mut gallery = home.open();
    let added = import(&mut gallery, &camera).added;
    // As if it had been killed before the index learnt of any of it.
    for id in &added {
        gallery.index.forget(*id).unwrap();
    }
    drop(gallery);
    let mut gallery = home.open();
    let again = import(&mut gallery, &camera);
    assert_eq!((again.added.len(), again.n_duplicates), (0, 4));
    gallery.scan().unwrap();
    let mut listed = all(&mut gallery);
    listed.sort_unstable();
    let mut added = added;
    added.sort_unstable();
    assert_eq!(listed, added);
}

#[test]
fn half_written_files_of_killed_imports_are_swept() {
    let home = Home::new();
    let camera = home.path("camera");
    std::fs::create_dir(&camera).unwrap();
    pixels(1).save(camera.join("a.png")).unwrap();
    let mut gallery = home.open();
    let id = import(&mut gallery, &camera).added[0];
    let folders = [
        home.path("pictures").join(id.month()),
        gallery.thumbnails.folder().join(id.month()),
    ];
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_mins(5);
    let left: Vec<PathBuf> = folders
        .iter()
        .map(|folder| folder.join(".limn-temp-left"))
        .collect();
    let held = folders[0].join(".limn-temp-held");
    let fresh = folders[0].join(".limn-temp-fresh");
    for path in left.iter().chain([&held]) {
        std::fs::write(path, b"half").unwrap();
        std::fs::File::open(path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
    }
    std::fs::write(&fresh, b"half").unwrap();
    // Somebody writes it still, slowly.
    let writer = std::fs::File::open(&held).unwrap();
    writer.lock().unwrap();
    pixels(2).save(camera.join("b.png")).unwrap();
    import(&mut gallery, &camera);
    assert!(left.iter().all(|path| !path.exists()));
    assert!(held.exists() && fresh.exists());
    drop(writer);
    gallery.scan().unwrap();
    assert!(!held.exists());
}

/// A PNG of noise with a recipe of another program in it, or none, in 8 or 16 bits a channel.
fn png(seed: u8, recipe: Option<&str>, depth: png::BitDepth) -> Vec<u8> {
    let mut file = Vec::new();
    let mut info = png::Info::with_size(24, 16);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = depth;
    if let Some(recipe) = recipe {
        let chunk = png::text_metadata::TEXtChunk::new("parameters", recipe);
        info.uncompressed_latin1_text.push(chunk);
    }
    let pixels = pixels(seed);
    let samples: Vec<u8> = match depth {
        // The same when it is reduced to 8 bits.
        png::BitDepth::Sixteen => pixels
            .as_raw()
            .iter()
            .flat_map(|byte| [*byte, *byte])
            .collect(),
        _ => pixels.into_raw(),
    };
    let encoder = png::Encoder::with_info(&mut file, info).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&samples).unwrap();
    writer.finish().unwrap();
    file
}

const RECIPE: &str = "the same pixels\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 40400, Size: 24x16, Model: dream";

/// Whichever of two files with the same pixels comes first, and also together, the recipe is there in the end, in the
/// picture's own file.
#[test]
fn a_recipe_is_taken_over_by_a_picture_that_had_none() {
    use png::BitDepth::Eight;
    for order in [["1", "2"], ["2", "1"], ["1", "together"]] {
        let home = Home::new();
        let mut gallery = home.open();
        let camera = home.path("camera");
        let files = [
            ("1", png(1, None, Eight)),
            ("2", png(1, Some(RECIPE), Eight)),
        ];
        let mut ids = Vec::new();
        let mut n_completed = 0;
        for name in order {
            let _ = std::fs::remove_dir_all(&camera);
            std::fs::create_dir(&camera).unwrap();
            for (file_name, bytes) in &files {
                if name == *file_name || order[1] == "together" {
                    std::fs::write(camera.join(format!("{file_name}.png")), bytes).unwrap();
                }
            }
            let report = import(&mut gallery, &camera);
            ids.extend(report.added);
            n_completed += report.completed.len();
            if let [id] = ids[..] {
                gallery.mark(&[id], &Mark::Star(true)).unwrap();
            }
        }
        let [id] = ids[..] else {
            panic!("one picture: {ids:?}")
        };
        assert_eq!(n_completed, usize::from(order == ["1", "2"]));
        let check = |gallery: &mut Gallery| {
            let record = gallery.record(id).unwrap();
            assert_eq!(
                record.foreign.as_ref().unwrap().seed,
                Some(40_400),
                "{order:?}"
            );
            assert_eq!(
                (record.prompt(), record.is_starred),
                ("the same pixels", true)
            );
            assert_eq!(gallery.file(id).unwrap(), files[1].1);
            assert_eq!(all(gallery), [id]);
            assert_eq!(findings(gallery), []);
        };
        check(&mut gallery);
        gallery.rebuild(&mut |_| {}).unwrap();
        check(&mut gallery);
        drop(gallery);
        check(&mut home.open_anew());
    }
}

/// Never at the price of the picture: what has more bits stays, and what Limn made is not replaced.
#[test]
fn a_recipe_takes_no_bits_away() {
    let home = Home::new();
    let mut gallery = home.open();
    let camera = home.path("camera");
    std::fs::create_dir(&camera).unwrap();
    let deep = png(1, None, png::BitDepth::Sixteen);
    std::fs::write(camera.join("deep.png"), &deep).unwrap();
    let first = import(&mut gallery, &camera);
    assert_eq!((first.added.len(), first.n_reduced), (1, 1));
    std::fs::write(
        camera.join("flat.png"),
        png(1, Some(RECIPE), png::BitDepth::Eight),
    )
    .unwrap();
    let second = import(&mut gallery, &camera);
    assert_eq!((second.added.len(), second.completed.len()), (1, 0));
    assert_eq!(gallery.file(first.added[0]).unwrap(), deep);
    assert!(gallery.record(second.added[0]).unwrap().foreign.is_some());

    let own = save(&mut gallery, 2, &[]);
    let before = gallery.file(own).unwrap();
    std::fs::write(
        camera.join("own.png"),
        png(2, Some(RECIPE), png::BitDepth::Eight),
    )
    .unwrap();
    let third = import(&mut gallery, &camera);
    assert_eq!((third.added.len(), third.completed.len()), (0, 0));
    assert_eq!(gallery.file(own).unwrap(), before);
}

#[test]
fn what_an_import_leaves_out_is_told_with_counts() {
    let home = Home::new();
    let mut gallery = home.open();
    let camera = home.path("camera");
    std::fs::create_dir_all(camera.join("sub")).unwrap();
    let sound = png(1, None, png::BitDepth::Eight);
    let mut large = sound.clone();
    large[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let checksum = crc32fast::hash(&large[12..29]);
    large[29..33].copy_from_slice(&checksum.to_be_bytes());
    for (name, bytes) in [
        ("a.png", &sound[..]),
        ("cut.png", &sound[..sound.len() / 2]),
        ("empty.png", b""),
        ("text.png", b"<html>"),
        ("large.png", &large[..]),
        ("deep.png", &png(3, None, png::BitDepth::Sixteen)[..]),
        ("notes.txt", b"x"),
        ("sub/MORE.TXT", b"x"),
        ("sub/film.mp4", b"x"),
        ("README", b"x"),
    ] {
        std::fs::write(camera.join(name), bytes).unwrap();
    }
    let report = import(&mut gallery, &camera);
    assert_eq!(
        (report.added.len(), report.n_reduced, report.n_failed),
        (2, 1, 4)
    );
    let left_out = [("", 1), ("mp4", 1), ("txt", 2)].map(|(ending, n)| (ending.to_owned(), n));
    assert_eq!(report.left_out, left_out.into());
    assert_eq!(
        report.refusals.values().sum::<usize>(),
        4,
        "{:?}",
        report.refusals
    );
    let words = report.omissions().join("; ");
    for part in [
        "4 not taken in (",
        "1 too large",
        "4 not called pictures (2 .txt",
        "1 with more than 8 bits",
    ] {
        assert!(words.contains(part), "{words}");
    }
    let record = gallery.record(report.added[0]).unwrap();
    assert_eq!(record.origin.as_deref(), Some("a.png"), "with its ending");
    assert_eq!(record.name(), "a");
}
