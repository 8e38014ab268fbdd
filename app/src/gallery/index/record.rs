//! What the index knows of a picture: written from its file, read with its marks.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{Index, State, content, kind_code, kind_from_code, words};
use crate::folding::fold;
use crate::gallery::error::Result;
use crate::gallery::foreign::ForeignRecipe;
use crate::gallery::importing::files;
use crate::gallery::layout::{FileKind, PictureId};
use crate::gallery::recipe::Recipe;

/// Characters by which pictures are sorted by name.
const SORT_NAME_CHARS: usize = 80;

/// A file's name without the ending that tells which kind of picture it is.
fn without_ending(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, ending)) if files::is_picture_ending(ending) && !stem.is_empty() => stem,
        _ => name,
    }
}

/// What the index knows of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub id: PictureId,
    pub state: State,
    pub kind: FileKind,
    pub width: u32,
    pub height: u32,
    pub file_bytes: u64,
    /// When the file was last written, in nanoseconds since 1970; 0 where that is not known, and the file
    /// is then read again.
    pub modified_ns: i64,
    pub sha256: [u8; 32],
    /// `None` for a picture that Limn did not make, or that it cannot read.
    pub recipe: Option<Recipe>,
    /// How another program says that it was made, as far as Limn understands it.
    pub foreign: Option<ForeignRecipe>,
    /// What that was read from: at most 64 KiB of it.
    pub parameters: Option<String>,
    /// IPTC's name for how it came to be, as its file says.
    pub source_type: Option<String>,
    /// Why it is only a placeholder.
    pub problem: Option<String>,
    pub is_starred: bool,
    pub tags: Vec<String>,
    pub boards: Vec<String>,
    pub note: Option<String>,
    /// The name that the user gave it.
    pub title: Option<String>,
    /// The name of the file in which it came, from elsewhere.
    pub origin: Option<String>,
}

impl Record {
    /// Of a picture of which only the place is known, and perhaps why it cannot be read.
    pub fn new(id: PictureId, state: State, problem: Option<String>) -> Self {
        Self {
            id,
            state,
            kind: FileKind::Png,
            width: 0,
            height: 0,
            file_bytes: 0,
            modified_ns: 0,
            sha256: [0; 32],
            recipe: None,
            foreign: None,
            parameters: None,
            source_type: None,
            problem,
            is_starred: false,
            tags: Vec::new(),
            boards: Vec::new(),
            note: None,
            title: None,
            origin: None,
        }
    }

    /// What it was to show.
    pub fn prompt(&self) -> &str {
        match (&self.recipe, &self.foreign) {
            (Some(recipe), _) => &recipe.prompt,
            (None, Some(foreign)) => &foreign.prompt,
            (None, None) => "",
        }
    }

    /// What to call it: the user's title, else the prompt or what was done, else the name of the file in which it
    /// came.
    pub fn name(&self) -> String {
        let made = match &self.recipe {
            Some(recipe) => recipe.title(),
            None => self.prompt().to_owned(),
        };
        let origin = self.origin.as_deref().map(without_ending);
        let names = [self.title.clone(), Some(made), origin.map(str::to_owned)];
        let mut names = names.into_iter().flatten().filter(|name| !name.is_empty());
        names.next().unwrap_or_default()
    }

    /// IPTC's name for how it came to be: what its file is marked with, else what its recipe says.
    pub fn digital_source_type(&self) -> Option<&str> {
        let of_recipe = self.recipe.as_ref().and_then(Recipe::digital_source_type);
        self.source_type.as_deref().or(of_recipe)
    }

    fn model(&self) -> Option<&str> {
        match (&self.recipe, &self.foreign) {
            (Some(recipe), _) => Some(&recipe.model),
            (None, Some(foreign)) => foreign.model.as_deref(),
            (None, None) => None,
        }
    }

    /// All in which words are looked for.
    fn words(&self) -> String {
        let name = self.name();
        let mut texts = vec![self.prompt()];
        texts.extend(Some(name.as_str()).filter(|name| *name != self.prompt()));
        texts.extend(self.origin.as_deref());
        texts.extend(self.model());
        texts.extend(self.tags.iter().chain(&self.boards).map(String::as_str));
        texts.extend(self.note.as_deref());
        texts.join("\n")
    }
}

impl Index {
    /// One picture, if the index knows it.
    pub fn record(&self, id: PictureId) -> Result<Option<Record>> {
        read(&self.connection, id).map_err(self.fail())
    }

    /// Adds or replaces what is known of picture files. Marks in the records are ignored.
    pub fn put(&mut self, records: &[Record]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        self.change(|transaction| {
            records
                .iter()
                .try_for_each(|record| put_all(transaction, record))
        })
    }

    /// [`put`](Self::put) with what the pictures show, as
    /// [`content_hash`](crate::gallery::importing::content_hash) gives it.
    pub fn put_with_contents(&mut self, records: &[(Record, [u8; 32])]) -> Result<()> {
        self.change(|transaction| {
            for (record, content) in records {
                put_all(transaction, record)?;
                content::set(transaction, record.id, content)?;
            }
            Ok(())
        })
    }
}

fn put_all(transaction: &Transaction, record: &Record) -> rusqlite::Result<()> {
    put(transaction, record)?;
    put_parents(transaction, record)?;
    refresh(transaction, record.id)
}

fn put(transaction: &Transaction, record: &Record) -> rusqlite::Result<()> {
    let sql = "INSERT INTO pictures (id, state, width, height, bytes, modified_ns, sha256, recipe,
            parameters, problem, run, model, score, kind, foreign_recipe, source_type)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
        ON CONFLICT (id) DO UPDATE SET state = ?2, width = ?3, height = ?4, bytes = ?5,
            modified_ns = ?6, content = iif(sha256 = ?7, content, NULL), sha256 = ?7, recipe = ?8,
            parameters = ?9, problem = ?10, run = ?11, model = ?12, score = ?13,
            kind = ?14, foreign_recipe = ?15, source_type = ?16";
    let recipe = record.recipe.as_ref();
    // Strings, numbers and lists: nothing of it can fail to serialise.
    let foreign = record.foreign.as_ref();
    let foreign = foreign.and_then(|foreign| serde_json::to_string(foreign).ok());
    let values = params![
        record.id.bytes(),
        record.state.code(),
        record.width,
        record.height,
        record.file_bytes as i64,
        record.modified_ns,
        record.sha256.as_slice(),
        recipe.map(Recipe::to_json),
        record.parameters,
        record.problem,
        recipe.and_then(|recipe| recipe.run).map(run_key),
        record.model(),
        recipe.and_then(|recipe| recipe.score),
        kind_code(record.kind),
        foreign,
        record.source_type,
    ];
    transaction.prepare_cached(sql)?.execute(values).map(|_| ())
}

/// Half of a run's id: random enough to tell runs apart, and half as large in lists.
fn run_key(run: uuid::Uuid) -> i64 {
    run.as_u64_pair().1 as i64
}

fn put_parents(transaction: &Transaction, record: &Record) -> rusqlite::Result<()> {
    let id = record.id.bytes();
    transaction
        .prepare_cached("DELETE FROM parents WHERE child = ?1")?
        .execute([id])?;
    let parents = record.recipe.as_ref().map(|recipe| &recipe.parents);
    let sql = "INSERT OR IGNORE INTO parents (child, parent, place) VALUES (?1, ?2, ?3)";
    for (place, parent) in parents.into_iter().flatten().enumerate() {
        transaction
            .prepare_cached(sql)?
            .execute(params![id, parent.bytes(), place as i64])?;
    }
    Ok(())
}

fn read(connection: &rusqlite::Connection, id: PictureId) -> rusqlite::Result<Option<Record>> {
    let sql = "SELECT state, width, height, bytes, modified_ns, sha256, recipe, parameters, problem, \
               kind, foreign_recipe, source_type FROM pictures WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let record = statement
        .query_row([id.bytes()], |row| read_row(id, row))
        .optional()?;
    let Some(mut record) = record else {
        return Ok(None);
    };
    let sql = "SELECT kind, name, value FROM marks WHERE id = ?1 ORDER BY kind, name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id.bytes()])?;
    while let Some(row) = rows.next()? {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        match kind.as_str() {
            "star" => record.is_starred = true,
            "tag" => record.tags.push(name),
            "board" => record.boards.push(name),
            "title" => record.title = Some(row.get(2)?),
            "origin" => record.origin = Some(row.get(2)?),
            _ => record.note = Some(row.get(2)?),
        }
    }
    Ok(Some(record))
}

fn read_row(id: PictureId, row: &Row) -> rusqlite::Result<Record> {
    let recipe: Option<String> = row.get(6)?;
    let foreign: Option<String> = row.get(10)?;
    Ok(Record {
        width: row.get(1)?,
        height: row.get(2)?,
        file_bytes: row.get::<_, i64>(3)? as u64,
        modified_ns: row.get(4)?,
        sha256: row.get(5)?,
        recipe: recipe.and_then(|json| Recipe::from_json(&json)),
        parameters: row.get(7)?,
        kind: kind_from_code(row.get(9)?),
        foreign: foreign.and_then(|json| serde_json::from_str(&json).ok()),
        source_type: row.get(11)?,
        ..Record::new(id, State::from_code(row.get(0)?), row.get(8)?)
    })
}

/// Writes anew by which words every picture is found and sorted.
pub(super) fn refresh_all(transaction: &Transaction) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare("SELECT id FROM pictures")?;
    let ids = statement.query_map([], |row| row.get(0))?;
    let ids = ids.collect::<rusqlite::Result<Vec<[u8; 16]>>>()?;
    ids.into_iter()
        .filter_map(PictureId::from_bytes)
        .try_for_each(|id| refresh(transaction, id))
}

/// Writes anew by which words a picture is found and sorted, after its file or its marks changed.
pub(super) fn refresh(transaction: &Transaction, id: PictureId) -> rusqlite::Result<()> {
    let Some(record) = read(transaction, id)? else {
        return Ok(());
    };
    let name: String = record.name().chars().take(SORT_NAME_CHARS).collect();
    let sql = "UPDATE pictures SET sort_name = ?2 WHERE id = ?1 RETURNING row";
    let row: i64 = transaction
        .prepare_cached(sql)?
        .query_row(params![id.bytes(), fold(name.trim())], |row| row.get(0))?;
    transaction
        .prepare_cached("DELETE FROM words WHERE rowid = ?1")?
        .execute([row])?;
    transaction
        .prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?
        .execute(params![row, words::tokens(&record.words())])
        .map(|_| ())
}
