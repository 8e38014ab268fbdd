//! A gallery's folder that a stranger prepared: nothing is written outside of it, nothing of it is run or waited
//! for, and what only looks changes nothing.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use super::*;
use crate::files::TEMP_PREFIX;

/// Every file under a folder with its bytes and time, every folder and every link.
type Tree = BTreeMap<PathBuf, (Vec<u8>, SystemTime)>;

fn tree(folder: &Path) -> Tree {
    let mut found = Tree::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let bytes = if metadata.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else if metadata.is_file() {
                std::fs::read(&path).unwrap()
            } else {
                b"neither".to_vec()
            };
            found.insert(path, (bytes, metadata.modified().unwrap()));
        }
    }
    found
}

fn open_to_read(home: &Home) -> Gallery {
    let [pictures, indexes, thumbnails] =
        ["pictures", "indexes", "thumbnails"].map(|name| home.path(name));
    Gallery::open_to_read(&pictures, &indexes, &thumbnails).unwrap()
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// A file that is old enough to be swept.
fn old_file(path: &Path) {
    std::fs::write(path, b"half").unwrap();
    let file = std::fs::File::open(path).unwrap();
    let hour = Duration::from_hours(1);
    file.set_modified(SystemTime::now() - hour).unwrap();
}

/// All that looks at a gallery, as the command line does.
fn look_at_everything(gallery: &mut Gallery) {
    gallery.scan().unwrap();
    for id in all(gallery) {
        gallery.record(id).unwrap();
        gallery.path(id);
        let _ = gallery.thumbnail(id);
        gallery.family(id).unwrap();
    }
    gallery.overview().unwrap();
    findings(gallery);
}

#[test]
fn what_only_looks_changes_nothing() {
    let home = Home::new();
    let pictures = home.path("pictures");
    {
        let mut gallery = home.open();
        let parent = save(&mut gallery, 1, &[]);
        save(&mut gallery, 2, &[parent]);
        let binned = save(&mut gallery, 3, &[]);
        gallery.trash(binned).unwrap();
    }
    // All that a scan would do something about: a picture from elsewhere, the rest of a crash, a picture that was
    // taken away and has a child, one that waits, no trash.
    pixels(9).save(pictures.join("from elsewhere.png")).unwrap();
    old_file(&pictures.join(format!("{TEMP_PREFIX}rest")));
    let waiting = home.path("indexes/unsaved");
    std::fs::create_dir_all(&waiting).unwrap();
    let recipe = recipe("waits", 7, (24, 16));
    let file = picture_file::encode_png(&pixels(7), &recipe).unwrap();
    let file_name = recipe.id.file_name(FileKind::Png);
    std::fs::write(waiting.join(file_name), file).unwrap();
    for has_id in [true, false] {
        if !has_id {
            std::fs::remove_file(pictures.join("gallery.json")).unwrap();
            let _ = std::fs::remove_dir_all(home.path("indexes"));
        }
        let before = tree(&pictures);
        let mut gallery = open_to_read(&home);
        look_at_everything(&mut gallery);
        assert_eq!(all(&mut gallery).len(), 2);
        for refused in [
            gallery.trash(PictureId::new()),
            gallery.change(Change::MakeBoard { name: "x".into() }),
            gallery
                .mark(&[PictureId::new()], &Mark::Star(true))
                .map(|_| ()),
            gallery
                .save(&pixels(5), &super::recipe("x", 5, (24, 16)))
                .map(|_| ()),
        ] {
            assert!(
                matches!(refused, Err(Error::ReadOnly { .. })),
                "{refused:?}"
            );
        }
        drop(gallery);
        assert_eq!(tree(&pictures), before, "with an id: {has_id}");
    }
    // Nor is a gallery made where none is.
    let nowhere = home.path("nowhere");
    let mut gallery =
        Gallery::open_to_read(&nowhere, &home.path("indexes"), &home.path("thumbnails")).unwrap();
    look_at_everything(&mut gallery);
    assert!(!nowhere.exists());
}

#[test]
fn marks_behind_a_link_are_neither_read_nor_written() {
    let home = Home::new();
    let pictures = home.path("pictures");
    let a = save(&mut home.open(), 1, &[]);
    let victim = home.path("start file");
    std::fs::write(&victim, b"echo hello\n").unwrap();
    let marks = pictures.join("marks.jsonl");
    symlink(&victim, &marks).unwrap();
    pixels(2)
        .save(pictures.join("$(touch gotcha).png"))
        .unwrap();
    for kind in ["link", "pipe", "folder", "dangling link"] {
        let since = Instant::now();
        for mut gallery in [open_to_read(&home), home.open()] {
            let notices = gallery.take_notices();
            assert!(
                notices.iter().any(|notice| notice.contains("marks.jsonl")),
                "{kind}: {notices:?}"
            );
            // A picture from elsewhere does not come in without its name.
            let _ = gallery.scan();
            assert_eq!(all(&mut gallery), [a], "{kind}");
        }
        assert!(home.open().mark(&[a], &Mark::Star(true)).is_err(), "{kind}");
        assert_eq!(std::fs::read(&victim).unwrap(), b"echo hello\n", "{kind}");
        assert!(since.elapsed() < Duration::from_secs(10), "{kind}");
        match kind {
            "link" => {
                std::fs::remove_file(&marks).unwrap();
                pipe(&marks);
            }
            "pipe" => {
                std::fs::remove_file(&marks).unwrap();
                std::fs::create_dir(&marks).unwrap();
            }
            "folder" => {
                std::fs::remove_dir(&marks).unwrap();
                symlink(home.path("new file"), &marks).unwrap();
            }
            _ => assert!(!home.path("new file").exists()),
        }
    }
}

#[test]
fn a_gallerys_own_file_is_no_link_and_no_pipe() {
    for kind in ["link", "pipe", "folder"] {
        let home = Home::new();
        let pictures = home.path("pictures");
        std::fs::create_dir(&pictures).unwrap();
        let own = pictures.join("gallery.json");
        match kind {
            "link" => symlink(home.path("victim"), &own).unwrap(),
            "pipe" => pipe(&own),
            _ => std::fs::create_dir(&own).unwrap(),
        }
        let since = Instant::now();
        let [indexes, thumbnails] = ["indexes", "thumbnails"].map(|name| home.path(name));
        let opened = Gallery::open(&pictures, &indexes, &thumbnails);
        let message = opened.err().unwrap().to_string();
        assert!(message.ends_with("gallery.json"), "{kind}: {message}");
        assert!(since.elapsed() < Duration::from_secs(10), "{kind}");
        assert!(!home.path("victim").exists(), "{kind}");
    }
}

/// Every folder of ours as a link to somebody else's.
#[test]
fn nothing_is_done_behind_links_in_the_place_of_folders() {
    let home = Home::new();
    let pictures = home.path("pictures");
    let (parent, child, binned);
    {
        let mut gallery = home.open();
        parent = save(&mut gallery, 1, &[]);
        child = save(&mut gallery, 2, &[parent]);
        binned = save(&mut gallery, 3, &[]);
        gallery.trash(binned).unwrap();
    }
    let victim = home.path("victim");
    std::fs::create_dir(&victim).unwrap();
    let month = parent.month();
    for name in ["Trash", "Ghosts", month.as_str()] {
        let inside = victim.join(name);
        let own = pictures.join(name);
        if own.exists() {
            std::fs::rename(&own, &inside).unwrap();
        } else {
            std::fs::create_dir(&inside).unwrap();
        }
        old_file(&inside.join(format!("{TEMP_PREFIX}theirs")));
        symlink(&inside, &own).unwrap();
    }
    let before = tree(&victim);
    let mut gallery = home.open();
    let notices = gallery.take_notices();
    assert_eq!(notices.len(), 3, "{notices:?}");
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery), []);
    for id in [parent, child, binned] {
        for done in [gallery.trash(id), gallery.restore(id), gallery.delete(id)] {
            assert!(done.is_err());
        }
        let _ = gallery.keep_ghost(id);
    }
    let new = recipe("new", 4, (24, 16));
    assert!(gallery.save(&pixels(4), &new).is_err());
    let camera = home.path("camera");
    std::fs::create_dir(&camera).unwrap();
    pixels(5).save(camera.join("a.png")).unwrap();
    let report = gallery.import(&[camera], &false.into(), &mut |_| {});
    assert!(report.added.is_empty(), "{report:?}");
    gallery.rebuild(&mut |_| {}).unwrap();
    drop(gallery);
    assert_eq!(tree(&victim), before);
}

/// Pictures, and pictures of others, that are links or pipes: none is read, moved or waited for.
#[test]
fn pictures_that_are_links_or_pipes_are_left_alone() {
    let home = Home::new();
    let pictures = home.path("pictures");
    let own = save(&mut home.open(), 1, &[]);
    let secret = home.path("secret.png");
    pixels(8).save(&secret).unwrap();
    let month = pictures.join(own.month());
    let [linked, piped] = [PictureId::new(), PictureId::new()];
    symlink(&secret, month.join(linked.file_name(FileKind::Png))).unwrap();
    pipe(&month.join(piped.file_name(FileKind::Png)));
    symlink(&secret, pictures.join("theirs.png")).unwrap();
    pipe(&pictures.join("pipe.png"));
    symlink(home.path("secrets"), pictures.join("album")).unwrap();
    std::fs::create_dir(home.path("secrets")).unwrap();
    std::fs::rename(&secret, home.path("secrets/secret.png")).unwrap();
    std::fs::copy(home.path("secrets/secret.png"), &secret).unwrap();
    let since = Instant::now();
    let mut gallery = home.open();
    gallery.scan().unwrap();
    // They have a picture's name, so there are placeholders for them.
    let listed = all(&mut gallery);
    assert!(listed.contains(&own) && listed.len() == 3, "{listed:?}");
    for id in [linked, piped] {
        assert!(gallery.record(id).unwrap().problem.is_some());
        assert!(gallery.pixels(id).is_err());
    }
    assert!(since.elapsed() < Duration::from_secs(10));
}

/// A clock that stood elsewhere left its times on files: nothing panics, and all of it is found.
#[test]
fn files_of_every_time_come_in_and_go_out() {
    let home = Home::new();
    let mut gallery = home.open();
    let camera = home.path("camera");
    std::fs::create_dir(&camera).unwrap();
    let year = Duration::from_hours(8_766);
    let times = [
        Some(SystemTime::UNIX_EPOCH - year * 40),
        Some(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)),
        Some(SystemTime::UNIX_EPOCH),
        SystemTime::UNIX_EPOCH.checked_add(year * 300),
        SystemTime::UNIX_EPOCH.checked_add(year * 7_900),
        SystemTime::UNIX_EPOCH.checked_add(year * 9_000),
    ];
    for (seed, time) in times.into_iter().enumerate() {
        let path = camera.join(format!("{seed}.png"));
        pixels(seed as u8).save(&path).unwrap();
        // A file system that has no such time gives another.
        let file = std::fs::File::open(&path).unwrap();
        let _ = time.map(|time| file.set_modified(time));
    }
    let report = gallery.import(std::slice::from_ref(&camera), &false.into(), &mut |_| {});
    assert_eq!((report.added.len(), report.n_failed), (6, 0), "{report:?}");
    for id in &report.added {
        let file = std::fs::File::open(gallery.path(*id)).unwrap();
        let _ = times[0].map(|time| file.set_modified(time));
        let facts = naming::NameFacts::new(*id, None, (1, 1), (1, 1));
        let name = naming::NamePattern::parse("{date}-{time}")
            .unwrap()
            .name(&facts);
        assert!(!name.is_empty());
    }
    gallery.scan().unwrap();
    assert_eq!(
        gallery.scan().unwrap().changed,
        [],
        "known again without reading"
    );
    assert_eq!(all(&mut gallery).len(), 6);
    let mut gallery = home.open_anew();
    assert_eq!(all(&mut gallery).len(), 6);
    assert_eq!(findings(&mut gallery), []);
}
