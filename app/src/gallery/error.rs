//! What can go wrong with the gallery, as the user will read it.
//!
//! A message names its cause itself, so the cause is no `source` that a printer would repeat.

use std::io;
use std::path::PathBuf;

use super::index::{is_damage, is_unwritable};
use super::layout::PictureId;
use crate::files::remedy;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} ({cause}): {}: {}", remedy_of_own(cause), path.display())]
    Io {
        /// As in "save the picture".
        doing: &'static str,
        path: PathBuf,
        cause: io::Error,
    },
    #[error("the gallery's index does not answer ({cause}): {}: {}", remedy_of_index(cause), path.display())]
    Index {
        path: PathBuf,
        cause: rusqlite::Error,
    },
    #[error("pictures cannot be added just now ({cause}): end other imports into this gallery and try again: {}", path.display())]
    Locked { path: PathBuf, cause: io::Error },
    #[error("the gallery was opened to be read only; nothing is changed in it: {}", path.display())]
    ReadOnly { path: PathBuf },
    #[error("the gallery's own file is damaged: move it away, and Limn makes another: {}", path.display())]
    BadGalleryFile { path: PathBuf },
    #[error("there is no picture {0} in this gallery: `limn gallery list` shows them all")]
    UnknownPicture(PictureId),
    #[error("picture {0} is not in the trash: only what is there can be deleted for good")]
    NotInTrash(PictureId),
    #[error("this is not a picture's id: ids look like 01890a5d-ac96-774b-bcce-b302099a8057")]
    NotAnId,
    #[error("the picture cannot be read ({reason}); the file is left as it is: {}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("the picture cannot be written ({reason})")]
    Encoding { reason: String },
    #[error("a file of this name is there already: choose another, or allow replacing it: {}", path.display())]
    Exists { path: PathBuf },
    #[error("a gallery keeps its pictures there: choose another folder: {}", path.display())]
    AmongPictures { path: PathBuf },
    #[error("{what} is too long: use at most {limit} characters")]
    TooLong { what: &'static str, limit: usize },
    #[error("{what} is empty: write at least one character")]
    Empty { what: &'static str },
}

/// What to do about a file of Limn's own.
fn remedy_of_own(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::InvalidData => "move it away, and Limn makes another",
        _ => remedy(cause),
    }
}

fn remedy_of_index(cause: &rusqlite::Error) -> &'static str {
    if is_unwritable(cause) {
        "free some space on the disk, or allow Limn to write there, and try again"
    } else {
        "close other programs that use it, or make it again with `limn gallery rebuild`"
    }
}

impl Error {
    /// Whether the index gave an answer that no sound index gives: [`Gallery::mend`](super::Gallery::mend) helps.
    pub fn is_index_damage(&self) -> bool {
        matches!(self, Self::Index { cause, .. } if is_damage(cause))
    }

    /// Whether the disk takes no change of the index. Files and marks are the truth; the index follows another time.
    pub fn is_index_unwritable(&self) -> bool {
        matches!(self, Self::Index { cause, .. } if is_unwritable(cause))
    }

    /// Whether there is no room on the disk.
    pub(super) fn is_full_disk(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::Io { cause, .. } if full.contains(&cause.kind()))
    }

    pub(super) fn io(doing: &'static str, path: impl Into<PathBuf>, cause: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.into(),
            cause,
        }
    }
}
