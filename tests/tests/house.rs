//! The house holds: rooms stand on those beneath them, files stay readable, and a name means one thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The app's rooms from the ground up: each may name those before it, and none after it.
const APP: [&str; 40] = [
    // Ground.
    "clock",
    "files",
    "paths",
    "supervised_thread",
    "blend_mode",
    "folding",
    "words",
    "start_journal",
    "upscaled",
    "running_window",
    // Talking to the engine, and the network.
    "engine_link",
    "downloads",
    // Pictures and where they are kept.
    "picture_texts",
    "marking",
    "import",
    "gallery",
    // What is worked on, and what the user has chosen.
    "document",
    "edit_limits",
    "tools",
    "settings",
    "session",
    "model_library",
    "export",
    // What is drawn.
    "command",
    "icons",
    "theme",
    "display_order",
    "layer_pictures",
    "textures",
    "widgets",
    "scene",
    "canvas",
    "viewer",
    "panels",
    "keyboard",
    // The window and the command line.
    "app",
    "window",
    "cli",
    "lib",
    "main",
];

/// Names upwards that are still to be mended: the file, and the room.
const TO_BE_MENDED: [(&str, &str); 1] = [("picture_texts/png.rs", "marking")];

/// No file is longer, tests included.
const MOST_LINES: usize = 700;

/// Names that more than one public type has by custom of the language.
const BY_CUSTOM: [&str; 3] = ["Arguments", "Error", "Result"];
/// Names that more than one type has and that should have one: a name that leaves its double leaves this list.
const DOUBLES: &[&str] = &[
    "Asked",
    "Change",
    "Changed",
    "Chunk",
    "Command",
    "Compute",
    "Crop",
    "Draft",
    "Embedded",
    "Encoded",
    "Encoder",
    "Entry",
    "Event",
    "Facts",
    "Family",
    "Fetched",
    "Found",
    "Frame",
    "Gesture",
    "Header",
    "Input",
    "Job",
    "Layout",
    "Level",
    "Link",
    "Lock",
    "Made",
    "Maker",
    "Mark",
    "Matrix",
    "MidBlock",
    "Opened",
    "Origin",
    "Outbox",
    "Outcome",
    "Outline",
    "Part",
    "Patch",
    "Place",
    "Plan",
    "Plane",
    "Progress",
    "Projection",
    "Reader",
    "Recipe",
    "Record",
    "Resample",
    "ResnetBlock",
    "Said",
    "Scope",
    "Seen",
    "Selection",
    "Shown",
    "Side",
    "Sight",
    "Source",
    "State",
    "Steer",
    "Step",
    "Stopped",
    "Subject",
    "Target",
    "Tile",
    "Unreadable",
    "Upscaler",
    "View",
    "Work",
    "Worker",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Rust files below a folder, by their paths in it.
fn sources(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), text);
            }
        }
    }
    files
}

fn is_test(path: &Path) -> bool {
    path.iter()
        .any(|part| part == "tests" || part == "tests.rs")
}

/// Without comments and the unit tests at the end.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms of the crate that a file names.
fn named(code: &str) -> BTreeSet<String> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let first_word = |text: &str| {
        text.chars()
            .take_while(|c| is_letter(*c))
            .collect::<String>()
    };
    let mut rooms = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            rooms.insert(first_word(after));
            continue;
        };
        let mut depth = 0;
        let mut word = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    rooms.insert(first_word(word.trim()));
                    word.clear();
                    continue;
                }
                _ => {}
            }
            word.push(c);
        }
        rooms.insert(first_word(word.trim()));
    }
    rooms
}

#[test]
fn rooms_stand_on_those_beneath_them() {
    let height = |room: &str| APP.iter().position(|other| *other == room);
    let mut wrong = Vec::new();
    for (path, text) in sources(&root().join("app/src")) {
        if is_test(&path) {
            continue;
        }
        let room = path.iter().next().unwrap().to_string_lossy().into_owned();
        let room = room.trim_end_matches(".rs");
        let Some(own) = height(room) else {
            wrong.push(format!("{room} stands in no list: put it into `APP`"));
            continue;
        };
        for other in named(&code(&text)) {
            let is_known = TO_BE_MENDED
                .iter()
                .any(|(file, room)| path == Path::new(file) && other == *room);
            if !is_known && height(&other).is_some_and(|other| other > own) {
                wrong.push(format!(
                    "{} names {other}, which stands above it",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_short_enough_to_be_read() {
    let mut long = Vec::new();
    for folder in ["app/src", "engine/src", "tests"] {
        for (path, text) in sources(&root().join(folder)) {
            let n_lines = text.lines().count();
            if n_lines > MOST_LINES {
                long.push(format!("{folder}/{}: {n_lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn a_type_s_name_means_one_thing() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in ["app/src", "engine/src"] {
        for (path, text) in sources(&root().join(folder)) {
            if is_test(&path) {
                continue;
            }
            for line in code(&text).lines() {
                if let Some(name) = public_type(line) {
                    let place = format!("{folder}/{}", path.display());
                    places.entry(name.to_owned()).or_default().push(place);
                }
            }
        }
    }
    places.retain(|name, places| places.len() > 1 && !BY_CUSTOM.contains(&name.as_str()));
    let known: BTreeSet<&str> = DOUBLES.iter().copied().collect();
    let new: Vec<_> = places
        .iter()
        .filter(|(name, _)| !known.contains(name.as_str()))
        .collect();
    assert!(new.is_empty(), "give them names of their own: {new:#?}");
    let gone: Vec<_> = known
        .iter()
        .filter(|name| !places.contains_key(**name))
        .collect();
    assert!(
        gone.is_empty(),
        "they are single now: take them out of `DOUBLES`: {gone:?}"
    );
}

/// The name of a type that others than its file can see, declared at a line's beginning.
fn public_type(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(rest) => rest.split_once(')')?.1,
        None => rest,
    };
    let (kind, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    if !["struct", "enum", "trait", "type", "union"].contains(&kind) {
        return None;
    }
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    Some(&rest[..end])
}
