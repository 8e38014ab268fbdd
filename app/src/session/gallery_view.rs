//! What the window knows of the gallery: the pictures that match the search, and facts of those seen.

use std::collections::HashMap;
use std::sync::Arc;

use super::PictureId;
use crate::gallery::handle::ImportProgress;
use crate::gallery::{Entry, Overview, Record};

/// Beyond this many, facts of pictures not seen for long are fetched again.
const MAX_RECORDS: usize = 4_000;

#[derive(Debug, Default)]
pub struct GalleryView {
    pub words: String,
    pub only_starred: bool,
    /// Matches, newest first.
    pub ids: Vec<PictureId>,
    /// How many pictures, boards, tags and models there are.
    pub overview: Arc<Overview>,
    /// How many pictures there are without a search.
    pub total: usize,
    pub state: GalleryState,
    /// How far the import is that runs now.
    pub import: Option<ImportProgress>,
    records: HashMap<PictureId, Arc<Record>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum GalleryState {
    #[default]
    Opening,
    Ready,
    /// It cannot be opened or read; the reason says what to do.
    Failed(String),
}

impl GalleryView {
    pub fn record(&self, id: PictureId) -> Option<&Arc<Record>> {
        self.records.get(&id)
    }

    pub fn put(&mut self, record: Record) {
        if self.records.len() >= MAX_RECORDS {
            self.records.clear();
        }
        self.records.insert(record.id, Arc::new(record));
    }

    /// Its facts are old: they are asked for again.
    pub fn forget_record(&mut self, id: PictureId) {
        self.records.remove(&id);
    }

    /// A picture that was saved just now: in view before the gallery is asked again.
    pub fn add(&mut self, record: Record) {
        if !self.is_searching() && !self.ids.contains(&record.id) {
            self.ids.insert(0, record.id);
        }
        self.put(record);
    }

    pub fn listed(&mut self, entries: &[Entry]) {
        self.ids = entries.iter().map(|entry| entry.id).collect();
        self.state = GalleryState::Ready;
        if !self.is_searching() {
            self.total = self.ids.len();
        }
    }

    /// The picture has gone to the trash.
    pub fn remove(&mut self, id: PictureId) {
        self.ids.retain(|other| *other != id);
    }

    /// Shows the star at once; the gallery's own word follows.
    pub fn set_starred(&mut self, id: PictureId, is_starred: bool) {
        if let Some(record) = self.records.get_mut(&id) {
            Arc::make_mut(record).is_starred = is_starred;
        }
    }

    pub fn is_searching(&self) -> bool {
        self.only_starred || !self.words.trim().is_empty()
    }

    /// The picture `by` places further in the list, stopping at its ends.
    pub fn neighbour(&self, id: PictureId, by: i32) -> Option<PictureId> {
        let here = self.ids.iter().position(|other| *other == id)?;
        let there = here.checked_add_signed(by as isize)?;
        self.ids.get(there).copied()
    }
}
