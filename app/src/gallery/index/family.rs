//! Which picture was made from which.

use rusqlite::params;

use super::{Index, State};
use crate::gallery::error::Result;
use crate::gallery::layout::PictureId;

impl Index {
    /// The pictures that one was made from, in the recipe's order.
    pub fn parents(&self, id: PictureId) -> Result<Vec<PictureId>> {
        self.relatives(
            "SELECT parent FROM parents WHERE child = ?1 ORDER BY place",
            id,
        )
    }

    /// The pictures that were made from one, oldest first.
    pub fn children(&self, id: PictureId) -> Result<Vec<PictureId>> {
        self.relatives(
            "SELECT child FROM parents WHERE parent = ?1 ORDER BY child",
            id,
        )
    }

    /// Other pictures of the run that one is of, in the order in which they were made: of many only those nearest
    /// to it. And how many there are.
    pub fn run_mates(&self, id: PictureId, most: usize) -> Result<(Vec<PictureId>, usize)> {
        const RUN: &str = "run = (SELECT run FROM pictures WHERE id = ?1) AND state = ?2";
        let here = State::Here.code();
        let count = || -> rusqlite::Result<i64> {
            let sql = format!("SELECT count(*) FROM pictures WHERE {RUN} AND id <> ?1");
            let mut statement = self.connection.prepare_cached(&sql)?;
            statement.query_row(params![id.bytes(), here], |row| row.get(0))
        };
        let side = |condition: &str| {
            let sql = format!("SELECT id FROM pictures WHERE {RUN} AND {condition} LIMIT ?3");
            let mut statement = self.connection.prepare_cached(&sql)?;
            let values = params![id.bytes(), here, most as i64];
            let rows = statement.query_map(values, |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<[u8; 16]>>>()
        };
        let before = side("id < ?1 ORDER BY id DESC").map_err(self.fail())?;
        let after = side("id > ?1 ORDER BY id").map_err(self.fail())?;
        let n_before = before.len().min((most / 2).max(most - after.len()));
        let n_after = after.len().min(most - n_before);
        let nearest = before[..n_before].iter().rev().chain(&after[..n_after]);
        let ids = nearest.copied().filter_map(PictureId::from_bytes).collect();
        let n_all = count().map_err(self.fail())?;
        Ok((ids, n_all.max(0) as usize))
    }

    fn relatives(&self, sql: &str, id: PictureId) -> Result<Vec<PictureId>> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([id.bytes()], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<[u8; 16]>>>()
        };
        let ids = run().map_err(self.fail())?;
        Ok(ids.into_iter().filter_map(PictureId::from_bytes).collect())
    }
}
