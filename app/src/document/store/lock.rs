use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Keeps other Limns off a working file while this one has it open. The system lets go of it when the
/// process ends, however it ends.
pub struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// `None` if another process has it.
    pub fn take(working_file: &Path) -> io::Result<Option<Self>> {
        // Beside the file: where locks bind readers too, the file could not be read through a second handle.
        let path = working_file.with_extension("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file, path })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // One that stays is taken again by whoever opens the document next.
        let _ = std::fs::remove_file(&self.path);
    }
}
