//! The index of a gallery: `SQLite` in the app-data folder, made from picture files and marks and never
//! the only place of anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, params};

use super::error::{Error, Result};
use super::layout::PictureId;
use super::marks::{Line, Mark};
use super::recipe::Recipe;

/// What each version of the schema adds to the one before; `PRAGMA user_version` counts them.
const MIGRATIONS: [&str; 1] = ["
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
"];

/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

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

/// What the index knows of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub id: PictureId,
    pub state: State,
    pub width: u32,
    pub height: u32,
    pub file_bytes: u64,
    pub sha256: [u8; 32],
    /// `None` for a picture that Limn did not make, or that it cannot read.
    pub recipe: Option<Recipe>,
    /// How another program says that it was made.
    pub parameters: Option<String>,
    /// Why it is only a placeholder.
    pub problem: Option<String>,
    pub is_starred: bool,
    pub tags: Vec<String>,
    pub boards: Vec<String>,
    pub note: Option<String>,
}

impl Record {
    /// What to show as the picture's title.
    pub fn prompt(&self) -> &str {
        let recipe = self.recipe.as_ref().map(|recipe| recipe.prompt.as_str());
        let foreign = || {
            self.parameters
                .as_deref()
                .and_then(|text| text.lines().next())
        };
        recipe.or_else(foreign).unwrap_or_default()
    }
}

/// Which pictures to list. All conditions hold at once; the default lists every picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words, or beginnings of words, that all occur in prompt, model, tags, boards or note.
    pub words: String,
    pub is_starred: bool,
    pub tag: Option<String>,
    pub board: Option<String>,
    /// The trash instead of the gallery.
    pub in_trash: bool,
}

pub struct Index {
    connection: Connection,
    path: PathBuf,
}

impl Index {
    /// Opens or makes an index. A file that is not a database is set aside, as it can be made again; its
    /// new path is then returned too.
    pub fn open(path: &Path) -> Result<(Self, Option<PathBuf>)> {
        match Self::open_sound(path) {
            Err(Error::Index { cause, .. }) if is_damage(&cause) => {
                let aside = path.with_extension("broken");
                let failed = |source| Error::io("set the damaged index aside", path, source);
                std::fs::rename(path, &aside).map_err(failed)?;
                for journal in ["sqlite-wal", "sqlite-shm"] {
                    let _ = std::fs::remove_file(path.with_extension(journal));
                }
                Ok((Self::open_sound(path)?, Some(aside)))
            }
            index => Ok((index?, None)),
        }
    }

    fn open_sound(path: &Path) -> Result<Self> {
        let fail = |cause| Error::Index {
            path: path.to_owned(),
            cause,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(fail)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
        set_journal(&connection).map_err(fail)?;
        let version = migrate(&mut connection).map_err(fail)?;
        if version > MIGRATIONS.len() {
            return Err(Error::NewerIndex {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

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

    /// Adds or replaces what is known of picture files. Marks in the records are ignored.
    pub fn put(&mut self, records: &[Record]) -> Result<()> {
        self.change(|transaction| {
            for record in records {
                put_record(transaction, record)?;
                refresh_words(transaction, record.id)?;
            }
            Ok(())
        })
    }

    pub fn set_state(&mut self, id: PictureId, state: State) -> Result<()> {
        self.change(|transaction| {
            let sql = "UPDATE pictures SET state = ?2 WHERE id = ?1";
            transaction
                .execute(sql, params![id.bytes(), state.code()])
                .map(|_| ())
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
                transaction.execute("DELETE FROM marks", [])?;
            }
            for line in lines {
                apply_mark(transaction, line)?;
                refresh_words(transaction, line.picture)?;
            }
            let sql = "INSERT OR REPLACE INTO facts (name, value) VALUES ('marks_offset', ?1)";
            transaction.execute(sql, params![to as i64])?;
            Ok(true)
        })
    }

    /// Ids of all pictures that match, newest first.
    pub fn ids(&self, query: &Query) -> Result<Vec<PictureId>> {
        let (condition, values) = condition(query);
        let sql = format!("SELECT id FROM pictures WHERE {condition} ORDER BY id DESC");
        let run = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let rows = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<[u8; 16]>>>()
        };
        let ids = run().map_err(self.fail())?;
        Ok(ids.into_iter().filter_map(PictureId::from_bytes).collect())
    }

    /// Every picture that the index knows, with its state.
    pub fn states(&self) -> Result<Vec<(PictureId, State)>> {
        let run = || {
            let mut statement = self.connection.prepare("SELECT id, state FROM pictures")?;
            let rows = statement.query_map([], |row| {
                Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows: Vec<([u8; 16], i64)> = run().map_err(self.fail())?;
        let known = |(id, code)| Some((PictureId::from_bytes(id)?, State::from_code(code)));
        Ok(rows.into_iter().filter_map(known).collect())
    }

    /// Where the index believes a picture to be, if it knows it.
    pub fn state(&self, id: PictureId) -> Result<Option<State>> {
        let sql = "SELECT state FROM pictures WHERE id = ?1";
        let code = self
            .connection
            .query_row(sql, [id.bytes()], |row| row.get(0))
            .optional();
        Ok(code.map_err(self.fail())?.map(State::from_code))
    }

    /// One picture, if the index knows it.
    pub fn record(&self, id: PictureId) -> Result<Option<Record>> {
        let run = || -> rusqlite::Result<Option<Record>> {
            let sql = "SELECT state, width, height, bytes, sha256, recipe, parameters, problem \
                       FROM pictures WHERE id = ?1";
            let mut statement = self.connection.prepare_cached(sql)?;
            let record = statement
                .query_row([id.bytes()], |row| read_record(id, row))
                .optional()?;
            let Some(mut record) = record else {
                return Ok(None);
            };
            let sql = "SELECT kind, name, value FROM marks WHERE id = ?1 ORDER BY kind, name";
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query([id.bytes()])?;
            while let Some(row) = rows.next()? {
                let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
                match kind.as_str() {
                    "star" => record.is_starred = true,
                    "tag" => record.tags.push(name),
                    "board" => record.boards.push(name),
                    _ => record.note = Some(row.get(2)?),
                }
            }
            Ok(Some(record))
        };
        run().map_err(self.fail())
    }

    /// Forgets everything, to be filled again from files and marks.
    pub fn clear(&mut self) -> Result<()> {
        self.change(|transaction| {
            transaction.execute_batch(
                "DELETE FROM pictures; DELETE FROM marks; DELETE FROM facts; DELETE FROM words;",
            )
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

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
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
    let behavior = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = version.max(0) as usize;
    if version >= MIGRATIONS.len() {
        return Ok(version);
    }
    for migration in &MIGRATIONS[version..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    transaction.commit()?;
    Ok(MIGRATIONS.len())
}

fn put_record(transaction: &Transaction, record: &Record) -> rusqlite::Result<()> {
    let sql = "INSERT INTO pictures (id, state, width, height, bytes, sha256, recipe, parameters, problem)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (id) DO UPDATE SET state = ?2, width = ?3, height = ?4, bytes = ?5, sha256 = ?6,
            recipe = ?7, parameters = ?8, problem = ?9";
    let values = params![
        record.id.bytes(),
        record.state.code(),
        record.width,
        record.height,
        record.file_bytes as i64,
        record.sha256.as_slice(),
        record.recipe.as_ref().map(Recipe::to_json),
        record.parameters,
        record.problem,
    ];
    transaction.prepare_cached(sql)?.execute(values).map(|_| ())
}

fn read_record(id: PictureId, row: &Row) -> rusqlite::Result<Record> {
    let recipe: Option<String> = row.get(5)?;
    Ok(Record {
        id,
        state: State::from_code(row.get(0)?),
        width: row.get(1)?,
        height: row.get(2)?,
        file_bytes: row.get::<_, i64>(3)? as u64,
        sha256: row.get(4)?,
        recipe: recipe.and_then(|json| Recipe::from_json(&json)),
        parameters: row.get(6)?,
        problem: row.get(7)?,
        is_starred: false,
        tags: Vec::new(),
        boards: Vec::new(),
        note: None,
    })
}

fn apply_mark(transaction: &Transaction, line: &Line) -> rusqlite::Result<()> {
    let (kind, name, value) = match &line.mark {
        Mark::Star(on) => ("star", "", on.then_some("")),
        Mark::Tag { name, on } => ("tag", name.as_str(), on.then_some("")),
        Mark::Board { name, on } => ("board", name.as_str(), on.then_some("")),
        Mark::Note(text) => (
            "note",
            "",
            Some(text.as_str()).filter(|text| !text.is_empty()),
        ),
    };
    let id = line.picture.bytes();
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

/// Writes anew which words find a picture, after its file or its marks changed.
fn refresh_words(transaction: &Transaction, id: PictureId) -> rusqlite::Result<()> {
    let sql = "SELECT row, recipe, parameters FROM pictures WHERE id = ?1";
    let mut statement = transaction.prepare_cached(sql)?;
    let picture = statement.query_row([id.bytes()], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, Option<String>>(1)?,
            row.get::<_, Option<String>>(2)?,
        ))
    });
    let Some((row, recipe, parameters)) = picture.optional()? else {
        return Ok(());
    };
    let mut texts = Vec::new();
    match recipe.and_then(|json| Recipe::from_json(&json)) {
        Some(recipe) => texts.extend([recipe.prompt, recipe.model]),
        None => texts.extend(parameters),
    }
    let mut statement =
        transaction.prepare_cached("SELECT name, value FROM marks WHERE id = ?1")?;
    let mut marks = statement.query([id.bytes()])?;
    while let Some(mark) = marks.next()? {
        texts.extend([mark.get(0)?, mark.get(1)?]);
    }
    transaction
        .prepare_cached("DELETE FROM words WHERE rowid = ?1")?
        .execute([row])?;
    let sql = "INSERT INTO words (rowid, text) VALUES (?1, ?2)";
    transaction
        .prepare_cached(sql)?
        .execute(params![row, texts.join("\n")])
        .map(|_| ())
}

/// The condition of a query in SQL, and its values in the order of their question marks.
fn condition(query: &Query) -> (String, Vec<Value>) {
    let state = if query.in_trash {
        State::Trashed
    } else {
        State::Here
    };
    let mut conditions = vec!["state = ?".to_owned()];
    let mut values = vec![Value::from(state.code())];
    let starred = query.is_starred.then_some(("star", ""));
    let tag = query.tag.as_deref().map(|name| ("tag", name));
    let board = query.board.as_deref().map(|name| ("board", name));
    for (kind, name) in [starred, tag, board].into_iter().flatten() {
        conditions.push("id IN (SELECT id FROM marks WHERE kind = ? AND name = ?)".to_owned());
        values.extend([kind.to_owned().into(), name.to_owned().into()]);
    }
    for word in query.words.split_whitespace() {
        // SQLite's tokenizer knows words with spaces between them: the beginning of one is looked up.
        // Signs, emoji, and scripts without spaces are looked for as they are.
        if word.chars().all(|c| c.is_alphanumeric() && !is_unspaced(c)) {
            conditions.push("row IN (SELECT rowid FROM words WHERE words MATCH ?)".to_owned());
            values.push(format!("\"{word}\"*").into());
        } else {
            conditions
                .push("row IN (SELECT rowid FROM words WHERE text LIKE ? ESCAPE '\\')".to_owned());
            let escaped = word
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            values.push(format!("%{escaped}%").into());
        }
    }
    (conditions.join(" AND "), values)
}

/// Thai to Khmer, kana, Han and other scripts that are written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
