use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// Configs, vocabularies and cards are small; whatever is larger is not one.
const MAX_TEXT_BYTES: u64 = 16 << 20;

/// The files of a model: a folder on disk, or the built-in model's inside the binary.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    root: PathBuf,
}

impl ModelFolder {
    pub fn on_disk(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// For messages.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Reads a small file whole.
    ///
    /// # Errors
    /// When it cannot be read, or is larger than any config or vocabulary.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.root.join(name);
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|source| Error::io(&path, source))?;
        if bytes.len() as u64 > MAX_TEXT_BYTES {
            return Err(Error::NotAModel {
                path,
                reason: "a config or vocabulary file is larger than 16 MiB".to_owned(),
            });
        }
        Ok(bytes)
    }
}
