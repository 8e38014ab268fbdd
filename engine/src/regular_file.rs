//! The one door to files, for the engine and the window. A folder may have been prepared by a stranger, so that what
//! has a file's name is a link to somewhere else, a pipe or a device: those are refused, and never waited for.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    path::Path,
};

/// Opens a file that Limn keeps for itself, with the given options. A link is never followed, and the path itself is checked after it
/// was opened, so that nothing can be put in its place between.
///
/// # Errors
/// `InvalidData` if something else than a regular file is there; else of the system.
pub fn open_own(path: &Path, options: &OpenOptions) -> io::Result<File> {
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
/// As [`open_own`].
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

/// Reads a file that Limn keeps for itself.
///
/// # Errors
/// `InvalidData` if it is larger than `limit_bytes`, a link or no regular file; else of the system.
pub fn read_own(path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>> {
    read_whole(open_own(path, OpenOptions::new().read(true))?, limit_bytes)
}

/// Reads a file that the user has named, through links if need be.
///
/// # Errors
/// `InvalidData` if it is larger than `limit_bytes` or no regular file; else of the system.
pub fn read_named(path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>> {
    read_whole(open_named(path)?, limit_bytes)
}

fn read_whole(file: File, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let n_bytes = file.metadata()?.len();
    if n_bytes > limit_bytes {
        return Err(too_large(limit_bytes));
    }
    let mut bytes = Vec::with_capacity(n_bytes as usize);
    file.take(limit_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Of a file that is longer than what is read.
pub fn too_large(limit_bytes: u64) -> io::Error {
    let limit = match limit_bytes {
        0..0x10_0000 => format!("{} KiB", limit_bytes >> 10),
        _ => format!("{} MiB", limit_bytes >> 20),
    };
    io::Error::new(io::ErrorKind::InvalidData, format!("larger than {limit}"))
}

/// Whether this is a folder itself, and no link to one.
pub fn is_own_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Whether a folder holds nothing but files with one name and folders of such: for libraries that open whatever has a
/// file's name. A folder that is not there holds nothing.
pub fn has_only_own_files(folder: &Path) -> bool {
    match std::fs::symlink_metadata(folder) {
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
        Ok(metadata) if !metadata.is_dir() => return false,
        Ok(_) => {}
    }
    std::fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.all(|entry| {
            let Ok(entry) = entry else { return false };
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => has_only_own_files(&path),
                Ok(kind) if kind.is_file() => open_own(&path, OpenOptions::new().read(true))
                    .and_then(|file| has_other_names(&file))
                    .is_ok_and(|has_other_names| !has_other_names),
                _ => false,
            }
        })
    })
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
///
/// # Errors
/// Of the system.
#[cfg(unix)]
pub fn has_other_names(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() > 1)
}

/// Names cannot be counted here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn has_other_names(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;

    fn pipe(path: &Path) {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    }

    #[test]
    fn what_is_limns_own_is_no_link_and_what_the_user_names_may_be_one() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::write(at("file"), b"12345").unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        pipe(&at("pipe"));
        for (name, own, named) in [
            ("file", true, true),
            ("link", false, true),
            ("endless", false, false),
            ("pipe", false, false),
            (".", false, false),
            ("nothing", false, false),
        ] {
            assert_eq!(read_own(&at(name), 5).is_ok(), own, "{name}");
            assert_eq!(read_named(&at(name), 5).is_ok(), named, "{name}");
        }
        assert!(read_own(&at("file"), 4).is_err());
    }

    #[test]
    fn a_folder_of_files_of_its_own_has_neither_links_nor_pipes_in_it() {
        let home = tempfile::tempdir().unwrap();
        let kernels = home.path().join("kernels");
        assert!(has_only_own_files(&kernels));
        std::fs::create_dir_all(kernels.join("a/b")).unwrap();
        std::fs::write(kernels.join("a/b/file"), b"x").unwrap();
        assert!(has_only_own_files(&kernels));

        let other = home.path().join("other");
        std::fs::write(&other, b"x").unwrap();
        let bad = kernels.join("a/b/bad");
        let spoil: [&dyn Fn(); 3] = [
            &|| symlink(&other, &bad).unwrap(),
            &|| std::fs::hard_link(&other, &bad).unwrap(),
            &|| pipe(&bad),
        ];
        for spoil in spoil {
            spoil();
            assert!(!has_only_own_files(&kernels));
            std::fs::remove_file(&bad).unwrap();
        }
        let link = home.path().join("link");
        symlink(&kernels, &link).unwrap();
        assert!(!has_only_own_files(&link));
    }
}
