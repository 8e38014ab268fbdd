//! What cannot be opened, and why.

use std::path::{Path, PathBuf};

use super::{Catalogue, is_companion, upscalers};
use crate::{
    Error, Result,
    families::{self, Probe},
    weights::ModelFolder,
};

/// Endings of the files in which models are shared.
const MODEL_EXTENSIONS: [&str; 7] = ["safetensors", "ckpt", "pt", "pth", "bin", "gguf", "onnx"];

impl Catalogue {
    /// Whether a folder or file can be put into a library. A companion alone can: it belongs to another
    /// model.
    ///
    /// # Errors
    /// [`Error::NotAModel`] and the other errors of opening it.
    pub fn check(path: &Path) -> Result<()> {
        if is_companion(path) {
            return Ok(());
        }
        let probe = if let Some(parts) = Probe::parts(path) {
            parts?
        } else if path.is_dir() {
            Probe::folder(ModelFolder::Disk(path.to_owned()))
        } else {
            let probe = Probe::file(path)?;
            if families::recognise(&probe).is_none() {
                return upscalers::check(path);
            }
            probe
        };
        families::open(&probe, None).map(drop)
    }

    /// What lies in the library and looks like a model but cannot be opened, by name, each with why.
    pub fn unreadable(&self) -> Vec<(PathBuf, Error)> {
        let library = self.library.iter();
        let entries = library.flat_map(|library| std::fs::read_dir(library).into_iter().flatten());
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| is_meant_as_model(path));
        paths.sort();
        let checked = paths.into_iter().map(|path| {
            let error = Self::check(&path).err();
            error.map(|error| (path, error))
        });
        checked.flatten().collect()
    }
}

/// A folder, or a file of a kind in which models are shared; what is hidden is work in progress of others.
fn is_meant_as_model(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let extension = extension.to_ascii_lowercase();
    let is_file = MODEL_EXTENSIONS.contains(&extension.as_str());
    !name.starts_with('.') && (path.is_dir() || is_file)
}
