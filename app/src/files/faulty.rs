//! A disk that fails when a test says so.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::SystemTime;

use super::{Fs, RealFs};

/// Fails chosen operations. A write counts as three: making the file, writing (half is written), syncing
/// (all is written). A rename counts as two: before it, and after it is done.
pub struct FaultyFs {
    pub n_operations: AtomicUsize,
    /// The first operation to fail, counted from 0.
    pub fail_at: usize,
    pub for_ever: bool,
    pub kind: io::ErrorKind,
    /// What fits on the disk still.
    pub free_bytes: AtomicI64,
}

impl FaultyFs {
    pub fn failing_at(fail_at: usize, for_ever: bool) -> Self {
        Self {
            n_operations: AtomicUsize::new(0),
            fail_at,
            for_ever,
            kind: io::ErrorKind::Other,
            free_bytes: AtomicI64::new(i64::MAX),
        }
    }

    pub fn with_free_bytes(free_bytes: i64) -> Self {
        let fs = Self::failing_at(usize::MAX, false);
        fs.free_bytes.store(free_bytes, Ordering::Relaxed);
        fs
    }

    fn step(&self) -> io::Result<()> {
        let n = self.n_operations.fetch_add(1, Ordering::Relaxed);
        let fails = if self.for_ever {
            n >= self.fail_at
        } else {
            n == self.fail_at
        };
        if fails { Err(self.kind.into()) } else { Ok(()) }
    }

    pub fn has_failed(&self) -> bool {
        self.n_operations.load(Ordering::Relaxed) > self.fail_at
    }

    /// Writes through `write` what the faults let through.
    fn write(&self, bytes: &[u8], write: impl Fn(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.step()?;
        let free = self.free_bytes.load(Ordering::Relaxed).max(0) as usize;
        if bytes.len() > free {
            write(&bytes[..free])?;
            self.free_bytes.store(0, Ordering::Relaxed);
            return Err(io::ErrorKind::StorageFull.into());
        }
        if let Err(error) = self.step() {
            write(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        write(bytes)?;
        self.free_bytes
            .fetch_sub(bytes.len() as i64, Ordering::Relaxed);
        self.step()
    }
}

impl Fs for FaultyFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        RealFs.create_dir(path)
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes, |bytes| RealFs.write_synced(path, bytes))
    }

    fn append_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes, |bytes| RealFs.append_synced(path, bytes))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        RealFs.rename(from, to)?;
        self.step()
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        RealFs.rename_new(from, to)?;
        self.step()
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        RealFs.sync_dir(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        let n_bytes = path.symlink_metadata().map_or(0, |metadata| metadata.len());
        RealFs.remove(path)?;
        if self.free_bytes.load(Ordering::Relaxed) != i64::MAX {
            self.free_bytes.fetch_add(n_bytes as i64, Ordering::Relaxed);
        }
        Ok(())
    }

    fn read(&self, path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>> {
        self.step()?;
        RealFs.read(path, limit_bytes)
    }

    fn read_from(&self, path: &Path, offset: u64, limit_bytes: u64) -> io::Result<Vec<u8>> {
        self.step()?;
        RealFs.read_from(path, offset, limit_bytes)
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        self.step()?;
        RealFs.names(path)
    }

    fn modified(&self, path: &Path) -> io::Result<(SystemTime, u64)> {
        self.step()?;
        RealFs.modified(path)
    }
}
