//! Which pictures to list, and in which order.

use std::collections::{HashMap, HashSet};
use std::ops::{Range, RangeInclusive};

use jiff::Timestamp;
use rusqlite::types::Value;
use serde::{Deserialize, Serialize};

use super::{Index, State, words};
use crate::gallery::error::Result;
use crate::gallery::layout::PictureId;

/// Which pictures to list. All conditions hold at once; the default lists every picture.
#[expect(clippy::struct_excessive_bools, reason = "one for each condition")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words, or beginnings of words, that all occur in title, prompt, model, tags, boards or note: in any case, with or
    /// without accents. No sign has a meaning of its own.
    pub words: String,
    pub is_starred: bool,
    pub tag: Option<String>,
    pub board: Option<String>,
    /// Only pictures without a tag.
    pub is_untagged: bool,
    /// Only pictures on no board.
    pub is_unboarded: bool,
    /// The name of the model, as recipes give it.
    pub model: Option<String>,
    /// Of the longer side.
    pub longer_side_px: Option<RangeInclusive<u32>>,
    /// When it was made: from the first moment on, before the second.
    pub made: Option<Range<Timestamp>>,
    /// Pictures that show what this one shows, most alike first. Only where meaning is looked for.
    pub like: Option<PictureId>,
    /// The trash instead of the gallery.
    pub in_trash: bool,
    pub sort: Sort,
    /// The order of what a search finds, where another is wished than that of likeness. Without a search it means
    /// nothing.
    pub sort_found: Option<Sort>,
}

impl Query {
    /// Whether pictures are looked for by words or by likeness.
    pub fn is_search(&self) -> bool {
        self.like.is_some() || !self.words.trim().is_empty()
    }

    /// Where the pictures are that it lists.
    pub fn state(&self) -> State {
        if self.in_trash {
            State::Trashed
        } else {
            State::Here
        }
    }

    /// The order in which the index lists.
    pub fn order(&self) -> Sort {
        let of_search = self.sort_found.filter(|_| self.is_search());
        of_search.unwrap_or(self.sort)
    }
}

/// The order of a list. Among equals the newest comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Newest,
    Oldest,
    /// By title, else prompt; pictures with neither come last.
    Name,
    /// Best match with the prompt first; pictures that were not scored come last.
    Score,
    /// Most pixels first.
    Largest,
}

impl Sort {
    pub const ALL: [Self; 5] = [
        Self::Newest,
        Self::Oldest,
        Self::Name,
        Self::Score,
        Self::Largest,
    ];

    fn sql(self) -> &'static str {
        match self {
            Self::Newest => "id DESC",
            Self::Oldest => "id",
            Self::Name => "sort_name = '', sort_name, id DESC",
            Self::Score => "score DESC, id DESC",
            Self::Largest => "width * height DESC, id DESC",
        }
    }
}

/// One picture of a list, small enough for 100,000 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub id: PictureId,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Equal for the pictures of one run within a list; 0 for a picture that stands alone.
    pub run: u32,
    pub is_starred: bool,
}

impl Index {
    /// All pictures that match, in the query's order.
    pub fn entries(&self, query: &Query) -> Result<Vec<Entry>> {
        let (condition, values) = condition(query);
        let order = query.order().sql();
        let sql = format!("SELECT id, run FROM pictures WHERE {condition} ORDER BY {order}");
        let run = || {
            let starred = self.starred()?;
            let mut runs: HashMap<i64, u32> = HashMap::new();
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(values))?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                let run: Option<i64> = row.get(1)?;
                if let Some(id) = PictureId::from_bytes(row.get(0)?) {
                    let next = runs.len() as u32 + 1;
                    entries.push(Entry {
                        id,
                        created_ms: id.created().as_millisecond(),
                        run: run.map_or(0, |run| *runs.entry(run).or_insert(next)),
                        is_starred: starred.contains(&id.bytes()),
                    });
                }
            }
            Ok(entries)
        };
        run().map_err(self.fail())
    }

    fn starred(&self) -> rusqlite::Result<HashSet<[u8; 16]>> {
        let sql = "SELECT id FROM marks WHERE kind = 'star' AND name = ''";
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_map([], |row| row.get(0))?.collect()
    }
}

/// The condition of a query in SQL, and its values in the order of their question marks.
fn condition(query: &Query) -> (String, Vec<Value>) {
    let mut conditions = vec!["state = ?".to_owned()];
    let mut values = vec![Value::from(query.state().code())];
    let starred = query.is_starred.then_some(("star", ""));
    let tag = query.tag.as_deref().map(|name| ("tag", name));
    let board = query.board.as_deref().map(|name| ("board", name));
    for (kind, name) in [starred, tag, board].into_iter().flatten() {
        conditions.push("id IN (SELECT id FROM marks WHERE kind = ? AND name = ?)".to_owned());
        values.extend([kind.to_owned().into(), name.to_owned().into()]);
    }
    let untagged = query.is_untagged.then_some("tag");
    let unboarded = query.is_unboarded.then_some("board");
    for kind in [untagged, unboarded].into_iter().flatten() {
        conditions.push("id NOT IN (SELECT id FROM marks WHERE kind = ?)".to_owned());
        values.push(kind.to_owned().into());
    }
    if let Some(model) = &query.model {
        conditions.push("model = ?".to_owned());
        values.push(model.clone().into());
    }
    if let Some(sides) = &query.longer_side_px {
        conditions.push("max(width, height) BETWEEN ? AND ?".to_owned());
        values.extend([sides.start(), sides.end()].map(|side| i64::from(*side).into()));
    }
    if let Some(made) = &query.made {
        conditions.push("id >= ? AND id < ?".to_owned());
        values.extend([made.start, made.end].map(|at| first_id_at(at).into()));
    }
    if let Some(expression) = words::match_expression(&query.words) {
        conditions.push("row IN (SELECT rowid FROM words WHERE words MATCH ?)".to_owned());
        values.push(expression.into());
    }
    (conditions.join(" AND "), values)
}

/// What no id made before that moment is greater than.
fn first_id_at(at: Timestamp) -> Vec<u8> {
    // A version-7 UUID begins with 48 bits of milliseconds since 1970.
    let milliseconds = at.as_millisecond().clamp(0, (1 << 48) - 1);
    milliseconds.to_be_bytes()[2..].to_vec()
}
