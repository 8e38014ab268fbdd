//! The user's marks in the index, and the boards, tags and models that they and the recipes make up.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{Index, State, record};
use crate::folding::fold;
use crate::gallery::error::Result;
use crate::gallery::layout::PictureId;
use crate::gallery::marks::{Change, Line, Mark, Said};

/// Whether a mark is on a picture in the gallery: answered from an index alone, without reading the pictures' rows.
const IS_HERE: &str = "EXISTS (SELECT 1 FROM pictures WHERE state = 0 AND pictures.id = marks.id)";

/// How much there is of what: for the list beside the grid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Pictures in the gallery, those in the trash not among them.
    pub n_pictures: usize,
    pub n_starred: usize,
    pub n_trashed: usize,
    /// By name. A board that nothing is on is there still.
    pub boards: Vec<Collection>,
    /// By name; only those that a picture has.
    pub tags: Vec<Collection>,
    /// The most used first.
    pub models: Vec<Collection>,
}

/// A board, tag or model with its pictures in the gallery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    pub name: String,
    pub n_pictures: usize,
}

impl Index {
    /// How far into the marks' file the index has read.
    pub fn marks_offset(&self) -> Result<u64> {
        let sql = "SELECT value FROM facts WHERE name = 'marks_offset'";
        let offset = self
            .connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .optional();
        Ok(offset.map_err(self.fail())?.unwrap_or(0).max(0) as u64)
    }

    /// Takes over marks that were read from `from_offset` to `to_offset` of their file. Does nothing and
    /// returns false if another process was faster.
    pub fn apply_marks(
        &mut self,
        lines: &[Line],
        from: u64,
        to: u64,
        starts_anew: bool,
    ) -> Result<bool> {
        self.change(|transaction| {
            let sql = "SELECT value FROM facts WHERE name = 'marks_offset'";
            let offset: Option<i64> = transaction
                .query_row(sql, [], |row| row.get(0))
                .optional()?;
            if offset.unwrap_or(0) != from as i64 {
                return Ok(false);
            }
            if starts_anew {
                transaction.execute_batch("DELETE FROM marks; DELETE FROM boards;")?;
            }
            apply(transaction, lines)?;
            let sql = "INSERT OR REPLACE INTO facts (name, value) VALUES ('marks_offset', ?1)";
            transaction.execute(sql, params![to as i64])?;
            Ok(true)
        })
    }

    /// Those of the pictures on which a mark would change something.
    pub fn changed_by(&self, pictures: &[PictureId], mark: &Mark) -> Result<Vec<PictureId>> {
        let MarkRow { kind, name, value } = row_of(mark);
        let run = || {
            let sql = "SELECT value FROM marks WHERE id = ?1 AND kind = ?2 AND name = ?3";
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut changed = Vec::new();
            for id in pictures {
                let now = statement.query_row(params![id.bytes(), kind, name], |row| row.get(0));
                let now: Option<String> = now.optional()?;
                if now.as_deref() != value {
                    changed.push(*id);
                }
            }
            Ok(changed)
        };
        run().map_err(self.fail())
    }

    pub fn overview(&self) -> Result<Overview> {
        let run = || {
            let states = "SELECT state, count(*) FROM pictures GROUP BY state";
            let mut statement = self.connection.prepare_cached(states)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, count(row, 1)?)))?;
            let states = rows.collect::<rusqlite::Result<Vec<(i64, usize)>>>()?;
            let n_in = |state: State| {
                let found = states.iter().find(|(code, _)| *code == state.code());
                found.map_or(0, |(_, n)| *n)
            };
            let stars = format!("SELECT '', count(*) FROM marks WHERE kind = 'star' AND {IS_HERE}");
            let stars = self.collections(&stars)?;
            let boards = format!(
                "SELECT name, (SELECT count(*) FROM marks WHERE kind = 'board' \
                 AND marks.name = boards.name AND {IS_HERE}) FROM boards"
            );
            let tags = format!(
                "SELECT name, count(*) FROM marks WHERE kind = 'tag' AND {IS_HERE} GROUP BY name"
            );
            Ok(Overview {
                n_pictures: n_in(State::Here),
                n_starred: stars.first().map_or(0, |stars| stars.n_pictures),
                n_trashed: n_in(State::Trashed),
                boards: by_name(self.collections(&boards)?),
                tags: by_name(self.collections(&tags)?),
                models: self.collections(
                    "SELECT model, count(*) AS n FROM pictures \
                    WHERE state = 0 AND model IS NOT NULL GROUP BY model ORDER BY n DESC, model",
                )?,
            })
        };
        run().map_err(self.fail())
    }

    /// The pictures with a mark, wherever they are. The name of a star is empty.
    pub(in crate::gallery) fn marked(&self, kind: &str, name: &str) -> Result<HashSet<PictureId>> {
        let run = || {
            let sql = "SELECT id FROM marks WHERE kind = ?1 AND name = ?2";
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([kind, name], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<[u8; 16]>>>()
        };
        let ids = run().map_err(self.fail())?;
        Ok(ids.into_iter().filter_map(PictureId::from_bytes).collect())
    }

    pub(in crate::gallery) fn has_board(&self, name: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM boards WHERE name = ?1";
        let found = self
            .connection
            .query_row(sql, [name], |_| Ok(()))
            .optional();
        Ok(found.map_err(self.fail())?.is_some())
    }

    /// Names with counts, as a statement gives them.
    fn collections(&self, sql: &str) -> rusqlite::Result<Vec<Collection>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(Collection {
                name: row.get(0)?,
                n_pictures: count(row, 1)?,
            })
        })?;
        rows.collect()
    }
}

fn count(row: &Row, column: usize) -> rusqlite::Result<usize> {
    row.get::<_, i64>(column).map(|n| n.max(0) as usize)
}

fn by_name(mut collections: Vec<Collection>) -> Vec<Collection> {
    collections.sort_by_cached_key(|collection| fold(&collection.name));
    collections
}

fn apply(transaction: &Transaction, lines: &[Line]) -> rusqlite::Result<()> {
    // Once for each picture, however many marks it got.
    let mut touched = HashSet::new();
    for line in lines {
        let (pictures, mark) = match &line.said {
            Said::Picture { picture, mark } => (std::slice::from_ref(picture), mark),
            Said::Pictures { pictures, mark } => (&pictures[..], mark),
            Said::Change(change) => {
                touched.extend(apply_change(transaction, change)?);
                continue;
            }
        };
        for picture in pictures {
            apply_mark(transaction, *picture, mark)?;
        }
        // No star changes by which words a picture is found.
        if !matches!(mark, Mark::Star(_)) {
            touched.extend(pictures);
        }
    }
    touched
        .into_iter()
        .try_for_each(|id| record::refresh(transaction, id))
}

/// A mark as a row of the table; one without a value is taken off.
struct MarkRow<'a> {
    kind: &'static str,
    name: &'a str,
    value: Option<&'a str>,
}

fn row_of(mark: &Mark) -> MarkRow<'_> {
    let (kind, name, value) = match mark {
        Mark::Star(on) => ("star", "", on.then_some("")),
        Mark::Tag { name, on } => ("tag", name.as_str(), on.then_some("")),
        Mark::Board { name, on } => ("board", name.as_str(), on.then_some("")),
        Mark::Note(text) => ("note", "", Some(text.as_str())),
        Mark::Title(text) => ("title", "", Some(text.as_str())),
        Mark::Origin(text) => ("origin", "", Some(text.as_str())),
    };
    // An empty text is none.
    let value =
        value.filter(|text| !text.is_empty() || !matches!(kind, "note" | "title" | "origin"));
    MarkRow { kind, name, value }
}

fn apply_mark(transaction: &Transaction, id: PictureId, mark: &Mark) -> rusqlite::Result<()> {
    let MarkRow { kind, name, value } = row_of(mark);
    if kind == "board" && value.is_some() {
        make_board(transaction, name)?;
    }
    let id = id.bytes();
    if let Some(value) = value {
        let sql = "INSERT OR REPLACE INTO marks (id, kind, name, value) VALUES (?1, ?2, ?3, ?4)";
        transaction
            .prepare_cached(sql)?
            .execute(params![id, kind, name, value])
            .map(|_| ())
    } else {
        let sql = "DELETE FROM marks WHERE id = ?1 AND kind = ?2 AND name = ?3";
        transaction
            .prepare_cached(sql)?
            .execute(params![id, kind, name])
            .map(|_| ())
    }
}

/// Returns the pictures whose words changed.
fn apply_change(transaction: &Transaction, change: &Change) -> rusqlite::Result<Vec<PictureId>> {
    let (kind, from, to) = match change {
        Change::MakeBoard { name } => {
            make_board(transaction, name)?;
            return Ok(Vec::new());
        }
        Change::RenameBoard { from, to } => ("board", from, Some(to)),
        Change::DeleteBoard { name } => ("board", name, None),
        Change::RenameTag { from, to } => ("tag", from, Some(to)),
        Change::DeleteTag { name } => ("tag", name, None),
    };
    let sql = "SELECT id FROM marks WHERE kind = ?1 AND name = ?2";
    let mut statement = transaction.prepare_cached(sql)?;
    let rows = statement.query_map([kind, from], |row| row.get(0))?;
    let ids = rows.collect::<rusqlite::Result<Vec<[u8; 16]>>>()?;
    if let Some(to) = to {
        // Where a picture has both, the two become one.
        let sql = "UPDATE OR REPLACE marks SET name = ?3 WHERE kind = ?1 AND name = ?2";
        transaction.execute(sql, [kind, from, to])?;
    } else {
        let sql = "DELETE FROM marks WHERE kind = ?1 AND name = ?2";
        transaction.execute(sql, [kind, from])?;
    }
    if kind == "board" {
        let sql = "DELETE FROM boards WHERE name = ?1";
        let was_there = transaction.execute(sql, [from])? > 0;
        if let Some(to) = to.filter(|_| was_there) {
            make_board(transaction, to)?;
        }
    }
    Ok(ids.into_iter().filter_map(PictureId::from_bytes).collect())
}

fn make_board(transaction: &Transaction, name: &str) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO boards (name) VALUES (?1)";
    transaction.prepare_cached(sql)?.execute([name]).map(|_| ())
}
