use std::{fs, io::Write, path::PathBuf};

use super::ComponentFiles;
use crate::{Result, TEMP_PREFIX, regular_file::read_own};

/// Values that cost much and depend on weights alone, one small file each.
///
/// A cache may always be empty: what cannot be read is computed again, what cannot be written is not kept.
#[derive(Debug, Clone)]
pub struct WeightCache {
    dir: Option<PathBuf>,
}

impl WeightCache {
    pub fn new(dir: Option<PathBuf>) -> Self {
        Self { dir }
    }

    /// The numbers kept under `key`, if they are as many as expected.
    pub fn read(&self, key: &str, n_numbers: usize) -> Option<Vec<f32>> {
        let bytes = self.read_bytes(key, 4 * n_numbers as u64)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        let is_whole = rest.is_empty() && numbers.len() == n_numbers;
        is_whole.then(|| {
            numbers
                .iter()
                .map(|&bytes| f32::from_le_bytes(bytes))
                .collect()
        })
    }

    pub fn write(&self, key: &str, numbers: &[f32]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.write_bytes(key, &bytes);
    }

    /// A component's SHA-256, read anew only when its files have changed.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn component_hash(&self, component: &ComponentFiles) -> Result<String> {
        self.file_hash(component.fingerprint(), || {
            component.folder.weights(false)?.sha256()
        })
    }

    /// A hash of files that are the same while their fingerprint is.
    ///
    /// # Errors
    /// What `read` returns.
    pub(super) fn file_hash(
        &self,
        fingerprint: Option<String>,
        read: impl FnOnce() -> Result<String>,
    ) -> Result<String> {
        const HASH_LENGTH: usize = 64;
        let key = fingerprint.map(|fingerprint| format!("hash-{fingerprint}"));
        if let Some(key) = &key
            && let Some(hash) = self
                .read_bytes(key, HASH_LENGTH as u64)
                .and_then(|bytes| String::from_utf8(bytes).ok())
            && hash.len() == HASH_LENGTH
        {
            return Ok(hash);
        }
        let hash = read()?;
        if let Some(key) = key {
            self.write_bytes(&key, hash.as_bytes());
        }
        Ok(hash)
    }

    fn read_bytes(&self, key: &str, limit_bytes: u64) -> Option<Vec<u8>> {
        read_own(&self.dir.as_ref()?.join(key), limit_bytes).ok()
    }

    /// Under another name first, so that no reader sees a part.
    fn write_bytes(&self, key: &str, bytes: &[u8]) {
        let Some(dir) = &self.dir else { return };
        let result = fs::create_dir_all(dir).and_then(|()| {
            let mut file = tempfile::Builder::new()
                .prefix(TEMP_PREFIX)
                .tempfile_in(dir)?;
            file.write_all(bytes)?;
            file.persist(dir.join(key)).map_err(|error| error.error)?;
            Ok(())
        });
        if let Err(error) = result {
            tracing::warn!("{key} is not kept: {error}");
        }
    }
}
