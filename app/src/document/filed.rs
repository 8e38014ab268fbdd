//! The document's side of its file.

use std::path::Path;

use super::content::Content;
use super::history::{Document, Entry};
use super::id::DocumentId;
use super::journal::{self, Contents, JournalFile, Record};
use super::store::Places;
use super::tiles::TileKind;

/// What the tiles of a content from a file may take in memory.
const LIMIT_CONTENT_GIB: usize = 8;

impl Document {
    /// A document from its file, with the tiles that are shown.
    pub(super) fn from_file(
        id: DocumentId,
        contents: Contents,
        file: JournalFile,
    ) -> journal::Result<Self> {
        let replay = contents.replay;
        let mut versions = replay.versions;
        let mut shown: Vec<_> = replay.shown.values().copied().collect();
        shown.sort_unstable();
        shown.dedup();
        let n_bytes: usize = shown
            .iter()
            .filter_map(|id| versions.kind(*id))
            .map(TileKind::n_bytes)
            .sum();
        if n_bytes > LIMIT_CONTENT_GIB << 30 {
            return Err(journal::Error::TooLarge {
                path: file.path,
                limit_gib: LIMIT_CONTENT_GIB,
            });
        }
        versions.load(shown.into_iter(), Some(&file))?;
        let mut content = Content::default();
        replay.outline.apply(&mut content);
        for ((plane, index), id) in replay.shown {
            content.set_plane_tile(plane, index, versions.tile(id).cloned());
            versions.exchange(None, Some(id));
        }
        let (saved_path, saved_serial) = contents.saved.unwrap_or_default();
        let mut document = Self::new();
        document.id = id;
        document.name = contents.name;
        document.content = content;
        document.steps = replay.steps;
        document.versions = versions;
        document.saved_path = (!saved_path.is_empty()).then(|| saved_path.into());
        document.saved_serial = saved_serial;
        document.file = Some(file);
        document.read_ahead();
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

    /// Names the present state, for [`Document::saved`].
    pub(super) fn serial(&self) -> u64 {
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
