//! Pictures from elsewhere come into the gallery: PNG, JPEG and WebP as copies, byte for byte, so that all their
//! texts, profiles and marks stay; others as PNG of what is seen of them. What is there already, by its file or by
//! its pixels, does not come twice.
//!
//! A file that says how its picture was made takes the place of one with the same pixels that does not.
//!
//! An import can be cut off at any moment, by the user or by a crash: what it had taken in is whole and stays, and
//! the same import again takes in the rest. Several at once add each picture once.

mod adding;
mod converted;
pub(super) mod files;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use image::{ImageDecoder, ImageReader, RgbImage, RgbaImage};
use jiff::Timestamp;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::error::{Error, Result};
use super::index::State;
use super::layout::{FileKind, PictureId};
use super::picture_file::{self, Header, LIMIT_FILE_BYTES};
use super::store::Gallery;
use super::thumbnails;
use crate::clock;
use crate::files::{read_named, remedy};
use crate::import::{self, Note};
use crate::marking;
use adding::Says;
pub use report::{ImportFailure, ImportReport, Refusal, Stopped};

/// Pictures unpacked at once; more would only take more memory.
pub(super) const N_AT_ONCE: usize = 4;
/// Of their files together, beside a larger one that comes alone.
const LIMIT_AT_ONCE_BYTES: u64 = 64 << 20;

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
    /// The id that Limn gave it, where it did.
    own: Option<PictureId>,
    says: Says,
    /// Whether the file says whether it was made by AI.
    is_marked: bool,
    /// Of each channel in the file.
    depth_bits: u16,
    /// Whether it had more than Limn shows.
    is_reduced: bool,
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

impl Gallery {
    /// Takes in files, and all pictures in folders. Never fails as a whole: the report tells of each file that was
    /// not taken, and why the import ended early, if it did.
    pub fn import(
        &mut self,
        paths: &[PathBuf],
        is_cancelled: &AtomicBool,
        on_progress: &mut dyn FnMut(&ImportReport),
    ) -> ImportReport {
        let found = files::find(paths);
        let files = found.files;
        let mut report = ImportReport {
            n_files: files.len(),
            left_out: found.left_out,
            ..ImportReport::default()
        };
        on_progress(&report);
        // What a killed import or a broken disk left, even where its lock says nothing.
        if let Err(error) = self.check_access().and_then(|()| self.take_in_left()) {
            report.stopped = Some(Stopped::Failed(error.to_string()));
            return report;
        }
        let mut swept = BTreeSet::new();
        let mut rest = files.as_slice();
        while !rest.is_empty() {
            let (some, later) = rest.split_at(n_at_once(rest));
            rest = later;
            if is_cancelled.load(Ordering::Relaxed) {
                report.stopped = Some(Stopped::Cancelled);
                break;
            }
            let mut done = self.import_some(some, OfTrashed::Restore, is_cancelled, &mut report);
            if let Err(error) = &done
                && error.is_index_damage()
            {
                // What was taken in of these counts as there already.
                done = self.mend(error).and_then(|()| {
                    self.import_some(some, OfTrashed::Restore, is_cancelled, &mut report)
                });
            }
            if let Err(error) = done {
                report.stopped = Some(Stopped::Failed(error.to_string()));
                break;
            }
            report.n_done += some.len();
            self.sweep_months(&mut swept, &report);
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
                Err(reason) => report.fail(path.clone(), Refusal::Unreadable, reason),
            }
        }
        let checked = candidates.into_par_iter().map(check);
        let mut sound = Vec::new();
        for checked in checked.collect::<Vec<_>>() {
            match checked {
                Ok(picture) => sound.push(picture),
                Err((path, refusal, reason)) => report.fail(path, refusal, reason),
            }
        }
        if sound.is_empty() {
            return Ok(());
        }
        // Outside of the lock first, as there may be much to learn; then what others added since.
        self.learn_all_contents(&sound, is_cancelled)?;
        let Some(adding) = self.begin_adding(is_cancelled)? else {
            return Ok(());
        };
        self.learn_all_contents(&sound, is_cancelled)?;
        self.add(&adding, sound, of_trashed, report)
    }

    fn learn_all_contents(&mut self, pictures: &[Sound], is_cancelled: &AtomicBool) -> Result<()> {
        let sizes: BTreeSet<_> = pictures.iter().map(|picture| picture.size).collect();
        sizes
            .into_iter()
            .try_for_each(|size| self.learn_contents(size, is_cancelled))
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
}

/// How many files from the first on are read at once: they stay in memory until all are in the gallery.
pub(super) fn n_at_once<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> usize {
    let bytes = files.into_iter().take(N_AT_ONCE).map(|path| {
        let metadata = std::fs::metadata(path);
        metadata.map_or(0, |metadata| metadata.len())
    });
    let mut all_bytes = 0;
    let fitting = bytes.take_while(|bytes| {
        all_bytes += bytes;
        all_bytes <= LIMIT_AT_ONCE_BYTES
    });
    fitting.count().max(1)
}

fn read(path: &Path) -> Result<Candidate, String> {
    let failed = |error: std::io::Error| {
        let remedy = remedy(&error);
        format!("the file cannot be read ({error}): {remedy}")
    };
    let bytes = read_named(path, LIMIT_FILE_BYTES).map_err(failed)?;
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let modified = modified.map_or_else(|_| clock::now(), clock::moment);
    Ok(Candidate {
        path: path.to_owned(),
        sha256: Sha256::digest(&bytes).into(),
        bytes,
        modified,
    })
}

/// Only a picture that can be shown comes in.
fn check(mut candidate: Candidate) -> Result<Sound, (PathBuf, Refusal, String)> {
    let path = candidate.path.clone();
    let refuse = |refusal, reason| (path.clone(), refusal, reason);
    let imported = import::decode(&candidate.bytes)
        .map_err(|error| refuse(Refusal::of(&error), error.to_string()))?;
    candidate.bytes = converted::kept(std::mem::take(&mut candidate.bytes), &imported)
        .map_err(|(refusal, reason)| refuse(refusal, reason))?;
    let bytes = &candidate.bytes;
    let kind = FileKind::of(bytes)
        .ok_or_else(|| refuse(Refusal::OtherFormat, "this is not a picture".to_owned()))?;
    // Some texts are refused that the pixels do not show.
    let header =
        picture_file::read_header(bytes).map_err(|reason| refuse(Refusal::Damaged, reason))?;
    let says = match &header {
        Header {
            recipe: Some(_), ..
        } => Says::Own,
        Header {
            foreign: Some(found),
            ..
        } if found.recipe.is_some() => Says::Foreign,
        Header {
            foreign: Some(_), ..
        } => Says::Something,
        _ => Says::Nothing,
    };
    let own = header.recipe.as_ref().map(|recipe| recipe.id);
    let is_marked = header
        .xmp
        .as_deref()
        .and_then(marking::source_type)
        .is_some();
    Ok(Sound {
        kind,
        own: own.filter(|_| kind == FileKind::Png),
        says,
        is_marked,
        depth_bits: depth_bits(bytes),
        is_reduced: imported
            .notes
            .iter()
            .any(|note| matches!(note, Note::Reduced { .. })),
        size: imported.pixels.dimensions(),
        content: content_hash(&imported.pixels),
        thumbnail: thumbnails::small(&imported.pixels),
        candidate,
    })
}

/// Bits of each channel in a picture's file; 8 where that cannot be told.
fn depth_bits(file: &[u8]) -> u16 {
    let reader = ImageReader::new(Cursor::new(file))
        .with_guessed_format()
        .ok();
    let decoder = reader.and_then(|reader| reader.into_decoder().ok());
    let colour = decoder.map(|decoder| decoder.original_color_type());
    colour.map_or(8, |colour| match colour.channel_count() {
        0 => 8,
        n_channels => colour.bits_per_pixel() / u16::from(n_channels),
    })
}

/// What a picture shows: two files with the same hash have the same size and the same pixels.
pub fn content_hash(pixels: &RgbaImage) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(pixels.width().to_le_bytes());
    hash.update(pixels.height().to_le_bytes());
    hash.update(pixels.as_raw());
    hash.finalize().into()
}
