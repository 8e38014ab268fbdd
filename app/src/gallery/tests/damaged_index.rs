//! The index is made from the files: whatever happens to it, every picture is listed, and the user is told.

use std::path::Path;

use rusqlite::Connection;

use super::*;

const PAGE_BYTES: usize = 4096;

/// A gallery of twelve pictures with marks, closed; and the path of its index.
fn twelve() -> (Home, Vec<PictureId>, PathBuf) {
    let home = Home::new();
    let mut gallery = home.open();
    let parent = save(&mut gallery, 0, &[]);
    let mut ids = vec![parent];
    ids.extend((1..12).map(|seed| save(&mut gallery, seed, &[parent])));
    let tag = Mark::Tag {
        name: "sea".into(),
        on: true,
    };
    gallery.mark(&ids[..3], &tag).unwrap();
    gallery.scan().unwrap();
    let path = gallery.index_path.clone();
    ids.reverse();
    (home, ids, path)
}

/// As `limn gallery list` goes about it; returns what the user is told.
fn list(home: &Home, ids: &[PictureId], context: &str) -> Vec<String> {
    let mut gallery = home.open();
    let mut notices = gallery.take_notices();
    let looked = gallery.scan().map(|_| ()).and_then(|()| {
        let ids = gallery.ids(&Query::default())?;
        ids.iter()
            .try_for_each(|id| gallery.record(*id).map(|_| ()))?;
        gallery.overview()?;
        gallery.family(ids[11]).map(|_| ())
    });
    if let Err(error) = looked {
        assert!(error.is_index_damage(), "{context}: {error}");
        gallery.mend(&error).unwrap();
        notices.extend(gallery.take_notices());
    }
    assert_eq!(all(&mut gallery), ids, "{context}");
    let tags = gallery.overview().unwrap().tags;
    assert_eq!(
        (tags[0].name.as_str(), tags[0].n_pictures),
        ("sea", 3),
        "{context}"
    );
    for id in ids {
        assert!(gallery.record(*id).unwrap().recipe.is_some(), "{context}");
    }
    assert_eq!(
        gallery.family(ids[11]).unwrap().members.len(),
        12,
        "{context}"
    );
    notices
}

fn sql(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn journal(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What happens to an index, and whether the user is told.
enum Damage {
    Told(fn(&Path)),
    Untold(fn(&Path)),
    /// Told.
    Sql(&'static str),
    /// What nothing reads is no damage.
    UntoldSql(&'static str),
}

impl Damage {
    fn is_told(&self) -> bool {
        matches!(self, Self::Told(_) | Self::Sql(_))
    }

    fn happen(&self, path: &Path) {
        match self {
            Self::Told(damage) | Self::Untold(damage) => damage(path),
            // A rebuilt index may not have what is to be damaged.
            Self::Sql(text) | Self::UntoldSql(text) => sql(path, text),
        }
    }
}

fn cut(path: &Path, n_bytes: impl Fn(usize) -> usize) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..n_bytes(bytes.len())]).unwrap();
}

#[test]
fn whatever_is_wrong_with_the_index_every_picture_is_listed() {
    use Damage::{Sql, Told, Untold, UntoldSql};
    let noise = |path: &Path| std::fs::write(path, vec![7; 50_000]).unwrap();
    let cases: [(&str, Damage); 21] = [
        (
            "no index",
            Untold(|path| std::fs::remove_file(path).unwrap()),
        ),
        (
            "an empty file",
            Untold(|path| std::fs::write(path, b"").unwrap()),
        ),
        ("no database", Told(noise)),
        ("half of it", Told(|path| cut(path, |n| n / 2))),
        ("less than a page", Told(|path| cut(path, |_| 1000))),
        (
            "a folder",
            Told(|path| {
                std::fs::remove_file(path).unwrap();
                std::fs::create_dir(path).unwrap();
                std::fs::write(path.join("file"), b"").unwrap();
            }),
        ),
        ("no table of pictures", Sql("DROP TABLE pictures")),
        ("no table of marks", Sql("DROP TABLE marks")),
        ("no words", Sql("DROP TABLE words")),
        (
            "half of the words",
            UntoldSql("DELETE FROM words_data WHERE id > 10"),
        ),
        (
            "a column less",
            Sql("DROP INDEX pictures_by_run; ALTER TABLE pictures DROP COLUMN problem"),
        ),
        (
            "an old version with new tables",
            Sql("PRAGMA user_version = 1"),
        ),
        ("a newer version", Sql("PRAGMA user_version = 999")),
        ("a negative version", Sql("PRAGMA user_version = -3")),
        (
            "an id too short",
            Sql("UPDATE pictures SET id = x'010203' WHERE row = 3"),
        ),
        (
            "a hash too short",
            Sql("UPDATE pictures SET sha256 = x'01' WHERE row = 3"),
        ),
        (
            "a star on nothing",
            Sql("INSERT INTO marks VALUES (x'01', 'star', '', '')"),
        ),
        (
            "a child that is none",
            Sql("INSERT INTO parents SELECT x'01', parent, 0 FROM parents LIMIT 1"),
        ),
        (
            "a journal of nonsense",
            Untold(|path| {
                std::fs::write(journal(path, "-wal"), vec![9; 40_000]).unwrap();
                std::fs::write(journal(path, "-shm"), vec![9; 40_000]).unwrap();
            }),
        ),
        (
            "a folder for a journal",
            Told(|path| {
                std::fs::create_dir(journal(path, "-wal")).unwrap();
            }),
        ),
        (
            "a folder for the shared memory",
            Told(|path| {
                std::fs::create_dir(journal(path, "-shm")).unwrap();
            }),
        ),
    ];
    for (context, damage) in cases {
        let (home, ids, path) = twelve();
        damage.happen(&path);
        let notices = list(&home, &ids, context);
        let is_told = notices.iter().any(|notice| notice.contains("index"));
        assert_eq!(is_told, damage.is_told(), "{context}: {notices:?}");
        assert_eq!(
            list(&home, &ids, context),
            Vec::<String>::new(),
            "{context}: once"
        );
        // Made anew when the user asks for it, whatever it is.
        damage.happen(&path);
        let mut gallery = home.open();
        gallery.rebuild(&mut |_| {}).unwrap();
        assert_eq!(all(&mut gallery), ids, "{context}");
    }
}

/// Each page in turn is overwritten, with noise and with zeros.
#[test]
fn whichever_page_is_damaged_every_picture_is_listed() {
    let (home, ids, path) = twelve();
    let sound = std::fs::read(&path).unwrap();
    let n_pages = sound.len() / PAGE_BYTES;
    assert!(n_pages > 20, "{n_pages} pages");
    for page in 0..n_pages {
        for byte in [0, 0x5a] {
            let mut bytes = sound.clone();
            bytes[page * PAGE_BYTES..][..PAGE_BYTES].fill(byte);
            for ending in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(journal(&path, ending));
            }
            std::fs::write(&path, &bytes).unwrap();
            // What the tests of a page cannot see is not seen here either: a rebuild mends it.
            let context = format!("page {page} of {byte}");
            let mut gallery = home.open();
            let mended = gallery.rebuild(&mut |_| {});
            assert!(mended.is_ok(), "{context}: {mended:?}");
            drop(gallery);
            list(&home, &ids, &context);
        }
    }
}

/// The window finds it out in the middle of its work.
#[test]
fn an_index_that_is_damaged_while_it_is_open_is_made_anew() {
    let (home, ids, path) = twelve();
    let mut gallery = home.open();
    gallery.scan().unwrap();
    sql(&path, "UPDATE pictures SET sha256 = x'01'");
    let error = gallery.record(ids[0]).unwrap_err();
    assert!(error.is_index_damage());
    assert_eq!(gallery.record_or_mend(ids[0]).unwrap().id, ids[0]);
    assert_eq!(gallery.take_notices().len(), 1);
    assert_eq!(all(&mut gallery), ids);
    // Another process had it open too, and finds the new one.
    assert_eq!(all(&mut home.open()), ids);
}

#[test]
fn what_the_user_deleted_does_not_come_back_with_a_new_index() {
    let home = Home::new();
    let mut gallery = home.open();
    pixels(1).save(home.path("pictures/theirs.png")).unwrap();
    gallery.scan().unwrap();
    let [id] = all(&mut gallery)[..] else {
        panic!("one picture")
    };
    gallery.trash(id).unwrap();
    gallery.delete(id).unwrap();
    let path = gallery.index_path.clone();
    drop(gallery);
    sql(&path, "DROP TABLE facts");
    let mut gallery = home.open();
    assert_eq!(gallery.take_notices().len(), 1);
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery), []);
}

/// A copy has the same id, and other pictures from then on.
#[test]
fn a_copied_gallery_gets_an_index_of_its_own_and_a_moved_one_keeps_its() {
    let home = Home::new();
    let [indexes, thumbnails] = ["indexes", "thumbnails"].map(|name| home.path(name));
    let open = |name: &str| {
        let mut gallery = Gallery::open(&home.path(name), &indexes, &thumbnails).unwrap();
        gallery.scan().unwrap();
        gallery
    };
    let a = save(&mut open("pictures"), 1, &[]);
    let copied = std::process::Command::new("cp")
        .args([
            "-r".as_ref(),
            home.path("pictures").as_os_str(),
            home.path("copy").as_os_str(),
        ])
        .status();
    assert!(copied.unwrap().success());
    let b = save(&mut open("copy"), 2, &[]);
    let c = save(&mut open("pictures"), 3, &[]);
    let mut both = [open("pictures"), open("copy")];
    assert_ne!(both[0].index_path, both[1].index_path);
    assert_eq!(all(&mut both[0]), [c, a]);
    assert_eq!(all(&mut both[1]), [b, a]);
    let missing = both.iter_mut().flat_map(findings).count();
    assert_eq!(missing, 0);

    let before = both[0].index_path.clone();
    drop(both);
    std::fs::rename(home.path("pictures"), home.path("moved")).unwrap();
    let mut moved = open("moved");
    assert_eq!(moved.index_path, before);
    assert_eq!(all(&mut moved), [c, a]);
}
