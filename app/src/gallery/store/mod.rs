//! The gallery: saves pictures so that no fault loses one, finds them, marks them, bins them.

mod opening;
pub mod trash;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use image::{RgbImage, RgbaImage};
use sha2::{Digest, Sha256};

use super::averages::AveragesFile;
use super::error::{Error, Result};
use super::index::{Entry, Index, Overview, Query, Record, Stamp, State};
use super::layout::{FileKind, Layout, PictureId};
use super::marks::{self, Change, Mark};
use super::picture_file::{self, LIMIT_FILE_BYTES};
use super::recipe::Recipe;
use super::thumbnails::Thumbnails;
use super::unsaved::Unsaved;
use crate::files::{Existing, Fs, create_own_dir, write_atomically};
use crate::marking;

/// One gallery folder with its index. Belongs to one thread; other processes may have it open too.
pub struct Gallery {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) layout: Layout,
    pub(super) access: Access,
    pub(super) index: Index,
    /// Where the index belongs, whether or not it is there.
    pub(super) index_path: PathBuf,
    /// Nothing was in the index when it was opened.
    is_index_new: bool,
    pub(super) thumbnails: Thumbnails,
    pub(super) averages: AveragesFile,
    pub(super) unsaved: Unsaved,
    /// Folders of ours that are links: nothing is read or written through them.
    barred: HashSet<PathBuf>,
    /// What the index does not know yet, as it did not answer.
    unindexed: Vec<Unindexed>,
    notices: Vec<String>,
    /// The user knows that the index cannot be written.
    is_unwritable_said: bool,
}

/// What may be done with a gallery's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Change,
    /// Not a byte is written in the folder, whatever lies in there.
    Read,
}

/// A change of files that the index has to learn of.
#[derive(Debug, Clone)]
enum Unindexed {
    Saved(Box<Record>),
    Moved(PictureId, State),
    Deleted(PictureId),
}

impl Gallery {
    pub fn folder(&self) -> &Path {
        self.layout.folder()
    }

    /// # Errors
    /// [`Error::ReadOnly`] if nothing may be written.
    pub(super) fn check_access(&self) -> Result<()> {
        match self.access {
            Access::Change => Ok(()),
            Access::Read => Err(Error::ReadOnly {
                path: self.folder().to_owned(),
            }),
        }
    }

    /// Where the index cannot be written, what is asked of it is answered from before: that has to be said, once.
    pub(crate) fn say_unwritable(&mut self, error: &Error) {
        if !std::mem::replace(&mut self.is_unwritable_said, true) {
            self.notices.push(format!(
                "What was changed last is kept, but may not show in lists and searches yet: {error}"
            ));
        }
    }

    /// What the user should know, once.
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Saves a finished picture under its recipe's id. When this returns, the picture is durable: no crash
    /// loses it. Saving the same recipe again after an error is safe.
    ///
    /// The index row comes after the file; if the index does not answer, the picture is saved all the same
    /// and enters the index later.
    ///
    /// # Errors
    /// If the file could not be written; the caller keeps the picture and may try again. Where it can, the
    /// gallery keeps a copy elsewhere ([`Unsaved`]), should Limn end before that.
    pub fn save(&mut self, pixels: &RgbImage, recipe: &Recipe) -> Result<Record> {
        self.check_access()?;
        debug_assert_eq!(pixels.dimensions(), (recipe.width, recipe.height));
        let file = picture_file::encode_png(pixels, recipe)
            .map_err(|reason| Error::Encoding { reason })?;
        let path = self.layout.picture(recipe.id);
        let month = self.layout.month_folder(&recipe.id.month());
        let written = create_own_dir(&*self.fs, &month)
            .and_then(|()| write_atomically(&*self.fs, &path, &file, Existing::Replace));
        if let Err(error) = written {
            self.unsaved.keep(&*self.fs, recipe.id, &file);
            return Err(Error::io("save the picture", &path, error));
        }
        self.unsaved.forget(&*self.fs, recipe.id);
        let stamp = stamp(&*self.fs, &path, State::Here, FileKind::Png);
        let record = describe(recipe.id, stamp, &file);
        self.unindexed
            .push(Unindexed::Saved(Box::new(record.clone())));
        if let Err(error) = self.catch_up() {
            tracing::warn!(
                "picture {} is saved but not indexed yet: {error}",
                recipe.id
            );
        }
        Ok(record)
    }

    /// Tells the index what it could not take before, in that order.
    fn catch_up(&mut self) -> Result<()> {
        while let Some(first) = self.unindexed.first() {
            let told = match first {
                Unindexed::Saved(record) => self.index.put(std::slice::from_ref(&**record)),
                Unindexed::Moved(id, state) => self.index.set_state(*id, *state),
                Unindexed::Deleted(id) => self.index.forget(*id),
            };
            if let Err(error) = told {
                self.note_behind();
                return Err(error);
            }
            self.unindexed.remove(0);
        }
        Ok(())
    }

    /// Before something is asked of the index. One that cannot be written still answers, as it was.
    fn catch_up_if_possible(&mut self) -> Result<()> {
        match self.catch_up() {
            Err(error) if error.is_index_unwritable() => {
                self.say_unwritable(&error);
                Ok(())
            }
            result => result,
        }
    }

    /// Notes where pictures were moved, after their files were: on a full disk the index learns of it later.
    fn note_moved(&mut self, moved: &[(PictureId, State)]) -> Result<()> {
        let caught_up = self.catch_up();
        match caught_up.and_then(|()| self.index.set_states(moved)) {
            Err(error) if error.is_index_unwritable() => {
                self.note_behind();
                self.say_unwritable(&error);
                let moved = moved.iter();
                self.unindexed
                    .extend(moved.map(|(id, state)| Unindexed::Moved(*id, *state)));
                Ok(())
            }
            result => result,
        }
    }

    /// Whether the index is wrong about a picture's place, as it could not learn of a move yet.
    fn is_elsewhere(&self, id: PictureId, state: State) -> bool {
        let changes = self.unindexed.iter().rev();
        let mut places = changes.filter_map(|change| match change {
            Unindexed::Moved(moved, now) if *moved == id => Some(Some(*now)),
            Unindexed::Deleted(deleted) if *deleted == id => Some(None),
            _ => None,
        });
        places.next().is_some_and(|now| now != Some(state))
    }

    /// All pictures that match, in the query's order: some bytes each, also for 100,000 pictures.
    pub fn entries(&mut self, query: &Query) -> Result<Vec<Entry>> {
        self.catch_up_if_possible()?;
        let mut entries = self.index.entries(query)?;
        if !self.unindexed.is_empty() {
            entries.retain(|entry| !self.is_elsewhere(entry.id, query.state()));
        }
        Ok(entries)
    }

    /// Their ids alone.
    pub fn ids(&mut self, query: &Query) -> Result<Vec<PictureId>> {
        let entries = self.entries(query)?;
        Ok(entries.into_iter().map(|entry| entry.id).collect())
    }

    /// How much there is of what: pictures, boards, tags, models.
    pub fn overview(&mut self) -> Result<Overview> {
        self.catch_up_if_possible()?;
        self.index.overview()
    }

    /// What is known of a picture.
    ///
    /// # Errors
    /// [`Error::UnknownPicture`], or of the index.
    pub fn record(&self, id: PictureId) -> Result<Record> {
        self.index.record(id)?.ok_or(Error::UnknownPicture(id))
    }

    /// [`record`](Self::record), from an index that is made anew where it gives a wrong answer.
    ///
    /// # Errors
    /// [`Error::UnknownPicture`], or of the gallery.
    pub fn record_or_mend(&mut self, id: PictureId) -> Result<Record> {
        match self.record(id) {
            Err(error) if error.is_index_damage() => {
                self.mend(&error)?;
                self.record(id)
            }
            record => record,
        }
    }

    /// The picture's file, in the gallery or its trash.
    pub fn path(&self, id: PictureId) -> PathBuf {
        let place = self
            .find(id, State::Trashed)
            .or_else(|| self.find(id, State::Here));
        match place {
            Some((state, kind)) => self.place(id, state, kind),
            None => self.layout.picture(id),
        }
    }

    /// Whether a picture's file is in that state's place, and of which kind it is.
    pub(super) fn find(&self, id: PictureId, state: State) -> Option<(State, FileKind)> {
        if !self.barred.is_empty() && self.is_barred(&self.place(id, state, FileKind::Png)) {
            return None;
        }
        let mut kinds = FileKind::ALL.into_iter();
        let kind = kinds.find(|kind| self.fs.modified(&self.place(id, state, *kind)).is_ok())?;
        Some((state, kind))
    }

    /// Where a picture in that state has its file, or its ghost.
    pub(super) fn place(&self, id: PictureId, state: State, kind: FileKind) -> PathBuf {
        match state {
            State::Trashed => self.layout.trashed_picture(id, kind),
            State::Here => self.layout.picture_of(id, kind),
            State::Missing => self.layout.ghost(id),
        }
    }

    /// The bytes of the picture's file.
    ///
    /// # Errors
    /// [`Error::UnknownPicture`] if the gallery never had it; else of the file.
    pub fn file(&self, id: PictureId) -> Result<Vec<u8>> {
        let path = self.path(id);
        let read = self.fs.read(&path, LIMIT_FILE_BYTES);
        if let Err(error) = &read
            && error.kind() == io::ErrorKind::NotFound
        {
            self.record(id)?;
        }
        read.map_err(|error| Error::io("read the picture", &path, error))
    }

    /// The picture itself.
    pub fn pixels(&self, id: PictureId) -> Result<RgbaImage> {
        picture_file::pixels(&self.file(id)?).map_err(|reason| Error::Unreadable {
            path: self.path(id),
            reason,
        })
    }

    /// Puts a mark on pictures: into the marks' file first, then into the index. Returns those that did not have it
    /// so before.
    pub fn mark(&mut self, pictures: &[PictureId], mark: &Mark) -> Result<Vec<PictureId>> {
        self.check_access()?;
        let changed = self.index.changed_by(pictures, mark)?;
        if !changed.is_empty() {
            marks::append(&*self.fs, &self.layout, &changed, mark)?;
        }
        self.read_marks()?;
        Ok(changed)
    }

    /// Changes a board or a tag as a whole: in the marks' file first, then in the index.
    pub fn change(&mut self, change: Change) -> Result<()> {
        self.check_access()?;
        marks::append_change(&*self.fs, &self.layout, change)?;
        self.read_marks().map(|_| ())
    }

    /// Takes into the index what this or another process appended to the marks; returns whether there was
    /// any.
    pub fn read_marks(&mut self) -> Result<bool> {
        match self.read_all_marks() {
            // The index can be asked all the same; it knows what it knew before.
            Err(error) if error.is_index_unwritable() => {
                self.say_unwritable(&error);
                Ok(false)
            }
            result => result,
        }
    }

    fn read_all_marks(&mut self) -> Result<bool> {
        let mut has_read = false;
        loop {
            let from = self.index.marks_offset()?;
            let tail = marks::read_tail(&*self.fs, &self.layout, from)?;
            if tail.offset == from {
                return Ok(has_read);
            }
            has_read = true;
            let is_applied =
                self.index
                    .apply_marks(&tail.lines, from, tail.offset, tail.starts_anew)?;
            self.is_unwritable_said &= !is_applied;
            if is_applied && !tail.has_more {
                return Ok(has_read);
            }
        }
    }
}

/// By what a file will be known again. What cannot be told is 0, and the file is then read again.
pub(super) fn stamp(fs: &dyn Fs, path: &Path, state: State, kind: FileKind) -> Stamp {
    let (modified_ns, file_bytes) = match fs.modified(path) {
        Ok((modified, file_bytes)) => (nanoseconds(modified), file_bytes),
        Err(_) => (0, 0),
    };
    Stamp {
        state,
        kind,
        file_bytes,
        modified_ns,
    }
}

/// Since 1970, or before; never 0. Times beyond what the number holds become one.
fn nanoseconds(time: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    let since = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => -whole(before.duration()),
    };
    if since == 0 { 1 } else { since }
}

/// What the index keeps of a picture file that was read after it had this stamp.
pub(super) fn describe(id: PictureId, stamp: Stamp, file: &[u8]) -> Record {
    let mut record = Record {
        kind: stamp.kind,
        modified_ns: stamp.modified_ns,
        file_bytes: file.len() as u64,
        sha256: Sha256::digest(file).into(),
        ..Record::new(id, stamp.state, None)
    };
    match picture_file::read_header(file) {
        Ok(header) => {
            (record.width, record.height) = (header.width, header.height);
            let source_type = header.xmp.as_deref().and_then(marking::source_type);
            record.source_type = source_type.map(str::to_owned);
            record.recipe = header.recipe;
            if let Some(found) = header.foreign {
                record.foreign = found.recipe;
                record.parameters = Some(found.text);
            }
        }
        Err(reason) => record.problem = Some(reason),
    }
    record
}
