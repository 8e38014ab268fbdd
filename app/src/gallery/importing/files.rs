//! Which files an import looks at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::files::is_own_folder;
use crate::import;

/// Folders within folders; what lies deeper is left out.
const LIMIT_DEPTH: usize = 32;
/// Files of one import.
const LIMIT_FILES: usize = 1_000_000;

/// What an import looks at.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<PathBuf>,
    /// How many files in the folders are not called pictures, by what their names end in, in small letters.
    pub left_out: BTreeMap<String, usize>,
}

/// The files themselves, and all pictures in the folders, in the order of their names. Hidden files and links to
/// folders are left out.
pub fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.is_dir() {
            found.walk(path, LIMIT_DEPTH, Links::Follow);
        } else {
            found.files.push(path.clone());
        }
    }
    found.files.truncate(LIMIT_FILES);
    found
}

/// Whether a link to a file counts as the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Follow,
    LeaveOut,
}

/// As [`find`], but of files that nobody named only those that are called pictures, and nothing behind links.
pub fn find_pictures(paths: &[PathBuf]) -> Vec<PathBuf> {
    let is_file = |path: &PathBuf| {
        path.symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file())
    };
    let (folders, others): (Vec<_>, Vec<_>) =
        paths.iter().cloned().partition(|path| is_own_folder(path));
    let files = others
        .into_iter()
        .filter(|path| is_picture_name(path) && is_file(path));
    let mut found = Found {
        files: files.collect(),
        ..Found::default()
    };
    for folder in folders {
        found.walk(&folder, LIMIT_DEPTH, Links::LeaveOut);
    }
    found.files
}

impl Found {
    fn walk(&mut self, folder: &Path, depth: usize, links: Links) {
        // A folder that may not be read has nothing to offer.
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut entries: Vec<_> = entries
            .filter(|entry| !is_hidden(&entry.file_name()))
            .collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            // Of the entry itself: a link to a folder may lead back up.
            let kind = entry.file_type();
            let is_folder = kind.as_ref().is_ok_and(std::fs::FileType::is_dir);
            let is_link = kind.is_ok_and(|kind| kind.is_symlink());
            if is_folder {
                if depth > 0 {
                    self.walk(&path, depth - 1, links);
                }
            } else if !path.is_file() || is_link && links == Links::LeaveOut {
                // A pipe, a device, or a link to nothing.
            } else if is_picture_name(&path) && self.files.len() < LIMIT_FILES {
                self.files.push(path);
            } else {
                *self.left_out.entry(ending(&path)).or_default() += 1;
            }
        }
    }
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_lowercase()
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with('.')
}

fn is_picture_name(path: &Path) -> bool {
    is_picture_ending(&ending(path))
}

/// Whether names of pictures end so, in small letters or large ones. Kinds that Limn does not read count as well, so
/// that they are told of.
pub fn is_picture_ending(ending: &str) -> bool {
    let mut known = import::ENDINGS.iter().chain(&import::OTHER_ENDINGS);
    known.any(|known| known.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_give_their_pictures_in_order() {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, b"?").unwrap();
            path
        };
        let [b, a, gif] = ["b.PNG", "a.jpeg", "sub/deep/c.gif"].map(file);
        let text = file("notes.txt");
        for name in [".hidden.png", ".git/d.png"] {
            file(name);
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.path(), home.path().join("sub/up")).unwrap();
        let found = find(&[home.path().to_owned()]);
        assert_eq!(found.files, [a.clone(), b, gif]);
        assert_eq!(found.left_out, [("txt".to_owned(), 1)].into());
        // What is named is looked at, whatever it is called; what is not there is told of later.
        let missing = home.path().join("missing.png");
        assert_eq!(
            find(&[text.clone(), missing.clone(), a.clone()]).files,
            [text, missing, a]
        );
    }
}
