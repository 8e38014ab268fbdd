//! Locks between processes: an empty file that one of them holds. The system lets go of it when the process ends,
//! however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::open_own;

/// How often somebody else's lock is looked at again.
const LOOK_PERIOD: Duration = Duration::from_millis(5);

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock, or returns `None` if somebody else holds it. The file stays where it is: one that was
    /// removed could be held twice.
    ///
    /// # Errors
    /// If the lock's file cannot be opened, or is no regular file.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = open_own(path, &options)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Takes the lock as soon as others let go of it; `None` if `is_given_up` says so before.
    ///
    /// # Errors
    /// As [`try_take`](Self::try_take).
    pub fn take(path: &Path, is_given_up: impl Fn(Duration) -> bool) -> io::Result<Option<Self>> {
        let since = Instant::now();
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(Some(lock));
            }
            if is_given_up(since.elapsed()) {
                return Ok(None);
            }
            std::thread::sleep(LOOK_PERIOD);
        }
    }

    /// The file that is locked, for those that keep something in it.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether the one who held it before left in the middle of something: see [`begin`](Self::begin).
    ///
    /// # Errors
    /// Of the file.
    pub fn was_left(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() > 0)
    }

    /// Notes that something begins which a kill would leave half done.
    ///
    /// # Errors
    /// Of the file.
    pub fn begin(&self) -> io::Result<()> {
        self.file.set_len(1)
    }

    /// Notes that it is done.
    ///
    /// # Errors
    /// Of the file.
    pub fn end(&self) -> io::Result<()> {
        self.file.set_len(0)
    }
}
