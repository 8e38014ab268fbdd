//! Searches: each picture is found by each of its words.

use tempfile::TempDir;

use super::{Case, recipes};
use crate::command_line::{assert_success, limn};
use crate::harness::fixture_path;
use crate::word_search::found;

/// In either case of the letters.
pub fn check(cases: &[Case]) {
    let home = TempDir::new().unwrap();
    let output = limn(home.path())
        .args(["gallery", "import"])
        .arg(fixture_path("cases/F/words"))
        .output()
        .unwrap();
    assert_success(&output);
    let mut n_searches = 0;
    for case in cases {
        assert_eq!(recipes::wrong(case), [""; 0]);
        let prompt = case.facts["prompt"].as_str().unwrap();
        for word in prompt.split_whitespace() {
            for asked in [word.to_owned(), word.to_uppercase(), word.to_lowercase()] {
                let found = found(home.path(), &[&asked]);
                let is_found = found.iter().any(|found| found == prompt);
                assert!(is_found, "{} by {asked:?}: {found:?}", case.file);
                n_searches += 1;
            }
        }
    }
    assert!(n_searches >= 60, "{n_searches}");
}
