//! Files that must survive a crash: every change goes through [`Fs`], so that tests can make any single
//! operation fail.
//!
//! A file is replaced whole or not at all: written beside its target, synced, renamed, and the folder
//! synced after it. A reader sees the old file or the new one, never a torn one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

use uuid::Uuid;

#[cfg(test)]
pub mod faulty;

/// Names of temporary files start so; whoever finds an old one may remove it.
pub const TEMP_PREFIX: &str = ".limn-temp-";

/// The file operations that the gallery, its marks, exports and settings are made of.
pub trait Fs: Send + Sync {
    /// Makes one folder; a folder that is already there is fine.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes a new file, writes all bytes and syncs it. Fails if the name is taken.
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Appends in one write and syncs. Makes the file when there is none.
    fn append_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Renames, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Renames; fails with `AlreadyExists` if the new name is taken.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Reads a regular file of at most `limit_bytes`; `InvalidData` if it is larger or not a file.
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
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            result => result,
        }
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn append_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
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
        // Not even opened unless regular: opening a named pipe would wait for its other end.
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "not a regular file",
            ));
        }
        if metadata.len() > limit_bytes {
            let message = format!("larger than {} MiB", limit_bytes >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize);
        File::open(path)?
            .take(limit_bytes)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_from(&self, path: &Path, offset: u64, limit_bytes: u64) -> io::Result<Vec<u8>> {
        let mut file = match File::open(path) {
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

/// What to do about a failed file operation, in the user's words.
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space on the disk and try again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "allow Limn to write there or choose another folder, and try again"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            "see whether the folder was moved or its drive is unplugged, and try again"
        }
        io::ErrorKind::AlreadyExists => "choose another name, or say that it may be replaced",
        _ => "see whether the disk is well, and try again",
    }
}
