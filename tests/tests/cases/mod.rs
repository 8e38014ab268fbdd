//! Files after faults that users of other programs reported, each with its right answer in
//! `fixtures/cases/expected.json`: recipes of other programs (`M`), damaged files (`D`), masks (`K`), upscalers
//! (`U`), imports and searches (`F`). One module for each folder.

mod facts;
mod masks;
mod recipes;
mod words;

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use facts::Facts;

use crate::harness::fixture_path;

/// A file and what is right for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Below `fixtures/cases/`.
    file: String,
    facts: Map<String, Value>,
}

impl Case {
    fn path(&self) -> PathBuf {
        fixture_path("cases").join(&self.file)
    }

    fn bytes(&self) -> Vec<u8> {
        let path = self.path();
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn facts(&self) -> Facts {
        Facts::new(&self.file, self.facts.clone())
    }
}

/// The cases below a folder of `fixtures/cases/`, in their order; at least `n`, so that none is lost unseen.
fn cases(folder: &str, n: usize) -> Vec<Case> {
    let mut cases = all();
    cases.retain(|case| case.file.starts_with(folder));
    assert!(cases.len() >= n, "{} of {n} in {folder}", cases.len());
    cases
}

fn all() -> Vec<Case> {
    let table = std::fs::read(fixture_path("cases/expected.json")).unwrap();
    serde_json::from_slice(&table).unwrap()
}

/// Files below a folder, as the table names them.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(fixture_path("cases").join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let name = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&name));
        } else if name != "expected.json" {
            found.push(name);
        }
    }
    found
}

#[test]
fn every_file_has_its_answer() {
    let mut named: Vec<String> = all().into_iter().map(|case| case.file).collect();
    let mut there = files("");
    named.sort();
    there.sort();
    assert_eq!(named, there);
}
