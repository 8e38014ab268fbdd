//! What was fetched, and whether it still is that.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Checksum;
use super::partial::has;
use super::remote_name::local_path;
use crate::files::{Existing, RealFs, read_own, write_atomically};

const RECEIPT: &str = ".limn-download.json";
const MAX_RECEIPT_BYTES: u64 = 4 << 20;

/// What was fetched, kept beside it: from where, and the hashes that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub title: String,
    pub revision: String,
    pub licence: Option<String>,
    pub files: Vec<ReceivedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedFile {
    pub name: String,
    pub url: String,
    /// SHA-256, or Git's for small ones; `None` where the server told none.
    pub hash: Option<String>,
}

impl Receipt {
    /// Where the receipt of a model lies: in its folder, or beside its file.
    pub fn path(model: &Path) -> PathBuf {
        if model.is_dir() {
            return model.join(RECEIPT);
        }
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        model.with_file_name(format!(".{name}{RECEIPT}"))
    }

    /// That of a model, if it was fetched by Limn.
    pub fn of(model: &Path) -> Option<Self> {
        let bytes = read_own(&Self::path(model), MAX_RECEIPT_BYTES).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    pub(super) fn write(&self, model: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        write_atomically(&RealFs, &Self::path(model), &bytes, Existing::Replace)
    }
}

/// What became of a file since it was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Changed,
    Missing,
    /// No hash was told when it was fetched.
    Unknown,
}

/// Compares the files of a model with its receipt, one by one.
///
/// # Errors
/// Of the disk.
pub fn verify(
    model: &Path,
    receipt: &Receipt,
    mut tell: impl FnMut(&str, Verdict),
) -> io::Result<()> {
    for file in &receipt.files {
        let Some(name) = local_path(&file.name) else {
            tell(&file.name, Verdict::Missing);
            continue;
        };
        let path = if model.is_dir() {
            model.join(name)
        } else {
            model.to_owned()
        };
        let checksum = file.hash.as_deref().and_then(Checksum::parse);
        let verdict = match (path.is_file(), checksum) {
            (false, _) => Verdict::Missing,
            (true, None) => Verdict::Unknown,
            (true, Some(checksum)) if has(&path, checksum)? => Verdict::Right,
            (true, Some(_)) => Verdict::Changed,
        };
        tell(&file.name, verdict);
    }
    Ok(())
}
