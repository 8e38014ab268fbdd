//! The document's side of its file.

use std::path::Path;

use limn_engine::device::memory;

use super::content::Content;
use super::history::{Document, Entry};
use super::id::DocumentId;
use super::journal::{self, Contents, JournalFile, Record};
use super::past_runs;
use super::replay::Replay;
use super::steps::Direction;
use super::store::Places;

/// What a file may unpack to however short it is, in bytes.
const FREE_BYTES: u64 = 512 << 20;
/// How many times as long as the file its tiles may be beyond that. LZ4 makes at most 255 of one; pictures, masks and
/// sketches come nowhere near, because tiles of one value are in the file once.
const LIMIT_SWELLING: u64 = 128;

impl Document {
    /// A document from its file, with the tiles that are shown.
    pub(super) fn from_file(
        id: DocumentId,
        contents: Contents,
        file: JournalFile,
    ) -> journal::Result<Self> {
        let (replay, runs) = (contents.replay, contents.runs);
        check_swelling(&file, replay.peak_bytes(), contents.n_bytes)?;
        check_memory(&file, replay.shown_bytes())?;
        let mut content = Content::default();
        replay.outline().apply(&mut content);
        let mut shown: Vec<_> = replay.shown().iter().map(|(at, id)| (*at, *id)).collect();
        let Replay {
            steps,
            mut versions,
            ..
        } = replay;
        shown.sort_unstable();
        versions.load(shown.iter().map(|(_, id)| *id), Some(&file))?;
        for of_plane in shown.chunk_by(|((plane, _), _), ((next, _), _)| plane == next) {
            let ((plane, _), _) = of_plane[0];
            let tiles = of_plane
                .iter()
                .map(|((_, index), id)| (*index, versions.tile(*id).cloned()));
            content.set_plane_tiles(plane, tiles);
            for (_, id) in of_plane {
                versions.exchange(None, Some(*id));
            }
        }
        let past_runs = past_runs::load(runs, &mut versions, &file);
        versions.forget();
        let (saved_path, saved_serial) = contents.saved.unwrap_or_default();
        let mut document = Self::new();
        document.id = id;
        document.name = contents.name;
        document.name_is_given = contents.name_is_given;
        document.content = content;
        document.steps = steps;
        document.versions = versions;
        document.past_runs = past_runs;
        document.saved_path = (!saved_path.is_empty()).then(|| saved_path.into());
        document.saved_serial = saved_serial;
        document.file = Some(file);
        document.read_ahead(Direction::Back);
        Ok(document)
    }

    /// What was not handed to the file's thread yet. `file` is where it writes to.
    pub(super) fn take_journal(&mut self, file: impl FnOnce() -> JournalFile) -> Vec<Entry> {
        if !self.journal.is_empty() && self.file.is_none() {
            self.file = Some(file());
        }
        std::mem::take(&mut self.journal)
    }

    /// These tiles are in the file now.
    pub fn written(&mut self, places: &Places) {
        for (id, place) in &places.0 {
            self.versions.set_place(*id, *place);
        }
        self.versions.forget();
    }

    /// Names the present state: no two of a document share a number.
    pub fn serial(&self) -> u64 {
        self.steps.serial()
    }

    /// It was saved in the state of this serial number, and is called so now.
    pub fn saved(&mut self, path: &Path, serial: u64) {
        self.saved_serial = serial;
        self.saved_path = Some(path.to_owned());
        self.write_down(Record::Saved {
            path: path.to_str().unwrap_or_default().to_owned(),
            serial,
        });
        self.name_after_file(path);
    }
}

/// A file that was made to fill the memory is refused before it does.
fn check_swelling(file: &JournalFile, needed_bytes: u64, file_bytes: u64) -> journal::Result<()> {
    if needed_bytes > FREE_BYTES.max(file_bytes.saturating_mul(LIMIT_SWELLING)) {
        return Err(journal::Error::Swells {
            path: file.path.clone(),
            needed_mib: needed_bytes >> 20,
        });
    }
    Ok(())
}

/// Whether so much can be read of a file: half of what is free is left to everything else.
pub(super) fn check_memory(file: &JournalFile, needed_bytes: u64) -> journal::Result<()> {
    /// Not worth a look.
    const SMALL_BYTES: u64 = 64 << 20;
    if needed_bytes <= SMALL_BYTES {
        return Ok(());
    }
    let free_bytes = memory::available_ram_bytes().unwrap_or(u64::MAX);
    if needed_bytes > free_bytes / 2 {
        return Err(journal::Error::TooLarge {
            path: file.path.clone(),
            needed_mib: needed_bytes >> 20,
            free_mib: free_bytes >> 20,
        });
    }
    Ok(())
}
