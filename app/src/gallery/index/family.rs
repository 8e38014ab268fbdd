//! Which picture was made from which.

use super::Index;
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
