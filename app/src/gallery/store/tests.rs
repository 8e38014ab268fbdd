//! The gallery as its callers see it.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::gallery::index::{Collection, Sort};
use crate::gallery::recipe::tests::recipe;

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn open(&self) -> Gallery {
        let [pictures, indexes, thumbnails] =
            ["pictures", "indexes", "thumbnails"].map(|name| self.folder.path().join(name));
        Gallery::open(&pictures, &indexes, &thumbnails).unwrap()
    }
}

/// A picture of its own for each seed.
fn pixels(seed: u64) -> RgbImage {
    RgbImage::from_fn(24, 16, |x, y| {
        image::Rgb([x as u8 * 9, y as u8 * 15, seed as u8])
    })
}

fn save(gallery: &mut Gallery, prompt: &str, seed: u64) -> PictureId {
    gallery
        .save(&pixels(seed), &recipe(prompt, seed, (24, 16)))
        .unwrap()
        .id
}

fn search(gallery: &mut Gallery, words: &str) -> Vec<PictureId> {
    gallery
        .ids(&Query {
            words: words.into(),
            ..Query::default()
        })
        .unwrap()
}

#[test]
fn a_restart_shows_the_same_gallery() {
    let home = Home::new();
    let mut gallery = home.open();
    let ids: Vec<PictureId> = (0..5)
        .map(|seed| save(&mut gallery, "a red sailboat", seed))
        .collect();
    let records: Vec<Record> = ids.iter().map(|id| gallery.record(*id).unwrap()).collect();
    drop(gallery);
    let mut gallery = home.open();
    let newest_first: Vec<PictureId> = ids.iter().rev().copied().collect();
    assert_eq!(gallery.ids(&Query::default()).unwrap(), newest_first);
    for (seed, record) in records.iter().enumerate() {
        assert_eq!(&gallery.record(record.id).unwrap(), record);
        assert_eq!(record.recipe.as_ref().unwrap().seed, seed as u64);
        let read = image::DynamicImage::from(gallery.pixels(record.id).unwrap()).into_rgb8();
        assert_eq!(read, pixels(seed as u64));
    }
}

#[test]
fn search_finds_words_in_any_script() {
    let home = Home::new();
    let mut gallery = home.open();
    let boat = save(&mut gallery, "a red Sailboat, at 50% of the sea", 1);
    let cat = save(&mut gallery, "ein Kätzchen \u{1f431} auf dem Dach", 2);
    let fuji = save(&mut gallery, "夕暮れの富士山", 3);
    gallery
        .mark(
            &[boat],
            &Mark::Tag {
                name: "Regatta".into(),
                on: true,
            },
        )
        .unwrap();
    gallery
        .mark(&[cat], &Mark::Note("for Ada's birthday".into()))
        .unwrap();
    for (words, expected) in [
        ("sailboat", vec![boat]),
        ("SAIL red", vec![boat]),
        ("red cat", vec![]),
        ("katzchen", vec![cat]),
        ("\u{1f431}", vec![cat]),
        ("富士", vec![fuji]),
        ("50%", vec![boat]),
        ("%", vec![boat]),
        ("_", vec![]),
        ("regatta", vec![boat]),
        ("Ada's", vec![cat]),
        ("\" OR 1=1 --", vec![]),
        ("NOT AND (", vec![]),
        ("   ", vec![fuji, cat, boat]),
    ] {
        assert_eq!(search(&mut gallery, words), expected, "{words:?}");
    }
    gallery
        .mark(
            &[boat],
            &Mark::Tag {
                name: "Regatta".into(),
                on: false,
            },
        )
        .unwrap();
    assert_eq!(search(&mut gallery, "regatta"), []);
}

#[test]
fn marks_outlive_the_index() {
    let home = Home::new();
    let mut gallery = home.open();
    let (a, b) = (save(&mut gallery, "a", 1), save(&mut gallery, "b", 2));
    gallery.mark(&[a, b], &Mark::Star(true)).unwrap();
    gallery.mark(&[b], &Mark::Star(false)).unwrap();
    gallery
        .mark(
            &[b],
            &Mark::Board {
                name: "Posters".into(),
                on: true,
            },
        )
        .unwrap();
    let before = (gallery.record(a).unwrap(), gallery.record(b).unwrap());
    assert!(before.0.is_starred && !before.1.is_starred);
    drop(gallery);
    std::fs::remove_dir_all(home.folder.path().join("indexes")).unwrap();
    let mut gallery = home.open();
    assert_eq!(gallery.ids(&Query::default()).unwrap(), []);
    assert_eq!(gallery.scan().unwrap().n_adopted, 2);
    assert_eq!(
        (gallery.record(a).unwrap(), gallery.record(b).unwrap()),
        before
    );
    let starred = Query {
        is_starred: true,
        ..Query::default()
    };
    assert_eq!(gallery.ids(&starred).unwrap(), [a]);
    let posters = Query {
        board: Some("Posters".into()),
        ..Query::default()
    };
    assert_eq!(gallery.ids(&posters).unwrap(), [b]);
    assert_eq!(search(&mut gallery, "posters"), [b]);
}

#[test]
fn a_damaged_index_is_made_again() {
    let home = Home::new();
    let mut gallery = home.open();
    let id = save(&mut gallery, "a", 1);
    let path = home.folder.path().join("indexes");
    drop(gallery);
    let files = std::fs::read_dir(&path).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let is_index = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "sqlite");
    let index = files.find(is_index).unwrap();
    std::fs::write(&index, b"this was a database once, and now it is not").unwrap();
    let mut gallery = home.open();
    assert_eq!(gallery.take_notices().len(), 1);
    gallery.scan().unwrap();
    assert_eq!(gallery.ids(&Query::default()).unwrap(), [id]);
    assert!(index.with_extension("broken").exists());
}

#[test]
fn the_trash_gives_back() {
    let home = Home::new();
    let mut gallery = home.open();
    let (a, b) = (save(&mut gallery, "a", 1), save(&mut gallery, "b", 2));
    gallery.trash(a).unwrap();
    gallery.trash(a).unwrap();
    let in_trash = Query {
        in_trash: true,
        ..Query::default()
    };
    assert_eq!(gallery.ids(&Query::default()).unwrap(), [b]);
    assert_eq!(gallery.ids(&in_trash).unwrap(), [a]);
    assert!(gallery.pixels(a).is_ok(), "the trash can be looked at");
    gallery.restore(a).unwrap();
    assert_eq!(gallery.ids(&Query::default()).unwrap(), [b, a]);
    assert_eq!(gallery.ids(&in_trash).unwrap(), []);
    let stranger = PictureId::new();
    assert!(matches!(gallery.trash(stranger), Err(Error::UnknownPicture(id)) if id == stranger));
}

#[test]
fn two_galleries_on_one_folder_see_each_other() {
    let home = Home::new();
    let (mut window, mut command_line) = (home.open(), home.open());
    let a = save(&mut window, "a", 1);
    let b = save(&mut command_line, "b", 2);
    window.mark(&[b], &Mark::Star(true)).unwrap();
    command_line.mark(&[a], &Mark::Star(true)).unwrap();
    for gallery in [&mut window, &mut command_line] {
        assert_eq!(gallery.ids(&Query::default()).unwrap(), [b, a]);
        assert!(gallery.record(a).unwrap().is_starred && gallery.record(b).unwrap().is_starred);
    }
}

fn list(gallery: &mut Gallery, query: &Query) -> Vec<PictureId> {
    gallery.ids(query).unwrap()
}

fn board(name: &str) -> Query {
    Query {
        board: Some(name.into()),
        ..Query::default()
    }
}

fn put_on_board(gallery: &mut Gallery, pictures: &[PictureId], name: &str, on: bool) {
    let name = name.into();
    gallery.mark(pictures, &Mark::Board { name, on }).unwrap();
}

fn names(collections: &[Collection]) -> Vec<(&str, usize)> {
    let pairs = collections.iter();
    pairs
        .map(|each| (each.name.as_str(), each.n_pictures))
        .collect()
}

#[test]
fn boards_are_made_renamed_joined_and_deleted() {
    let home = Home::new();
    let mut gallery = home.open();
    let (a, b) = (save(&mut gallery, "a", 1), save(&mut gallery, "b", 2));
    let change = |gallery: &mut Gallery, change| gallery.change(change).unwrap();
    let [posters, covers, empty] = ["Posters", "covers", "Empty"].map(str::to_owned);
    change(&mut gallery, Change::MakeBoard { name: empty });
    put_on_board(&mut gallery, &[a, b], "Posters", true);
    put_on_board(&mut gallery, &[b], "covers", true);
    let overview = gallery.overview().unwrap();
    assert_eq!(
        names(&overview.boards),
        [("covers", 1), ("Empty", 0), ("Posters", 2)]
    );
    // A board stays when the last picture leaves it, and when its pictures are in the trash.
    put_on_board(&mut gallery, &[b], "covers", false);
    gallery.trash(a).unwrap();
    let overview = gallery.overview().unwrap();
    assert_eq!(
        names(&overview.boards),
        [("covers", 0), ("Empty", 0), ("Posters", 1)]
    );
    gallery.restore(a).unwrap();

    let rename = |from: &String, to: &String| Change::RenameBoard {
        from: from.clone(),
        to: to.clone(),
    };
    put_on_board(&mut gallery, &[b], "covers", true);
    change(&mut gallery, rename(&posters, &covers));
    assert_eq!(list(&mut gallery, &board("Posters")), []);
    assert_eq!(list(&mut gallery, &board("covers")), [b, a]);
    assert_eq!(search(&mut gallery, "covers"), [b, a]);
    assert_eq!(search(&mut gallery, "posters"), []);
    let unboarded = Query {
        is_unboarded: true,
        ..Query::default()
    };
    assert_eq!(list(&mut gallery, &unboarded), []);
    change(&mut gallery, Change::DeleteBoard { name: covers });
    assert_eq!(list(&mut gallery, &unboarded), [b, a]);
    // Renaming what is not there makes nothing.
    change(&mut gallery, rename(&"nowhere".into(), &"somewhere".into()));
    assert_eq!(names(&gallery.overview().unwrap().boards), [("Empty", 0)]);
}

#[test]
fn tags_and_titles_go_on_many_pictures_at_once() {
    let home = Home::new();
    let mut gallery = home.open();
    let ids: Vec<PictureId> = (0..3)
        .map(|seed| save(&mut gallery, "a boat", seed))
        .collect();
    let tag = |name: &str| Mark::Tag {
        name: name.into(),
        on: true,
    };
    gallery.mark(&ids[..2], &tag("sea")).unwrap();
    gallery.mark(&ids[1..], &tag("night")).unwrap();
    gallery
        .mark(&ids[..1], &Mark::Title("Cover, 2nd draft".into()))
        .unwrap();
    assert_eq!(
        names(&gallery.overview().unwrap().tags),
        [("night", 2), ("sea", 2)]
    );
    let rename = Change::RenameTag {
        from: "night".into(),
        to: "sea".into(),
    };
    gallery.change(rename).unwrap();
    assert_eq!(names(&gallery.overview().unwrap().tags), [("sea", 3)]);
    assert_eq!(search(&mut gallery, "draft"), ids[..1]);
    let record = gallery.record(ids[0]).unwrap();
    assert_eq!(record.name(), "Cover, 2nd draft");
    gallery.mark(&ids, &Mark::Title(String::new())).unwrap();
    assert_eq!(gallery.record(ids[0]).unwrap().name(), "a boat");
    let change = Change::DeleteTag { name: "sea".into() };
    gallery.change(change).unwrap();
    assert_eq!(gallery.overview().unwrap().tags, []);
    let untagged = Query {
        is_untagged: true,
        ..Query::default()
    };
    assert_eq!(list(&mut gallery, &untagged).len(), 3);
}

/// Pictures that differ in all that a list may be sorted or filtered by.
fn assorted(gallery: &mut Gallery) -> [PictureId; 4] {
    let run = uuid::Uuid::new_v4();
    let facts = [
        ("zebra", (24, 16), "Doodle", Some(0.2), Some(run)),
        ("apple", (64, 32), "Doodle", None, Some(run)),
        ("", (16, 16), "Kandinsky", Some(0.9), None),
        ("Banana", (32, 128), "Kandinsky", Some(0.3), None),
    ];
    facts.map(|(prompt, size, model, score, run)| {
        let recipe = Recipe {
            model: model.into(),
            score,
            run,
            ..recipe(prompt, 1, size)
        };
        let pixels = RgbImage::new(size.0, size.1);
        gallery.save(&pixels, &recipe).unwrap().id
    })
}

#[test]
fn lists_come_in_every_order() {
    let home = Home::new();
    let mut gallery = home.open();
    let [a, b, c, d] = assorted(&mut gallery);
    for (sort, expected) in [
        (Sort::Newest, [d, c, b, a]),
        (Sort::Oldest, [a, b, c, d]),
        (Sort::Name, [b, d, a, c]),
        (Sort::Score, [c, d, a, b]),
        (Sort::Largest, [d, b, a, c]),
    ] {
        let query = Query {
            sort,
            ..Query::default()
        };
        assert_eq!(list(&mut gallery, &query), expected, "{sort:?}");
    }
    gallery.mark(&[a], &Mark::Title("Aardvark".into())).unwrap();
    let by_name = Query {
        sort: Sort::Name,
        ..Query::default()
    };
    assert_eq!(list(&mut gallery, &by_name), [a, b, d, c]);
}

#[test]
fn filters_hold_at_their_boundaries() {
    let home = Home::new();
    let mut gallery = home.open();
    let [a, b, c, d] = assorted(&mut gallery);
    let sides = |range| Query {
        longer_side_px: Some(range),
        ..Query::default()
    };
    let made = |range| Query {
        made: Some(range),
        ..Query::default()
    };
    let model = |name: &str| Query {
        model: Some(name.into()),
        ..Query::default()
    };
    let millisecond = jiff::SignedDuration::from_millis(1);
    let (first, last) = (a.created(), d.created());
    for (query, expected) in [
        (sides(16..=24), vec![c, a]),
        (sides(25..=128), vec![d, b]),
        (sides(129..=u32::MAX), vec![]),
        (model("Doodle"), vec![b, a]),
        (model("doodle"), vec![]),
        (made(first..last + millisecond), vec![d, c, b, a]),
        (made(first - millisecond..first), vec![]),
        (made(last + millisecond..jiff::Timestamp::MAX), vec![]),
        (
            made(jiff::Timestamp::MIN..jiff::Timestamp::MAX),
            vec![d, c, b, a],
        ),
    ] {
        assert_eq!(list(&mut gallery, &query), expected, "{query:?}");
    }
    let overview = gallery.overview().unwrap();
    assert_eq!(names(&overview.models), [("Doodle", 2), ("Kandinsky", 2)]);
    let entries = gallery.entries(&Query::default()).unwrap();
    let runs: Vec<_> = entries.iter().map(|entry| entry.run).collect();
    assert_eq!(runs, [0, 0, 1, 1]);
}
