//! A full disk: room can be made, nothing is lost, and the index catches up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::*;
use crate::files::faulty::FaultyFs;
use crate::gallery::index::Index;

/// Lets the index grow no further, or grow again.
fn limit(gallery: &Gallery, is_full: bool) {
    gallery.index.limit_for_test(is_full);
}

fn open_with(home: &Home, fs: Arc<FaultyFs>) -> Gallery {
    let [pictures, indexes, thumbnails] =
        ["pictures", "indexes", "thumbnails"].map(|name| home.path(name));
    Gallery::open_with(fs, &pictures, &indexes, &thumbnails, Access::Change).unwrap()
}

/// Neither a byte nor a row fits: the trash is filled and emptied all the same, ghosts included.
#[test]
fn room_is_made_on_a_full_disk() {
    let home = Home::new();
    let (parent, child, other);
    {
        let mut gallery = home.open();
        parent = save(&mut gallery, 1, &[]);
        child = save(&mut gallery, 2, &[parent]);
        other = save(&mut gallery, 3, &[]);
    }
    let fs = Arc::new(FaultyFs::with_free_bytes(0));
    let mut gallery = open_with(&home, fs.clone());
    limit(&gallery, true);
    gallery.trash_all(&[parent, other]).unwrap();
    assert_eq!(all(&mut gallery), [child], "lists know it at once");
    let mut binned = gallery.trashed().unwrap();
    binned.sort_unstable();
    assert_eq!(binned, [parent, other]);
    // A ghost is kept as soon as the picture has made room for it.
    let failures = gallery.delete_all(&[parent, other]).unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    assert!(gallery.layout.ghost(parent).exists());
    assert!(
        fs.free_bytes.load(Ordering::Relaxed) > 0,
        "there is room now"
    );
    assert_eq!(gallery.trashed().unwrap(), []);
    assert_eq!(all(&mut gallery), [child]);

    // There is room again: the index learns what it missed.
    limit(&gallery, false);
    assert_eq!(all(&mut gallery), [child]);
    assert_eq!(trashed(&mut gallery), []);
    assert!(gallery.index.record(other).unwrap().is_none());
    drop(gallery);
    let mut gallery = home.open();
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery), [child]);
    assert_eq!(findings(&mut gallery), []);
}

/// The next process knows nothing of what this one could not note.
#[test]
fn what_was_trashed_on_a_full_disk_is_emptied_by_the_next_start() {
    let home = Home::new();
    let mut gallery = home.open();
    let ids = [1, 2, 3].map(|seed| save(&mut gallery, seed, &[]));
    limit(&gallery, true);
    gallery.trash_all(&ids).unwrap();
    drop(gallery);
    let mut gallery = home.open();
    limit(&gallery, true);
    let binned = gallery.trashed().unwrap();
    assert_eq!(binned.len(), 3);
    assert!(gallery.delete_all(&binned).unwrap().is_empty());
    drop(gallery);
    let mut gallery = home.open();
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery), []);
    assert_eq!(trashed(&mut gallery), []);
}

/// T2 for the database: at whatever size it stops growing, once or for ever, files and marks are whole, and the index
/// is right again as soon as it can be written.
#[test]
fn whenever_the_index_cannot_be_written_it_catches_up() {
    for n_steps in 0..6 {
        let home = Home::new();
        let mut gallery = home.open();
        let old = save(&mut gallery, 100, &[]);
        let mut expected = vec![old];
        for step in 0..6 {
            limit(&gallery, step >= n_steps);
            expected.push(save(&mut gallery, step, &[old]));
            let _ = gallery.mark(&expected[step as usize..], &Mark::Star(true));
        }
        let binned = expected.remove(1);
        gallery.trash(binned).unwrap();
        limit(&gallery, false);
        expected.reverse();
        assert_eq!(all(&mut gallery), expected, "{n_steps}");
        gallery.read_marks().unwrap();
        drop(gallery);
        let mut gallery = home.open();
        gallery.scan().unwrap();
        assert_eq!(all(&mut gallery), expected, "{n_steps}");
        assert_eq!(trashed(&mut gallery), [binned], "{n_steps}");
        assert_eq!(findings(&mut gallery), [], "{n_steps}");
        let n_starred = gallery.overview().unwrap().n_starred;
        assert!(n_starred >= expected.len() - 1, "{n_starred} stars");
    }
}

/// Another process holds the database so long that nobody waits for it.
#[test]
fn a_busy_index_is_no_damage() {
    let home = Home::new();
    let mut gallery = home.open();
    let id = save(&mut gallery, 1, &[]);
    gallery.index.wait_for_test(std::time::Duration::ZERO);
    let other = Connection::open(&gallery.index_path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = gallery.trash(id).unwrap_err();
    assert!(!error.is_index_damage(), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    gallery.scan().unwrap();
    assert_eq!(trashed(&mut gallery), [id]);
}

/// What the commands of one process could not tell the index, the next one finds by itself, whatever it is asked.
#[test]
fn what_the_index_could_not_learn_is_found_by_the_next_process() {
    let home = Home::new();
    let mut gallery = home.open();
    let ids = [1, 2, 3].map(|seed| save(&mut gallery, seed, &[]));
    gallery.scan().unwrap();
    drop(gallery);
    let mut gallery = home.open();
    assert!(!gallery.take_is_index_new(), "nothing is behind");
    limit(&gallery, true);
    gallery.trash(ids[0]).unwrap();
    gallery.delete(ids[0]).unwrap();
    gallery.trash(ids[1]).unwrap();
    let late = save(&mut gallery, 4, &[]);
    gallery.mark(&ids[2..], &Mark::Star(true)).unwrap();
    let notices = gallery.take_notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("may not show"), "{notices:?}");
    assert!(notices[0].contains("free some space"), "{notices:?}");
    drop(gallery);

    let mut gallery = home.open();
    assert!(gallery.take_is_index_new());
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery), [late, ids[2]]);
    assert_eq!(trashed(&mut gallery), [ids[1]]);
    assert!(gallery.record(ids[2]).unwrap().is_starred);
    assert_eq!(gallery.take_notices(), [] as [String; 0]);
    drop(gallery);
    assert!(!home.open().take_is_index_new(), "it has caught up");
}

/// Where not even an index fits, one in memory does; what is deleted makes room for the one on the disk.
#[test]
fn an_index_in_memory_gives_way_once_there_is_room() {
    let home = Home::new();
    let mut gallery = home.open();
    let ids = [1, 2].map(|seed| save(&mut gallery, seed, &[]));
    gallery.scan().unwrap();
    gallery.index = Index::in_memory().unwrap();
    gallery.note_behind();
    gallery.scan().unwrap();
    gallery.trash(ids[0]).unwrap();
    gallery.delete(ids[0]).unwrap();
    assert!(!gallery.index.is_in_memory());
    drop(gallery);
    let mut gallery = home.open();
    assert!(gallery.take_is_index_new());
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery), [ids[1]]);
    assert_eq!(findings(&mut gallery), []);
}

/// A trash that another program emptied was emptied.
#[test]
fn what_is_gone_from_the_trash_is_gone_from_the_index() {
    let home = Home::new();
    let mut gallery = home.open();
    let [gone, kept] = [1, 2].map(|seed| save(&mut gallery, seed, &[]));
    gallery.trash(gone).unwrap();
    std::fs::remove_file(gallery.path(gone)).unwrap();
    gallery.scan().unwrap();
    assert_eq!(all(&mut gallery), [kept]);
    assert_eq!(findings(&mut gallery), []);
}
