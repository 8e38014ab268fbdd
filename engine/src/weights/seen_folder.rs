use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{
    files::{TensorFile, TensorFiles},
    folder::ModelFolder,
    remap::Target,
};
use crate::Result;

/// What each tensor of the files is to one component, by the files' own names.
pub type Views = BTreeMap<String, Vec<Target>>;

/// What is told of files beside what they are seen as.
#[derive(Debug, Clone, Default)]
pub struct FileFacts {
    /// Which of its family's models it is.
    pub variant: Option<String>,
    /// What lies in the files and is of no component, in words, with how many tensors.
    pub unread: Vec<(&'static str, usize)>,
    /// Why its defaults are what they are, and what can only be guessed. One sentence each.
    pub notes: Vec<String>,
}

/// Tensor files seen as the folder that the reference library would have saved of the same model.
#[derive(Debug, Default)]
pub struct SeenFolder {
    paths: Vec<PathBuf>,
    /// By their paths within the folder, with `/`.
    texts: BTreeMap<String, Cow<'static, [u8]>>,
    /// Files on disk that stand for some of the folder.
    beside: BTreeMap<String, PathBuf>,
    /// By the components' folders.
    weights: BTreeMap<String, Views>,
    pub(super) about: FileFacts,
}

impl SeenFolder {
    /// Of one file, or of several as one; the first stands for all in messages.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            ..Self::default()
        }
    }

    pub fn add_text(&mut self, name: impl Into<String>, text: impl Into<Cow<'static, [u8]>>) {
        self.texts.insert(name.into(), text.into());
    }

    /// A JSON file on disk whose entries, where it is there, stand before those of a text of that name.
    pub fn add_beside(&mut self, name: &str, path: PathBuf) {
        self.beside.insert(name.to_owned(), path);
    }

    pub fn add_weights(&mut self, component: &str, views: Views) {
        self.weights.insert(component.to_owned(), views);
    }

    pub fn set_facts(&mut self, facts: FileFacts) {
        self.about = facts;
    }

    pub fn into_folder(self) -> ModelFolder {
        ModelFolder::Seen {
            prefix: String::new(),
            folder: Arc::new(self),
        }
    }

    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        let first = self.paths.first().map_or(Path::new(""), PathBuf::as_path);
        match self.beside.get(name) {
            Some(beside) => beside.clone(),
            None if name.is_empty() => first.to_owned(),
            None => first.join(name),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let is_beside = |path: &PathBuf| path.is_file();
        self.texts.contains_key(name) || self.beside.get(name).is_some_and(is_beside)
    }

    /// `None` where it is to be read from disk.
    pub(super) fn text(&self, name: &str) -> Option<&[u8]> {
        if self.beside.get(name).is_some_and(|path| path.is_file()) {
            return None;
        }
        self.texts.get(name).map(AsRef::as_ref)
    }

    /// What was read from disk, with the entries of the text of that name that it does not have itself.
    pub(super) fn completed(&self, name: &str, on_disk: Vec<u8>) -> Vec<u8> {
        let entries = |json: &[u8]| serde_json::from_slice::<Map<String, Value>>(json).ok();
        let own = self.texts.get(name).and_then(|text| entries(text));
        match (own, entries(&on_disk)) {
            (Some(mut all), Some(told)) => {
                all.extend(told);
                Value::Object(all).to_string().into_bytes()
            }
            // What is no card is told of by who reads it.
            _ => on_disk,
        }
    }

    pub(super) fn weights(&self, component: &str) -> Result<TensorFiles> {
        let files: Vec<_> = self.paths.iter().cloned().map(TensorFile::Disk).collect();
        let views = self.weights.get(component);
        TensorFiles::open(&files)?.seen_as(|name, _| {
            let targets = views.and_then(|views| views.get(name));
            targets.cloned().unwrap_or_default()
        })
    }
}
