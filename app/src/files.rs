//! Files that must survive a crash: every change goes through [`Fs`], so that tests can make any single
//! operation fail.
//!
//! A file is replaced whole or not at all: written beside its target, synced, renamed, and the folder
//! synced after it. A reader sees the old file or the new one, never a torn one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

#[cfg(test)]
pub mod faulty;
#[cfg(all(test, unix))]
mod hostile;
mod lock;

pub use limn_engine::{
    TEMP_PREFIX,
    regular_file::{
        has_other_names, is_own_folder, open_named, open_own, read_named, read_own, too_large,
    },
};
pub use lock::Lock;

/// A temporary file that nobody holds may be about to be renamed, for this long.
const TEMP_AGE: Duration = Duration::from_secs(10);
/// Where a file cannot be locked, age alone tells that its writer is gone. Should it only have slept, its rename
/// fails cleanly and it writes again.
const UNLOCKED_TEMP_AGE: Duration = Duration::from_mins(10);

/// The file operations that the gallery, its marks, exports and settings are made of.
pub trait Fs: Send + Sync {
    /// Makes one folder; a folder that is already there is fine.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes a new file, writes all bytes and syncs it. Fails if the name is taken.
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Appends in one write and syncs. Makes the file when there is none. A file that has another name as well is
    /// written anew, so that nothing is appended under that one.
    fn append_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Renames, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames; fails with `AlreadyExists` if the new name is taken.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Reads a regular file of at most `limit_bytes`; `InvalidData` if it is larger, a link or not a file.
    fn read(&self, path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>>;
    /// At most `limit_bytes` of a file from an offset on; none if there is no such file.
    fn read_from(&self, path: &Path, offset: u64, limit_bytes: u64) -> io::Result<Vec<u8>>;
    /// Names in a folder, in no order; none if there is no such folder.
    fn names(&self, path: &Path) -> io::Result<Vec<String>>;
    /// When a file was last written, and its length in bytes.
    fn modified(&self, path: &Path) -> io::Result<(SystemTime, u64)>;
}

/// The machine's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

impl Fs for RealFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if path.is_dir() {
                    return Ok(());
                }
                let message = "something that is no folder has its name";
                Err(io::Error::new(io::ErrorKind::NotADirectory, message))
            }
            result => result,
        }
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(path)?;
        // Held as long as it is written, so that nobody sweeps it away; where locks are unknown, its age tells.
        let _ = file.try_lock();
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn append_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = open_own(path, OpenOptions::new().create(true).append(true))?;
        if has_other_names(&file)? {
            let mut whole = Vec::new();
            open_own(path, OpenOptions::new().read(true))?.read_to_end(&mut whole)?;
            whole.extend_from_slice(bytes);
            return write_atomically(self, path, &whole, Existing::Replace);
        }
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        // Knows each system's way of renaming without replacing, and the link-and-unlink of those
        // that have none. On failure it would remove the file under its old name: kept instead.
        match tempfile::TempPath::try_from_path(from)?.persist_noclobber(to) {
            Ok(()) => Ok(()),
            Err(mut failure) => {
                failure.path.disable_cleanup(true);
                Err(failure.error)
            }
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Windows cannot open a folder to sync it; there NTFS journals names by itself.
        if cfg!(windows) {
            Ok(())
        } else {
            File::open(path)?.sync_all()
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn read(&self, path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>> {
        read_own(path, limit_bytes)
    }

    fn read_from(&self, path: &Path, offset: u64, limit_bytes: u64) -> io::Result<Vec<u8>> {
        let mut file = match open_own(path, OpenOptions::new().read(true)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(limit_bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        // A name that is not Unicode was never given by Limn.
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn modified(&self, path: &Path) -> io::Result<(SystemTime, u64)> {
        let metadata = fs::symlink_metadata(path)?;
        Ok((metadata.modified()?, metadata.len()))
    }
}

/// Whether a temporary file was left behind by a process that ended.
pub fn is_left_behind(path: &Path) -> bool {
    let Ok(file) = open_own(path, OpenOptions::new().read(true)) else {
        return false;
    };
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    // One from the future is as good as old: no clock of today wrote it.
    let age = modified.ok().map(|at| {
        SystemTime::now()
            .duration_since(at)
            .unwrap_or(UNLOCKED_TEMP_AGE + TEMP_AGE)
    });
    match (file.try_lock(), age) {
        (Err(fs::TryLockError::WouldBlock), _) | (_, None) => false,
        (Ok(()), Some(age)) => age > TEMP_AGE,
        (Err(fs::TryLockError::Error(_)), Some(age)) => age > UNLOCKED_TEMP_AGE,
    }
}

/// Removes the temporary files in a folder that were left behind; returns how many.
pub fn sweep(fs: &dyn Fs, folder: &Path) -> usize {
    let names = fs.names(folder).unwrap_or_default();
    let temps = names.iter().filter(|name| name.starts_with(TEMP_PREFIX));
    let temps = temps.map(|name| folder.join(name));
    // Of no harm where one stays: the next sweep tries again.
    temps
        .filter(|path| is_left_behind(path) && fs.remove(path).is_ok())
        .count()
}

/// What to do when the target is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Replace,
    Keep,
}

/// Writes a whole file so that a crash leaves the old one or the new one.
///
/// # Errors
/// Of the first operation that failed; the target is then untouched unless only the last one, the
/// sync of the folder, failed. `AlreadyExists` with [`Existing::Keep`] if the name is taken.
pub fn write_atomically(
    fs: &dyn Fs,
    path: &Path,
    bytes: &[u8],
    existing: Existing,
) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let temp = folder.join(format!("{TEMP_PREFIX}{}", Uuid::new_v4()));
    let renamed = fs.write_synced(&temp, bytes).and_then(|()| match existing {
        Existing::Replace => fs.rename(&temp, path),
        Existing::Keep => fs.rename_new(&temp, path),
    });
    if let Err(error) = renamed {
        // The first error is the one to tell; a temp file that stays is swept later.
        let _ = fs.remove(&temp);
        return Err(error);
    }
    fs.sync_dir(folder)
}

/// Makes a folder with its parents, each durable before the next.
pub fn create_dirs(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
        create_dirs(fs, parent)?;
        fs.create_dir(path)?;
        // Some systems cannot sync a folder that the user may not read; the folder itself is there.
        let _ = fs.sync_dir(parent);
        return Ok(());
    }
    fs.create_dir(path)
}

/// Makes one folder inside another that may have been prepared by a stranger: a link in its place is refused.
///
/// # Errors
/// `NotADirectory` if something else has its name; else of the system.
pub fn create_own_dir(fs: &dyn Fs, path: &Path) -> io::Result<()> {
    if is_own_folder(path) {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
        create_dirs(fs, parent)?;
    }
    fs.create_dir(path)?;
    if !is_own_folder(path) {
        let message = "there is a link where a folder should be: move it away";
        return Err(io::Error::new(io::ErrorKind::NotADirectory, message));
    }
    if let Some(parent) = path.parent() {
        // Some systems cannot sync a folder that the user may not read; the folder itself is there.
        let _ = fs.sync_dir(parent);
    }
    Ok(())
}

/// What to do about a failed file operation, in the user's words.
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space on the disk and try again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "allow Limn to write there or choose another folder, and try again"
        }
        io::ErrorKind::NotFound => {
            "see whether the folder was moved or its drive is unplugged, and try again"
        }
        io::ErrorKind::NotADirectory => {
            "move away what stands where a folder should be, and try again"
        }
        io::ErrorKind::AlreadyExists => "choose another name, or say that it may be replaced",
        _ => "see whether the disk is well, and try again",
    }
}
