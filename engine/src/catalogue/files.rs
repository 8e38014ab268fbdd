//! Files that are named without their endings.

use std::path::{Path, PathBuf};

use crate::model::is_safetensors;

pub(super) fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    stem.to_string_lossy().into_owned()
}

/// By name.
pub(super) fn safetensors_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| is_safetensors(path) && path.is_file());
    paths.sort();
    paths
}

/// The file called `name`: exactly, else whatever the case of its letters.
pub(super) fn find(paths: &[PathBuf], name: &str) -> Option<PathBuf> {
    let name = name.strip_suffix(".safetensors").unwrap_or(name);
    let exact = paths.iter().find(|path| name_of(path) == name);
    let folded = || {
        let is_it = |path: &&PathBuf| name_of(path).eq_ignore_ascii_case(name);
        paths.iter().find(is_it)
    };
    exact.or_else(folded).cloned()
}
