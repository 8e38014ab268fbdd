use std::path::{Path, PathBuf};

use crate::files::{Existing, Fs, write_atomically};

const FILE_NAME: &str = "recent.json";
const LIMIT: usize = 12;
const LIMIT_BYTES: u64 = 1 << 20;

/// The projects last opened and saved, the latest first. A list that cannot be read or written costs nobody
/// their work, so that is only logged.
pub struct Recent {
    file: PathBuf,
    paths: Vec<PathBuf>,
}

impl Recent {
    pub fn read(fs: &dyn Fs, folder: &Path) -> Self {
        let file = folder.join(FILE_NAME);
        let bytes = fs.read(&file, LIMIT_BYTES).unwrap_or_default();
        let mut paths: Vec<PathBuf> = serde_json::from_slice(&bytes).unwrap_or_default();
        paths.truncate(LIMIT);
        Self { file, paths }
    }

    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    pub fn add(&mut self, fs: &dyn Fs, path: &Path) {
        self.paths.retain(|old| old != path);
        self.paths.insert(0, path.to_owned());
        self.paths.truncate(LIMIT);
        // A path that is not Unicode has no place in JSON.
        let named: Vec<_> = self.paths.iter().filter_map(|path| path.to_str()).collect();
        let written = serde_json::to_vec(&named)
            .map_err(std::io::Error::from)
            .and_then(|json| write_atomically(fs, &self.file, &json, Existing::Replace));
        if let Err(error) = written {
            tracing::warn!("cannot write the list of recent projects: {error}");
        }
    }
}
