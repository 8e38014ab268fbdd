//! Which files of others in the gallery's folder were looked at. Kept through a rebuild: what the user deleted since
//! must not come back from there.

use rusqlite::params;

use super::Index;
use crate::gallery::error::Result;
use crate::gallery::outside::Looked;

/// By what is known that somebody else changed which pictures there are, or their marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// How many pictures are in each state, and the latest of them.
    states: Vec<(i64, i64, Option<[u8; 16]>)>,
    marks_offset: u64,
}

impl Index {
    /// A number that is another once another connection, of any process, has changed anything. Cheap.
    pub fn version(&self) -> Result<i64> {
        let version = self
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0));
        version.map_err(self.fail())
    }

    pub fn census(&self) -> Result<Census> {
        let run = || {
            let sql = "SELECT state, COUNT(*), MAX(id) FROM pictures GROUP BY state";
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        Ok(Census {
            states: run().map_err(self.fail())?,
            marks_offset: self.marks_offset()?,
        })
    }

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
