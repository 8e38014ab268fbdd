//! What can go wrong with the gallery, as the user will read it.
//!
//! A message names its cause itself, so the cause is no `source` that a printer would repeat.

use std::io;
use std::path::PathBuf;

use super::layout::PictureId;
use crate::files::remedy;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} ({cause}): {}: {}", remedy(cause), path.display())]
    Io {
        /// As in "save the picture".
        doing: &'static str,
        path: PathBuf,
        cause: io::Error,
    },
    #[error("the gallery's index does not answer ({cause}): close other programs that use it, or make it again with `limn gallery rebuild`: {}", path.display())]
    Index {
        path: PathBuf,
        cause: rusqlite::Error,
    },
    #[error("the gallery's index was made by a newer Limn: update this one: {}", path.display())]
    NewerIndex { path: PathBuf },
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
    #[error("{what} is too long: use at most {limit} characters")]
    TooLong { what: &'static str, limit: usize },
    #[error("{what} is empty: write at least one character")]
    Empty { what: &'static str },
}

impl Error {
    pub(super) fn io(doing: &'static str, path: impl Into<PathBuf>, cause: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.into(),
            cause,
        }
    }
}
