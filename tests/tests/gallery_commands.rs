//! `limn gallery`: what it lists, takes in, marks and bins, what it refuses, and that nothing is deleted unasked.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use super::command_line::{assert_success, json_events, limn, words};
use super::gallery::{open, pixels, recipe};

/// One command and what it answered.
fn gallery(home: &Path, arguments: &[&str]) -> Output {
    let mut command = limn(home);
    command.arg("gallery").args(arguments);
    command.output().unwrap()
}

/// The same as JSON events, of a command that succeeds.
fn events(home: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = gallery(home, &[arguments, &["--json"]].concat());
    assert_success(&output);
    json_events(&output)
}

/// The one line of a command that refuses.
fn refusal(home: &Path, arguments: &[&str], code: i32) -> String {
    let output = gallery(home, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    words(&output.stderr)
}

/// The ids that a command lists.
fn ids(home: &Path, arguments: &[&str]) -> Vec<String> {
    let events = events(home, arguments);
    let ids = events.iter().map(|event| event["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

/// A gallery of three, oldest first.
fn three(home: &Path) -> [String; 3] {
    let mut gallery = open(home);
    [1, 2, 3].map(|seed| {
        gallery
            .save(&pixels(seed), &recipe(seed))
            .unwrap()
            .id
            .to_string()
    })
}

#[test]
fn lists_are_filtered_and_sorted() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let [a, b, c] = three(home);
    assert_success(&gallery(
        home,
        &[
            "mark", &a, &b, "--star", "--tag", "sea", "--board", "Posters",
        ],
    ));
    assert_success(&gallery(
        home,
        &["mark", &a, "--title", "Anchor", "--untag", "sea"],
    ));
    for (arguments, expected) in [
        (&["list"][..], vec![&c, &b, &a]),
        (&["list", "--sort", "oldest", "--limit", "2"], vec![&a, &b]),
        (&["list", "--sort", "name"], vec![&b, &c, &a]),
        (&["list", "--starred"], vec![&b, &a]),
        (&["list", "--starred", "--tag", "sea"], vec![&b]),
        (&["list", "--no-tag"], vec![&c, &a]),
        (&["list", "--board", "Posters"], vec![&b, &a]),
        (&["list", "--no-board"], vec![&c]),
        (&["list", "--model", "Doodle"], vec![&c, &b, &a]),
        (&["list", "--model", "doodle 2"], vec![]),
        (&["list", "--min-side", "97"], vec![]),
        (
            &["list", "--min-side", "96", "--max-side", "96"],
            vec![&c, &b, &a],
        ),
        (&["list", "--until", "2020-01-01"], vec![]),
        (&["list", "--since", "2020-01-01"], vec![&c, &b, &a]),
        (&["search", "anchor"], vec![&a]),
        (&["search", "number", "2"], vec![&b]),
        (&["list", "--trash"], vec![]),
    ] {
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        let found = ids(home, arguments);
        assert_eq!(found, expected, "{arguments:?}");
    }
    assert!(refusal(home, &["list", "--since", "yesterday"], 2).contains("yesterday"));
    assert!(refusal(home, &["mark", &a], 1).contains("--star"));
    assert!(
        refusal(home, &["mark", "../../etc/passwd", "--star"], 2).contains("not a picture's id")
    );
    let stranger = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert!(refusal(home, &["mark", stranger, "--star"], 1).contains("there is no picture"));
}

#[test]
fn boards_are_made_renamed_and_deleted() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let [a, ..] = three(home);
    let boards = |events: &[Value]| events[0]["boards"].clone();
    let made = events(home, &["board", "make", "Drafts"]);
    assert_eq!(
        boards(&made),
        serde_json::json!([{"name": "Drafts", "pictures": 0}])
    );
    events(home, &["mark", &a, "--board", "Drafts"]);
    let renamed = events(home, &["board", "rename", "Drafts", "Finals"]);
    assert_eq!(
        boards(&renamed),
        serde_json::json!([{"name": "Finals", "pictures": 1}])
    );
    assert!(refusal(home, &["board", "delete", "Drafts"], 1).contains("no board of this name"));
    assert!(refusal(home, &["board", "make", "  "], 1).contains("is empty"));
    assert_eq!(
        boards(&events(home, &["board", "delete", "Finals"])),
        serde_json::json!([])
    );
    let overview = &events(home, &["overview"])[0];
    assert_eq!(
        (&overview["pictures"], &overview["trashed"]),
        (&3.into(), &0.into())
    );
}

#[test]
fn nothing_is_deleted_for_good_without_a_second_word() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let [a, b, c] = three(home);
    events(home, &["trash", &a, &b]);
    assert_eq!(ids(home, &["list"]), std::slice::from_ref(&c));
    assert_eq!(ids(home, &["list", "--trash"]), [b.clone(), a.clone()]);
    events(home, &["restore", &a]);
    assert!(refusal(home, &["empty"], 1).contains("--yes"));
    let message = refusal(home, &["empty", &c, "--yes"], 1);
    assert!(message.contains("is not in the trash"), "{message}");
    assert_eq!(ids(home, &["list", "--trash"]), [b]);
    events(home, &["empty", "--yes"]);
    assert_eq!(ids(home, &["list", "--trash"]), Vec::<String>::new());
    assert_eq!(ids(home, &["list"]), [c, a]);
    assert_success(&gallery(home, &["verify"]));
}

#[test]
fn a_folder_is_imported_once() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    three(home);
    let camera = home.join("camera");
    std::fs::create_dir(&camera).unwrap();
    pixels(1).save(camera.join("known.png")).unwrap();
    pixels(7).save(camera.join("pier.webp")).unwrap();
    std::fs::write(camera.join("note.png"), "not a picture").unwrap();
    let path = camera.to_str().unwrap();
    let output = gallery(home, &["import", path, "--json"]);
    assert_eq!(output.status.code(), Some(1), "one file is no picture");
    let events_told = json_events(&output);
    assert!(
        events_told[0]["path"]
            .as_str()
            .unwrap()
            .ends_with("note.png")
    );
    let imported = events_told.last().unwrap();
    assert_eq!(imported["duplicates"], 1);
    let id = imported["added"][0].as_str().unwrap().to_owned();
    assert_eq!(ids(home, &["search", "pier"]), std::slice::from_ref(&id));
    std::fs::remove_file(camera.join("note.png")).unwrap();
    let again = events(home, &["import", path]);
    assert_eq!(
        (&again[0]["duplicates"], &again[0]["added"]),
        (&2.into(), &serde_json::json!([]))
    );
    // It goes out again as what is asked for.
    let out = home.join("pier.jpg");
    events(home, &["export", &id, "--out", out.to_str().unwrap()]);
    assert!(std::fs::read(out).unwrap().starts_with(&[0xff, 0xd8]));
    let family = events(home, &["family", &id]);
    assert_eq!((family.len(), &family[0]["generation"]), (1, &0.into()));
    let rebuilt = events(home, &["rebuild"]);
    assert_eq!(rebuilt[0]["pictures"], 4);
    assert_eq!(ids(home, &["search", "pier"]), [id]);
}

/// A slip in what is named is told, and a picture that is named twice is one.
#[test]
fn what_is_named_twice_or_nowhere_is_told() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let [a, b, _] = three(home);
    for (deed, event) in [
        ("trash", "trashed"),
        ("restore", "restored"),
        ("trash", "trashed"),
    ] {
        let told = events(home, &[deed, &a, &b, &a]);
        assert_eq!(told, [serde_json::json!({"event": event, "ids": [a, b]})]);
    }
    let emptied = events(home, &["empty", &b, &b, "--yes"]);
    assert_eq!(
        emptied,
        [serde_json::json!({"event": "deleted", "ids": [b]})]
    );
    let twice = gallery(home, &["restore", &a, &a]);
    assert_eq!(words(&twice.stdout), "1 picture restored\n");

    let nowhere = home.join("pictrues");
    let named = nowhere.to_str().unwrap();
    for arguments in [
        &["list"][..],
        &["verify"],
        &["overview"],
        &["rebuild"],
        &["trash", &a],
        &["mark", &a, "--star"],
        &["board", "make", "Drafts"],
        &["empty", "--yes"],
    ] {
        let said = refusal(home, &[arguments, &["--folder", named]].concat(), 1);
        let expected = format!("limn: there is no such folder: see how it is written: {named}\n");
        assert_eq!(said, expected, "{arguments:?}");
        assert!(!nowhere.exists(), "{arguments:?}");
    }
    let picture = home.join("a.png");
    pixels(9).save(&picture).unwrap();
    let import = ["import", picture.to_str().unwrap(), "--folder", named];
    let imported = gallery(home, &import);
    assert_success(&imported);
    let said = words(&imported.stderr);
    assert!(said.contains(&format!("one is made: {named}\n")), "{said}");
    let again = gallery(home, &import);
    assert!(!words(&again.stderr).contains("is made"));

    for name in [
        "\u{200b}",
        "\u{200d} \u{feff}",
        "\u{3164}",
        "\u{e0041}\u{fe0f}",
        "\n\t",
    ] {
        for arguments in [
            &["board", "make", name][..],
            &["mark", &a, "--board", name],
            &["mark", &a, "--tag", name],
        ] {
            let said = refusal(home, arguments, 1);
            assert!(said.contains("is empty"), "{said}");
        }
    }
}
