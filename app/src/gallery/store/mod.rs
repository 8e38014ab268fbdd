//! The gallery: saves pictures so that no fault loses one, finds them, marks them, bins them.

pub mod trash;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use image::{RgbImage, RgbaImage};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::averages::AveragesFile;
use super::error::{Error, Result};
use super::index::{Entry, Index, Overview, Query, Record, Stamp, State};
use super::layout::{FileKind, Layout, PictureId};
use super::marking;
use super::marks::{self, Change, Mark};
use super::picture_file::{self, LIMIT_FILE_BYTES};
use super::recipe::Recipe;
use super::thumbnails::Thumbnails;
use super::unsaved::Unsaved;
use crate::files::{Existing, Fs, RealFs, create_dirs, write_atomically};

/// One gallery folder with its index. Belongs to one thread; other processes may have it open too.
pub struct Gallery {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) layout: Layout,
    pub(super) index: Index,
    pub(super) thumbnails: Thumbnails,
    pub(super) averages: AveragesFile,
    pub(super) unsaved: Unsaved,
    /// Saved, but not yet in the index, which did not answer.
    unindexed: Vec<Record>,
    notices: Vec<String>,
}

/// `gallery.json`: which gallery a folder holds, wherever it is moved to.
#[derive(Debug, Serialize, Deserialize)]
struct GalleryFile {
    format: u32,
    id: Uuid,
}

impl Gallery {
    /// Opens the gallery in a folder, or makes one there. The index lies in `indexes`, small pictures
    /// under `thumbnails`; both can be made again.
    ///
    /// Takes milliseconds: files that the index does not know yet are found by
    /// [`begin_scan`](Self::begin_scan), step by step.
    ///
    /// # Errors
    /// If the folder cannot be made or read, or the index not opened.
    pub fn open(folder: &Path, indexes: &Path, thumbnails: &Path) -> Result<Self> {
        Self::open_with(Arc::new(RealFs), folder, indexes, thumbnails)
    }

    /// [`open`](Self::open) on another file system.
    pub fn open_with(
        fs: Arc<dyn Fs>,
        folder: &Path,
        indexes: &Path,
        thumbnails: &Path,
    ) -> Result<Self> {
        let layout = Layout::new(folder);
        for folder in [folder, indexes] {
            create_dirs(&*fs, folder)
                .map_err(|error| Error::io("make the folder", folder, error))?;
        }
        let id = gallery_id(&*fs, &layout)?;
        let (index, aside) = Index::open(&indexes.join(format!("{id}.sqlite")))?;
        let notices = aside.map(|aside| {
            let aside = aside.display();
            format!("The gallery's index was damaged and is being made again from your pictures. The old one is set aside: {aside}")
        });
        let thumbnails = Thumbnails::new(&thumbnails.join(id.to_string()));
        let unsaved = Unsaved::new(indexes);
        let notices = notices.into_iter().collect();
        let mut gallery = Self {
            fs,
            layout,
            index,
            averages: AveragesFile::new(thumbnails.folder()),
            thumbnails,
            unsaved,
            unindexed: Vec::new(),
            notices,
        };
        gallery.read_marks()?;
        Ok(gallery)
    }

    pub fn folder(&self) -> &Path {
        self.layout.folder()
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
        debug_assert_eq!(pixels.dimensions(), (recipe.width, recipe.height));
        let file = picture_file::encode_png(pixels, recipe)
            .map_err(|reason| Error::Encoding { reason })?;
        let path = self.layout.picture(recipe.id);
        let month = self.layout.month_folder(&recipe.id.month());
        let written = create_dirs(&*self.fs, &month)
            .and_then(|()| write_atomically(&*self.fs, &path, &file, Existing::Replace));
        if let Err(error) = written {
            self.unsaved.keep(&*self.fs, recipe.id, &file);
            return Err(Error::io("save the picture", &path, error));
        }
        self.unsaved.forget(&*self.fs, recipe.id);
        let stamp = stamp(&*self.fs, &path, State::Here, FileKind::Png);
        let record = describe(recipe.id, stamp, &file);
        self.unindexed.push(record.clone());
        if let Err(error) = self.index_saved() {
            tracing::warn!(
                "picture {} is saved but not indexed yet: {error}",
                recipe.id
            );
        }
        Ok(record)
    }

    fn index_saved(&mut self) -> Result<()> {
        if !self.unindexed.is_empty() {
            self.index.put(&self.unindexed)?;
            self.unindexed.clear();
        }
        Ok(())
    }

    /// All pictures that match, in the query's order: some bytes each, also for 100,000 pictures.
    pub fn entries(&mut self, query: &Query) -> Result<Vec<Entry>> {
        self.index_saved()?;
        self.index.entries(query)
    }

    /// Their ids alone.
    pub fn ids(&mut self, query: &Query) -> Result<Vec<PictureId>> {
        let entries = self.entries(query)?;
        Ok(entries.into_iter().map(|entry| entry.id).collect())
    }

    /// How much there is of what: pictures, boards, tags, models.
    pub fn overview(&mut self) -> Result<Overview> {
        self.index_saved()?;
        self.index.overview()
    }

    /// What is known of a picture.
    ///
    /// # Errors
    /// [`Error::UnknownPicture`], or of the index.
    pub fn record(&self, id: PictureId) -> Result<Record> {
        self.index.record(id)?.ok_or(Error::UnknownPicture(id))
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
        let changed = self.index.changed_by(pictures, mark)?;
        if !changed.is_empty() {
            marks::append(&*self.fs, &self.layout, &changed, mark)?;
        }
        self.read_marks()?;
        Ok(changed)
    }

    /// Changes a board or a tag as a whole: in the marks' file first, then in the index.
    pub fn change(&mut self, change: Change) -> Result<()> {
        marks::append_change(&*self.fs, &self.layout, change)?;
        self.read_marks().map(|_| ())
    }

    /// Takes into the index what this or another process appended to the marks; returns whether there was
    /// any.
    pub fn read_marks(&mut self) -> Result<bool> {
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
            if is_applied && !tail.has_more {
                return Ok(has_read);
            }
        }
    }
}

/// By what a file will be known again. What cannot be told is 0, and the file is then read again.
pub(super) fn stamp(fs: &dyn Fs, path: &Path, state: State, kind: FileKind) -> Stamp {
    let (modified, file_bytes) = fs.modified(path).unwrap_or((SystemTime::UNIX_EPOCH, 0));
    let since = modified.duration_since(SystemTime::UNIX_EPOCH);
    Stamp {
        state,
        kind,
        file_bytes,
        modified_ns: since.map_or(0, |since| since.as_nanos() as i64),
    }
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

/// The gallery's own id, made on the first opening.
fn gallery_id(fs: &dyn Fs, layout: &Layout) -> Result<Uuid> {
    const LIMIT_BYTES: u64 = 64 << 10;
    let path = layout.gallery_file();
    let failed = |error| Error::io("open the gallery", &path, error);
    let read = || match fs.read(&path, LIMIT_BYTES) {
        Ok(bytes) => serde_json::from_slice::<GalleryFile>(&bytes)
            .map(|file| Some(file.id))
            .map_err(|_| Error::BadGalleryFile { path: path.clone() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    };
    if let Some(id) = read()? {
        return Ok(id);
    }
    let file = GalleryFile {
        format: 1,
        id: Uuid::new_v4(),
    };
    let json = serde_json::to_vec(&file).map_err(|error| failed(error.into()))?;
    match write_atomically(fs, &path, &json, Existing::Keep) {
        // Another process was faster: its id holds.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result.map_err(failed)?,
    }
    read()?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}
