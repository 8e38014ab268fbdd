//! T14 and foreign text on the terminal: names and texts that steer a terminal or point out of the gallery come in by
//! every way there is, and no command writes outside its home or prints what a terminal would obey.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Output,
};

use limn::gallery::{Recipe, picture_file};
use limn_engine::foreign_text::is_hidden;
use tempfile::TempDir;

use super::command_line::{json_events, limn, words};
use super::gallery::{open, pixels, recipe};
use crate::harness::{copy_folder, fixture_path};

/// What steers a terminal, hides, turns the direction of a line, or means something to a file system or a shell.
const TRICKS: [&str; 25] = [
    "\u{1b}[2J\u{1b}[31mred",
    "\u{1b}]0;title\u{7}",
    "\u{9b}31m",
    "two\nlines",
    "back\rover",
    "\u{8}\u{8}gone",
    "del\u{7f}",
    "gpj.\u{202e}exe",
    "\u{2066}isolated",
    "zero\u{200b}width",
    "\u{feff}bom",
    "tag\u{e0041}",
    "line\u{2028}separator",
    "..",
    "~",
    "$HOME",
    "`id`",
    "%00",
    "CON",
    "NUL.png",
    "C:",
    "%2e%2e%2f",
    "….png",
    "-rf",
    " ",
];

/// 200 names and more, of which each begins, ends or is a trick.
fn names() -> Vec<String> {
    let mut names = BTreeSet::new();
    for trick in TRICKS {
        let deep = trick.repeat(40);
        names.extend([
            trick.to_owned(),
            format!("boat{trick}"),
            format!("{trick}boat"),
            format!("../{trick}"),
            format!("../../../tmp/{trick}"),
            format!("/etc/{trick}"),
            format!("..\\{trick}"),
            format!("{deep}boat"),
        ]);
    }
    names.into_iter().collect()
}

struct Desk {
    outer: TempDir,
}

impl Desk {
    /// A home in a folder of which all else is watched.
    fn new() -> Self {
        let outer = TempDir::new().unwrap();
        std::fs::create_dir(outer.path().join("home")).unwrap();
        std::fs::create_dir(outer.path().join("camera")).unwrap();
        Self { outer }
    }

    fn home(&self) -> PathBuf {
        self.outer.path().join("home")
    }

    /// Runs a command, which prints nothing that a terminal obeys. JSON says the same as ever.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = limn(&self.home());
        let output = command
            .current_dir(self.home())
            .args(arguments)
            .output()
            .unwrap();
        for (stream, bytes) in [("output", &output.stdout), ("error", &output.stderr)] {
            let text = std::str::from_utf8(bytes).expect("UTF-8");
            let hidden = text.chars().find(|c| is_hidden(*c) && *c != '\n');
            assert_eq!(
                hidden, None,
                "standard {stream} of {arguments:.80?}: {text:?}"
            );
            let longest = text.lines().map(str::len).max().unwrap_or(0);
            let is_json = arguments.contains(&"--json");
            assert!(
                is_json || longest <= 1200,
                "{longest} bytes: {arguments:.80?}"
            );
        }
        output
    }

    fn gallery(&self, arguments: &[&str]) -> Output {
        self.run(&[&["gallery"], arguments].concat())
    }

    /// Files and folders outside the home, but for the pictures that are imported.
    fn outside(&self) -> Vec<String> {
        let entries = self.outer.path().read_dir().unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

/// Every name of a folder that is a file, as far as the file system takes it.
fn write_pictures(folder: &Path, names: &[String]) -> usize {
    for (seed, name) in (0..).zip(names) {
        let name = name.replace(['/', '\\'], "_");
        // An import leaves hidden files alone.
        let name = name
            .strip_prefix('.')
            .map_or(name.clone(), |rest| format!("x.{rest}"));
        let path = folder.join(format!("{}.png", name.trim_end_matches(".png")));
        let mut recipe = recipe(seed);
        recipe.prompt = format!("{name} prompt");
        recipe.model = format!("{name} model");
        recipe.sampler = format!("{name} sampler");
        let png = picture_file::encode_png(&pixels(seed), &recipe).unwrap();
        // Some are too long for a file system, some the same as another.
        let _ = std::fs::write(path, png);
    }
    folder.read_dir().unwrap().count()
}

#[test]
fn two_hundred_hostile_names_stay_inside_and_are_shown_as_they_are() {
    let desk = Desk::new();
    let names = names();
    assert!(names.len() >= 200, "{}", names.len());
    let camera = desk.outer.path().join("camera");
    let n_written = write_pictures(&camera, &names);
    let is_enough = if cfg!(unix) {
        n_written >= 140
    } else {
        n_written >= 50
    };
    assert!(is_enough, "{n_written}");
    std::fs::write(camera.join("broken \u{202e}gnp.png"), "no picture").unwrap();
    let before = desk.outside();

    let imported = desk.gallery(&["import", camera.to_str().unwrap()]);
    assert_eq!(imported.status.code(), Some(1), "one is no picture");
    assert!(
        words(&imported.stderr).contains("\\u{202e}"),
        "{}",
        words(&imported.stderr)
    );
    let listed = json_events(&desk.gallery(&["list", "--json"]));
    assert_eq!(listed.len(), n_written);
    let id = listed[0]["id"].as_str().unwrap().to_owned();

    // Tags, boards, notes and titles; some are refused as names, with one clear line.
    let mut n_marked = 0;
    for name in &names {
        let tag = format!("--tag={name}");
        let (board, title) = (format!("--board={name}"), format!("--title={name}"));
        let note = format!("--note={name}");
        let marked = desk.gallery(&["mark", &id, &tag, &board, &title, &note]);
        n_marked += usize::from(marked.status.success());
        assert!(matches!(marked.status.code(), Some(0 | 1)), "{name:?}");
    }
    assert!(n_marked >= 150, "{n_marked}");
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["overview"],
        &["overview", "--json"],
        &["family", &id],
        &["search", "--words", "boat"],
        &["verify"],
        &["rebuild"],
        &["list", "--sort", "name"],
        &["export", &id, "--out", "copies"],
        &["export", &id, "--out", "\u{1b}[31mcopy.png"],
        &["trash", &id],
        &["list", "--trash"],
        &["empty", "--yes"],
    ] {
        let output = desk.gallery(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            words(&output.stderr)
        );
    }
    // As what is asked for: filters, ids, models, files that are not there.
    for name in names.iter().filter(|name| !name.contains("boat")) {
        let named = |option: &str| format!("{option}={name}");
        for arguments in [
            vec!["gallery".to_owned(), "list".to_owned(), named("--tag")],
            vec![
                "gallery".to_owned(),
                "export".to_owned(),
                "--out=x".to_owned(),
                "--".to_owned(),
                name.clone(),
            ],
            vec!["inspect".to_owned(), "--".to_owned(), name.clone()],
        ] {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            desk.run(&arguments);
        }
    }
    assert_eq!(desk.outside(), before);
}

/// Models as other people's folders name them.
#[test]
fn hostile_models_are_told_as_they_are() {
    let desk = Desk::new();
    let folder = desk.home().join("model \u{1b}[31m\u{202e}");
    copy_folder(&fixture_path("pipeline"), &folder);
    let card = serde_json::json!({
        "name": "\u{1b}[2Jwiped\nsecond line",
        "description": "\u{9b}31m\u{202e}",
    });
    std::fs::write(folder.join("limn.json"), card.to_string()).unwrap();
    let path = folder.to_str().unwrap();
    let inspected = desk.run(&["inspect", path]);
    assert!(
        words(&inspected.stdout).contains("\\u{1b}"),
        "{}",
        words(&inspected.stdout)
    );
    desk.run(&["inspect", path, "--json"]);
    let made = desk.run(&[
        "generate",
        "--model",
        path,
        "--device",
        "cpu",
        "--steps",
        "2",
        "--prior-steps",
        "2",
        "--size",
        "64x64",
        "--prompt",
        "\u{1b}[31mboats",
        "--out",
        "a \u{1b}[2J.png",
    ]);
    assert!(made.status.success(), "{}", words(&made.stderr));
    assert!(
        words(&made.stderr).contains("\\u{1b}"),
        "{}",
        words(&made.stderr)
    );
    // A class that is none: its name is in the refusal.
    let index = folder.join("model_index.json");
    let text = std::fs::read_to_string(&index).unwrap();
    let hostile = text.replacen("Kandinsky", "\\u001b[31m\\u202eKandinsky\\nsecond", 1);
    assert_ne!(text, hostile);
    std::fs::write(&index, hostile).unwrap();
    let refused = desk.run(&["inspect", path]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(words(&refused.stderr).lines().count(), 1);
}

/// A recipe in a picture of the user's own gallery is as foreign as any other.
#[test]
fn hostile_recipes_are_told_as_they_are() {
    let desk = Desk::new();
    let hostile = "\u{1b}[31m\u{202e}boat\nsecond\u{9b}2J";
    let mut gallery = open(&desk.home());
    let recipe = Recipe {
        prompt: hostile.to_owned(),
        negative_prompt: Some(hostile.to_owned()),
        model: hostile.to_owned(),
        device: hostile.to_owned(),
        ..recipe(1)
    };
    gallery.save(&pixels(1), &recipe).unwrap();
    drop(gallery);
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["overview"],
        &["search", "--words", "boat"],
        &["search", "--words", "--json", "boat"],
    ] {
        assert!(desk.gallery(arguments).status.success());
    }
    let listed = json_events(&desk.gallery(&["list", "--json"]));
    assert_eq!(
        listed[0]["recipe"]["prompt"], hostile,
        "JSON says what there is"
    );
}

/// On Linux a name is bytes: what is no text is shown with replacement characters, in JSON too.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_told_too() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let desk = Desk::new();
    let camera = desk.outer.path().join("camera");
    let odd = |name: &[u8]| camera.join(OsStr::from_bytes(name));
    std::fs::write(odd(b"broken-\xff.png"), "no picture").unwrap();
    let png = picture_file::encode_png(&pixels(1), &recipe(1)).unwrap();
    std::fs::write(odd(b"whole-\xff.png"), &png).unwrap();
    let imported = desk.gallery(&["import", "--json", camera.to_str().unwrap()]);
    assert_eq!(imported.status.code(), Some(1), "one is no picture");
    let events = json_events(&imported);
    assert!(
        events[0]["path"]
            .as_str()
            .unwrap()
            .contains("broken-\u{fffd}")
    );
    let id = events.last().unwrap()["added"][0]
        .as_str()
        .unwrap()
        .to_owned();

    let out = OsStr::from_bytes(b"copies-\xff");
    let exported = limn(&desk.home())
        .current_dir(desk.home())
        .args(["gallery", "export", "--json", &id, "--out"])
        .arg(out)
        .output()
        .unwrap();
    assert!(exported.status.success(), "{}", words(&exported.stderr));
    assert_eq!(desk.home().join(out).read_dir().unwrap().count(), 1);
    let folder = OsStr::from_bytes(b"gallery-\xff");
    std::fs::create_dir(desk.home().join(folder)).unwrap();
    let listed = limn(&desk.home())
        .current_dir(desk.home())
        .args(["gallery", "list", "--json", "--folder"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(listed.status.success(), "{}", words(&listed.stderr));
}
