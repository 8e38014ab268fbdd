//! `kill -9` during imports and while the trash is filled and emptied, and two processes on one gallery: nothing is
//! lost, nothing is there twice, and another try goes on.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use limn::gallery::index::State;
use limn::gallery::{Gallery, PictureId, Query, Recipe};

use super::gallery::{open, pixels, recipe};

/// Set for the process that is killed: the folder under which it works.
const HOME_VARIABLE: &str = "LIMN_TEST_CHANGES_UNDER";
/// What it says when it has begun.
const WORKING: &str = "the gallery is open";
/// How often to kill; 8 unless told otherwise.
fn n_kills() -> u64 {
    let told = std::env::var(super::gallery::KILLS_VARIABLE).ok();
    told.and_then(|n| n.parse().ok()).unwrap_or(8)
}

/// This test again, in a process of its own that works without end; returns when it has begun to.
fn start(test: &str, home: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
        .args([
            "--exact",
            &format!("gallery_changes::{test}"),
            "--nocapture",
        ])
        .env(HOME_VARIABLE, home)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the process starts");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    // The test harness prints lines of its own.
    let mut lines = output.lines().map_while(Result::ok);
    assert!(
        lines.any(|line| line.contains(WORKING)),
        "the process ended early"
    );
    child
}

/// In the process that is to be killed: its gallery, and the folder under which it lies.
fn child() -> Option<(Gallery, PathBuf)> {
    let home: PathBuf = std::env::var_os(HOME_VARIABLE)?.into();
    let gallery = open(&home);
    writeln!(std::io::stdout(), "\n{WORKING}").expect("heard");
    Some((gallery, home))
}

/// Kills one or two processes that work on one gallery, again and again, and checks after each time.
fn kill_and_check(test: &str, home: &Path, check: impl Fn(&mut Gallery)) {
    for kill in 0..n_kills() {
        let mut children: Vec<Child> = (0..=kill % 2).map(|_| start(test, home)).collect();
        std::thread::sleep(Duration::from_millis((kill * 7919) % 300));
        for child in &mut children {
            child.kill().expect("killed");
        }
        for mut child in children {
            child.wait().expect("gone");
        }
        let mut gallery = open(home);
        gallery.scan().expect("scanned");
        check(&mut gallery);
    }
}

fn list(gallery: &mut Gallery, in_trash: bool) -> Vec<PictureId> {
    let query = Query {
        in_trash,
        ..Query::default()
    };
    gallery.ids(&query).expect("listed")
}

fn assert_sound(gallery: &mut Gallery) {
    let mut findings = Vec::new();
    gallery
        .verify(&mut |finding| findings.push(finding.clone()))
        .expect("verified");
    assert_eq!(findings, []);
}

#[test]
fn a_killed_import_loses_nothing_and_goes_on() {
    const N_PICTURES: u64 = 60;
    const TEST: &str = "a_killed_import_loses_nothing_and_goes_on";
    let import = |gallery: &mut Gallery, home: &Path| {
        gallery.import(&[home.join("camera")], &AtomicBool::new(false), &mut |_| {})
    };
    if let Some((mut gallery, home)) = child() {
        loop {
            import(&mut gallery, &home);
        }
    }
    let home = tempfile::tempdir().expect("a folder");
    let camera = home.path().join("camera");
    std::fs::create_dir(&camera).expect("made");
    for seed in 0..N_PICTURES {
        let path = camera.join(format!("{seed:03}.png"));
        pixels(seed).save(path).expect("written");
    }
    kill_and_check(TEST, home.path(), assert_sound);
    let mut gallery = open(home.path());
    gallery.scan().expect("scanned");
    let report = import(&mut gallery, home.path());
    assert_eq!((report.n_failed, report.stopped), (0, None));
    let ids = list(&mut gallery, false);
    // However many processes imported the same at the same time, and wherever they were killed.
    assert_eq!(ids.len(), N_PICTURES as usize);
    let contents = ids
        .iter()
        .map(|id| gallery.pixels(*id).expect("read").into_raw());
    let contents: HashSet<Vec<u8>> = contents.collect();
    assert_eq!(contents.len(), N_PICTURES as usize);
    assert_sound(&mut gallery);
    let again = import(&mut gallery, home.path());
    assert_eq!(
        (again.added.len(), again.n_duplicates),
        (0, N_PICTURES as usize)
    );
}

#[test]
fn a_killed_process_leaves_every_picture_in_one_place() {
    const TEST: &str = "a_killed_process_leaves_every_picture_in_one_place";
    if let Some((mut gallery, _)) = child() {
        let ids = list(&mut gallery, false);
        loop {
            for some in ids.chunks(5) {
                let _ = gallery.trash_all(some);
            }
            for some in ids.chunks(3) {
                let _ = gallery.restore_all(some);
            }
        }
    }
    let home = tempfile::tempdir().expect("a folder");
    let mut gallery = open(home.path());
    let ids: Vec<PictureId> = (0..30)
        .map(|seed| {
            gallery
                .save(&pixels(seed), &recipe(seed))
                .expect("saved")
                .id
        })
        .collect();
    kill_and_check(TEST, home.path(), |gallery| {
        let (here, trashed) = (list(gallery, false), list(gallery, true));
        assert_eq!(here.len() + trashed.len(), ids.len());
        let known: HashSet<_> = here.iter().chain(&trashed).collect();
        assert_eq!(known.len(), ids.len());
        assert_sound(gallery);
        gallery.restore_all(&trashed).expect("restored");
    });
}

#[test]
fn a_killed_emptying_leaves_a_picture_or_its_ghost() {
    const TEST: &str = "a_killed_emptying_leaves_a_picture_or_its_ghost";
    if let Some((mut gallery, _)) = child() {
        loop {
            for id in list(&mut gallery, true) {
                let _ = gallery.delete(id);
            }
        }
    }
    let home = tempfile::tempdir().expect("a folder");
    let mut gallery = open(home.path());
    let mut parents = Vec::new();
    let mut children = Vec::new();
    for seed in 0..40 {
        let parent = gallery
            .save(&pixels(seed), &recipe(seed))
            .expect("saved")
            .id;
        let child = Recipe {
            parents: vec![parent],
            ..recipe(seed + 1000)
        };
        children.push(
            gallery
                .save(&pixels(seed + 1000), &child)
                .expect("saved")
                .id,
        );
        parents.push(parent);
    }
    gallery.trash_all(&parents).expect("trashed");
    drop(gallery);
    kill_and_check(TEST, home.path(), |gallery| {
        assert_eq!(list(gallery, false).len(), children.len());
        for (parent, child) in parents.iter().zip(&children) {
            let record = gallery.record(*parent).expect("the child knows it");
            assert_ne!(record.state, State::Here);
            assert!(gallery.thumbnail(*parent).is_ok());
            let family = gallery.family(*child).expect("a family");
            assert_eq!(family.members[0].id, *parent);
        }
        assert_sound(gallery);
    });
}
