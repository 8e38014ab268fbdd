//! The index of a gallery: `SQLite` in the app-data folder, made from picture files and marks and never
//! the only place of anything.
//!
//! [`Query`] finds pictures, [`Record`] is what is known of one, [`Overview`] counts boards, tags and models,
//! [`Encoder`] is whose embeddings are kept.

mod carrying;
mod collections;
mod content;
mod embeddings;
mod family;
mod opening;
mod outside;
mod query;
mod record;
mod schema;
mod words;

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

pub use collections::{Collection, Overview};
pub use embeddings::{Encoder, FileState, MAX_TRIES};
pub use opening::Opened;
pub(in crate::gallery) use opening::{is_damage, is_unwritable};
pub use outside::Census;
pub use query::{Entry, Query, Sort};
pub use record::Record;

use super::error::{Error, Result};
use super::layout::{FileKind, PictureId};

/// Where a picture's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Here,
    Trashed,
    /// Neither in the gallery nor in its trash.
    Missing,
}

impl State {
    fn code(self) -> i64 {
        self as i64
    }

    fn from_code(code: i64) -> Self {
        match code {
            0 => Self::Here,
            1 => Self::Trashed,
            _ => Self::Missing,
        }
    }
}

/// By what a file is known again without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub state: State,
    pub kind: FileKind,
    pub file_bytes: u64,
    pub modified_ns: i64,
}

pub struct Index {
    connection: Connection,
    path: PathBuf,
    identity: Option<opening::Identity>,
}

impl Index {
    fn fail(&self) -> impl Fn(rusqlite::Error) -> Error + use<> {
        let path = self.path.clone();
        move |cause| Error::Index {
            path: path.clone(),
            cause,
        }
    }

    /// Runs changes in one transaction, which no other process can interrupt.
    fn change<T>(&mut self, change: impl FnOnce(&Transaction) -> rusqlite::Result<T>) -> Result<T> {
        let fail = self.fail();
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let transaction = self
            .connection
            .transaction_with_behavior(behavior)
            .map_err(&fail)?;
        let result = change(&transaction).map_err(&fail)?;
        transaction.commit().map_err(fail)?;
        Ok(result)
    }

    pub fn set_state(&mut self, id: PictureId, state: State) -> Result<()> {
        self.set_states(&[(id, state)])
    }

    pub fn set_states(&mut self, states: &[(PictureId, State)]) -> Result<()> {
        self.change(|transaction| {
            let sql = "UPDATE pictures SET state = ?2 WHERE id = ?1";
            for (id, state) in states {
                transaction
                    .prepare_cached(sql)?
                    .execute(params![id.bytes(), state.code()])?;
            }
            Ok(())
        })
    }

    /// Forgets a picture that is gone for good. What the marks' file says of it stays unread.
    pub fn forget(&mut self, id: PictureId) -> Result<()> {
        self.change(|transaction| {
            for sql in [
                "DELETE FROM words WHERE rowid = (SELECT row FROM pictures WHERE id = ?1)",
                "DELETE FROM parents WHERE child = ?1",
                "DELETE FROM embeddings WHERE id = ?1",
                "DELETE FROM pictures WHERE id = ?1",
            ] {
                transaction.execute(sql, [id.bytes()])?;
            }
            Ok(())
        })
    }

    pub fn set_problem(&mut self, id: PictureId, problem: Option<&str>) -> Result<()> {
        self.change(|transaction| {
            let sql = "UPDATE pictures SET problem = ?2 WHERE id = ?1";
            transaction
                .execute(sql, params![id.bytes(), problem])
                .map(|_| ())
        })
    }

    /// Every picture that the index knows, with its stamp.
    pub fn stamps(&self) -> Result<Vec<(PictureId, Stamp)>> {
        let run = || {
            let sql = "SELECT id, state, kind, bytes, modified_ns FROM pictures";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                Ok((row.get::<_, [u8; 16]>(0)?, read_stamp(row, 1)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows = run().map_err(self.fail())?;
        let known = |(id, stamp)| Some((PictureId::from_bytes(id)?, stamp));
        Ok(rows.into_iter().filter_map(known).collect())
    }

    /// One picture's stamp, if the index knows it.
    pub fn stamp(&self, id: PictureId) -> Result<Option<Stamp>> {
        let sql = "SELECT state, kind, bytes, modified_ns FROM pictures WHERE id = ?1";
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement
                .query_row([id.bytes()], |row| read_stamp(row, 0))
                .optional()
        };
        run().map_err(self.fail())
    }

    /// Forgets everything, to be filled again from files and marks. Embeddings stay: they know their files.
    pub fn clear(&mut self) -> Result<()> {
        self.change(|transaction| {
            transaction.execute_batch(
                "DELETE FROM pictures; DELETE FROM parents; DELETE FROM words;
                 DELETE FROM marks; DELETE FROM boards; DELETE FROM facts;",
            )?;
            embeddings::forget_failures(transaction)
        })
    }

    /// `SQLite`'s own check of the whole file; what it says if not all is well.
    pub fn integrity(&self) -> Result<Option<String>> {
        let sql = "PRAGMA integrity_check(1)";
        let answer: String = self
            .connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(self.fail())?;
        Ok((answer != "ok").then_some(answer))
    }
}

#[cfg(test)]
impl Index {
    /// Refuses every change from now on, as on a full disk, or allows them again.
    pub(in crate::gallery) fn limit_for_test(&self, is_full: bool) {
        let set = self.connection.pragma_update(None, "query_only", is_full);
        set.expect("set");
    }

    /// How long to wait for another process.
    pub(in crate::gallery) fn wait_for_test(&self, timeout: std::time::Duration) {
        self.connection.busy_timeout(timeout).expect("set");
    }
}

fn kind_code(kind: FileKind) -> i64 {
    kind as i64
}

fn kind_from_code(code: i64) -> FileKind {
    let kinds = FileKind::ALL.into_iter();
    let mut kinds = kinds.filter(|kind| kind_code(*kind) == code);
    kinds.next().unwrap_or(FileKind::Png)
}

/// State, kind, bytes and time, from a column on.
fn read_stamp(row: &Row, first: usize) -> rusqlite::Result<Stamp> {
    Ok(Stamp {
        state: State::from_code(row.get(first)?),
        kind: kind_from_code(row.get(first + 1)?),
        file_bytes: row.get::<_, i64>(first + 2)? as u64,
        modified_ns: row.get(first + 3)?,
    })
}
