//! Embeddings in the index database: half precision, one row for each encoder and picture.
//!
//! Each row keeps the hash of the file that it was made from. So a file that has changed is embedded anew,
//! and a rebuilt index keeps what still fits; nobody has to tell. A picture's row outlives its file.

use limn_engine::embedding::f16;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{Index, Result};
use crate::gallery::PictureId;

/// What the schema gains.
///
/// `AUTOINCREMENT`, so that rows which another process wrote are those above the last that was read.
pub(super) const MIGRATION: &str = "
    CREATE TABLE encoders (
        encoder INTEGER PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE,
        model TEXT NOT NULL,
        dim INTEGER NOT NULL,
        used INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE embeddings (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        encoder INTEGER NOT NULL,
        id BLOB NOT NULL,
        sha256 BLOB NOT NULL,
        embedding BLOB,
        tries INTEGER NOT NULL,
        UNIQUE (encoder, id)
    ) STRICT;
";

/// So often a picture may fail before it is left alone.
pub const MAX_TRIES: u32 = 2;

/// Pictures of the gallery that can be read and have no embedding of `?1` that is up to date.
const WITHOUT: &str = "FROM pictures AS p
    LEFT JOIN embeddings AS e ON e.encoder = ?1 AND e.id = p.id
    WHERE p.state = 0 AND p.problem IS NULL
        AND (e.row IS NULL OR e.sha256 <> p.sha256 OR (e.embedding IS NULL AND e.tries < ?2))";

/// A CLIP whose embeddings are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoder {
    /// Its number in this database.
    number: i64,
    /// SHA-256 over the weights of its text and vision tower, in hexadecimal.
    pub hash: String,
    pub dim: usize,
}

/// A picture's file as the index knew it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    pub id: PictureId,
    pub sha256: [u8; 32],
}

/// An embedding as it stands in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// Counts up over all that is written.
    pub row: i64,
    pub id: PictureId,
    pub embedding: Vec<f16>,
}

impl Index {
    /// The encoder that was used last for this model, if any was.
    pub fn last_encoder(&self, model: &str) -> Result<Option<Encoder>> {
        let sql =
            "SELECT encoder, hash, dim FROM encoders WHERE model = ?1 ORDER BY used DESC LIMIT 1";
        let encoder = self.connection.query_row(sql, [model], read_encoder);
        encoder.optional().map_err(self.fail())
    }

    /// The encoder of this hash, which is the model's from now on.
    pub fn use_encoder(&mut self, hash: &str, model: &str, dim: usize) -> Result<Encoder> {
        self.change(|transaction| {
            let sql = "INSERT INTO encoders (hash, model, dim, used)
                VALUES (?1, ?2, ?3, (SELECT ifnull(max(used), 0) + 1 FROM encoders))
                ON CONFLICT (hash) DO UPDATE SET model = ?2, dim = ?3, used = excluded.used";
            transaction.execute(sql, params![hash, model, dim as i64])?;
            let sql = "SELECT encoder, hash, dim FROM encoders WHERE hash = ?1";
            transaction.query_row(sql, [hash], read_encoder)
        })
    }

    /// Keeps embeddings, in place of older ones of the same pictures.
    pub fn put_embeddings(
        &mut self,
        encoder: &Encoder,
        embeddings: &[(FileState, Vec<f16>)],
    ) -> Result<()> {
        self.change(|transaction| {
            for (file, embedding) in embeddings {
                put(transaction, encoder, *file, Some(&to_bytes(embedding)), 0)?;
            }
            Ok(())
        })
    }

    /// Notes that a picture could not be embedded, and returns how often: after [`MAX_TRIES`] it is left alone.
    pub fn note_failed_embedding(
        &mut self,
        encoder: &Encoder,
        file: FileState,
        n_tries: u32,
    ) -> Result<u32> {
        self.change(|transaction| {
            let sql = "SELECT tries FROM embeddings
                WHERE encoder = ?1 AND id = ?2 AND sha256 = ?3 AND embedding IS NULL";
            let values = params![encoder.number, file.id.bytes(), file.sha256.as_slice()];
            let before: Option<u32> = transaction
                .query_row(sql, values, |row| row.get(0))
                .optional()?;
            let n_tries = before.unwrap_or(0) + n_tries;
            put(transaction, encoder, file, None, n_tries).map(|()| n_tries)
        })
    }

    /// Embeddings that were written after `row`, in that order; at most `limit`.
    pub fn embeddings_after(
        &self,
        encoder: &Encoder,
        row: i64,
        limit: usize,
    ) -> Result<Vec<Embedded>> {
        let run = || {
            let sql = "SELECT row, id, embedding FROM embeddings
                WHERE encoder = ?1 AND row > ?2 AND embedding IS NOT NULL ORDER BY row LIMIT ?3";
            let mut statement = self.connection.prepare_cached(sql)?;
            let values = params![encoder.number, row, limit as i64];
            let mut rows = statement.query(values)?;
            let mut embeddings = Vec::new();
            while let Some(row) = rows.next()? {
                if let Some(id) = PictureId::from_bytes(row.get(1)?) {
                    embeddings.push(Embedded {
                        row: row.get(0)?,
                        id,
                        embedding: from_bytes(row.get_ref(2)?.as_blob()?),
                    });
                }
            }
            Ok(embeddings)
        };
        run().map_err(self.fail())
    }

    /// Pictures that are still to be embedded, newest first; `None`: by an encoder that is not known yet.
    pub fn without_embedding(
        &self,
        encoder: Option<&Encoder>,
        limit: usize,
    ) -> Result<Vec<FileState>> {
        let run = || {
            let sql = format!("SELECT p.id, p.sha256 {WITHOUT} ORDER BY p.id DESC LIMIT ?3");
            let mut statement = self.connection.prepare_cached(&sql)?;
            let values = params![number(encoder), MAX_TRIES, limit as i64];
            let rows = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<([u8; 16], [u8; 32])>>>()
        };
        let rows = run().map_err(self.fail())?;
        let known = |(id, sha256)| PictureId::from_bytes(id).map(|id| FileState { id, sha256 });
        Ok(rows.into_iter().filter_map(known).collect())
    }

    /// How many pictures are still to be embedded, and how many there are.
    pub fn count_without_embedding(&self, encoder: Option<&Encoder>) -> Result<(usize, usize)> {
        let count = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
            let count = self
                .connection
                .query_row(sql, values, |row| row.get::<_, i64>(0));
            count.map(|n| n.max(0) as usize).map_err(self.fail())
        };
        let left = count(
            &format!("SELECT count(*) {WITHOUT}"),
            &[&number(encoder), &MAX_TRIES],
        )?;
        let sql = "SELECT count(*) FROM pictures WHERE state = 0 AND problem IS NULL";
        Ok((left, count(sql, &[])?))
    }

    /// Differs from what it was if another connection has changed anything since.
    pub fn data_version(&self) -> Result<i64> {
        let version = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0));
        version.map_err(self.fail())
    }

    /// What the index knows of a picture's file.
    pub fn file_state(&self, id: PictureId) -> Result<Option<FileState>> {
        let sql = "SELECT sha256 FROM pictures WHERE id = ?1";
        let sha256 = self
            .connection
            .query_row(sql, [id.bytes()], |row| row.get(0));
        let sha256 = sha256.optional().map_err(self.fail())?;
        Ok(sha256.map(|sha256| FileState { id, sha256 }))
    }
}

/// Lets pictures be tried again that were given up: a rebuild is a new chance.
pub(super) fn forget_failures(transaction: &Transaction) -> rusqlite::Result<()> {
    let sql = "DELETE FROM embeddings WHERE embedding IS NULL";
    transaction.execute(sql, []).map(|_| ())
}

fn put(
    transaction: &Transaction,
    encoder: &Encoder,
    file: FileState,
    embedding: Option<&[u8]>,
    tries: u32,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO embeddings (encoder, id, sha256, embedding, tries)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    let (id, sha256) = (file.id.bytes(), file.sha256.as_slice());
    let values = params![encoder.number, id, sha256, embedding, tries];
    transaction.prepare_cached(sql)?.execute(values).map(|_| ())
}

fn read_encoder(row: &Row) -> rusqlite::Result<Encoder> {
    Ok(Encoder {
        number: row.get(0)?,
        hash: row.get(1)?,
        dim: row.get::<_, i64>(2)?.max(0) as usize,
    })
}

/// No row has number 0.
fn number(encoder: Option<&Encoder>) -> i64 {
    encoder.map_or(0, |encoder| encoder.number)
}

/// Little-endian, two bytes a number.
fn to_bytes(embedding: &[f16]) -> Vec<u8> {
    embedding.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<f16> {
    let (numbers, _) = bytes.as_chunks::<2>();
    numbers
        .iter()
        .map(|bytes| f16::from_le_bytes(*bytes))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::embedding::to_half;

    use super::super::{Record, State};
    use super::*;

    struct Home {
        index: Index,
        folder: tempfile::TempDir,
    }

    impl Home {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let index = Index::open(&folder.path().join("index.sqlite"))
                .unwrap()
                .index;
            Self { index, folder }
        }

        /// Another process's view of the same file.
        fn other(&self) -> Index {
            Index::open(&self.folder.path().join("index.sqlite"))
                .unwrap()
                .index
        }

        fn add(&mut self, id: PictureId, file: u8) {
            let mut record = Record::new(id, State::Here, None);
            record.sha256 = [file; 32];
            self.index.put(&[record]).unwrap();
        }

        fn left(&self, encoder: &Encoder) -> Vec<PictureId> {
            let files = self.index.without_embedding(Some(encoder), 100).unwrap();
            let left = self.index.count_without_embedding(Some(encoder)).unwrap().0;
            assert_eq!(files.len(), left);
            files.into_iter().map(|file| file.id).collect()
        }

        fn embed(&mut self, encoder: &Encoder, id: PictureId, numbers: [f32; 2]) {
            let file = self.index.file_state(id).unwrap().unwrap();
            let embeddings = [(file, to_half(&numbers))];
            self.index.put_embeddings(encoder, &embeddings).unwrap();
        }
    }

    #[test]
    fn pictures_are_embedded_newest_first_and_again_when_their_file_changes() {
        let mut home = Home::new();
        let ids = [PictureId::new(), PictureId::new(), PictureId::new()];
        for id in ids {
            home.add(id, 1);
        }
        assert_eq!(home.index.count_without_embedding(None).unwrap(), (3, 3));
        let doodle = home.index.use_encoder("aa", "doodle", 2).unwrap();
        assert_eq!(home.left(&doodle), [ids[2], ids[1], ids[0]]);
        home.embed(&doodle, ids[2], [0.6, 0.8]);
        assert_eq!(home.left(&doodle), [ids[1], ids[0]]);
        home.add(ids[2], 2);
        assert_eq!(home.left(&doodle), [ids[2], ids[1], ids[0]]);
        home.embed(&doodle, ids[2], [1.0, 0.0]);
        let rows = home.index.embeddings_after(&doodle, 0, 9).unwrap();
        assert_eq!(rows.len(), 1, "the new one is in place of the old");
        assert_eq!(rows[0].embedding, to_half(&[1.0, 0.0]));
        home.index.set_state(ids[1], State::Trashed).unwrap();
        home.index.set_problem(ids[0], Some("cut short")).unwrap();
        assert_eq!(home.left(&doodle), []);
    }

    #[test]
    fn each_encoder_has_its_own_and_the_last_one_used_is_remembered() {
        let mut home = Home::new();
        let id = PictureId::new();
        home.add(id, 1);
        assert_eq!(home.index.last_encoder("doodle").unwrap(), None);
        let old = home.index.use_encoder("aa", "doodle", 2).unwrap();
        home.embed(&old, id, [0.0, 1.0]);
        let new = home.index.use_encoder("bb", "doodle", 2).unwrap();
        assert_eq!(home.left(&new), [id]);
        assert_eq!(home.index.last_encoder("doodle").unwrap(), Some(new));
        assert_eq!(home.index.last_encoder("kandinsky").unwrap(), None);
        let back = home.index.use_encoder("aa", "doodle", 2).unwrap();
        assert_eq!(back, old);
        assert_eq!(home.index.last_encoder("doodle").unwrap(), Some(back));
        assert_eq!(home.left(&old), [], "what was made before still holds");
    }

    #[test]
    fn rows_that_another_process_writes_come_after_those_that_were_read() {
        let mut home = Home::new();
        let ids = [PictureId::new(), PictureId::new()];
        for id in ids {
            home.add(id, 1);
        }
        let doodle = home.index.use_encoder("aa", "doodle", 2).unwrap();
        home.embed(&doodle, ids[0], [0.0, 1.0]);
        home.embed(&doodle, ids[1], [0.0, 1.0]);
        let read = home.index.embeddings_after(&doodle, 0, 9).unwrap();
        let last = read[1].row;
        assert!(
            home.index
                .embeddings_after(&doodle, last, 9)
                .unwrap()
                .is_empty()
        );
        let version = home.index.data_version().unwrap();
        let mut other = home.other();
        let theirs = other.use_encoder("aa", "doodle", 2).unwrap();
        let file = other.file_state(ids[1]).unwrap().unwrap();
        let embeddings = [(file, to_half(&[1.0, 0.0]))];
        other.put_embeddings(&theirs, &embeddings).unwrap();
        assert_ne!(home.index.data_version().unwrap(), version);
        // The newest row was replaced, and still its number is new.
        let rows = home.index.embeddings_after(&doodle, last, 9).unwrap();
        assert_eq!((rows.len(), rows[0].id), (1, ids[1]));
    }

    #[test]
    fn a_picture_that_fails_twice_is_left_alone_until_a_rebuild() {
        let mut home = Home::new();
        let id = PictureId::new();
        home.add(id, 1);
        let doodle = home.index.use_encoder("aa", "doodle", 2).unwrap();
        let file = home.index.file_state(id).unwrap().unwrap();
        for (n, expected) in [(1, vec![id]), (2, vec![])] {
            let n_tries = home.index.note_failed_embedding(&doodle, file, 1).unwrap();
            assert_eq!((n_tries, home.left(&doodle)), (n, expected));
        }
        home.add(id, 2);
        assert_eq!(home.left(&doodle), [id], "another file is another chance");
        home.embed(&doodle, id, [0.0, 1.0]);
        home.add(PictureId::new(), 7);
        let failing = home.left(&doodle)[0];
        let file = home.index.file_state(failing).unwrap().unwrap();
        home.index
            .note_failed_embedding(&doodle, file, MAX_TRIES)
            .unwrap();
        home.index.clear().unwrap();
        home.add(id, 2);
        home.add(failing, 7);
        assert_eq!(
            home.left(&doodle),
            [failing],
            "embeddings outlive a rebuild, failures do not"
        );
    }
}
