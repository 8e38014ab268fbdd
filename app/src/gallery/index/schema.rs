//! The index's tables, and how an older index comes up to date.

use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

/// What each version of the schema adds to the one before; `PRAGMA user_version` counts them.
const MIGRATIONS: [&str; 6] = [
    "
    CREATE TABLE pictures (
        row INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        state INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        sha256 BLOB NOT NULL,
        recipe TEXT,
        parameters TEXT,
        problem TEXT
    ) STRICT;
    CREATE INDEX pictures_by_state ON pictures (state, id);
    CREATE TABLE marks (
        id BLOB NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (id, kind, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX marks_by_name ON marks (kind, name, id);
    CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
",
    // Files with `modified_ns` 0 are read again by the next scan, which fills what SQL cannot; without
    // their offset the marks are read again from the beginning.
    "
    ALTER TABLE pictures ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE pictures ADD COLUMN modified_ns INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE pictures ADD COLUMN content BLOB;
    ALTER TABLE pictures ADD COLUMN run INTEGER;
    ALTER TABLE pictures ADD COLUMN model TEXT;
    ALTER TABLE pictures ADD COLUMN score REAL;
    ALTER TABLE pictures ADD COLUMN foreign_recipe TEXT;
    ALTER TABLE pictures ADD COLUMN sort_name TEXT NOT NULL DEFAULT '';
    UPDATE pictures SET
        model = recipe ->> '$.model',
        score = CAST(recipe ->> '$.score' AS REAL),
        sort_name = lower(coalesce(recipe ->> '$.prompt', parameters, ''))
        WHERE recipe IS NULL OR json_valid(recipe);
    DROP INDEX pictures_by_state;
    CREATE INDEX pictures_by_time ON pictures (state, id, run);
    CREATE INDEX pictures_by_name ON pictures (state, sort_name = '', sort_name, id DESC, run);
    CREATE INDEX pictures_by_score ON pictures (state, score DESC, id DESC, run);
    CREATE INDEX pictures_by_area ON pictures (state, width * height DESC, id DESC, run);
    CREATE INDEX pictures_by_side ON pictures (state, max(width, height), id, run);
    CREATE INDEX pictures_by_model ON pictures (state, model, id);
    CREATE INDEX pictures_by_file ON pictures (sha256);
    CREATE INDEX pictures_by_content ON pictures (content) WHERE content IS NOT NULL;
    CREATE INDEX pictures_unlearnt ON pictures (width, height) WHERE content IS NULL;
    CREATE TABLE parents (
        child BLOB NOT NULL,
        parent BLOB NOT NULL,
        place INTEGER NOT NULL,
        PRIMARY KEY (child, parent)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX parents_by_parent ON parents (parent, child);
    INSERT OR IGNORE INTO parents (child, parent, place)
        SELECT pictures.id, unhex(each.value, '-'), each.key
        FROM pictures, json_each(pictures.recipe, '$.parents') AS each
        WHERE json_valid(pictures.recipe) AND unhex(each.value, '-') IS NOT NULL;
    CREATE TABLE outside (
        path TEXT PRIMARY KEY,
        bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE boards (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    DELETE FROM marks;
    DELETE FROM facts;
",
    super::embeddings::MIGRATION,
    // What others made is read again, for its mark. What Limn made says the same in its recipe.
    "
    ALTER TABLE pictures ADD COLUMN source_type TEXT;
    UPDATE pictures SET modified_ns = 0 WHERE recipe IS NULL;
    CREATE INDEX pictures_by_run ON pictures (run, id) WHERE run IS NOT NULL;
",
    super::words::MIGRATION,
    // What others made is read again by the next scan: more of their recipes are understood.
    "UPDATE pictures SET modified_ns = 0 WHERE recipe IS NULL;",
];

/// The schema's version.
pub(super) const VERSION: usize = MIGRATIONS.len();
/// The last version that changed by which words pictures are found and sorted: older ones' are written anew.
const VERSION_OF_WORDS: usize = 5;

/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Sets an opened database up. Returns false if a newer Limn made it.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    set_journal(connection)?;
    Ok(migrate(connection)? <= MIGRATIONS.len())
}

fn set_journal(connection: &Connection) -> rusqlite::Result<()> {
    // Changing the journal mode does not wait for a process that does the same at this moment.
    let mut attempts = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && attempts < 100 =>
            {
                attempts += 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            result => {
                result?;
                break;
            }
        }
    }
    connection.pragma_update(None, "synchronous", "FULL")
}

/// Brings the schema up to date; returns its version, which is higher than ours for a newer Limn's.
fn migrate(connection: &mut Connection) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = version.max(0) as usize;
    if version >= MIGRATIONS.len() {
        return Ok(version);
    }
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration)?;
    }
    if version < VERSION_OF_WORDS {
        super::record::refresh_all(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    transaction.commit()?;
    Ok(MIGRATIONS.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rusqlite::params;

    use super::super::{Index, Opened, Query, Sort, State};
    use super::*;
    use crate::gallery::PictureId;
    use crate::gallery::recipe::tests::recipe;

    /// An index as a version of the schema left it.
    fn of_version(version: usize, path: &std::path::Path, recipes: &[String]) {
        let connection = Connection::open(path).unwrap();
        for migration in &MIGRATIONS[..version] {
            connection.execute_batch(migration).unwrap();
        }
        connection
            .pragma_update(None, "user_version", version as i64)
            .unwrap();
        for json in recipes {
            let id: PictureId = serde_json::from_str::<serde_json::Value>(json).unwrap()["id"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap();
            let sql = "INSERT INTO pictures (id, state, width, height, bytes, sha256, recipe) \
                       VALUES (?1, 0, 64, 64, 1000, zeroblob(32), ?2)";
            connection.execute(sql, params![id.bytes(), json]).unwrap();
        }
        connection
            .execute("INSERT INTO facts VALUES ('marks_offset', 77)", [])
            .unwrap();
    }

    #[test]
    fn an_index_of_the_first_version_comes_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.sqlite");
        let parent = recipe("zebra", 1, (64, 64));
        let mut child = recipe("Apple", 2, (64, 64));
        child.parents.push(parent.id);
        of_version(1, &path, &[parent.to_json(), child.to_json()]);
        let Opened { index, notice, .. } = Index::open(&path).unwrap();
        assert_eq!(notice, None);
        let by_name = Query {
            sort: Sort::Name,
            model: Some("Doodle".into()),
            ..Query::default()
        };
        let entries = index.entries(&by_name).unwrap();
        let ids: Vec<PictureId> = entries.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [child.id, parent.id]);
        assert_eq!(index.parents(child.id).unwrap(), [parent.id]);
        assert_eq!(index.children(parent.id).unwrap(), [child.id]);
        // To be read again, as nothing is known of their files.
        let stamps = index.stamps().unwrap();
        assert!(stamps.iter().all(|(_, stamp)| stamp.modified_ns == 0));
        assert!(stamps.iter().all(|(_, stamp)| stamp.state == State::Here));
        assert_eq!(index.marks_offset().unwrap(), 0);
    }

    #[test]
    fn what_others_made_is_read_again_and_what_limn_made_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.sqlite");
        let own = recipe("a boat", 1, (64, 64));
        of_version(5, &path, &[own.to_json()]);
        let connection = Connection::open(&path).unwrap();
        let foreign = PictureId::made_at(jiff::Timestamp::now());
        let sql = "INSERT INTO pictures (id, state, width, height, bytes, sha256)
            VALUES (?1, 0, 8, 8, 9, zeroblob(32))";
        connection.execute(sql, [foreign.bytes()]).unwrap();
        let all_known = "UPDATE pictures SET modified_ns = 77";
        connection.execute(all_known, []).unwrap();
        drop(connection);
        let index = Index::open(&path).unwrap().index;
        let mut stamps = index.stamps().unwrap();
        stamps.sort_by_key(|(_, stamp)| stamp.modified_ns);
        let times = stamps.iter().map(|(id, stamp)| (*id, stamp.modified_ns));
        assert_eq!(times.collect::<Vec<_>>(), [(foreign, 0), (own.id, 77)]);
    }

    #[test]
    fn the_words_of_an_older_index_are_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let bar = recipe("CAFÉ-BAR à Genève, C++, 夜の港, Ёлка", 1, (64, 64));
        let other = recipe("boats", 2, (64, 64));
        for version in 1..VERSION_OF_WORDS {
            let path = folder.path().join(format!("{version}.sqlite"));
            of_version(version, &path, &[bar.to_json(), other.to_json()]);
            let Opened { index, notice, .. } = Index::open(&path).unwrap();
            assert_eq!(notice, None);
            for words in ["cafe", "BAR", "geneve", "c++", "港", "ЕЛКА"] {
                let query = Query {
                    words: words.to_owned(),
                    ..Query::default()
                };
                let entries = index.entries(&query).unwrap();
                let ids: Vec<PictureId> = entries.iter().map(|entry| entry.id).collect();
                assert_eq!(ids, [bar.id], "{words} in version {version}");
            }
            assert_eq!(index.integrity().unwrap(), None);
        }
    }
}
