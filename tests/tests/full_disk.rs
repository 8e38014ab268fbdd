//! T3: a disk that is really full, on which pictures, marks and the index lie together: saving stops where there is no
//! room, says so, and goes on when there is; no picture is lost. In a small `tmpfs` in a mount namespace of its own,
//! which not every machine permits: then it says that, and nothing is tested.
#![cfg(target_os = "linux")]

use std::{
    io::Write,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use limn::{
    gallery::{self, Event, GalleryHandle, Query, handle},
    paths::Folders,
};

use super::gallery::{open, pixels, recipe};
use crate::harness::rounds;

/// In the environment of the process that works on the small disk.
const CHILD_VARIABLE: &str = "LIMN_TEST_FULL_DISK";
const N_PICTURES: u64 = 40;
/// What fills the disk beside the pictures, until the user makes room.
const BALLAST_BYTES: usize = 12 << 20;
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs a shell's script and then a program where only they see what is mounted.
fn in_own_mounts(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "--", "sh", "-ec"])
        .arg(format!("{script}\nexec \"$@\""))
        .arg("sh");
    command
}

fn may_mount(folder: &Path) -> bool {
    let script = format!("mount -t tmpfs -o size=64k none '{}'", folder.display());
    let output = in_own_mounts(&script).arg("true").output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_pauses_the_queue_and_loses_no_picture() {
    if let Some(home) = std::env::var_os(CHILD_VARIABLE) {
        return fill_and_go_on(Path::new(&home));
    }
    let mut stderr = std::io::stderr();
    let home = tempfile::tempdir().unwrap();
    if !may_mount(home.path()) {
        let text = "not tested: this machine lets nobody mount a small disk";
        return writeln!(stderr, "{text}").unwrap();
    }
    let n_sizes = rounds(5, 20);
    let mut n_paused = 0;
    for n in 0..n_sizes {
        // From no room at all to room for all pictures.
        let room = n * (3 << 20) / n_sizes;
        let size = BALLAST_BYTES as u64 + room + (128 << 10);
        let script = format!(
            "mount -t tmpfs -o size={size} none '{}'",
            home.path().display()
        );
        let output = in_own_mounts(&script)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("full_disk::a_full_disk_pauses_the_queue_and_loses_no_picture")
            .env(CHILD_VARIABLE, home.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "room of {room}: {said}{errors}");
        n_paused += u64::from(said.contains("it paused"));
    }
    writeln!(stderr, "{n_sizes} sizes, full in {n_paused}").unwrap();
    assert!(n_paused > n_sizes / 3, "{n_paused} of {n_sizes} were full");
}

struct Desk {
    gallery: GalleryHandle,
    saved: Vec<gallery::PictureId>,
}

impl Desk {
    fn open(home: &Path) -> Self {
        let folders = Folders::under(home);
        let folder = folders.pictures.clone();
        let gallery = GalleryHandle::start(&folders, folder, || {}).unwrap();
        let saved = Vec::new();
        Self { gallery, saved }
    }

    /// Whether all pictures are saved; otherwise one was refused for want of room.
    fn all_are_saved(&mut self) -> bool {
        let since = Instant::now();
        while self.saved.len() < N_PICTURES as usize {
            for event in self.gallery.events() {
                match event {
                    Event::Saved(record) => self.saved.push(record.id),
                    Event::SaveFailed { message, .. } => {
                        let is_told = message.contains("space") || message.contains("not open");
                        assert!(is_told, "{message}");
                        return false;
                    }
                    _ => {}
                }
            }
            assert!(since.elapsed() < PATIENCE, "{} saved", self.saved.len());
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

/// The other process: a queue of pictures on a disk with little room.
fn fill_and_go_on(home: &Path) {
    let ballast = home.join("ballast");
    std::fs::write(&ballast, vec![7; BALLAST_BYTES]).unwrap();
    let mut desk = Desk::open(home);
    for seed in 0..N_PICTURES {
        desk.gallery.send(handle::Command::Save {
            pixels: Arc::new(pixels(seed)),
            recipe: Box::new(recipe(seed)),
        });
    }
    let mut stdout = std::io::stdout();
    if !desk.all_are_saved() {
        writeln!(stdout, "it paused at {}", desk.saved.len()).unwrap();
        // Nothing of what was said to be saved depends on the rest.
        let folders = Folders::under(home);
        for id in &desk.saved {
            let month = folders.pictures.join(id.month());
            let file = month.join(id.file_name(gallery::FileKind::Png));
            let file = std::fs::read(file).unwrap();
            gallery::picture_file::decode(&file).unwrap();
        }
        // The user makes room.
        std::fs::remove_file(&ballast).unwrap();
        loop {
            desk.gallery.send(handle::Command::RetrySaves);
            if desk.all_are_saved() {
                break;
            }
        }
    }
    drop(desk);
    let mut gallery = open(home);
    gallery.scan().unwrap();
    let ids = gallery.ids(&Query::default()).unwrap();
    assert_eq!(ids.len(), N_PICTURES as usize);
    let mut seeds = Vec::new();
    for id in ids {
        let seed = gallery.record(id).unwrap().recipe.unwrap().seed;
        let read = image::DynamicImage::from(gallery.pixels(id).unwrap());
        assert_eq!(read.into_rgb8(), pixels(seed), "{id}");
        seeds.push(seed);
    }
    seeds.sort_unstable();
    assert_eq!(seeds, (0..N_PICTURES).collect::<Vec<_>>());
    let mut findings = Vec::new();
    let verified = gallery.verify(&mut |finding| findings.push(finding.clone()));
    verified.unwrap();
    assert_eq!(findings, []);
}
