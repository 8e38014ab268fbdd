//! Which files of others in the gallery's folder were looked at. Kept through a rebuild: what the user deleted since
//! must not come back from there.

use rusqlite::params;

use super::Index;
use crate::gallery::error::Result;
use crate::gallery::outside::Looked;

impl Index {
    /// Paths within the gallery's folder, and how the files looked.
    pub fn outside(&self) -> Result<Vec<(String, Looked)>> {
        let run = || {
            let sql = "SELECT path, bytes, modified_ns FROM outside";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                let looks = (row.get::<_, i64>(1)? as u64, row.get(2)?);
                Ok((row.get(0)?, looks))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        run().map_err(self.fail())
    }

    pub fn note_outside(&mut self, files: &[(String, Looked)]) -> Result<()> {
        self.change(|transaction| {
            let sql =
                "INSERT OR REPLACE INTO outside (path, bytes, modified_ns) VALUES (?1, ?2, ?3)";
            for (path, (bytes, modified_ns)) in files {
                transaction.prepare_cached(sql)?.execute(params![
                    path,
                    *bytes as i64,
                    modified_ns
                ])?;
            }
            Ok(())
        })
    }

    /// Files that are not there any more.
    pub fn forget_outside<'a>(&mut self, paths: impl Iterator<Item = &'a String>) -> Result<()> {
        let mut paths = paths.peekable();
        if paths.peek().is_none() {
            return Ok(());
        }
        self.change(|transaction| {
            for path in paths {
                transaction
                    .prepare_cached("DELETE FROM outside WHERE path = ?1")?
                    .execute([path])?;
            }
            Ok(())
        })
    }
}
