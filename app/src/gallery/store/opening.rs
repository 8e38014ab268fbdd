//! How a gallery is opened: its own id, its index, and what a stranger may have put where Limn's folders should be.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Access, Gallery};
use crate::files::{
    Existing, Fs, RealFs, create_dirs, create_own_dir, is_own_folder, sweep, write_atomically,
};
use crate::gallery::averages::AveragesFile;
use crate::gallery::error::{Error, Result};
use crate::gallery::index::{Index, Opened};
use crate::gallery::layout::{Layout, is_own_name};
use crate::gallery::thumbnails::Thumbnails;
use crate::gallery::unsaved::Unsaved;

/// Larger files of our own are none.
const LIMIT_FILE_BYTES: u64 = 64 << 10;

/// Of a folder that is no gallery yet.
const UNNAMED: &str = "unnamed";

/// `gallery.json`: which gallery a folder holds, wherever it is moved to.
#[derive(Debug, Serialize, Deserialize)]
struct GalleryFile {
    format: u32,
    id: Uuid,
}

/// Beside the index: the folder that it was made from.
#[derive(Debug, Serialize, Deserialize)]
struct HomeFile {
    folder: OsString,
}

impl Gallery {
    /// Opens the gallery in a folder, or makes one there. The index lies in `indexes`, small pictures
    /// under `thumbnails`; both can be made again.
    ///
    /// Takes milliseconds: files that the index does not know yet are found by
    /// [`begin_scan`](Self::begin_scan), step by step.
    ///
    /// # Errors
    /// If the folder cannot be made or read, or the index not opened.
    pub fn open(folder: &Path, indexes: &Path, thumbnails: &Path) -> Result<Self> {
        let fs = Arc::new(RealFs);
        Self::open_with(fs, folder, indexes, thumbnails, Access::Change)
    }

    /// [`open`](Self::open), without writing anything in the folder, now or later. Where there is no gallery, an
    /// empty one is seen.
    ///
    /// # Errors
    /// If the folder cannot be read, or the index not opened.
    pub fn open_to_read(folder: &Path, indexes: &Path, thumbnails: &Path) -> Result<Self> {
        let fs = Arc::new(RealFs);
        Self::open_with(fs, folder, indexes, thumbnails, Access::Read)
    }

    /// [`open`](Self::open) on another file system.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_with(
        fs: Arc<dyn Fs>,
        folder: &Path,
        indexes: &Path,
        thumbnails: &Path,
        access: Access,
    ) -> Result<Self> {
        let layout = Layout::new(folder);
        let made: &[&Path] = match access {
            Access::Change => &[folder, indexes],
            Access::Read => &[indexes],
        };
        for folder in made {
            create_dirs(&*fs, folder)
                .map_err(|error| Error::io("make the folder", *folder, error))?;
        }
        let id = gallery_id(&*fs, &layout, access)?;
        let (name, opened) = match id {
            Some(id) => {
                let name = index_name(&*fs, indexes, id, folder);
                let opened = Index::open(&indexes.join(format!("{name}.sqlite")))?;
                (name, opened)
            }
            None => {
                let opened = Opened {
                    index: Index::in_memory()?,
                    is_new: true,
                    notice: None,
                };
                (UNNAMED.to_owned(), opened)
            }
        };
        let thumbnails = Thumbnails::new(&thumbnails.join(&name));
        let mut gallery = Self {
            layout,
            access,
            index: opened.index,
            index_path: indexes.join(format!("{name}.sqlite")),
            is_index_new: opened.is_new,
            averages: AveragesFile::new(thumbnails.folder()),
            thumbnails,
            unsaved: Unsaved::new(indexes),
            barred: std::collections::HashSet::new(),
            unindexed: Vec::new(),
            is_unwritable_said: opened.notice.is_some(),
            notices: opened.notice.into_iter().collect(),
            fs,
        };
        if gallery.index.is_in_memory() {
            // What this process does is lost with it.
            gallery.note_behind();
        }
        gallery.is_index_new |= !gallery.is_in_line();
        if gallery.access == Access::Change {
            sweep(&*gallery.fs, indexes);
            sweep(&*gallery.fs, gallery.thumbnails.folder());
        }
        gallery.bar_links()?;
        gallery.make_trash();
        match gallery.read_marks_or_say() {
            Err(error) if error.is_index_damage() => {
                gallery.renew_index(&error.to_string())?;
                gallery.is_index_new = true;
            }
            read => read?,
        }
        Ok(gallery)
    }

    /// Beside the index as long as it has learnt of all that Limn did. To take it away needs no room on a full disk.
    fn in_line_path(&self) -> PathBuf {
        self.index_path.with_extension("current")
    }

    fn is_in_line(&self) -> bool {
        self.fs.modified(&self.in_line_path()).is_ok()
    }

    /// The index could not be told of a change: whoever opens it next looks through the files.
    pub(in crate::gallery) fn note_behind(&self) {
        match self.fs.remove(&self.in_line_path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("the index is behind, and this cannot be noted: {error}");
            }
            _ => {}
        }
    }

    /// All files were looked through.
    pub(in crate::gallery) fn note_in_line(&self) {
        if self.index.is_in_memory() || self.is_in_line() {
            return;
        }
        // Without it the next one looks through them again.
        let path = self.in_line_path();
        if let Err(error) = write_atomically(&*self.fs, &path, b"", Existing::Replace) {
            tracing::warn!("the index is in line, and this cannot be noted: {error}");
        }
    }

    /// Goes on with the index on the disk, if one in memory had to do and there is room by now.
    pub(in crate::gallery) fn return_to_disk(&mut self) {
        let is_named = !matches!(self.index_path.file_stem(), Some(name) if name == UNNAMED);
        if self.index.is_in_memory()
            && is_named
            && let Ok(opened) = Index::open(&self.index_path)
            && !opened.index.is_in_memory()
        {
            self.index = opened.index;
        }
    }

    /// Whether the index was empty when it was opened, or does not know all, so that a scan has to fill it; said once.
    pub fn take_is_index_new(&mut self) -> bool {
        std::mem::take(&mut self.is_index_new)
    }

    /// Sets an index aside that gave a wrong answer and makes another from the files.
    ///
    /// # Errors
    /// If it cannot be set aside, or the gallery not be read.
    pub fn mend(&mut self, wrong: &Error) -> Result<()> {
        self.renew_index(&wrong.to_string())?;
        self.scan().map(|_| ())
    }

    /// Sets the index aside; the new one is empty but for the marks.
    pub(in crate::gallery) fn renew_index(&mut self, reason: &str) -> Result<()> {
        let damaged = std::mem::replace(&mut self.index, Index::in_memory()?);
        let opened = damaged.renew(reason)?;
        self.index = opened.index;
        self.notices.extend(opened.notice);
        self.unindexed.clear();
        self.read_marks_or_say()
    }

    /// A stranger's gallery may have something else in the place of the marks: the pictures are there all the same.
    pub(in crate::gallery) fn read_marks_or_say(&mut self) -> Result<()> {
        match self.read_marks() {
            Err(Error::Io { cause, path, .. }) if cause.kind() == io::ErrorKind::InvalidData => {
                let path = path.display();
                self.notices.push(format!(
                    "Stars, tags, boards and notes cannot be read ({cause}): move it away: {path}"
                ));
                Ok(())
            }
            result => result.map(|_| ()),
        }
    }

    /// Finds out which of our folders are links or files. Nothing is read or written through them.
    pub(in crate::gallery) fn bar_links(&mut self) -> Result<()> {
        let folder = self.layout.folder().to_owned();
        let names = self.fs.names(&folder);
        let names = names.map_err(|error| Error::io("read the gallery", &folder, error))?;
        let own = names.iter().filter(|name| is_own_name(name));
        let own = own.map(|name| folder.join(name));
        let barred = own.filter(|path| !is_own_folder(path)).collect();
        if !self.barred.is_superset(&barred) {
            for path in barred.difference(&self.barred) {
                self.notices.push(format!(
                    "This is a link where a folder of the gallery should be, and pictures beyond it are left out: move them into the gallery: {}",
                    path.display()
                ));
            }
        }
        self.barred = barred;
        Ok(())
    }

    /// Whether a path is in one of the barred folders, or is one.
    pub(in crate::gallery) fn is_barred(&self, path: &Path) -> bool {
        path.ancestors().any(|folder| self.barred.contains(folder))
    }

    /// In advance: on a full disk, where it is needed most, it might not be made any more.
    fn make_trash(&self) {
        if self.access == Access::Change
            && let Err(error) = create_own_dir(&*self.fs, &self.layout.trash())
        {
            tracing::warn!("cannot make the trash yet: {error}");
        }
    }
}

/// The name of the index, which follows the gallery when it is moved. A copy of a gallery has the same id, and gets
/// an index of its own: what is in the one is not in the other.
fn index_name(fs: &dyn Fs, indexes: &Path, id: Uuid, folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let hash = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let of_copy = format!(
        "{id}-{:016x}",
        u64::from_be_bytes(std::array::from_fn(|i| hash[i]))
    );
    if indexes.join(format!("{of_copy}.sqlite")).exists() {
        return of_copy;
    }
    let home_path = indexes.join(format!("{id}.home"));
    let home = fs.read(&home_path, LIMIT_FILE_BYTES).ok();
    let home = home.and_then(|json| serde_json::from_slice::<HomeFile>(&json).ok());
    let home = home.map(|home| PathBuf::from(home.folder));
    match home {
        Some(home) if home == folder => id.to_string(),
        Some(home) if !is_same_folder(&home, &folder) && read_id(fs, &home) == Some(id) => of_copy,
        // New, or moved here.
        _ => {
            let home = HomeFile {
                folder: folder.into_os_string(),
            };
            let written = serde_json::to_vec(&home)
                .map_err(io::Error::from)
                .and_then(|json| write_atomically(fs, &home_path, &json, Existing::Replace));
            if let Err(error) = written {
                tracing::warn!("cannot note which folder an index is of: {error}");
            }
            id.to_string()
        }
    }
}

fn read_id(fs: &dyn Fs, folder: &Path) -> Option<Uuid> {
    let path = Layout::new(folder).gallery_file();
    let json = fs.read(&path, LIMIT_FILE_BYTES).ok()?;
    let file: GalleryFile = serde_json::from_slice(&json).ok()?;
    Some(file.id)
}

/// Two paths may lead to one folder where a drive is mounted twice.
#[cfg(unix)]
fn is_same_folder(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| {
        let metadata = path.metadata().ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    identity(a).is_some_and(|folder| Some(folder) == identity(b))
}

#[cfg(not(unix))]
fn is_same_folder(a: &Path, b: &Path) -> bool {
    a == b
}

/// The gallery's own id, made on the first opening. `None` if none is there and none may be made.
fn gallery_id(fs: &dyn Fs, layout: &Layout, access: Access) -> Result<Option<Uuid>> {
    let path = layout.gallery_file();
    let failed = |error| Error::io("open the gallery", &path, error);
    let read = || match fs.read(&path, LIMIT_FILE_BYTES) {
        Ok(bytes) => serde_json::from_slice::<GalleryFile>(&bytes)
            .map(|file| Some(file.id))
            .map_err(|_| Error::BadGalleryFile { path: path.clone() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    };
    if let Some(id) = read()? {
        return Ok(Some(id));
    }
    if access == Access::Read {
        return Ok(None);
    }
    let file = GalleryFile {
        format: 1,
        id: Uuid::new_v4(),
    };
    let json = serde_json::to_vec(&file).map_err(|error| failed(error.into()))?;
    match write_atomically(fs, &path, &json, Existing::Keep) {
        // Another process was faster: its id holds.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result.map_err(failed)?,
    }
    read()?
        .map(Some)
        .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}
