//! Pictures by what is in them, to know a duplicate by.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Index, State};
use crate::gallery::error::Result;
use crate::gallery::layout::PictureId;

impl Index {
    /// A picture whose file is the same byte for byte, and where it is. One that is in the gallery comes first.
    pub fn with_file(&self, sha256: &[u8; 32]) -> Result<Option<(PictureId, State)>> {
        self.first(
            "SELECT id, state FROM pictures WHERE sha256 = ?1 ORDER BY state, id",
            sha256,
        )
    }

    /// A picture with the same pixels, among those whose pixels are known.
    pub fn with_content(&self, content: &[u8; 32]) -> Result<Option<(PictureId, State)>> {
        self.first(
            "SELECT id, state FROM pictures WHERE content = ?1 ORDER BY state, id",
            content,
        )
    }

    fn first(&self, sql: &str, hash: &[u8; 32]) -> Result<Option<(PictureId, State)>> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement
                .query_row([hash], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get(1)?)))
                .optional()
        };
        let found = run().map_err(self.fail())?;
        Ok(found.and_then(|(id, code)| Some((PictureId::from_bytes(id)?, State::from_code(code)))))
    }

    /// Readable pictures of that size whose pixels are not known yet.
    pub fn without_content(&self, (width, height): (u32, u32)) -> Result<Vec<PictureId>> {
        let sql = "SELECT id FROM pictures WHERE content IS NULL AND width = ?1 AND height = ?2 \
                   AND state <> 2 AND problem IS NULL";
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([width, height], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<[u8; 16]>>>()
        };
        let ids = run().map_err(self.fail())?;
        Ok(ids.into_iter().filter_map(PictureId::from_bytes).collect())
    }

    /// Notes what pictures show, as [`content_hash`](crate::gallery::importing::content_hash) gives it.
    pub fn set_contents(&mut self, contents: &[(PictureId, [u8; 32])]) -> Result<()> {
        if contents.is_empty() {
            return Ok(());
        }
        self.change(|transaction| {
            let mut contents = contents.iter();
            contents.try_for_each(|(id, content)| set(transaction, *id, content))
        })
    }

    /// Pictures whose name the marks know and that the index does not: an import was cut off there, or they were
    /// deleted since.
    pub fn named_without_picture(&self) -> Result<Vec<PictureId>> {
        let sql = "SELECT id FROM marks WHERE kind = 'origin' AND name = '' \
                   AND id NOT IN (SELECT id FROM pictures)";
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<[u8; 16]>>>()
        };
        let ids = run().map_err(self.fail())?;
        Ok(ids.into_iter().filter_map(PictureId::from_bytes).collect())
    }
}

pub(super) fn set(
    transaction: &Transaction,
    id: PictureId,
    content: &[u8; 32],
) -> rusqlite::Result<()> {
    let sql = "UPDATE pictures SET content = ?2 WHERE id = ?1";
    let values = params![id.bytes(), content.as_slice()];
    transaction.prepare_cached(sql)?.execute(values).map(|_| ())
}
