//! Galleries that a stranger prepared and disks without room, as the command line meets them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::SystemTime;

use serde_json::Value;
use tempfile::TempDir;

use super::command_line::{assert_success, json_events, limn, words};
use super::gallery::{open, pixels, recipe};

fn gallery(home: &Path, arguments: &[&str]) -> Output {
    let mut command = limn(home);
    command.arg("gallery").args(arguments);
    command.output().unwrap()
}

fn list(home: &Path) -> Vec<Value> {
    let output = gallery(home, &["list", "--json"]);
    assert_success(&output);
    json_events(&output)
}

/// Every path under a folder with its length and time.
fn tree(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            let looks = (metadata.len(), metadata.modified().unwrap());
            found.insert(path, looks);
        }
    }
    found
}

/// Three pictures, one of them in the trash, and one that another program put there.
fn home() -> (TempDir, Vec<String>) {
    let home = TempDir::new().unwrap();
    let mut gallery = open(home.path());
    let ids: Vec<_> = (1..4)
        .map(|seed| gallery.save(&pixels(seed), &recipe(seed)).unwrap().id)
        .collect();
    gallery.trash(ids[2]).unwrap();
    pixels(9)
        .save(home.path().join("pictures/theirs.png"))
        .unwrap();
    (home, ids.iter().map(ToString::to_string).collect())
}

#[test]
fn commands_that_look_write_nothing_into_the_gallery() {
    let (home, ids) = home();
    let pictures = home.path().join("pictures");
    let out = home.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let before = tree(&pictures);
    let out = out.to_str().unwrap();
    for arguments in [
        &["list"][..],
        &["list", "--trash"],
        &["search", "--words", "sailboat"],
        &["overview"],
        &["family", &ids[0]],
        &["verify"],
        &["export", &ids[0], "--out", out],
    ] {
        assert_success(&gallery(home.path(), arguments));
        assert_eq!(tree(&pictures), before, "{arguments:?}");
    }
    // A folder that is no gallery stays none, and one that is not there stays away.
    std::fs::remove_file(pictures.join("gallery.json")).unwrap();
    let before = tree(&pictures);
    assert_eq!(list(home.path()).len(), 2);
    assert_eq!(tree(&pictures), before);
    let nowhere = home.path().join("nowhere");
    let listed = gallery(
        home.path(),
        &["list", "--folder", nowhere.to_str().unwrap()],
    );
    assert!(!listed.status.success());
    assert!(words(&listed.stderr).contains("no such folder"));
    assert!(!nowhere.exists());
}

#[cfg(unix)]
#[test]
fn listing_a_strangers_gallery_appends_to_no_start_file() {
    let (home, _) = home();
    let marks = home.path().join("pictures/marks.jsonl");
    let _ = std::fs::remove_file(&marks);
    let start_file = home.path().join("profile");
    std::fs::write(&start_file, "alias ls=ls\n").unwrap();
    std::os::unix::fs::symlink(&start_file, &marks).unwrap();
    assert_eq!(list(home.path()).len(), 2);
    for arguments in [
        &["rebuild"][..],
        &["board", "make", "x"],
        &["import", "/dev/null"],
    ] {
        gallery(home.path(), arguments);
    }
    assert_eq!(std::fs::read(start_file).unwrap(), b"alias ls=ls\n");
}

#[test]
fn every_command_goes_on_with_a_damaged_index_and_says_so() {
    for damage in ["noise", "folder", "half"] {
        let (home, ids) = home();
        list(home.path());
        let files = std::fs::read_dir(home.path().join("indexes")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let index = files.find(|path| path.extension().is_some_and(|end| end == "sqlite"));
        let index = index.unwrap();
        let bytes = std::fs::read(&index).unwrap();
        match damage {
            "noise" => std::fs::write(&index, vec![3; 30_000]).unwrap(),
            "half" => std::fs::write(&index, &bytes[..bytes.len() / 2]).unwrap(),
            _ => {
                std::fs::remove_file(&index).unwrap();
                std::fs::create_dir(&index).unwrap();
            }
        }
        let output = gallery(home.path(), &["list"]);
        assert_success(&output);
        assert!(
            words(&output.stderr).contains("made again"),
            "{damage}: {}",
            words(&output.stderr)
        );
        assert!(words(&output.stdout).contains(&ids[0]), "{damage}");
        let again = gallery(home.path(), &["verify"]);
        assert_success(&again);
        assert_eq!(words(&again.stderr), "", "{damage}: said once");
    }
}

/// `/proc` takes no file, not even root's.
#[cfg(target_os = "linux")]
#[test]
fn a_finished_picture_that_cannot_be_saved_lies_elsewhere() {
    let home = TempDir::new().unwrap();
    let mut command = limn(home.path());
    command
        .arg("generate")
        .arg("--model")
        .arg(crate::harness::fixture_path("pipeline"));
    command.args(["--device", "cpu", "--steps", "2", "--prior-steps", "2"]);
    command.args(super::command_line::SIZE);
    command.args([
        "--prompt", "a boat", "--count", "2", "--json", "--out", "/proc/",
    ]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", words(&output.stderr));
    let message = words(&output.stderr);
    assert!(
        message.contains("2 of 2 pictures could not be saved"),
        "{message}"
    );
    let events = json_events(&output);
    let pictures = events.iter().filter(|event| event["event"] == "picture");
    let paths: Vec<&str> = pictures
        .map(|event| event["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths.len(), 2);
    for path in paths {
        assert!(path.contains("rescued"), "{path}");
        let file = std::fs::read(path).unwrap();
        assert!(
            limn::gallery::picture_file::read_header(&file)
                .unwrap()
                .recipe
                .is_some()
        );
    }
}

/// Processes that import one folder at once, with all their kinds of files.
#[test]
fn processes_that_import_one_folder_at_once_add_each_picture_once() {
    const N_PICTURES: u64 = 30;
    const N_PROCESSES: usize = 4;
    let home = TempDir::new().unwrap();
    drop(open(home.path()));
    let camera = home.path().join("camera");
    std::fs::create_dir(&camera).unwrap();
    for seed in 0..N_PICTURES {
        pixels(seed)
            .save(camera.join(format!("{seed:02}.png")))
            .unwrap();
    }
    let processes: Vec<_> = (0..N_PROCESSES)
        .map(|_| {
            let mut command = limn(home.path());
            command.args(["gallery", "import", "--json"]).arg(&camera);
            command
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut n_added = 0;
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert_success(&output);
        let events = json_events(&output);
        n_added += events.last().unwrap()["added"].as_array().unwrap().len();
    }
    assert_eq!(n_added, N_PICTURES as usize);
    assert_eq!(list(home.path()).len(), N_PICTURES as usize);
    assert_success(&gallery(home.path(), &["verify"]));
}
