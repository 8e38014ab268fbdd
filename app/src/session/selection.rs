//! Which pictures of the gallery's list are chosen, and where its cursor is.
//!
//! Chosen pictures stay chosen while a search hides them and are acted on only while they are listed: nothing
//! unseen goes to the trash.

use std::collections::HashSet;
use std::ops::Range;

use super::PictureId;
use crate::gallery::Entry;

/// How a choice adds to what was chosen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choose {
    /// Only this one.
    Only,
    /// This one too, or no longer.
    Toggle,
    /// All from where the last choice began.
    Through,
}

#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// For each picture of the list, in its order.
    chosen: Vec<bool>,
    n_chosen: usize,
    /// Chosen, and not in the list at present.
    hidden: HashSet<PictureId>,
    cursor: Option<(usize, PictureId)>,
    /// Where a choice by Shift begins.
    anchor: Option<(usize, PictureId)>,
    /// What was chosen before the rubber band that is being drawn.
    before_band: Option<Vec<bool>>,
}

impl Selection {
    pub fn is_chosen(&self, index: usize) -> bool {
        self.chosen.get(index).copied().unwrap_or(false)
    }

    /// How many pictures of the list are chosen.
    pub fn len(&self) -> usize {
        self.n_chosen
    }

    pub fn is_empty(&self) -> bool {
        self.n_chosen == 0
    }

    /// The picture that the keyboard is at.
    pub fn cursor(&self) -> Option<usize> {
        self.cursor.map(|(index, _)| index)
    }

    /// The chosen pictures of the list, in its order.
    pub fn ids(&self, entries: &[Entry]) -> Vec<PictureId> {
        if self.n_chosen == 0 {
            return Vec::new();
        }
        let both = entries.iter().zip(&self.chosen);
        both.filter(|(_, chosen)| **chosen)
            .map(|(entry, _)| entry.id)
            .collect()
    }

    pub fn choose(&mut self, entries: &[Entry], index: usize, how: Choose) {
        let Some(id) = entries.get(index).map(|entry| entry.id) else {
            return;
        };
        self.chosen.resize(entries.len(), false);
        match how {
            Choose::Only => {
                self.clear();
                self.set(index..index + 1, true);
                self.anchor = Some((index, id));
            }
            Choose::Toggle => {
                self.set(index..index + 1, !self.is_chosen(index));
                self.anchor = Some((index, id));
            }
            Choose::Through => {
                let anchor = self.anchor.or(self.cursor).unwrap_or((index, id));
                self.clear();
                self.set(anchor.0.min(index)..anchor.0.max(index) + 1, true);
                self.anchor = Some(anchor);
            }
        }
        self.cursor = Some((index, id));
    }

    /// Chooses what a rubber band touches; with `adds`, besides what was chosen when it began.
    pub fn choose_band(&mut self, entries: &[Entry], touched: &[Range<usize>], adds: bool) {
        self.chosen.resize(entries.len(), false);
        let before = self.before_band.get_or_insert_with(|| self.chosen.clone());
        if adds && before.len() == entries.len() {
            self.chosen.clone_from(before);
            self.n_chosen = self.chosen.iter().filter(|chosen| **chosen).count();
        } else {
            self.clear();
        }
        for range in touched {
            self.set(range.clone(), true);
        }
        let last = touched.last().and_then(|range| range.end.checked_sub(1));
        if let Some(index) = last
            && let Some(entry) = entries.get(index)
        {
            self.cursor = Some((index, entry.id));
            self.anchor = self.cursor;
        }
    }

    pub fn end_band(&mut self) {
        self.before_band = None;
    }

    pub fn choose_all(&mut self, entries: &[Entry]) {
        self.chosen.clear();
        self.chosen.resize(entries.len(), true);
        self.n_chosen = entries.len();
        if self.cursor.is_none() {
            self.cursor = entries.first().map(|entry| (0, entry.id));
        }
    }

    /// Chooses nothing; the cursor stays where it is.
    pub fn clear(&mut self) {
        self.chosen.fill(false);
        self.n_chosen = 0;
        self.hidden.clear();
    }

    /// The list is another one now: what was chosen stays so by its id, and the cursor stays with its
    /// picture, or at its place where the picture has gone.
    pub fn relist(&mut self, old: &[Entry], new: &[Entry]) {
        self.before_band = None;
        let mut chosen: HashSet<PictureId> = self.ids(old).into_iter().collect();
        chosen.extend(self.hidden.drain());
        self.chosen.clear();
        if chosen.is_empty() {
            self.chosen.resize(new.len(), false);
        } else {
            let is_chosen = |entry: &Entry| chosen.remove(&entry.id);
            self.chosen.extend(new.iter().map(is_chosen));
        }
        self.n_chosen = self.chosen.iter().filter(|chosen| **chosen).count();
        self.hidden = chosen;
        let moved = |known: Option<(usize, PictureId)>| {
            let (index, id) = known?;
            if new.get(index).is_some_and(|entry| entry.id == id) {
                return known;
            }
            let found = new.iter().position(|entry| entry.id == id);
            let index = found.unwrap_or(index.min(new.len().checked_sub(1)?));
            Some((index, new[index].id))
        };
        self.cursor = moved(self.cursor);
        self.anchor = moved(self.anchor);
    }

    /// Pictures that were deleted are not chosen any more, hidden or not.
    pub fn forget(&mut self, ids: &[PictureId]) {
        for id in ids {
            self.hidden.remove(id);
        }
    }

    fn set(&mut self, range: Range<usize>, to: bool) {
        let end = range.end.min(self.chosen.len());
        for chosen in &mut self.chosen[range.start.min(end)..end] {
            if *chosen != to {
                *chosen = to;
                if to {
                    self.n_chosen += 1;
                } else {
                    self.n_chosen -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init)]
    use super::*;

    fn list(n: usize) -> Vec<Entry> {
        let entry = |_| Entry {
            id: PictureId::new(),
            created_ms: 0,
            run: 0,
            is_starred: false,
        };
        (0..n).map(entry).collect()
    }

    fn chosen(selection: &Selection, entries: &[Entry]) -> Vec<usize> {
        let all: Vec<usize> = (0..entries.len())
            .filter(|index| selection.is_chosen(*index))
            .collect();
        assert_eq!(selection.len(), all.len());
        let ids: Vec<PictureId> = all.iter().map(|index| entries[*index].id).collect();
        assert_eq!(selection.ids(entries), ids);
        all
    }

    #[test]
    fn clicks_with_and_without_keys_choose_as_everywhere() {
        let entries = list(10);
        let mut selection = Selection::default();
        let cases = [
            (3, Choose::Only, vec![3]),
            (5, Choose::Through, vec![3, 4, 5]),
            (1, Choose::Through, vec![1, 2, 3]),
            (7, Choose::Toggle, vec![1, 2, 3, 7]),
            (2, Choose::Toggle, vec![1, 3, 7]),
            (4, Choose::Through, vec![2, 3, 4]),
            (9, Choose::Only, vec![9]),
        ];
        for (index, how, expected) in cases {
            selection.choose(&entries, index, how);
            assert_eq!(chosen(&selection, &entries), expected, "{index} {how:?}");
            assert_eq!(selection.cursor(), Some(index));
        }
        selection.choose(&entries, 10, Choose::Only);
        assert_eq!(chosen(&selection, &entries), [9], "there is no tenth");
        selection.choose_all(&entries);
        assert_eq!(selection.len(), 10);
        selection.clear();
        assert_eq!(chosen(&selection, &entries), [0; 0]);
    }

    #[test]
    fn a_rubber_band_that_shrinks_lets_go_again() {
        let entries = list(10);
        let mut selection = Selection::default();
        selection.choose(&entries, 9, Choose::Only);
        selection.choose_band(&entries, &[0..3, 4..6], true);
        assert_eq!(chosen(&selection, &entries), [0, 1, 2, 4, 5, 9]);
        selection.choose_band(&entries, &[0..1], true);
        assert_eq!(chosen(&selection, &entries), [0, 9]);
        selection.end_band();
        selection.choose_band(&entries, &[2..4], false);
        assert_eq!(chosen(&selection, &entries), [2, 3]);
    }

    #[test]
    fn a_search_hides_the_choice_and_gives_it_back() {
        let entries = list(6);
        let mut selection = Selection::default();
        selection.choose(&entries, 1, Choose::Only);
        selection.choose(&entries, 4, Choose::Toggle);
        let found = [entries[4], entries[5]];
        selection.relist(&entries, &found);
        assert_eq!(
            chosen(&selection, &found),
            [0],
            "only what is seen is acted on"
        );
        selection.relist(&found, &entries);
        assert_eq!(chosen(&selection, &entries), [1, 4]);
    }

    #[test]
    fn the_cursor_stays_at_its_place_when_its_picture_has_gone() {
        let entries = list(4);
        let mut selection = Selection::default();
        selection.choose(&entries, 2, Choose::Only);
        let mut fewer = entries.clone();
        fewer.remove(2);
        selection.relist(&entries, &fewer);
        assert_eq!(selection.cursor(), Some(2));
        assert!(selection.is_empty());
        fewer.remove(2);
        selection.relist(&entries, &fewer);
        assert_eq!(selection.cursor(), Some(1));
        selection.relist(&fewer, &[]);
        assert_eq!(selection.cursor(), None);
    }
}
