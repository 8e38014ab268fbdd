use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::files::open_regular;

/// Keeps other Limns off a working file while this one has it open. The system lets go of it when the
/// process ends, however it ends.
///
/// The file that is locked says whether its document is just being opened. One that says so and is free was left by
/// a process that came to its end over it.
pub struct Lock {
    file: File,
    path: PathBuf,
    was_opening: bool,
}

const OPENING: &[u8] = b"opening";

impl Lock {
    /// `None` if another process has it.
    pub fn take(working_file: &Path) -> io::Result<Option<Self>> {
        // Beside the file: where locks bind readers too, the file could not be read through a second handle.
        let path = working_file.with_extension("lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let file = open_regular(&path, &options)?;
        match file.try_lock() {
            Ok(()) => {
                let mut said = Vec::new();
                (&file).take(OPENING.len() as u64).read_to_end(&mut said)?;
                Ok(Some(Self {
                    file,
                    path,
                    was_opening: said == OPENING,
                }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether the process that had it last ended while it opened the document.
    pub fn was_opening(&self) -> bool {
        self.was_opening
    }

    /// Notes that the document is being opened, for whoever comes after a process that does not live through that.
    pub fn begin_opening(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(OPENING)
    }

    /// The document is open.
    pub fn end_opening(&mut self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // One that stays is taken again by whoever opens the document next.
        let _ = std::fs::remove_file(&self.path);
    }
}
