//! The same pixels imported twice, the second time with a recipe: one picture, and the recipe is not lost.

use serde_json::Value;
use tempfile::TempDir;

use super::Case;
use crate::command_line::{assert_success, json_events, limn};

pub fn check(cases: &[Case]) {
    let home = TempDir::new().unwrap();
    let gallery = |arguments: &[&str]| -> Vec<Value> {
        let mut command = limn(home.path());
        let output = command.arg("gallery").args(arguments).output().unwrap();
        assert_success(&output);
        json_events(&output)
    };
    let mut id = None;
    for case in cases {
        gallery(&["import", "--json", case.path().to_str().unwrap()]);
        let listed = gallery(&["list", "--json"]);
        let [picture] = &listed[..] else {
            panic!("{}: {listed:?}", case.file);
        };
        // It stays the picture that it is to the user.
        let before = id.replace(picture["id"].clone());
        assert!(before.is_none_or(|before| before == picture["id"]));
        let mut facts = case.facts();
        let recipe = &picture["foreign_recipe"];
        let told: Option<String> = facts.take_if_told("prompt");
        assert_eq!(recipe["prompt"].as_str(), told.as_deref(), "{}", case.file);
        let told: Option<u64> = facts.take_if_told("seed");
        assert_eq!(recipe["seed"].as_u64(), told, "{}", case.file);
        facts.end();
    }
}
