//! Reads settings value by value: what this version does not understand falls back to the usual value, one by one,
//! and the file keeps it, for the version that wrote it.

use serde::Deserialize;
use serde_ignored::Path as Ignored;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::Settings;

/// What the settings' file says and this version does not understand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Unread(Vec<UnreadValue>);

#[derive(Debug, Clone, PartialEq)]
struct UnreadValue {
    path: Path,
    value: Value,
    /// The value that holds in its place; `None` for a key that this version does not know.
    stands_in: Option<Value>,
}

/// The way to a value within a JSON value.
type Path = Vec<Step>;

/// One step into a JSON value.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Key(String),
    Item(usize),
}

/// The settings in a file's text, what of it was not understood, and the names of what fell back.
///
/// # Errors
/// If it is no JSON object at all.
pub fn read(text: &[u8]) -> Result<(Settings, Unread, Vec<String>), serde_json::Error> {
    let whole: Value = serde_json::from_slice(text)?;
    let mut value = whole.clone();
    let mut removed: Vec<Path> = Vec::new();
    // Each round takes something away, so this ends.
    let (settings, unknown) = loop {
        match attempt(&value) {
            Ok(read) => break read,
            Err((path, error)) => {
                let path = reachable(&value, &path);
                let path = culprit(&value, path);
                if path.is_empty() || remove(&mut value, &path).is_none() {
                    return Err(error);
                }
                removed.push(path);
            }
        }
    };
    let stored = serde_json::to_value(&settings)?;
    let mut unread = Unread::default();
    // What an item is part of first: where that is put back, the item is.
    removed.sort_by_key(Vec::len);
    for path in &removed {
        // Of a list the whole one is kept: its items have no names.
        let n_steps = path.iter().position(|step| matches!(step, Step::Item(_)));
        let path = &path[..n_steps.unwrap_or(path.len())];
        if let Some(value) = get(&whole, path) {
            unread.add(path, value, get(&stored, path));
        }
    }
    for path in &unknown {
        if let Some(value) = get(&whole, path) {
            unread.add(path, value, None);
        }
    }
    Ok((
        settings,
        unread,
        removed.iter().map(|path| name(path)).collect(),
    ))
}

impl Unread {
    fn add(&mut self, path: &[Step], value: &Value, stands_in: Option<&Value>) {
        if self.0.iter().all(|other| other.path != path) {
            self.0.push(UnreadValue {
                path: path.to_vec(),
                value: value.clone(),
                stands_in: stands_in.cloned(),
            });
        }
    }

    /// Puts back what was not understood, unless the user has changed since what stands in for it.
    pub fn put_back(&self, stored: &mut Value) {
        for unread in &self.0 {
            if get(stored, &unread.path) != unread.stands_in.as_ref() {
                continue;
            }
            let Some((Step::Key(key), parents)) = unread.path.split_last() else {
                continue;
            };
            if let Some(Value::Object(parent)) = get_mut(stored, parents) {
                parent.insert(key.clone(), unread.value.clone());
            }
        }
    }
}

/// The settings with the paths of keys that are not known, or where the first value lies that is not understood.
fn attempt(value: &Value) -> Result<(Settings, Vec<Path>), (Path, serde_json::Error)> {
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let read = {
        let deserializer = serde_path_to_error::Deserializer::new(value, &mut track);
        let mut note = |path: serde_ignored::Path| unknown.push(ignored(&path));
        Settings::deserialize(serde_ignored::Deserializer::new(deserializer, &mut note))
    };
    read.map(|settings| (settings, unknown)).map_err(|error| {
        let path = track.path();
        let steps = path.iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Item(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { variant } => Some(Step::Key(variant.clone())),
            Segment::Unknown => None,
        });
        (steps.collect(), error)
    })
}

fn ignored(path: &Ignored) -> Path {
    let (parent, step) = match path {
        Ignored::Root => return Path::new(),
        Ignored::Seq { parent, index } => (parent, Some(Step::Item(*index))),
        Ignored::Map { parent, key } => (parent, Some(Step::Key(key.clone()))),
        Ignored::Some { parent }
        | Ignored::NewtypeStruct { parent }
        | Ignored::NewtypeVariant { parent } => (parent, None),
    };
    let mut steps = ignored(parent);
    steps.extend(step);
    steps
}

/// As much of a path as there is in a value: the name of an enum's variant may be the value itself.
fn reachable(value: &Value, path: &[Step]) -> Path {
    let n_steps = (0..=path.len())
        .rev()
        .find(|n| get(value, &path[..*n]).is_some());
    path[..n_steps.unwrap_or(0)].to_vec()
}

/// Where an object is not understood, but would be without one of its entries, that entry; and within it the same.
fn culprit(value: &Value, mut path: Path) -> Path {
    while let Some(Value::Object(entries)) = get(value, &path) {
        let entry = entries.keys().find_map(|key| {
            let entry = [path.as_slice(), &[Step::Key(key.clone())]].concat();
            let mut without = value.clone();
            remove(&mut without, &entry)?;
            match attempt(&without) {
                Ok(_) => Some(entry),
                Err((elsewhere, _)) if !path.starts_with(&reachable(&without, &elsewhere)) => {
                    Some(entry)
                }
                Err(_) => None,
            }
        });
        match entry {
            Some(entry) => path = entry,
            None => break,
        }
    }
    path
}

fn get<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Item(index) => value.get(*index),
    })
}

fn get_mut<'a>(value: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Item(index) => value.get_mut(*index),
    })
}

fn remove(value: &mut Value, path: &[Step]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    match (get_mut(value, parents)?, last) {
        (Value::Object(entries), Step::Key(key)) => entries.remove(key),
        (Value::Array(items), Step::Item(index)) if *index < items.len() => {
            Some(items.remove(*index))
        }
        _ => None,
    }
}

/// As in `prompt_bar.sampling`.
fn name(path: &[Step]) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Item(index) => index.to_string(),
    });
    steps.collect::<Vec<_>>().join(".")
}
