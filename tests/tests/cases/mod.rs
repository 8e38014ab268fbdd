//! Files after faults that users of other programs reported, each with its right answer in
//! `fixtures/cases/expected.json`: recipes of other programs (`M`), damaged files (`D`), masks (`K`), upscalers
//! (`U`), imports and searches (`F`). One module for each folder, and one test that runs them all.

mod damaged;
mod facts;
mod masks;
mod recipes;
mod same;
mod upscalers;
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

/// What holds the cases of a folder against their answers, and panics where one is wrong.
type Check = fn(&[Case]);

/// Who checks which folder, and how many cases are in it, so that none is lost unseen.
const CHECKS: [(&str, usize, Check); 6] = [
    ("D/", 1, damaged::check),
    ("F/same/", 2, same::check),
    ("F/words/", 5, words::check),
    ("K/", 6, masks::check),
    ("M/", 50, recipes::check),
    ("U/", 8, upscalers::check),
];

/// The cases below a folder of `fixtures/cases/`, in their order.
fn cases(folder: &str) -> Vec<Case> {
    let mut cases = all();
    cases.retain(|case| case.file.starts_with(folder));
    cases
}

#[test]
fn every_case_has_its_right_answer() {
    let mut n_checked = 0;
    std::thread::scope(|scope| {
        for (folder, n_cases, check) in CHECKS {
            let cases = cases(folder);
            assert_eq!(cases.len(), n_cases, "{folder}");
            n_checked += n_cases;
            let thread = std::thread::Builder::new().name(format!("cases of {folder}"));
            thread.spawn_scoped(scope, move || check(&cases)).unwrap();
        }
    });
    assert_eq!(n_checked, all().len(), "a case that nobody checks");
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
