//! Files in the gallery's folder that Limn did not name: put there, renamed or moved to another folder by somebody.
//!
//! Each is taken in as an import is, as a copy, and stays where it is: Limn touches no file that it did not name. So
//! a picture that was moved comes back under its own id, with its marks, and what was new is new. Which files were
//! looked at already, the index keeps.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::error::Result;
use super::importing::{ImportReport, OfTrashed, files, n_at_once};
use super::index::{Census, State};
use super::layout::FileKind;
use super::store::{Gallery, stamp};

/// By what a file is known again: its length in bytes and when it was written.
pub(super) type Looked = (u64, i64);

/// The files that are left to look at.
#[derive(Debug, Default)]
pub struct Outside {
    files: VecDeque<PathBuf>,
}

/// What was last seen of the index.
#[derive(Debug, Default)]
pub(super) struct IndexSeen {
    version: i64,
    census: Option<Census>,
}

impl Gallery {
    /// Whether another process changed the index since the last call, as the command line does that brings pictures in
    /// or marks them.
    pub(super) fn index_has_changed(&self, seen: &mut IndexSeen) -> Result<bool> {
        let version = self.index.version()?;
        if version == seen.version {
            return Ok(false);
        }
        // Embeddings are written by a connection of their own, and change nothing of lists.
        let census = self.index.census()?;
        let before = seen.census.replace(census);
        seen.version = version;
        Ok(before.is_some_and(|before| Some(&before) != seen.census.as_ref()))
    }

    /// The pictures among `strangers`, files and folders that are not Limn's, that were not looked at before.
    pub(super) fn list_outside(&mut self, strangers: &[PathBuf]) -> Result<Outside> {
        let mut known: HashMap<String, Looked> = self.index.outside()?.into_iter().collect();
        let mut files = VecDeque::new();
        for path in files::find_pictures(strangers) {
            let before = known.remove(&self.key(&path));
            if before != Some(self.looks(&path)) {
                files.push_back(path);
            }
        }
        self.index.forget_outside(known.keys())?;
        Ok(Outside { files })
    }

    /// Takes in some of them; returns false when none is left.
    pub(super) fn take_outside(
        &mut self,
        outside: &mut Outside,
        n_adopted: &mut usize,
    ) -> Result<bool> {
        let n_files = outside.files.len().min(n_at_once(&outside.files));
        let some: Vec<PathBuf> = outside.files.drain(..n_files).collect();
        if some.is_empty() {
            return Ok(false);
        }
        // As they are before they are read: a file that is being written is looked at again.
        let looks: Vec<(String, Looked)> = some
            .iter()
            .map(|path| (self.key(path), self.looks(path)))
            .collect();
        let mut report = ImportReport::default();
        let never = AtomicBool::new(false);
        self.import_some(&some, OfTrashed::Leave, &never, &mut report)?;
        *n_adopted += report.added.len();
        for failure in &report.failures {
            let path = failure.path.display();
            tracing::info!("not taken into the gallery: {}: {path}", failure.reason);
        }
        self.index.note_outside(&looks)?;
        Ok(true)
    }

    fn key(&self, path: &Path) -> String {
        let inside = path.strip_prefix(self.folder()).unwrap_or(path);
        inside.to_string_lossy().into_owned()
    }

    fn looks(&self, path: &Path) -> Looked {
        let stamp = stamp(&*self.fs, path, State::Here, FileKind::Png);
        (stamp.file_bytes, stamp.modified_ns)
    }
}
