//! Pictures from elsewhere come into the gallery: PNG, JPEG and WebP as copies, byte for byte, so that all their
//! texts, profiles and marks stay; others as PNG of what is seen of them. What is there already, by its file or by its pixels, does not come twice.
//!
//! An import can be cut off at any moment, by the user or by a crash: what it had taken in is whole and stays, and
//! the same import again takes in the rest.

mod converted;
pub(super) mod files;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use image::{RgbImage, RgbaImage};
use jiff::Timestamp;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::error::{Error, Result};
use super::index::{Record, State};
use super::layout::{FileKind, PictureId};
use super::marks::{self, Mark};
use super::picture_file::{self, LIMIT_FILE_BYTES};
use super::store::{Gallery, describe, stamp};
use super::thumbnails;
use crate::files::{Existing, create_dirs, read_named, remedy, write_atomically};
use crate::import;

/// Pictures unpacked at once; more would only take more memory.
pub(super) const N_AT_ONCE: usize = 4;
/// Failures that are told one by one.
const LIMIT_FAILURES: usize = 1000;

/// How far an import is, and what it came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    pub n_files: usize,
    pub n_done: usize,
    /// Pictures that came in, or came back from the trash.
    pub added: Vec<PictureId>,
    /// Files whose picture was there already.
    pub n_duplicates: usize,
    pub n_failed: usize,
    /// The first thousand of them.
    pub failures: Vec<ImportFailure>,
    /// Why it ended before the last file: a full disk, or the user.
    pub stopped: Option<Stopped>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportFailure {
    pub path: PathBuf,
    /// What is wrong and what to do.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    Cancelled,
    Failed(String),
}

impl ImportReport {
    fn fail(&mut self, path: PathBuf, reason: String) {
        self.n_failed += 1;
        if self.failures.len() < LIMIT_FAILURES {
            self.failures.push(ImportFailure { path, reason });
        }
    }
}

/// A file that was read, and is none that the gallery has.
struct Candidate {
    path: PathBuf,
    bytes: Vec<u8>,
    sha256: [u8; 32],
    modified: Timestamp,
}

/// A candidate that is a sound picture.
struct Sound {
    candidate: Candidate,
    kind: FileKind,
    size: (u32, u32),
    content: [u8; 32],
    thumbnail: RgbImage,
}

/// What an import does about a picture that is in the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfTrashed {
    Restore,
    Leave,
}

/// What to do with a sound picture.
enum Place {
    /// It comes in under this id.
    New(PictureId),
    /// The gallery had it and lost its file.
    Back(PictureId),
    Duplicate,
    InTrash(PictureId),
}

impl Gallery {
    /// Takes in files, and all pictures in folders. Never fails as a whole: the report tells of each file that was
    /// not taken, and why the import ended early, if it did.
    pub fn import(
        &mut self,
        paths: &[PathBuf],
        is_cancelled: &AtomicBool,
        on_progress: &mut dyn FnMut(&ImportReport),
    ) -> ImportReport {
        let files = files::find(paths);
        let mut report = ImportReport {
            n_files: files.len(),
            ..ImportReport::default()
        };
        on_progress(&report);
        for some in files.chunks(N_AT_ONCE) {
            if is_cancelled.load(Ordering::Relaxed) {
                report.stopped = Some(Stopped::Cancelled);
                break;
            }
            if let Err(error) =
                self.import_some(some, OfTrashed::Restore, is_cancelled, &mut report)
            {
                report.stopped = Some(Stopped::Failed(error.to_string()));
                break;
            }
            report.n_done += some.len();
            on_progress(&report);
        }
        report
    }

    pub(super) fn import_some(
        &mut self,
        paths: &[PathBuf],
        of_trashed: OfTrashed,
        is_cancelled: &AtomicBool,
        report: &mut ImportReport,
    ) -> Result<()> {
        let read: Vec<_> = paths.par_iter().map(|path| read(path)).collect();
        let mut candidates = Vec::new();
        for (path, read) in paths.iter().zip(read) {
            match read {
                Ok(candidate) => match self.index.with_file(&candidate.sha256)? {
                    Some((_, State::Here)) => report.n_duplicates += 1,
                    _ => candidates.push(candidate),
                },
                Err(reason) => report.fail(path.clone(), reason),
            }
        }
        let checked = candidates.into_par_iter().map(check);
        let mut sound = Vec::new();
        for checked in checked.collect::<Vec<_>>() {
            match checked {
                Ok(picture) => sound.push(picture),
                Err((path, reason)) => report.fail(path, reason),
            }
        }
        for picture in &sound {
            self.learn_contents(picture.size, is_cancelled)?;
        }
        self.take_in(sound, of_trashed, report)
    }

    /// Makes sure that the pixels of every picture of that size are known.
    fn learn_contents(&mut self, size: (u32, u32), is_cancelled: &AtomicBool) -> Result<()> {
        let unknown = self.index.without_content(size)?;
        for some in unknown.chunks(N_AT_ONCE) {
            if is_cancelled.load(Ordering::Relaxed) {
                return Ok(());
            }
            let mut contents = Vec::new();
            for id in some {
                match self.pixels(*id) {
                    Ok(pixels) => contents.push((*id, content_hash(&pixels))),
                    // Not asked again, and no duplicate of anything.
                    Err(Error::Unreadable { reason, .. }) => {
                        self.index.set_problem(*id, Some(&reason))?;
                    }
                    Err(error) => tracing::warn!("cannot compare with picture {id}: {error}"),
                }
            }
            self.index.set_contents(&contents)?;
        }
        Ok(())
    }

    fn take_in(
        &mut self,
        sound: Vec<Sound>,
        of_trashed: OfTrashed,
        report: &mut ImportReport,
    ) -> Result<()> {
        let mut coming: Vec<(PictureId, Sound)> = Vec::new();
        for picture in sound {
            let is_twice = coming
                .iter()
                .any(|(_, other)| other.content == picture.content);
            match self.place_for(&picture)? {
                _ if is_twice => report.n_duplicates += 1,
                Place::InTrash(id) if of_trashed == OfTrashed::Restore => {
                    self.restore(id)?;
                    report.added.push(id);
                }
                Place::Duplicate | Place::InTrash(_) => report.n_duplicates += 1,
                Place::New(id) | Place::Back(id) => coming.push((id, picture)),
            }
        }
        // The name first: without it a crash would leave a picture that nobody finds by its name.
        let names = coming.iter().map(|(id, picture)| {
            let name = picture.candidate.path.file_stem().unwrap_or_default();
            (*id, Mark::Origin(name.to_string_lossy().into_owned()))
        });
        if !coming.is_empty() {
            marks::append_each(&*self.fs, &self.layout, names)?;
        }
        let mut records = Vec::new();
        let mut contents = Vec::new();
        for (id, picture) in &coming {
            records.push(self.write_copy(*id, picture)?);
            contents.push((*id, picture.content));
            self.keep_thumbnail(*id, &picture.thumbnail);
        }
        self.index.put(&records)?;
        self.index.set_contents(&contents)?;
        self.read_marks()?;
        report.added.extend(coming.iter().map(|(id, _)| *id));
        Ok(())
    }

    fn place_for(&self, picture: &Sound) -> Result<Place> {
        let candidate = &picture.candidate;
        let known = match self.index.with_content(&picture.content)? {
            None => self.index.with_file(&candidate.sha256)?,
            known => known,
        };
        match known {
            Some((_, State::Here)) => return Ok(Place::Duplicate),
            Some((id, State::Trashed)) => return Ok(Place::InTrash(id)),
            Some((id, State::Missing)) => return Ok(Place::Back(id)),
            None => {}
        }
        // A picture of Limn's own keeps its name, by which its children know it.
        let own = picture_file::read_header(&candidate.bytes).ok();
        let own = own.and_then(|header| header.recipe).map(|recipe| recipe.id);
        let own = own.filter(|_| picture.kind == FileKind::Png);
        if let Some(id) = own {
            match self.index.stamp(id)?.map(|stamp| stamp.state) {
                None => return Ok(Place::New(id)),
                Some(State::Missing) => return Ok(Place::Back(id)),
                // The same recipe and other pixels: somebody worked on it.
                Some(State::Here | State::Trashed) => {}
            }
        }
        Ok(Place::New(PictureId::made_at(candidate.modified)))
    }

    fn write_copy(&self, id: PictureId, picture: &Sound) -> Result<Record> {
        let path = self.place(id, State::Here, picture.kind);
        let bytes = &picture.candidate.bytes;
        let written = create_dirs(&*self.fs, &self.layout.month_folder(&id.month()))
            .and_then(|()| write_atomically(&*self.fs, &path, bytes, Existing::Replace));
        written.map_err(|error| Error::io("copy the picture into the gallery", &path, error))?;
        let stamp = stamp(&*self.fs, &path, State::Here, picture.kind);
        Ok(describe(id, stamp, bytes))
    }
}

fn read(path: &Path) -> Result<Candidate, String> {
    let failed = |error: std::io::Error| {
        let remedy = remedy(&error);
        format!("the file cannot be read ({error}): {remedy}")
    };
    let bytes = read_named(path, LIMIT_FILE_BYTES).map_err(failed)?;
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let modified = Timestamp::try_from(modified.unwrap_or(SystemTime::now()));
    Ok(Candidate {
        path: path.to_owned(),
        sha256: Sha256::digest(&bytes).into(),
        bytes,
        modified: modified.unwrap_or_else(|_| Timestamp::now()),
    })
}

/// Only a picture that can be shown comes in.
fn check(mut candidate: Candidate) -> Result<Sound, (PathBuf, String)> {
    let imported = import::decode(&candidate.bytes).map_err(|error| error.to_string());
    if let Ok(imported) = &imported {
        match converted::kept(&candidate.bytes, imported) {
            Ok(kept) => candidate.bytes = kept.into_owned(),
            Err(reason) => return Err((candidate.path, reason)),
        }
    }
    let kind = FileKind::of(&candidate.bytes).ok_or_else(|| "this is not a picture".to_owned());
    // Some texts are refused that the pixels do not show.
    let header = picture_file::read_header(&candidate.bytes);
    match (imported, kind, header) {
        (Ok(imported), Ok(kind), Ok(_)) => Ok(Sound {
            kind,
            size: imported.pixels.dimensions(),
            content: content_hash(&imported.pixels),
            thumbnail: thumbnails::small(&imported.pixels),
            candidate,
        }),
        (Err(reason), ..) | (_, Err(reason), _) | (.., Err(reason)) => {
            Err((candidate.path, reason))
        }
    }
}

/// What a picture shows: two files with the same hash have the same size and the same pixels.
pub fn content_hash(pixels: &RgbaImage) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(pixels.width().to_le_bytes());
    hash.update(pixels.height().to_le_bytes());
    hash.update(pixels.as_raw());
    hash.finalize().into()
}
