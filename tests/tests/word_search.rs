//! F06: search by words as people write them, in any script, through the command line.

use std::path::Path;

use limn::gallery::Recipe;
use serde_json::Value;
use tempfile::TempDir;

use super::command_line::{assert_success, json_events, limn};
use super::gallery::{open, pixels, recipe};

/// Words of a test's own gallery, each prompt a picture.
const PROMPTS: [&str; 9] = [
    "C++ \"quoted\" 100% under_score (glow:1.2) AND NEAR( *star -minus",
    "д'Артаньян и Санкт-Петербург, Ёлка",
    "CAFÉ-BAR à Genève, Straße",
    "猫と夜の港",
    "emoji 🦄✨ family 👩\u{200d}👩\u{200d}👧",
    "decomposed cafe\u{301} and A\u{30a}ngstro\u{308}m",
    "Łódź, Smørrebrød, IŞIK, ΣΊΣΥΦΟΣ",
    "한국어 제목, ｶﾞﾗｽ and हिन्दी",
    "plain harbour at dusk",
];

/// The prompts of the pictures that have the words.
pub fn found(home: &Path, arguments: &[&str]) -> Vec<String> {
    let output = limn(home)
        .args(["gallery", "search", "--words", "--json", "--"])
        .args(arguments)
        .output()
        .unwrap();
    assert_success(&output);
    let events = json_events(&output);
    let prompts = events.iter().map(|event| prompt_of(event).to_owned());
    prompts.collect()
}

fn prompt_of(event: &Value) -> &str {
    let [own, foreign] = ["recipe", "foreign_recipe"].map(|name| event[name]["prompt"].as_str());
    own.or(foreign).unwrap_or_default()
}

fn gallery_of(prompts: &[&str]) -> TempDir {
    let home = TempDir::new().unwrap();
    let mut gallery = open(home.path());
    for (seed, prompt) in (0..).zip(prompts) {
        let recipe = Recipe {
            prompt: (*prompt).to_owned(),
            ..recipe(seed)
        };
        gallery.save(&pixels(seed), &recipe).unwrap();
    }
    home
}

#[test]
fn signs_of_a_search_mean_nothing_and_every_spelling_finds() {
    let home = gallery_of(&PROMPTS);
    for (asked, expected) in [
        ("c++", &[0][..]),
        ("C++", &[0]),
        ("c", &[0, 2, 5]),
        ("\"quoted\"", &[0]),
        ("QUOTED", &[0]),
        ("100%", &[0]),
        ("%", &[0]),
        ("_", &[0]),
        ("under_score", &[0]),
        ("UNDER", &[0]),
        ("score", &[0]),
        ("(glow:1.2)", &[0]),
        ("glow", &[0]),
        ("AND", &[0, 5, 7]),
        ("OR", &[]),
        ("NOT", &[]),
        ("NEAR(", &[0]),
        ("near", &[0]),
        ("*star", &[0]),
        ("star*", &[]),
        ("-minus", &[0]),
        ("text:plain", &[]),
        ("{text}", &[]),
        ("plain OR emoji", &[]),
        ("^plain", &[]),
        ("\"", &[0]),
        ("'", &[1]),
        ("д'Артаньян", &[1]),
        ("Д\u{2019}АРТАНЬЯН", &[1]),
        ("артаньян", &[1]),
        ("санкт-петербург", &[1]),
        ("ПЕТЕРБУРГ", &[1]),
        ("ёлка", &[1]),
        ("ЕЛКА", &[1]),
        ("е\u{308}лка", &[1]),
        ("cafe-bar", &[2]),
        ("café", &[2, 5]),
        ("CAFE\u{301}", &[2, 5]),
        ("geneve", &[2]),
        ("Gene\u{300}ve", &[2]),
        ("strasse", &[2]),
        ("STRAẞE", &[2]),
        ("bar straße", &[2]),
        ("猫", &[3]),
        ("夜の港", &[3]),
        ("港", &[3]),
        ("港夜", &[]),
        ("🦄", &[4]),
        ("✨", &[4]),
        ("👩\u{200d}👩\u{200d}👧", &[4]),
        ("👧", &[4]),
        ("🐴", &[]),
        ("ångström", &[5]),
        ("ANGSTROM", &[5]),
        ("lodz", &[6]),
        ("SMØRREBRØD", &[6]),
        ("smorrebrod", &[6]),
        ("ışık", &[6]),
        ("σίσυφος", &[6]),
        ("ガラス", &[7]),
        ("\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}", &[7]),
        ("हिन्दी", &[7]),
        ("हिन", &[7]),
        ("harb", &[8]),
        ("arbour", &[]),
    ] {
        let mut expected: Vec<&str> = expected.iter().map(|i| PROMPTS[*i]).collect();
        let mut found = found(home.path(), &[asked]);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{asked:?}");
    }
    // A whole prompt, of as many words as anybody pastes, finds its picture.
    for prompt in PROMPTS {
        let many = format!("{prompt} ").repeat(300);
        assert_eq!(found(home.path(), &[&many]), [prompt]);
    }
}
