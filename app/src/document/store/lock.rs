use std::io;
use std::path::{Path, PathBuf};

use crate::files;

/// Keeps other Limns off a working file while this one has it open. The system lets go of it when the
/// process ends, however it ends.
///
/// The file that is locked says whether its document is just being opened. One that says so and is free was left by
/// a process that came to its end over it.
pub struct Lock {
    held: files::Lock,
    path: PathBuf,
    was_opening: bool,
}

impl Lock {
    /// `None` if another process has it.
    pub fn take(working_file: &Path) -> io::Result<Option<Self>> {
        // Beside the file: where locks bind readers too, the file could not be read through a second handle.
        let path = working_file.with_extension("lock");
        let Some(lock) = files::Lock::try_take(&path)? else {
            return Ok(None);
        };
        let was_opening = lock.was_left()?;
        Ok(Some(Self {
            held: lock,
            path,
            was_opening,
        }))
    }

    /// Whether the process that had it last ended while it opened the document.
    pub fn was_opening(&self) -> bool {
        self.was_opening
    }

    /// Notes that the document is being opened, for whoever comes after a process that does not live through that.
    pub fn begin_opening(&self) -> io::Result<()> {
        self.held.begin()
    }

    /// The document is open.
    pub fn end_opening(&self) -> io::Result<()> {
        self.held.end()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // One that stays is taken again by whoever opens the document next.
        let _ = std::fs::remove_file(&self.path);
    }
}
