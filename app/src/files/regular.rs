//! The one door to files that Limn keeps for itself. A folder may have been prepared by a stranger, so that what
//! has a file's name is a link to somewhere else, a pipe or a device: those are refused, and never waited for.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a regular file with the given options. A link is never followed, and the path itself is checked after it
/// was opened, so that nothing can be put in its place between.
///
/// # Errors
/// `InvalidData` if something else than a regular file is there; else of the system.
pub fn open_regular(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let mut options = options.clone();
    refuse_links(&mut options);
    let file = match options.open(path) {
        Err(error) if is_refusal(&error) => return Err(not_regular()),
        file => file?,
    };
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(not_regular())
    }
}

/// Opens a file that the user has named, through links if need be. Only a regular one; nothing is waited for.
///
/// # Errors
/// As [`open_regular`].
pub fn open_named(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    refuse_waiting(&mut options);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(not_regular())
    }
}

/// Whether this is a folder itself, and no link to one.
pub fn is_own_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn not_regular() -> io::Error {
    let message = "not a regular file, but a link, a folder, a pipe or a device";
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(unix)]
fn refuse_links(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
}

#[cfg(unix)]
fn refuse_waiting(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
}

/// The open itself fails for a link, for a pipe that nobody reads, and for a folder that is to be written.
#[cfg(unix)]
fn is_refusal(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code.is_some_and(|code| [libc::ELOOP, libc::EMLINK, libc::ENXIO, libc::EISDIR].contains(&code))
}

/// The link itself is opened, which is then no regular file. Named pipes have a name space of their own.
#[cfg(windows)]
fn refuse_links(options: &mut OpenOptions) {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
}

#[cfg(windows)]
fn refuse_waiting(_: &mut OpenOptions) {}

#[cfg(windows)]
fn is_refusal(_: &io::Error) -> bool {
    false
}

/// Whether the file has other names too, under which somebody else may know it.
#[cfg(unix)]
pub(super) fn has_other_names(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() > 1)
}

#[cfg(not(unix))]
pub(super) fn has_other_names(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;
    use crate::files::{Existing, Fs, RealFs, TEMP_PREFIX, write_atomically};

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

    #[test]
    fn what_the_user_names_may_be_a_link_but_no_pipe() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::write(at("file"), b"x").unwrap();
        symlink(at("file"), at("link")).unwrap();
        assert!(open_named(&at("link")).is_ok());
        let made = Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(made.success());
        assert!(open_named(&at("pipe")).is_err());
        assert!(open_named(home.path()).is_err());
    }

    fn take_lock(path: &Path) -> io::Result<()> {
        crate::files::Lock::try_take(path).map(|_| ())
    }
}
