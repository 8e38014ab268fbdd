//! The trash and what it leaves behind, and what other programs do to the folder.

#![allow(clippy::unwrap_used)]

mod crowds;
mod damaged_index;
mod faulty_changes;
mod full_disk;
mod panics;
#[cfg(unix)]
mod strangers;

use limn_engine::protocol::Operation;
use std::path::{Path, PathBuf};

use image::RgbImage;

use super::index::State;
use super::recipe::tests::recipe;
use super::verify::Finding;
use super::*;

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Gallery {
        let [pictures, indexes, thumbnails] =
            ["pictures", "indexes", "thumbnails"].map(|name| self.path(name));
        Gallery::open(&pictures, &indexes, &thumbnails).unwrap()
    }

    /// As after a loss of all that can be made again.
    fn open_anew(&self) -> Gallery {
        for name in ["indexes", "thumbnails"] {
            std::fs::remove_dir_all(self.path(name)).unwrap();
        }
        let mut gallery = self.open();
        gallery.scan().unwrap();
        gallery
    }
}

fn pixels(seed: u8) -> RgbImage {
    RgbImage::from_fn(24, 16, |x, y| image::Rgb([x as u8 * 9, y as u8 * 15, seed]))
}

/// A picture made from others, its seed for its pixels.
fn save(gallery: &mut Gallery, seed: u8, parents: &[PictureId]) -> PictureId {
    let recipe = Recipe {
        parents: parents.to_vec(),
        ..recipe(&format!("picture {seed}"), seed.into(), (24, 16))
    };
    gallery.save(&pixels(seed), &recipe).unwrap();
    recipe.id
}

fn all(gallery: &mut Gallery) -> Vec<PictureId> {
    gallery.ids(&Query::default()).unwrap()
}

fn trashed(gallery: &mut Gallery) -> Vec<PictureId> {
    let query = Query {
        in_trash: true,
        ..Query::default()
    };
    gallery.ids(&query).unwrap()
}

fn findings(gallery: &mut Gallery) -> Vec<Finding> {
    let mut findings = Vec::new();
    gallery
        .verify(&mut |finding| findings.push(finding.clone()))
        .unwrap();
    findings
}

/// Thumbnails are JPEG: near enough to be no other picture.
fn assert_shows(gallery: &mut Gallery, id: PictureId, seed: u8) {
    let [shown, expected] = [gallery.thumbnail(id).unwrap(), pixels(seed)];
    assert_eq!(shown.dimensions(), expected.dimensions());
    let mut pairs = shown.as_raw().iter().zip(expected.as_raw());
    assert!(
        pairs.all(|(a, b)| a.abs_diff(*b) <= 6),
        "not picture {seed}"
    );
}

/// Ids with generation and state.
fn tree(gallery: &Gallery, id: PictureId) -> Vec<(PictureId, i32, State)> {
    let family = gallery.family(id).unwrap();
    assert_eq!((family.of, family.is_cut), (id, false));
    let members = family.members.iter();
    members
        .map(|each| (each.id, each.generation, each.state))
        .collect()
}

#[test]
fn only_what_is_in_the_trash_is_deleted_for_good() {
    let home = Home::new();
    let mut gallery = home.open();
    let [a, b] = [1, 2].map(|seed| save(&mut gallery, seed, &[]));
    let error = gallery.delete(a).unwrap_err();
    assert!(matches!(error, Error::NotInTrash(id) if id == a), "{error}");
    gallery.mark(&[a], &Mark::Star(true)).unwrap();
    gallery.thumbnail(a).unwrap();
    gallery.trash(a).unwrap();
    gallery.delete(a).unwrap();
    assert_eq!(
        (all(&mut gallery), trashed(&mut gallery)),
        (vec![b], vec![])
    );
    assert!(matches!(gallery.record(a), Err(Error::UnknownPicture(_))));
    assert!(gallery.thumbnail(a).is_err(), "nothing of it stays");
    assert_eq!(gallery.overview().unwrap().n_starred, 0);
    assert_eq!(findings(&mut gallery), []);
    let mut gallery = home.open_anew();
    assert_eq!(
        (all(&mut gallery), trashed(&mut gallery)),
        (vec![b], vec![])
    );
}

#[test]
fn a_deleted_source_is_a_ghost_until_its_last_child_goes() {
    use State::{Here, Missing};
    let home = Home::new();
    let mut gallery = home.open();
    let a = save(&mut gallery, 1, &[]);
    let b = save(&mut gallery, 2, &[a]);
    let c = save(&mut gallery, 3, &[b]);
    let d = save(&mut gallery, 4, &[b, a]);
    assert_eq!(
        tree(&gallery, b),
        [(a, -1, Here), (b, 0, Here), (c, 1, Here), (d, 1, Here)]
    );
    gallery.trash_all(&[a, b]).unwrap();
    assert_eq!(gallery.delete_all(&[a, b]).unwrap().len(), 0);
    let expected = [(a, -2, Missing), (b, -1, Missing), (c, 0, Here)];
    assert_eq!(tree(&gallery, c), expected);
    let before = gallery.record(b).unwrap();
    assert_eq!(before.name(), "picture 2");
    assert_eq!((before.width, before.height), (24, 16));
    assert_eq!(findings(&mut gallery), []);
    assert_eq!(gallery.overview().unwrap().n_pictures, 2);

    // The ghost outlives index and cache, and looks as the picture did.
    let mut gallery = home.open_anew();
    assert_eq!(tree(&gallery, c), expected);
    assert_eq!(gallery.record(b).unwrap(), before);
    assert_shows(&mut gallery, b, 2);
    let family = gallery.family(d).unwrap();
    let deeds: Vec<_> = family.members.iter().map(|each| each.deed).collect();
    assert_eq!(deeds, [Some(Origin::Made(Operation::Generate)); 3]);
    assert_eq!(family.members[2].parents, [b, a]);

    gallery.trash_all(&[c, d]).unwrap();
    gallery.delete(c).unwrap();
    assert_eq!(gallery.record(b).unwrap().state, Missing);
    gallery.delete(d).unwrap();
    for id in [a, b, c, d] {
        assert!(gallery.record(id).is_err() && gallery.thumbnail(id).is_err());
    }
    assert_eq!(
        std::fs::read_dir(home.path("pictures/Ghosts"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn others_of_its_run_stand_beside_a_picture_and_of_many_only_the_nearest() {
    let home = Home::new();
    let mut gallery = home.open();
    let parent = save(&mut gallery, 1, &[]);
    let run = Some(uuid::Uuid::new_v4());
    let mut ids = Vec::new();
    for n in 0..9_u8 {
        let recipe = Recipe {
            run,
            parents: vec![parent],
            ..recipe("one of nine", n.into(), (24, 16))
        };
        ids.push(gallery.save(&pixels(n), &recipe).unwrap().id);
    }
    gallery.trash(ids[4]).unwrap();
    for (own, expected) in [
        (0, [0, 1, 2, 3, 5]),
        (1, [0, 1, 2, 3, 5]),
        (6, [3, 5, 6, 7, 8]),
        (8, [3, 5, 6, 7, 8]),
    ] {
        let family = gallery.family(ids[own]).unwrap();
        let beside = family.members.iter().filter(|each| each.generation == 0);
        let beside: Vec<PictureId> = beside.map(|each| each.id).collect();
        assert_eq!(beside, expected.map(|n| ids[n]), "{own}");
        assert_eq!((family.n_siblings, family.n_siblings_shown()), (7, 4));
        assert_eq!(family.members[0].id, parent);
    }
    // Its children stand below it, not beside each other's brothers.
    assert_eq!(gallery.family(parent).unwrap().n_siblings, 0);
}

#[test]
fn hostile_families_have_an_end() {
    let home = Home::new();
    let mut gallery = home.open();
    let [a, b] = [PictureId::new(), PictureId::new()];
    for (id, parents) in [(a, vec![b, a]), (b, vec![a])] {
        let recipe = Recipe {
            id,
            parents,
            ..recipe("round", 1, (24, 16))
        };
        gallery.save(&pixels(1), &recipe).unwrap();
    }
    assert_eq!(tree(&gallery, a).len(), 2);
    let strangers: Vec<PictureId> = (0..2000).map(|_| PictureId::new()).collect();
    let child = save(&mut gallery, 3, &strangers);
    let family = gallery.family(child).unwrap();
    assert!(family.is_cut && family.members.len() == 500);
    assert!(family.members[0].state == State::Missing && family.members[0].deed.is_none());
}

#[test]
fn a_picture_changed_by_another_program_is_read_again() {
    let home = Home::new();
    let mut gallery = home.open();
    let id = save(&mut gallery, 1, &[]);
    gallery.thumbnail(id).unwrap();
    assert_eq!(gallery.scan().unwrap(), scan::ScanReport::default());
    let other = Recipe {
        id,
        ..recipe("painted over", 9, (24, 16))
    };
    let file = picture_file::encode_png(&pixels(9), &other).unwrap();
    std::fs::write(gallery.path(id), file).unwrap();
    let report = gallery.scan().unwrap();
    assert_eq!((report.changed, report.n_adopted), (vec![id], 0));
    assert_eq!(gallery.record(id).unwrap().prompt(), "painted over");
    assert_shows(&mut gallery, id, 9);
    // Written again as it was: nothing to tell.
    let file = gallery.file(id).unwrap();
    std::fs::write(gallery.path(id), file).unwrap();
    assert_eq!(gallery.scan().unwrap(), scan::ScanReport::default());
    assert_eq!(findings(&mut gallery), []);
}

/// As after an update that understands more: the scan reads the file again, says so, and does it once.
#[test]
fn a_picture_of_which_more_is_understood_is_told_of() {
    let home = Home::new();
    let mut gallery = home.open();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/cases/M");
    let file = folder.join("M37a-webui-stealth.png");
    let never = std::sync::atomic::AtomicBool::new(false);
    let report = gallery.import(&[file], &never, &mut |_| {});
    let [id] = report.added[..] else {
        panic!("{report:?}");
    };
    let known = gallery.record(id).unwrap();
    assert!(known.foreign.is_some());
    let before = Record {
        foreign: None,
        modified_ns: 0,
        ..known.clone()
    };
    gallery.index.put(&[before]).unwrap();
    let report = gallery.scan().unwrap();
    assert!(report.has_changes() && report.n_learnt == 1, "{report:?}");
    assert_eq!(gallery.record(id).unwrap(), known);
    assert!(!gallery.scan().unwrap().has_changes());
}

#[test]
fn a_picture_that_was_moved_or_renamed_is_the_same_picture() {
    let home = Home::new();
    let mut gallery = home.open();
    let [a, b, c] = [1, 2, 3].map(|seed| save(&mut gallery, seed, &[]));
    gallery.mark(&[a, b], &Mark::Star(true)).unwrap();
    let client = home.path("pictures/Client A/drafts");
    std::fs::create_dir_all(&client).unwrap();
    let moved = client.join(a.file_name(FileKind::Png));
    let renamed = home.path("pictures/boat.png");
    std::fs::rename(gallery.path(a), &moved).unwrap();
    std::fs::rename(gallery.path(b), &renamed).unwrap();
    std::fs::copy(gallery.path(c), client.join("a copy.png")).unwrap();
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery), [c, b, a]);
    for id in [a, b] {
        let record = gallery.record(id).unwrap();
        assert!(record.is_starred && record.state == State::Here);
    }
    assert!(
        moved.exists() && renamed.exists(),
        "what somebody put in order stays so"
    );
    assert_eq!(gallery.scan().unwrap(), scan::ScanReport::default());

    // Deleted here it stays deleted, whatever lies elsewhere in the folder; also after a rebuild.
    gallery.trash_all(&[a, b]).unwrap();
    gallery.scan().unwrap();
    assert_eq!(
        (all(&mut gallery).len(), trashed(&mut gallery).len()),
        (1, 2)
    );
    gallery.delete(a).unwrap();
    gallery.rebuild(&mut |_| {}).unwrap();
    assert_eq!(
        (all(&mut gallery).len(), trashed(&mut gallery).len()),
        (1, 1)
    );
}

#[test]
fn pictures_put_into_the_folder_come_in() {
    let home = Home::new();
    let mut gallery = home.open();
    let camera = home.path("pictures/camera");
    std::fs::create_dir_all(&camera).unwrap();
    image::DynamicImage::from(pixels(1))
        .save(camera.join("pier.jpg"))
        .unwrap();
    std::fs::write(camera.join("half.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    assert_eq!(gallery.scan().unwrap().n_adopted, 1);
    let [id] = all(&mut gallery)[..] else {
        panic!("one picture")
    };
    assert_eq!(gallery.record(id).unwrap().name(), "pier");
    assert_eq!(gallery.scan().unwrap().n_adopted, 0);
    // The other one was still being written.
    image::DynamicImage::from(pixels(2))
        .save(camera.join("half.png"))
        .unwrap();
    assert_eq!(gallery.scan().unwrap().n_adopted, 1);
    assert_eq!(findings(&mut gallery), []);
}

#[test]
fn what_another_program_takes_away_is_missing_until_it_comes_back() {
    let home = Home::new();
    let mut gallery = home.open();
    let parent = save(&mut gallery, 1, &[]);
    let child = save(&mut gallery, 2, &[parent]);
    gallery.thumbnail(parent).unwrap();
    let [path, aside] = [gallery.path(parent), home.path("aside.png")];
    std::fs::rename(&path, &aside).unwrap();
    assert_eq!(gallery.scan().unwrap().n_missing, 1);
    assert_eq!(all(&mut gallery), [child]);
    // Its children keep what is left of it, also through a rebuild.
    let mut gallery = home.open_anew();
    assert_shows(&mut gallery, parent, 1);
    assert_eq!(tree(&gallery, child)[0], (parent, -1, State::Missing));
    std::fs::rename(&aside, &path).unwrap();
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery), [child, parent]);
    assert_eq!(gallery.pixels(parent).unwrap().dimensions(), (24, 16));
    gallery.scan().unwrap();
    assert_eq!(
        std::fs::read_dir(home.path("pictures/Ghosts"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(findings(&mut gallery), []);
}

#[test]
fn a_rebuilt_index_is_the_same() {
    let home = Home::new();
    let mut gallery = home.open();
    let ids: Vec<PictureId> = (0..6).map(|seed| save(&mut gallery, seed, &[])).collect();
    let tag = |name: &str| Mark::Tag {
        name: name.into(),
        on: true,
    };
    let board = |name: &str| Mark::Board {
        name: name.into(),
        on: true,
    };
    for (pictures, mark) in [
        (&ids[..2], Mark::Star(true)),
        (&ids[1..4], tag("sea")),
        (&ids[2..3], tag("night")),
        (&ids[..3], board("Posters")),
        (&ids[4..5], board("Draft")),
        (&ids[3..4], Mark::Title("the best one".into())),
        (&ids[3..4], Mark::Note("for Ada".into())),
    ] {
        gallery.mark(pictures, &mark).unwrap();
    }
    for change in [
        Change::MakeBoard {
            name: "Empty".into(),
        },
        Change::RenameBoard {
            from: "Draft".into(),
            to: "Drafts".into(),
        },
        Change::RenameTag {
            from: "night".into(),
            to: "dark".into(),
        },
    ] {
        gallery.change(change).unwrap();
    }
    let child = save(&mut gallery, 7, &ids[5..]);
    gallery.trash_all(&ids[4..]).unwrap();
    gallery.delete(ids[5]).unwrap();
    let camera = home.path("pier.jpg");
    image::DynamicImage::from(pixels(1)).save(&camera).unwrap();
    let never = std::sync::atomic::AtomicBool::new(false);
    let imported = gallery.import(&[camera], &never, &mut |_| {}).added;

    let everything = |gallery: &mut Gallery| {
        let lists = index::Sort::ALL.map(|sort| {
            [false, true].map(|in_trash| {
                let query = Query {
                    in_trash,
                    sort,
                    ..Query::default()
                };
                gallery.entries(&query).unwrap()
            })
        });
        let known = ids.iter().chain([&child]).chain(&imported);
        let records: Vec<Record> = known.map(|id| gallery.record(*id).unwrap()).collect();
        (
            lists,
            records,
            gallery.overview().unwrap(),
            gallery.family(child).unwrap(),
        )
    };
    let before = everything(&mut gallery);
    assert_eq!(before.1.len(), 8);
    gallery.rebuild(&mut |_| {}).unwrap();
    assert_eq!(everything(&mut gallery), before);
    assert_eq!(everything(&mut home.open_anew()), before);
    assert_eq!(findings(&mut gallery), []);
}
