//! Models of other programs, read where they lie and never written: a list beside the library says where.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{model::is_safetensors, regular_file::read_own};

const FILE: &str = "shared.json";
const MAX_BYTES: u64 = 4 << 20;
/// Folders in folders, as people sort their models into.
const MAX_DEPTH: usize = 4;
/// Of one folder: more is nobody's collection of models, but a home or a disk.
const MAX_ENTRIES: usize = 20_000;
const INDEX: &str = "model_index.json";

/// What is shared with other programs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SharedFolders {
    pub folders: Vec<SharedFolder>,
}

/// What another program draws with, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SharedFolder {
    /// As the user has named it.
    pub path: PathBuf,
    /// Whose it is.
    pub program: String,
    /// Folders with models in them, and in their folders.
    pub models: Vec<PathBuf>,
    /// Model folders with names of their own, where the folder's name is none.
    pub named: BTreeMap<String, PathBuf>,
    pub loras: Vec<PathBuf>,
    pub upscalers: Vec<PathBuf>,
}

impl SharedFolders {
    /// The list that goes with a library.
    pub fn path(library: &Path) -> PathBuf {
        library.join(FILE)
    }

    /// What the list of a library says; nothing where there is none, or it cannot be read.
    pub fn of(library: &Path) -> Self {
        let path = Self::path(library);
        let Ok(bytes) = read_own(&path, MAX_BYTES) else {
            return Self::default();
        };
        serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::warn!("the list of shared folders cannot be read ({error})");
            Self::default()
        })
    }

    /// Model folders and files, by name.
    pub(super) fn models(&self) -> Vec<PathBuf> {
        let folders = self.folders.iter().flat_map(|folder| &folder.models);
        sorted(folders.flat_map(|folder| models_in(folder)))
    }

    pub(super) fn named(&self) -> impl Iterator<Item = (&String, &PathBuf)> {
        self.folders.iter().flat_map(|folder| &folder.named)
    }

    pub(super) fn loras(&self) -> Vec<PathBuf> {
        let folders = self.folders.iter().flat_map(|folder| &folder.loras);
        sorted(folders.flat_map(|folder| files_in(folder)))
    }

    pub(super) fn upscalers(&self) -> Vec<PathBuf> {
        let folders = self.folders.iter().flat_map(|folder| &folder.upscalers);
        sorted(folders.flat_map(|folder| files_in(folder)))
    }
}

fn sorted(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = paths.collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Safetensors, and folders as diffusers writes them, which are not looked into.
fn models_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(folder, 0, &mut 0, &mut |path, is_folder| {
        let is_model = if is_folder {
            path.join(INDEX).is_file()
        } else {
            is_safetensors(path)
        };
        if is_model {
            found.push(path.to_owned());
        }
        is_folder && !is_model
    });
    found
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(folder, 0, &mut 0, &mut |path, is_folder| {
        if !is_folder && is_safetensors(path) {
            found.push(path.to_owned());
        }
        is_folder
    });
    found
}

/// Calls `visit` for what is in a folder, without what is hidden; it returns whether to look into a folder.
fn walk(
    folder: &Path,
    depth: usize,
    n_entries: &mut usize,
    visit: &mut dyn FnMut(&Path, bool) -> bool,
) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        *n_entries += 1;
        if *n_entries > MAX_ENTRIES {
            return;
        }
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        let is_folder = path.is_dir();
        if !is_folder && !path.is_file() {
            continue;
        }
        if visit(&path, is_folder) && depth + 1 < MAX_DEPTH {
            walk(&path, depth + 1, n_entries, visit);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn models_are_found_in_folders_of_folders() {
        let dir = tempfile::tempdir().unwrap();
        let touch = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let a = touch("checkpoints/a.safetensors");
        let b = touch("checkpoints/SDXL/anime/b.safetensors");
        touch("checkpoints/c.ckpt");
        touch("checkpoints/.hidden/d.safetensors");
        touch("checkpoints/folder/model_index.json");
        touch("checkpoints/folder/unet/e.safetensors");
        touch("checkpoints/1/2/3/4/too_deep.safetensors");
        // Round and round.
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.path(), dir.path().join("checkpoints/SDXL/loop")).unwrap();
        let folder = dir.path().join("checkpoints");
        let shared = SharedFolders {
            folders: vec![SharedFolder {
                models: vec![folder.clone(), folder.clone()],
                loras: vec![folder.clone()],
                ..SharedFolder::default()
            }],
        };
        let models = shared.models();
        let own: Vec<_> = models
            .iter()
            .filter(|path| !path.to_string_lossy().contains("loop"))
            .cloned()
            .collect();
        assert_eq!(own, [b, a, folder.join("folder")]);
        assert!(
            shared
                .loras()
                .iter()
                .any(|path| path.ends_with("unet/e.safetensors"))
        );
        assert!(SharedFolders::of(dir.path()).folders.is_empty());
        std::fs::write(SharedFolders::path(dir.path()), "{").unwrap();
        assert!(SharedFolders::of(dir.path()).folders.is_empty());
    }
}
