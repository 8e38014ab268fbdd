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
    #[error(
        "this project needs {needed_mib} MiB of memory, and of the {free_mib} MiB that are free half is kept for \
         everything else: close other documents or programs and try again: {}",
        path.display()
    )]
    TooLarge {
        path: PathBuf,
        needed_mib: u64,
        free_mib: u64,
    },
    #[error(
        "this project is damaged, or made to fill the memory: it is short and would unpack to {needed_mib} MiB: {}",
        path.display()
    )]
    Swells { path: PathBuf, needed_mib: u64 },
    #[error(
        "Limn ended last time while it opened a document, which was put aside; it can be opened from there: {}",
        path.display()
    )]
    PutAside { path: PathBuf },
    #[error("this project has too much in one step to be saved: {}", path.display())]
    LongStep { path: PathBuf },
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
