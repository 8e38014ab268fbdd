//! Documents that were closed without being saved: kept for a while, beside the working files.

use std::path::{Path, PathBuf};

use super::super::id::DocumentId;
use super::super::journal::{Error, Result};
use super::{EXTENSION, working_path};
use crate::files::{Fs, create_dirs};

/// So many are kept, the latest.
const LIMIT: usize = 8;

/// Moves a working file to the closed ones; the oldest beyond the limit go.
pub fn put_by(fs: &dyn Fs, folder: &Path, document: DocumentId) -> Result<()> {
    let closed = closed_folder(folder);
    let failed = |cause| Error::io("keep the closed document", &closed, cause);
    create_dirs(fs, &closed).map_err(failed)?;
    let file = working_path(folder, document);
    match fs.rename(&file, &working_path(&closed, document)) {
        // Nothing of it was ever written.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        moved => moved.map_err(failed)?,
    }
    for (_, id) in latest_first(fs, &closed)?.into_iter().skip(LIMIT) {
        fs.remove(&working_path(&closed, id)).map_err(failed)?;
    }
    Ok(())
}

/// Moves the file that was put by last back to the working files. `None` where there is none.
pub fn take_latest(fs: &dyn Fs, folder: &Path) -> Result<Option<DocumentId>> {
    let closed = closed_folder(folder);
    let Some((_, id)) = latest_first(fs, &closed)?.into_iter().next() else {
        return Ok(None);
    };
    let failed = |cause| Error::io("open the closed document", &closed, cause);
    fs.rename(&working_path(&closed, id), &working_path(folder, id))
        .map_err(failed)?;
    Ok(Some(id))
}

fn closed_folder(folder: &Path) -> PathBuf {
    folder.join("closed")
}

fn latest_first(fs: &dyn Fs, closed: &Path) -> Result<Vec<(std::time::SystemTime, DocumentId)>> {
    let failed = |cause| Error::io("look at the closed documents", closed, cause);
    let mut files = Vec::new();
    for name in fs.names(closed).map_err(failed)? {
        let id = name
            .strip_suffix(EXTENSION)
            .and_then(|name| name.strip_suffix('.')?.parse().ok());
        if let Some(id) = id {
            let (modified, _) = fs.modified(&working_path(closed, id)).map_err(failed)?;
            files.push((modified, id));
        }
    }
    files.sort_unstable_by(|a, b| b.cmp(a));
    Ok(files)
}
