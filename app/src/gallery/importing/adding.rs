//! The part of an import that changes the gallery. One process at a time: whether a picture is there already is
//! decided under the same lock that adds it, so that a crowd of imports adds it once.
//!
//! Under the lock the order is: the file's name into the marks, the file, the index. A kill in between leaves files
//! that the index does not know, and a lock that says so: whoever takes it next takes those in first.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{ImportReport, OfTrashed, Sound};
use crate::files::{Existing, Lock, create_own_dir, write_atomically};
use crate::gallery::error::{Error, Result};
use crate::gallery::index::{Record, State};
use crate::gallery::layout::PictureId;
use crate::gallery::marks::{self, Mark};
use crate::gallery::picture_file::LIMIT_FILE_BYTES;
use crate::gallery::store::{Gallery, describe, stamp};

/// How long others may add pictures before an import gives up.
const LOCK_TIMEOUT: Duration = Duration::from_mins(2);

/// What to do with a sound picture.
pub(super) enum Place {
    /// It comes in under this id.
    New(PictureId),
    /// The gallery had it and lost its file.
    Back(PictureId),
    /// The gallery has it, and this file says more about how it was made.
    Instead(Box<Record>),
    Duplicate,
    InTrash(PictureId),
}

/// Held while pictures are added.
pub(super) struct Adding {
    /// `None` where there is no room for a lock.
    lock: Option<Lock>,
}

impl Adding {
    fn begin(&self) {
        // Without the note, what a kill leaves is found by the next import from its beginning.
        let _ = self.lock.as_ref().map(Lock::begin);
    }

    fn end(&self) {
        let _ = self.lock.as_ref().map(Lock::end);
    }
}

impl Gallery {
    /// Waits until nobody else adds pictures. `None` if the import was cancelled meanwhile.
    ///
    /// # Errors
    /// [`Error::Locked`], or of the gallery.
    pub(super) fn begin_adding(&mut self, is_cancelled: &AtomicBool) -> Result<Option<Adding>> {
        let path = self.index_path.with_extension("adding");
        let is_given_up = |waited| waited > LOCK_TIMEOUT || is_cancelled.load(Ordering::Relaxed);
        let lock = match Lock::take(&path, is_given_up) {
            Ok(None) if is_cancelled.load(Ordering::Relaxed) => return Ok(None),
            Ok(None) => {
                let cause = std::io::ErrorKind::ResourceBusy.into();
                return Err(Error::Locked { path, cause });
            }
            Ok(lock) => lock,
            Err(error) => {
                tracing::warn!(
                    "pictures are added without a lock ({error}): {}",
                    path.display()
                );
                None
            }
        };
        let adding = Adding { lock };
        let lock = adding.lock.as_ref();
        if lock.is_some_and(|lock| lock.was_left().unwrap_or(true)) {
            self.take_in_left()?;
            adding.end();
        }
        Ok(Some(adding))
    }

    /// Takes what a killed import had copied into the index: pictures whose name it had written down.
    ///
    /// # Errors
    /// Of the gallery.
    pub(super) fn take_in_left(&mut self) -> Result<()> {
        self.read_marks()?;
        let mut records = Vec::new();
        for id in self.index.named_without_picture()? {
            let found = self
                .find(id, State::Here)
                .or_else(|| self.find(id, State::Trashed));
            let Some((state, kind)) = found else {
                continue;
            };
            let path = self.place(id, state, kind);
            let stamp = stamp(&*self.fs, &path, state, kind);
            if let Ok(file) = self.fs.read(&path, LIMIT_FILE_BYTES) {
                records.push(describe(id, stamp, &file));
            }
        }
        self.index.put(&records)
    }

    /// Adds what is not there yet. Only under the lock.
    pub(super) fn add(
        &mut self,
        adding: &Adding,
        pictures: Vec<Sound>,
        of_trashed: OfTrashed,
        report: &mut ImportReport,
    ) -> Result<()> {
        let (pictures, n_twice) = once_each(pictures);
        report.n_duplicates += n_twice;
        let mut coming: Vec<(PictureId, Sound)> = Vec::new();
        for picture in pictures {
            match self.place_for(&picture)? {
                Place::InTrash(id) if of_trashed == OfTrashed::Restore => {
                    self.restore(id)?;
                    report.added.push(id);
                    if let Place::Instead(record) = self.place_for(&picture)? {
                        self.replace(adding, &record, &picture)?;
                    }
                }
                Place::Duplicate | Place::InTrash(_) => report.n_duplicates += 1,
                Place::Instead(record) => {
                    self.replace(adding, &record, &picture)?;
                    report.completed.push(record.id);
                }
                Place::New(id) | Place::Back(id) => coming.push((id, picture)),
            }
        }
        if coming.is_empty() {
            return Ok(());
        }
        adding.begin();
        // The name first: without it a crash would leave a picture that nobody finds by its name.
        let names = coming.iter().map(|(id, picture)| {
            let name = picture.candidate.path.file_name().unwrap_or_default();
            (*id, Mark::Origin(name.to_string_lossy().into_owned()))
        });
        marks::append_each(&*self.fs, &self.layout, names)?;
        let mut records = Vec::new();
        for (id, picture) in &coming {
            records.push((self.write_copy(*id, picture)?, picture.content));
            self.keep_thumbnail(*id, &picture.thumbnail);
        }
        if let Err(error) = self.index.put_with_contents(&records) {
            self.note_behind();
            // Their files are there, and the next scan finds them.
            report.added.extend(coming.iter().map(|(id, _)| *id));
            return Err(error);
        }
        self.read_marks()?;
        adding.end();
        report.added.extend(coming.iter().map(|(id, _)| *id));
        let reduced = coming.iter().filter(|(_, picture)| picture.is_reduced);
        report.n_reduced += reduced.count();
        Ok(())
    }

    fn place_for(&self, picture: &Sound) -> Result<Place> {
        let candidate = &picture.candidate;
        let known = match self.index.with_content(&picture.content)? {
            None => self.index.with_file(&candidate.sha256)?,
            known => known,
        };
        match known {
            Some((id, State::Here)) => return self.place_beside(id, picture),
            Some((id, State::Trashed)) => return Ok(Place::InTrash(id)),
            Some((id, State::Missing)) => return Ok(Place::Back(id)),
            None => {}
        }
        // A picture of Limn's own keeps its name, by which its children know it.
        if let Some(id) = picture.own {
            match self.index.stamp(id)?.map(|stamp| stamp.state) {
                None => return Ok(Place::New(id)),
                Some(State::Missing) => return Ok(Place::Back(id)),
                // The same recipe and other pixels: somebody worked on it.
                Some(State::Here | State::Trashed) => {}
            }
        }
        Ok(Place::New(PictureId::made_at(candidate.modified)))
    }

    /// What to do where the gallery has a picture with the same pixels. One that says more about how it was made
    /// takes its place, unless it has less of the picture: then both are there.
    pub(super) fn place_beside(&self, id: PictureId, picture: &Sound) -> Result<Place> {
        let record = match self.record(id) {
            // Deleted a moment ago, by somebody else: pictures go without the lock.
            Err(Error::UnknownPicture(_)) => {
                return Ok(Place::New(PictureId::made_at(picture.candidate.modified)));
            }
            record => record?,
        };
        let says_more = picture.says > Says::of(&record);
        if !says_more {
            return Ok(Place::Duplicate);
        }
        let depth_bits = self
            .file(id)
            .ok()
            .map_or(8, |file| super::depth_bits(&file));
        let keeps_mark = record.source_type.is_none() || picture.is_marked;
        if picture.depth_bits >= depth_bits && keeps_mark {
            Ok(Place::Instead(Box::new(record)))
        } else {
            Ok(Place::New(PictureId::made_at(picture.candidate.modified)))
        }
    }

    /// Puts a file with the same pixels in the place of a picture's own. The picture stays what it is to the user,
    /// with its id, marks and thumbnail.
    fn replace(&mut self, adding: &Adding, record: &Record, picture: &Sound) -> Result<()> {
        let id = record.id;
        adding.begin();
        let new = self.write_copy(id, picture)?;
        if record.kind != picture.kind {
            let old = self.place(id, State::Here, record.kind);
            // One that stays is a copy that nobody looks at.
            if let Err(error) = self.fs.remove(&old) {
                tracing::warn!(
                    "cannot remove a file that was replaced: {error}: {}",
                    old.display()
                );
            }
        }
        self.index.put_with_contents(&[(new, picture.content)])?;
        adding.end();
        Ok(())
    }

    fn write_copy(&self, id: PictureId, picture: &Sound) -> Result<Record> {
        let path = self.place(id, State::Here, picture.kind);
        let bytes = &picture.candidate.bytes;
        let written = create_own_dir(&*self.fs, &self.layout.month_folder(&id.month()))
            .and_then(|()| write_atomically(&*self.fs, &path, bytes, Existing::Replace));
        written.map_err(|error| Error::io("copy the picture into the gallery", &path, error))?;
        let stamp = stamp(&*self.fs, &path, State::Here, picture.kind);
        Ok(describe(id, stamp, bytes))
    }

    /// Removes what killed imports left half written, in the folders that this import writes to.
    pub(super) fn sweep_months(&self, swept: &mut BTreeSet<String>, report: &ImportReport) {
        // The last ones are enough: this is called after every few pictures.
        for id in report.added.iter().rev().take(super::N_AT_ONCE) {
            let month = id.month();
            if !swept.contains(&month) {
                self.sweep_folder(&self.layout.month_folder(&month));
                swept.insert(month);
            }
        }
    }
}

/// How much is known of how a picture was made, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    Nothing,
    /// A text that Limn does not understand.
    Something,
    /// Another program's recipe.
    Foreign,
    /// A recipe of Limn's.
    Own,
}

impl Says {
    pub fn of(record: &Record) -> Self {
        match record {
            Record {
                recipe: Some(_), ..
            } => Self::Own,
            Record {
                foreign: Some(_), ..
            } => Self::Foreign,
            Record {
                parameters: Some(_),
                ..
            } => Self::Something,
            _ => Self::Nothing,
        }
    }
}

/// Of several files with the same pixels the one that says the most, where it has all of the picture; and how many
/// were left out.
fn once_each(pictures: Vec<Sound>) -> (Vec<Sound>, usize) {
    let n_pictures = pictures.len();
    let mut kept: Vec<Sound> = Vec::new();
    for picture in pictures {
        let twin = kept.iter_mut().find(|kept| kept.content == picture.content);
        match twin {
            None => kept.push(picture),
            Some(twin) if picture.says > twin.says && picture.depth_bits >= twin.depth_bits => {
                *twin = picture;
            }
            Some(_) => {}
        }
    }
    let n_twice = n_pictures - kept.len();
    (kept, n_twice)
}
