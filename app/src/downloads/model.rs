//! All files of one model, fetched into a hidden folder of the library until none is missing.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::receipt::{Receipt, ReceivedFile};
use super::remote_name::local_path;
use super::{Checksum, Error, Hub, Listing, Progress, RemoteFile, fetch};
use crate::files::{self, Existing, RealFs, create_own_dir, read_own, write_atomically};

/// Where models stand in the library while they come in.
const FOLDER: &str = ".downloads";
/// In there: which link asked for it.
const ORDER: &str = ".order.json";
const MAX_ORDER_BYTES: u64 = 16 << 10;
/// What is left free on the disk.
const SPARE_BYTES: u64 = 64 << 20;

/// How a model gets on, of all its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelProgress {
    pub n_bytes: u64,
    /// Of the files whose sizes are known.
    pub total_bytes: u64,
    pub n_files_done: usize,
    pub n_files: usize,
    pub waits: bool,
}

/// A model that is wanted.
#[derive(Debug, Clone)]
pub struct ModelDownload {
    listing: Listing,
    files: Vec<RemoteFile>,
    is_folder: bool,
    /// What the user has asked for it by.
    link: Option<String>,
}

/// Kept beside what is there of a model.
#[derive(Serialize, Deserialize)]
struct Order {
    title: String,
    link: String,
}

impl ModelDownload {
    pub fn of_folder(listing: Listing, files: Vec<RemoteFile>) -> Self {
        Self {
            listing,
            files,
            is_folder: true,
            link: None,
        }
    }

    pub fn of_file(listing: Listing, file: RemoteFile) -> Self {
        Self {
            listing,
            files: vec![file],
            is_folder: false,
            link: None,
        }
    }

    /// Notes the link that asked for it, so that what is unfinished at the end of Limn can be gone on with.
    #[must_use]
    pub fn asked_by(mut self, link: &str) -> Self {
        self.link = Some(link.to_owned());
        self
    }

    pub fn title(&self) -> &str {
        &self.listing.title
    }

    /// What its folder is called in the library.
    pub fn local_name(&self) -> String {
        let name = self.listing.title.rsplit('/').next().unwrap_or_default();
        let name: String = name.chars().map(sound).take(100).collect();
        match name.trim_matches(['.', '_', '-']) {
            "" => "model".to_owned(),
            name => name.to_owned(),
        }
    }

    pub fn licence(&self) -> Option<&str> {
        self.listing.licence.as_deref()
    }

    pub fn files(&self) -> &[RemoteFile] {
        &self.files
    }

    /// Of the files whose sizes are told.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().filter_map(|file| file.size).sum()
    }

    /// Fetches what is missing. The folder or file that is the model, with its receipt, still in the hidden folder: the
    /// library takes it from there.
    ///
    /// `on_progress` returns whether to go on.
    ///
    /// # Errors
    /// [`Error::NoRoom`] before anything is fetched; those of [`fetch`]. What is there by then stays.
    pub fn run(
        &self,
        hub: &Hub,
        library: &Path,
        on_progress: &mut dyn FnMut(ModelProgress) -> bool,
    ) -> Result<PathBuf, Error> {
        let fs: &dyn files::Fs = &RealFs;
        let staged = self.staged(library);
        create_own_dir(fs, library)?;
        create_own_dir(fs, &library.join(FOLDER))?;
        create_own_dir(fs, &staged)?;
        self.check_room(&staged)?;
        self.note_order(&staged)?;
        let mut done_bytes = 0;
        for (n_files_done, file) in self.files.iter().enumerate() {
            let target = self.target(&staged, file)?;
            if !target.is_file() {
                if let Some(folder) = target.parent() {
                    create_own_dir(fs, folder)?;
                }
                let mut tell = |progress| {
                    let (n_bytes, waits) = match progress {
                        Progress::Received { n_bytes, .. } => (n_bytes, false),
                        Progress::Waits(_) => (0, true),
                    };
                    on_progress(ModelProgress {
                        n_bytes: done_bytes + n_bytes,
                        total_bytes: self.total_bytes(),
                        n_files_done,
                        n_files: self.files.len(),
                        waits,
                    })
                };
                fetch(hub.client(), &hub.wanted(file), &target, &mut tell)?;
            }
            done_bytes += target.metadata()?.len();
        }
        let model = match self.files.as_slice() {
            [only] if !self.is_folder => self.target(&staged, only)?,
            _ => staged,
        };
        self.receipt().write(&model)?;
        let _ = fs.remove(&self.staged(library).join(ORDER));
        Ok(model)
    }

    fn note_order(&self, staged: &Path) -> io::Result<()> {
        let Some(link) = self.link.clone() else {
            return Ok(());
        };
        let title = self.listing.title.clone();
        let order = serde_json::to_vec(&Order { title, link }).map_err(io::Error::other)?;
        write_atomically(&RealFs, &staged.join(ORDER), &order, Existing::Replace)
    }

    /// Its hidden folder: another for another state of it, so that parts of two never mix.
    fn staged(&self, library: &Path) -> PathBuf {
        let name = self.listing.title.replace('/', "--");
        let name: String = name.chars().map(sound).take(120).collect();
        let revision: String = self.listing.revision.chars().map(sound).take(12).collect();
        let kind = if self.is_folder { "folder" } else { "file" };
        library
            .join(FOLDER)
            .join(format!("m-{name}-{revision}-{kind}"))
    }

    fn target(&self, staged: &Path, file: &RemoteFile) -> Result<PathBuf, Error> {
        let unsafe_name =
            || Error::bad_answer("the list", "a file has a name that is not safe here");
        let path = local_path(&file.name).ok_or_else(unsafe_name)?;
        if self.is_folder {
            return Ok(staged.join(path));
        }
        Ok(staged.join(path.file_name().ok_or_else(unsafe_name)?))
    }

    fn check_room(&self, staged: &Path) -> Result<(), Error> {
        let Ok(free_bytes) = fs4::available_space(staged) else {
            // Some systems do not say: the disk will.
            return Ok(());
        };
        let there: u64 = self
            .files
            .iter()
            .filter_map(|file| there_bytes(&self.target(staged, file).ok()?))
            .sum();
        let needed_bytes = self.total_bytes().saturating_sub(there) + SPARE_BYTES;
        if needed_bytes > free_bytes {
            return Err(Error::NoRoom {
                needed_bytes,
                free_bytes,
            });
        }
        Ok(())
    }

    fn receipt(&self) -> Receipt {
        let files = self.files.iter().map(|file| ReceivedFile {
            name: if self.is_folder {
                file.name.clone()
            } else {
                file_name(&file.name).to_owned()
            },
            url: file.url.split('?').next().unwrap_or_default().to_owned(),
            hash: file.checksum.map(Checksum::as_text),
        });
        Receipt {
            title: self.listing.title.clone(),
            revision: self.listing.revision.clone(),
            licence: self.listing.licence.clone(),
            files: files.collect(),
        }
    }
}

/// A letter of a name that is one on every system.
fn sound(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') {
        c
    } else {
        '_'
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What is there of a file, whole or in part.
fn there_bytes(target: &Path) -> Option<u64> {
    let part = format!(".{}.part", target.file_name()?.to_string_lossy());
    let sizes = [target.to_owned(), target.with_file_name(part)].map(|path| path.metadata().ok());
    sizes
        .into_iter()
        .flatten()
        .map(|metadata| metadata.len())
        .max()
}

/// What was begun in a library and is not whole: titles, and the links that asked for it.
pub fn unfinished(library: &Path) -> Vec<(String, String)> {
    let orders = staged_folders(library)
        .into_iter()
        .filter_map(|folder| order_of(&folder));
    orders.map(|order| (order.title, order.link)).collect()
}

/// Deletes what is there of what a link has asked for.
pub fn discard(library: &Path, link: &str) {
    for folder in staged_folders(library) {
        if order_of(&folder).is_some_and(|order| order.link == link) {
            // What stays is shown at the next start.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn staged_folders(library: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(library.join(FOLDER))
        .into_iter()
        .flatten()
        .flatten();
    let folders = entries
        .map(|entry| entry.path())
        .filter(|path| files::is_own_folder(path));
    let mut folders: Vec<PathBuf> = folders.collect();
    folders.sort();
    folders
}

fn order_of(folder: &Path) -> Option<Order> {
    let bytes = read_own(&folder.join(ORDER), MAX_ORDER_BYTES).ok()?;
    serde_json::from_slice(&bytes).ok()
}
