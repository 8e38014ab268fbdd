//! The facts of one case. Each is taken once; what is left at the end was checked by nobody and fails.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Facts that speak to people.
const REMARKS: [&str; 2] = ["why", "judge"];

pub struct Facts {
    /// Whose they are, for messages.
    pub file: String,
    left: Map<String, Value>,
}

impl Facts {
    pub fn new(file: &str, facts: Map<String, Value>) -> Self {
        Self {
            file: file.to_owned(),
            left: facts,
        }
    }

    /// A fact, if this case tells it. A null is told: read it as an `Option`.
    pub fn take_if_told<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.left.remove(name)?;
        let read = serde_json::from_value(value);
        Some(read.unwrap_or_else(|error| panic!("{}: {name}: {error}", self.file)))
    }

    /// # Panics
    /// If a fact was not taken.
    pub fn end(self) {
        let left: Vec<&String> = self.left.keys().collect();
        let is_remark = |name: &&&String| REMARKS.contains(&name.as_str());
        let unchecked: Vec<_> = left.iter().filter(|name| !is_remark(name)).collect();
        assert!(unchecked.is_empty(), "{}: {unchecked:?}", self.file);
    }
}
