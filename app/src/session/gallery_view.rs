//! What the window knows of the gallery: the pictures that match the query, which of them are chosen, and
//! facts of those seen.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Choose, PictureId, Selection};
use crate::gallery::family::Family;
use crate::gallery::handle::ImportProgress;
use crate::gallery::index::State;
use crate::gallery::layout::Layout;
use crate::gallery::{Entry, Overview, Query, Record, Sort, meaning};

/// Beyond this many, facts of pictures not seen for long are fetched again.
const MAX_RECORDS: usize = 4_000;

#[derive(Debug, Default)]
pub struct GalleryView {
    /// What is listed, or will be once the gallery has answered.
    pub query: Query,
    /// How the list is divided.
    pub grouping: Grouping,
    /// What has the words, in the query's order; then what shows what they mean, best first. Or all in the order
    /// that is wished for the search.
    entries: Arc<[Entry]>,
    /// So many of the entries have the words.
    n_exact: usize,
    /// How far the search by meaning is with the pictures.
    pub meaning: meaning::State,
    /// What has the words is listed, and what shows what they mean is still being looked for.
    pub is_searching: bool,
    /// Counts the lists: what was computed from an earlier one is out of date.
    list: u64,
    /// How many pictures there are, what boards and tags.
    pub overview: Arc<Overview>,
    pub selection: Selection,
    pub state: GalleryState,
    /// How far the import is that runs now.
    pub import: Option<ImportProgress>,
    /// The tree of the picture that was shown last.
    pub family: Option<Arc<Family>>,
    /// Pictures that were looked for in vain.
    unknown: HashSet<PictureId>,
    records: HashMap<PictureId, Arc<Record>>,
    /// Those from before the last [`MAX_RECORDS`], and those that may be old.
    older_records: HashMap<PictureId, Arc<Record>>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum GalleryState {
    #[default]
    Opening,
    Ready,
    /// It cannot be opened or read; the reason says what to do.
    Failed(String),
}

/// What the sections of the list are.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    #[default]
    None,
    Day,
    Run,
}

impl Grouping {
    pub const ALL: [Self; 3] = [Self::None, Self::Day, Self::Run];

    pub fn label(self) -> &'static str {
        match self {
            Self::None => "No groups",
            Self::Day => "By day",
            Self::Run => "By run",
        }
    }
}

impl GalleryView {
    /// Of a gallery in another folder: nothing is known but how the user looks at it.
    #[must_use]
    pub fn for_another_gallery(&self) -> Self {
        Self {
            query: Query {
                sort: self.query.sort,
                ..Query::default()
            },
            grouping: self.grouping,
            list: self.list + 1,
            ..Self::default()
        }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many were found by meaning alone.
    pub fn n_meant(&self) -> usize {
        self.entries.len().saturating_sub(self.n_exact)
    }

    /// Another number for another list.
    pub fn list(&self) -> u64 {
        self.list
    }

    /// Whether the list is in the order of likeness to what was asked for, rather than in the query's.
    pub fn is_by_likeness(&self) -> bool {
        let is_left_to_search = self.query.is_search() && self.query.sort_found.is_none();
        is_left_to_search && (self.query.like.is_some() || self.n_meant() > 0)
    }

    /// The grouping that holds: days and runs stand together only in the order of time.
    pub fn effective_grouping(&self) -> Grouping {
        match self.query.order() {
            _ if self.is_by_likeness() => Grouping::None,
            Sort::Newest | Sort::Oldest => self.grouping,
            _ => Grouping::None,
        }
    }

    pub fn record(&self, id: PictureId) -> Option<&Arc<Record>> {
        self.records
            .get(&id)
            .or_else(|| self.older_records.get(&id))
    }

    /// Whether a picture was deleted for good, as far as is known.
    pub fn is_gone(&self, id: PictureId) -> bool {
        let record = self.record(id);
        record.map_or(self.unknown.contains(&id), |record| {
            record.state == State::Missing
        })
    }

    /// The gallery has no such picture, or cannot read it and has said nothing of it yet.
    pub fn not_there(&mut self, id: PictureId) {
        self.unknown.insert(id);
    }

    /// Where its file lies in the gallery's folder; `None` until anything is known of it.
    pub fn file(&self, folder: &Path, id: PictureId) -> Option<PathBuf> {
        let record = self.record(id)?;
        Some(Layout::new(folder).picture_of(id, record.kind))
    }

    /// The family tree of a picture, once it is known.
    pub fn family_of(&self, id: Option<PictureId>) -> Option<&Arc<Family>> {
        self.family.as_ref().filter(|family| Some(family.of) == id)
    }

    pub fn put(&mut self, record: Record) {
        if self.records.len() >= MAX_RECORDS {
            self.older_records = std::mem::take(&mut self.records);
        }
        self.unknown.remove(&record.id);
        self.records.insert(record.id, Arc::new(record));
    }

    /// Its facts are old: they are asked for again.
    pub fn forget_record(&mut self, id: PictureId) {
        self.records.remove(&id);
        self.older_records.remove(&id);
    }

    /// Whether the facts of a picture are here and not known to be old.
    pub fn is_fresh(&self, id: PictureId) -> bool {
        self.records.contains_key(&id)
    }

    /// The facts of any picture may be old: they are shown until newer ones come.
    pub fn age_records(&mut self) {
        let records = std::mem::take(&mut self.records);
        if self.older_records.len() < MAX_RECORDS {
            self.older_records.extend(records);
        } else {
            self.older_records = records;
        }
    }

    pub fn choose(&mut self, picture: PictureId, how: Choose) {
        if let Some(index) = self.position(picture) {
            self.choose_at(index, how);
        }
    }

    pub fn choose_at(&mut self, index: usize, how: Choose) {
        self.selection.choose(&self.entries, index, how);
    }

    /// What a rubber band touches, unless the list has changed under it.
    pub fn choose_band(&mut self, list: u64, touched: &[std::ops::Range<usize>], adds: bool) {
        if list == self.list {
            self.selection.choose_band(&self.entries, touched, adds);
        }
    }

    pub fn choose_all(&mut self) {
        self.selection.choose_all(&self.entries);
    }

    /// A list has come, of which `n_exact` have the words.
    pub fn found(&mut self, entries: Arc<[Entry]>, n_exact: usize) {
        self.n_exact = n_exact;
        self.selection.relist(&self.entries, &entries);
        self.entries = entries;
        self.list += 1;
        self.state = GalleryState::Ready;
    }

    /// A list has come in which nothing was found by meaning.
    pub fn listed(&mut self, entries: Arc<[Entry]>) {
        let n_exact = entries.len();
        self.found(entries, n_exact);
    }

    /// The pictures have gone to the trash, or from it.
    pub fn remove(&mut self, ids: &[PictureId]) {
        let gone: HashSet<PictureId> = ids.iter().copied().collect();
        let left = self
            .entries
            .iter()
            .filter(|entry| !gone.contains(&entry.id));
        let left: Arc<[Entry]> = left.copied().collect();
        self.selection.relist(&self.entries, &left);
        self.selection.forget(ids);
        self.entries = left;
        self.list += 1;
    }

    /// Shows the star at once; the gallery's own word follows.
    pub fn set_starred(&mut self, ids: &[PictureId], is_starred: bool) {
        for id in ids {
            let older = self.older_records.get_mut(id);
            if let Some(record) = self.records.get_mut(id).or(older) {
                Arc::make_mut(record).is_starred = is_starred;
            }
        }
    }

    /// Whether the query leaves pictures out.
    pub fn is_searching(&self) -> bool {
        let all = Query {
            sort: self.query.sort,
            ..Query::default()
        };
        let query = Query {
            words: self.query.words.trim().to_owned(),
            ..self.query.clone()
        };
        query != all
    }

    pub fn position(&self, id: PictureId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id == id)
    }

    /// The picture `by` places further in the list, stopping at its ends.
    pub fn neighbour(&self, id: PictureId, by: i32) -> Option<PictureId> {
        let there = self.position(id)?.checked_add_signed(by as isize)?;
        self.entries.get(there).map(|entry| entry.id)
    }

    /// What a command about "the chosen pictures" is about: those, or else the one at the cursor.
    pub fn meant(&self) -> Vec<PictureId> {
        if self.selection.is_empty() {
            let at_cursor = self
                .selection
                .cursor()
                .and_then(|index| self.entries.get(index));
            return at_cursor.map(|entry| entry.id).into_iter().collect();
        }
        self.selection.ids(&self.entries)
    }
}
