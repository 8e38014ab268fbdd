//! Which files an import looks at.

use std::path::{Path, PathBuf};

use crate::import;

/// Folders within folders; what lies deeper is left out.
const LIMIT_DEPTH: usize = 32;
/// Files of one import.
const LIMIT_FILES: usize = 1_000_000;

/// The files themselves, and all pictures in the folders, in the order of their names. Hidden files and links to
/// folders are left out.
pub fn find(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, LIMIT_DEPTH, &mut files);
        } else {
            files.push(path.clone());
        }
    }
    files.truncate(LIMIT_FILES);
    files
}

/// As [`find`], but of files that nobody named only those that are called pictures.
pub fn find_pictures(paths: &[PathBuf]) -> Vec<PathBuf> {
    let (folders, files): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| path.is_dir());
    let files = files
        .into_iter()
        .filter(|path| is_picture_name(path) && path.is_file());
    files.chain(find(&folders)).collect()
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    // A folder that may not be read has nothing to offer.
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<_> = entries
        .filter(|entry| !is_hidden(&entry.file_name()))
        .collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // Of the entry itself: a link to a folder may lead back up.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth > 0 {
            walk(&path, depth - 1, files);
        } else if !is_folder
            && is_picture_name(&path)
            && path.is_file()
            && files.len() < LIMIT_FILES
        {
            files.push(path);
        }
    }
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with('.')
}

fn is_picture_name(path: &Path) -> bool {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    // Kinds that Limn does not read as well, so that they are told of.
    extension.is_some_and(|extension| {
        let extension = extension.as_str();
        import::ENDINGS.contains(&extension) || import::OTHER_ENDINGS.contains(&extension)
    })
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
        assert_eq!(find(&[home.path().to_owned()]), [a.clone(), b, gif]);
        // What is named is looked at, whatever it is called; what is not there is told of later.
        let missing = home.path().join("missing.png");
        assert_eq!(
            find(&[text.clone(), missing.clone(), a.clone()]),
            [text, missing, a]
        );
    }
}
