//! T2 for imports, boards and the trash: whichever file operation fails, once or from then on, nothing is torn or
//! twice, what was acknowledged stays, and another try succeeds.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::files::faulty::FaultyFs;

/// Set to try every operation; otherwise one in seven.
const EVERY_VARIABLE: &str = "LIMN_TEST_EVERY_FAULT";
const STRIDE: usize = 7;

/// What of the scenario was acknowledged.
#[derive(Default)]
struct Answers {
    added: Vec<PictureId>,
    made_board: bool,
    renamed: bool,
    deleted: bool,
}

fn scenario(home: &Home, fs: &Arc<FaultyFs>, parent: PictureId) -> Answers {
    let [pictures, indexes, thumbnails] =
        ["pictures", "indexes", "thumbnails"].map(|name| home.path(name));
    let opened = Gallery::open_with(fs.clone(), &pictures, &indexes, &thumbnails, Access::Change);
    let Ok(mut gallery) = opened else {
        return Answers::default();
    };
    let never = AtomicBool::new(false);
    let report = gallery.import(&[home.path("camera")], &never, &mut |_| {});
    let board = |name: &str| Change::MakeBoard { name: name.into() };
    let rename = Change::RenameBoard {
        from: "old".into(),
        to: "renamed".into(),
    };
    Answers {
        added: report.added,
        made_board: gallery.change(board("new")).is_ok(),
        renamed: gallery.change(rename).is_ok(),
        deleted: gallery
            .delete_all(&[parent])
            .is_ok_and(|failures| failures.is_empty()),
    }
}

fn check(fs: &Arc<FaultyFs>) {
    let context = format!("operation {}, for ever: {}", fs.fail_at, fs.for_ever);
    let home = Home::new();
    let camera = home.path("camera");
    std::fs::create_dir(&camera).unwrap();
    for seed in 10..13 {
        pixels(seed)
            .save(camera.join(format!("{seed}.png")))
            .unwrap();
    }
    let (parent, child);
    {
        let mut gallery = home.open();
        parent = save(&mut gallery, 1, &[]);
        child = save(&mut gallery, 2, &[parent]);
        gallery.trash(parent).unwrap();
        gallery
            .change(Change::MakeBoard { name: "old".into() })
            .unwrap();
    }
    let answers = scenario(&home, fs, parent);

    let mut gallery = home.open();
    gallery.scan().unwrap();
    let listed = all(&mut gallery);
    assert!(listed.contains(&child), "{context}");
    for id in &answers.added {
        assert!(listed.contains(id), "{context}: acknowledged and gone");
        assert!(gallery.pixels(*id).is_ok(), "{context}");
        assert!(
            gallery.record(*id).unwrap().origin.is_some(),
            "{context}: without its name"
        );
    }
    let boards = gallery.overview().unwrap().boards;
    let has = |name: &str| boards.iter().any(|board| board.name == name);
    assert!(has("new") || !answers.made_board, "{context}");
    assert!(has("old") != has("renamed"), "{context}: {boards:?}");
    assert!(has("renamed") || !answers.renamed, "{context}");
    // In the trash, or a ghost: never nowhere.
    let is_binned = trashed(&mut gallery).contains(&parent);
    assert!(
        is_binned || gallery.layout.ghost(parent).exists(),
        "{context}"
    );
    assert!(!is_binned || !answers.deleted, "{context}");
    let findings = findings(&mut gallery);
    let lost = findings
        .iter()
        .filter(|finding| **finding != Finding::Missing(parent));
    assert_eq!(lost.count(), 0, "{context}: {findings:?}");

    // And another try does it, adding nothing twice.
    let never = AtomicBool::new(false);
    let report = gallery.import(&[camera], &never, &mut |_| {});
    assert_eq!((report.n_failed, report.stopped), (0, None), "{context}");
    assert_eq!(all(&mut gallery).len(), 4, "{context}");
    if !fs.has_failed() {
        let done = [answers.made_board, answers.renamed, answers.deleted];
        assert_eq!(
            (answers.added.len(), done),
            (3, [true; 3]),
            "without a fault"
        );
    }
}

#[test]
fn whichever_operation_fails_imports_boards_and_the_trash_are_old_or_new() {
    let stride = match std::env::var_os(EVERY_VARIABLE) {
        Some(_) => 1,
        None => STRIDE,
    };
    for for_ever in [false, true] {
        let mut n_faults = 0;
        // Others for the one than for the other.
        for fail_at in (usize::from(for_ever)..).step_by(stride) {
            let fs = Arc::new(FaultyFs::failing_at(fail_at, for_ever));
            check(&fs);
            if !fs.has_failed() {
                break;
            }
            n_faults += 1;
        }
        assert!(
            n_faults >= 30 / stride,
            "only {n_faults} operations were made to fail"
        );
    }
}
