//! Where no family may be known: what the loop, the operations, the worker, the protocol or the app know of one, the
//! next family has to change.

use std::{
    fs,
    path::{Path, PathBuf},
};

use limn_engine::families::FAMILIES;

const WITHOUT_FAMILIES: [&str; 6] = [
    "engine/src/generation",
    "engine/src/operations",
    "engine/src/worker",
    "engine/src/protocol",
    "engine/src/model",
    "app/src",
];

/// What the families' own formats and parts are called.
const FAMILIES_WORDS: [&str; 3] = ["kandinsky", "movq", "karlo"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The lines that are no tests; those stand at a file's end or in files of their own.
fn product(path: &Path) -> String {
    let is_test = |part: &str| part == "tests" || part == "tests.rs";
    if path.iter().any(|part| is_test(&part.to_string_lossy())) {
        return String::new();
    }
    let source = fs::read_to_string(path).unwrap();
    let product = source.split("#[cfg(test)]\nmod tests").next();
    let product = product.unwrap_or_default().to_lowercase();
    // A program of that name, whose pictures have recipes, and a key of such recipes.
    ["stable diffusion web ui", "stable diffusion model"]
        .iter()
        .fold(product, |product, known| product.replace(known, ""))
}

#[test]
fn nothing_but_the_families_names_a_family() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let names = FAMILIES.iter().map(|family| family.name().to_lowercase());
    let words: Vec<String> = names.chain(FAMILIES_WORDS.map(str::to_owned)).collect();
    let mut n_files = 0;
    let mut named = Vec::new();
    for folder in WITHOUT_FAMILIES {
        let mut files = Vec::new();
        sources(&workspace.join(folder), &mut files);
        n_files += files.len();
        for path in files {
            let source = product(&path);
            let lines = source.lines().enumerate();
            named.extend(lines.filter_map(|(i, line)| {
                let word = words.iter().find(|word| line.contains(word.as_str()));
                word.map(|word| format!("{}:{}: {word}", path.display(), i + 1))
            }));
        }
    }
    assert!(n_files > 200, "{n_files} files");
    assert!(named.is_empty(), "{named:#?}");
}
