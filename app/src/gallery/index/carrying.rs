//! What a new index takes over from the one that was set aside, as far as that can be read: which files of others
//! were looked at, as what the user deleted since must not come back from there; and embeddings, which are costly and
//! know their files.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Transaction, params};

/// Copies row by row until one cannot be read. Nothing of it has to be there.
pub(super) fn carry_over(aside: &Path, connection: &mut Connection) {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(old) = Connection::open_with_flags(aside, flags) else {
        return;
    };
    for copy in [copy_outside, copy_encoders, copy_embeddings] {
        // What was copied before an error stays.
        let copied = connection.transaction().and_then(|new| {
            let copied = copy(&old, &new);
            new.commit().and(copied)
        });
        if let Err(error) = copied {
            tracing::info!("not all of the old index is taken over: {error}");
        }
    }
}

fn copy_outside(old: &Connection, new: &Transaction) -> rusqlite::Result<()> {
    let mut statement = old.prepare("SELECT path, bytes, modified_ns FROM outside")?;
    let mut rows = statement.query([])?;
    let sql = "INSERT OR IGNORE INTO outside (path, bytes, modified_ns) VALUES (?1, ?2, ?3)";
    while let Some(row) = rows.next()? {
        let (path, bytes, modified_ns): (String, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        new.prepare_cached(sql)?
            .execute(params![path, bytes, modified_ns])?;
    }
    Ok(())
}

fn copy_encoders(old: &Connection, new: &Transaction) -> rusqlite::Result<()> {
    let mut statement = old.prepare("SELECT encoder, hash, model, dim, used FROM encoders")?;
    let mut rows = statement.query([])?;
    let sql = "INSERT OR IGNORE INTO encoders (encoder, hash, model, dim, used) VALUES (?1, ?2, ?3, ?4, ?5)";
    while let Some(row) = rows.next()? {
        let (encoder, hash, model): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (dim, used): (i64, i64) = (row.get(3)?, row.get(4)?);
        new.prepare_cached(sql)?
            .execute(params![encoder, hash, model, dim, used])?;
    }
    Ok(())
}

/// Only those that are whole: as many numbers as their encoder gives.
fn copy_embeddings(old: &Connection, new: &Transaction) -> rusqlite::Result<()> {
    let sql = "SELECT embeddings.encoder, id, sha256, embedding, 2 * dim FROM embeddings
        JOIN encoders USING (encoder) WHERE embedding IS NOT NULL ORDER BY row";
    let mut statement = old.prepare(sql)?;
    let mut rows = statement.query([])?;
    let sql = "INSERT OR IGNORE INTO embeddings (encoder, id, sha256, embedding, tries) VALUES (?1, ?2, ?3, ?4, 0)";
    while let Some(row) = rows.next()? {
        let (encoder, id, sha256): (i64, [u8; 16], [u8; 32]) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let (embedding, n_bytes): (Vec<u8>, i64) = (row.get(3)?, row.get(4)?);
        if embedding.len() as i64 == n_bytes {
            new.prepare_cached(sql)?
                .execute(params![encoder, id, sha256.as_slice(), embedding])?;
        }
    }
    Ok(())
}
