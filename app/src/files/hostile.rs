//! Links, pipes and devices in the place of files.

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::{io, process::Command};

use super::{Existing, Fs, Lock, RealFs, TEMP_PREFIX, write_atomically};

/// What a stranger may have put in a file's place: nothing of it is opened, waited for, or changed.
#[test]
fn only_regular_files_are_opened() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    std::fs::write(at("victim"), b"start file of a shell").unwrap();
    symlink(at("victim"), at("link")).unwrap();
    symlink(at("nothing"), at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("/dev/zero", at("device link")).unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    let made = Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let names = [
        "link",
        "dangling",
        "loop",
        "device link",
        "folder",
        "pipe",
        "socket",
    ];
    for name in names {
        let path = at(name);
        assert!(RealFs.read(&path, 1000).is_err(), "read {name}");
        assert!(
            RealFs.read_from(&path, 0, 1000).is_err(),
            "read from {name}"
        );
        assert!(
            RealFs.append_synced(&path, b"x").is_err(),
            "append to {name}"
        );
        assert!(RealFs.write_synced(&path, b"x").is_err(), "write {name}");
        assert!(take_lock(&path).is_err(), "lock {name}");
    }
    assert_eq!(
        std::fs::read(at("victim")).unwrap(),
        b"start file of a shell"
    );
    assert!(!at("nothing").exists());

    // A whole file takes the link's place and leaves what it leads to.
    write_atomically(&RealFs, &at("link"), b"new", Existing::Replace).unwrap();
    assert!(at("link").symlink_metadata().unwrap().is_file());
    assert_eq!(
        std::fs::read(at("victim")).unwrap(),
        b"start file of a shell"
    );
    let left = RealFs.names(home.path()).unwrap();
    assert!(!left.iter().any(|name| name.starts_with(TEMP_PREFIX)));
}

/// A hard link is a regular file, and appending to it would still write elsewhere.
#[test]
fn a_file_with_another_name_is_copied_before_it_grows() {
    let home = tempfile::tempdir().unwrap();
    let [victim, ours] = ["victim", "marks"].map(|name| home.path().join(name));
    std::fs::write(&victim, b"before\n").unwrap();
    std::fs::hard_link(&victim, &ours).unwrap();
    RealFs.append_synced(&ours, b"after\n").unwrap();
    RealFs.append_synced(&ours, b"again\n").unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), b"before\n");
    assert_eq!(std::fs::read(&ours).unwrap(), b"before\nafter\nagain\n");
}

fn take_lock(path: &Path) -> io::Result<()> {
    Lock::try_take(path).map(|_| ())
}
