//! `__name__`: any line of `name.txt` in a folder, written as a choice so that the seed chooses it.

use std::path::{Component, Path, PathBuf};

use crate::regular_file::read_named;

/// A list of people's own is a few kilobytes.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Of a whole text with its lists in it.
const MAX_TEXT_BYTES: usize = 2 << 20;
/// How deep lists may name others.
const MAX_DEPTH: u8 = 8;
/// That are told.
const MAX_FAULTS: usize = 20;

/// A folder of lists.
#[derive(Debug, Clone)]
pub struct Wildcards {
    folder: PathBuf,
}

/// A text in which lists stand in place of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expanded {
    pub text: String,
    /// The names that could not be expanded, and why. They stay in the text.
    pub faults: Vec<(String, String)>,
}

impl Wildcards {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Puts the lists into a text.
    pub fn expand(&self, text: &str) -> Expanded {
        let mut expansion = Expansion {
            wildcards: self,
            written: String::new(),
            n_bytes_left: MAX_TEXT_BYTES,
            faults: Vec::new(),
        };
        expansion.expand(text, MAX_DEPTH);
        let mut faults = expansion.faults;
        faults.sort();
        faults.dedup();
        Expanded {
            text: expansion.written,
            faults,
        }
    }

    fn lines(&self, name: &str) -> Result<Vec<String>, String> {
        let relative = PathBuf::from(format!("{name}.txt"));
        let is_inside = |part: Component| matches!(part, Component::Normal(_));
        if !relative.components().all(is_inside) {
            return Err("its name leads out of the folder".to_owned());
        }
        let text = read(&self.folder.join(&relative))?;
        let lines: Vec<String> = text
            .trim_start_matches('\u{feff}')
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        if lines.is_empty() {
            return Err("it has no lines".to_owned());
        }
        Ok(lines)
    }
}

/// A text on its way.
struct Expansion<'a> {
    wildcards: &'a Wildcards,
    written: String,
    /// What all lists together may still write, those that came to nothing included: so the work has an end too.
    n_bytes_left: usize,
    faults: Vec<(String, String)>,
}

impl Expansion<'_> {
    fn expand(&mut self, text: &str, depth: u8) {
        let mut rest = text;
        while let Some((before, name, behind)) = next_name(rest) {
            self.written += before;
            let start = self.written.len();
            if let Err(reason) = self.write_list(name, depth) {
                self.written.truncate(start);
                self.written += &format!("__{name}__");
                if self.faults.len() < MAX_FAULTS {
                    self.faults.push((name.to_owned(), reason));
                }
            }
            rest = behind;
        }
        self.written += rest;
    }

    /// A list's lines as a choice.
    fn write_list(&mut self, name: &str, depth: u8) -> Result<(), String> {
        let too_long = || format!("it grows beyond {} MiB", MAX_TEXT_BYTES >> 20);
        let Some(depth) = depth.checked_sub(1) else {
            return Err("lists name each other without end".to_owned());
        };
        if self.n_bytes_left == 0 {
            return Err(too_long());
        }
        let lines = self.wildcards.lines(name)?;
        self.written += "{";
        // One line alone is no choice: it stands there twice.
        let again = if lines.len() == 1 { 2 } else { 1 };
        for (index, line) in lines.iter().cycle().take(lines.len() * again).enumerate() {
            if index > 0 {
                self.written += "|";
            }
            let line = without_bars(line);
            self.n_bytes_left = self.n_bytes_left.saturating_sub(line.len() + 1);
            if self.n_bytes_left == 0 {
                return Err(too_long());
            }
            self.expand(&line, depth);
        }
        self.written += "}";
        Ok(())
    }
}

fn read(path: &Path) -> Result<String, String> {
    let why = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no {}", path.display()),
        _ => format!("{} cannot be read: {error}", path.display()),
    };
    let bytes = read_named(path, MAX_FILE_BYTES).map_err(why)?;
    String::from_utf8(bytes).map_err(|_| format!("{} is no text", path.display()))
}

/// What stands before the first name, the name, and what stands behind it.
pub(super) fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    const SIGN: &str = "__";
    /// No file's name is longer.
    const MAX_NAME: usize = 200;
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | ' ' | '.');
    let mut from = 0;
    while let Some(start) = text[from..].find(SIGN).map(|start| from + start) {
        let inner = &text[start + SIGN.len()..];
        let near = &inner[..inner.floor_char_boundary(MAX_NAME)];
        if let Some((name, _)) = near.split_once(SIGN)
            && !name.trim().is_empty()
            && name == name.trim()
            && name.chars().all(is_of_name)
        {
            let behind = &inner[name.len() + SIGN.len()..];
            return Some((&text[..start], name, behind));
        }
        from = start + 1;
    }
    None
}

/// A line's own bars mean themselves, unless they are in a choice.
fn without_bars(line: &str) -> String {
    let mut depth = 0_usize;
    let mut written = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => written.push('\\'),
            _ => {}
        }
        written.push(c);
    }
    written
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{collections::BTreeSet, fs};

    use super::{super::choices, *};

    #[test]
    fn a_name_stands_for_any_of_its_lines() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sea")).unwrap();
        fs::write(
            dir.path().join("colour.txt"),
            "\u{feff}red\n# not this\n\n blue \n",
        )
        .unwrap();
        fs::write(
            dir.path().join("sea/boat.txt"),
            "a|b\n__colour__ {ship|__one__}",
        )
        .unwrap();
        fs::write(dir.path().join("one.txt"), "raft").unwrap();
        let wildcards = Wildcards::new(dir.path().to_owned());
        let text = "a __colour__ cat";
        let Expanded { text, faults } = wildcards.expand(text);
        assert_eq!((text.as_str(), faults.len()), ("a {red|blue} cat", 0));
        let boats = wildcards.expand("__sea/boat__").text;
        let all: BTreeSet<String> = (0..100)
            .map(|seed| choices::choose(&boats, seed, 0))
            .collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(
            all,
            ["a|b", "blue raft", "blue ship", "red raft", "red ship"]
        );
    }

    #[test]
    fn what_is_no_list_stays_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("loop.txt"), "x __loop__").unwrap();
        fs::write(dir.path().join("empty.txt"), "\n#\n").unwrap();
        fs::write(dir.path().join("large.txt"), "x".repeat(2 << 20)).unwrap();
        fs::create_dir(dir.path().join("folder.txt")).unwrap();
        let wildcards = Wildcards::new(dir.path().to_owned());
        for (text, told) in [
            ("a __none__ b", "there is no"),
            ("__../secret__", "leads out"),
            ("__empty__", "no lines"),
            ("__large__", "larger than 1 MiB"),
            ("__folder__", "not a regular file"),
        ] {
            let expanded = wildcards.expand(text);
            assert_eq!(expanded.text, text);
            assert!(expanded.faults[0].1.contains(told), "{expanded:?}");
        }
        let expanded = wildcards.expand("__loop__");
        assert!(expanded.faults[0].1.contains("without end"), "{expanded:?}");
        for text in ["", "____", "a __ b __", "__init__x", "snake__case"] {
            assert_eq!(wildcards.expand(text).text, text);
        }
    }

    #[test]
    fn lists_do_not_grow_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let line = "__more__ __more__ __more__ __more__ __more__ __more__ __more__\n";
        fs::write(dir.path().join("more.txt"), line.repeat(50)).unwrap();
        let wildcards = Wildcards::new(dir.path().to_owned());
        assert!(wildcards.expand("__more__").text.len() < 3 << 20);
        let text = "__more__ ".repeat(100_000);
        assert!(!next_name(&text).unwrap().2.is_empty());
    }
}
