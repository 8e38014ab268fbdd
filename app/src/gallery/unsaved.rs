//! Where pictures wait that the gallery's folder could not take: a full or unplugged disk, a folder that
//! may not be written. They lie in the app-data folder, often another disk, and so outlive Limn; the next
//! gallery that opens takes them in.

use std::io;
use std::path::{Path, PathBuf};

use super::index::{Record, State};
use super::layout::{FileKind, PictureId};
use super::picture_file::LIMIT_FILE_BYTES;
use super::store::{Gallery, describe, stamp};
use crate::files::{Existing, Fs, create_dirs, create_own_dir, sweep, write_atomically};

/// The waiting room of all galleries: whole PNG files with their recipes.
pub struct Unsaved {
    folder: PathBuf,
}

impl Unsaved {
    pub fn new(indexes: &Path) -> Self {
        Self {
            folder: indexes.join("unsaved"),
        }
    }

    fn path(&self, id: PictureId) -> PathBuf {
        self.folder.join(id.file_name(FileKind::Png))
    }

    /// Keeps a picture's file. Best effort: the caller has it in memory still, and has told the user.
    pub fn keep(&self, fs: &dyn Fs, id: PictureId, file: &[u8]) {
        let kept = create_dirs(fs, &self.folder)
            .and_then(|()| write_atomically(fs, &self.path(id), file, Existing::Replace));
        if let Err(error) = kept {
            let folder = self.folder.display();
            tracing::warn!("picture {id} is in memory only: {error}: {folder}");
        }
    }

    /// Forgets a picture that is in the gallery now.
    pub fn forget(&self, fs: &dyn Fs, id: PictureId) {
        let path = self.path(id);
        if path.exists()
            && let Err(error) = fs.remove(&path)
        {
            // Taken in again by the next scan, under the same id: of no harm.
            tracing::warn!(
                "cannot remove a picture that was saved since: {error}: {}",
                path.display()
            );
        }
    }
}

impl Gallery {
    /// Takes in the pictures that wait; returns how many. One that does not fit yet goes on waiting.
    pub(super) fn take_unsaved(&mut self) -> super::Result<usize> {
        sweep(&*self.fs, &self.unsaved.folder);
        let names = self.fs.names(&self.unsaved.folder).unwrap_or_default();
        let mut records: Vec<Record> = Vec::new();
        for id in names
            .iter()
            .filter_map(|name| PictureId::from_file_name(name))
            .filter(|(_, kind)| *kind == FileKind::Png)
            .map(|(id, _)| id)
        {
            match self.take_one(id) {
                Ok(record) => records.push(record),
                Err(error) => tracing::warn!("picture {id} goes on waiting: {error}"),
            }
        }
        self.index.put(&records)?;
        for record in &records {
            self.unsaved.forget(&*self.fs, record.id);
        }
        Ok(records.len())
    }

    fn take_one(&self, id: PictureId) -> io::Result<Record> {
        let file = self.fs.read(&self.unsaved.path(id), LIMIT_FILE_BYTES)?;
        create_own_dir(&*self.fs, &self.layout.month_folder(&id.month()))?;
        match write_atomically(&*self.fs, &self.layout.picture(id), &file, Existing::Keep) {
            // Saved after all: only whole files ever get this name.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => result?,
        }
        let stamp = stamp(
            &*self.fs,
            &self.layout.picture(id),
            State::Here,
            FileKind::Png,
        );
        Ok(describe(id, stamp, &file))
    }
}
