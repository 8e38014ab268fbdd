use std::io;
use std::path::{Path, PathBuf};

use crate::files::remedy;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a document's file, as the user will read it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} ({cause}): {}: {}", remedy(cause), path.display())]
    Io {
        /// As in "save the project".
        doing: &'static str,
        path: PathBuf,
        cause: io::Error,
    },
    #[error("this is not a Limn project: {}", path.display())]
    NotAProject { path: PathBuf },
    #[error("this project was made by a newer Limn: update this one: {}", path.display())]
    Newer { path: PathBuf },
    #[error("this project is damaged, and nothing of it can be read: {}", path.display())]
    Damaged { path: PathBuf },
    #[error("this project needs more than {limit_gib} GiB of memory: {}", path.display())]
    TooLarge { path: PathBuf, limit_gib: usize },
    #[error("this step cannot be taken back: its part of the file is damaged: {}", path.display())]
    DamagedStep { path: PathBuf },
}

impl Error {
    pub fn io(doing: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            cause,
        }
    }
}
