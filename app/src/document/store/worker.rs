use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::super::history::Document;
use super::super::id::DocumentId;
use super::super::journal::{self, Error, HEADER_BYTES, History, JournalFile, Result};
use super::closed;
use super::lock::Lock;
use super::recent::Recent;
use super::working_file::WorkingFile;
use super::{Command, EXTENSION, Event, Places, working_path};
use crate::files::{self, Fs, TEMP_PREFIX, create_dirs};

/// How long what could not be written rests before it is tried again.
const RETRY_PERIOD: Duration = Duration::from_secs(5);
/// What is said of a panic.
const FAULT: &str = "something went wrong in Limn itself, which its log tells: please report it";
const IDLE_PERIOD: Duration = Duration::from_hours(1);

pub struct Worker<E> {
    fs: Arc<dyn Fs>,
    folder: PathBuf,
    emit: E,
    files: BTreeMap<DocumentId, WorkingFile>,
    recent: Recent,
    /// What was last said of documents that cannot be written.
    failures: BTreeMap<DocumentId, String>,
}

impl<E: Fn(Event)> Worker<E> {
    pub fn new(fs: Arc<dyn Fs>, folder: &Path, emit: E) -> Self {
        Self {
            recent: Recent::read(fs.as_ref(), folder),
            fs,
            folder: folder.to_owned(),
            emit,
            files: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Whether every step of every document is durable.
    pub fn has_written_all(&self) -> bool {
        !self.files.values().any(WorkingFile::is_waiting)
    }

    /// Works until the other side is gone and all its commands are done. A panic costs the command that it came
    /// from: what waits to be written goes on waiting.
    pub fn run(&mut self, commands: &Receiver<Command>, restores: bool) {
        if restores {
            self.restore();
        } else {
            (self.emit)(Event::Recent(self.recent.paths().to_vec()));
        }
        loop {
            let period = if self.has_written_all() {
                IDLE_PERIOD
            } else {
                RETRY_PERIOD
            };
            match commands.recv_timeout(period) {
                Ok(command) => {
                    // Whatever was sent meanwhile is written at once.
                    self.handle_guarded(command);
                    while let Ok(command) = commands.try_recv() {
                        self.handle_guarded(command);
                    }
                    self.write_guarded();
                }
                Err(RecvTimeoutError::Timeout) => self.write_guarded(),
                Err(RecvTimeoutError::Disconnected) => return self.write_guarded(),
            }
        }
    }

    fn handle_guarded(&mut self, command: Command) {
        let failed = command.failed(FAULT.to_owned());
        if catch_unwind(AssertUnwindSafe(|| self.handle(command))).is_err() {
            (self.emit)(failed);
        }
    }

    fn write_guarded(&mut self) {
        if catch_unwind(AssertUnwindSafe(|| self.write())).is_err() {
            (self.emit)(Event::Notice {
                message: format!("Your last steps are only in memory and are tried again: {FAULT}"),
            });
        }
    }

    /// Opens what was open when Limn last ended.
    pub fn restore(&mut self) {
        files::sweep(self.fs.as_ref(), &self.folder);
        (self.emit)(Event::Recent(self.recent.paths().to_vec()));
        match self.fs.names(&self.folder) {
            Ok(mut names) => {
                names.sort_unstable();
                for name in names {
                    let restored = catch_unwind(AssertUnwindSafe(|| self.restore_name(&name)));
                    if restored.is_err() {
                        let error = self.put_aside(&self.folder.join(&name));
                        self.notice(&error);
                    }
                }
            }
            Err(cause) => self.notice(&Error::io(
                "open the documents of last time",
                &self.folder,
                cause,
            )),
        }
        (self.emit)(Event::Ready);
    }

    fn restore_name(&mut self, name: &str) {
        let path = self.folder.join(name);
        if name.starts_with(TEMP_PREFIX) {
            // A copy that was never finished, by this Limn or another that still writes it.
            return;
        }
        let id = name
            .strip_suffix(EXTENSION)
            .and_then(|name| name.strip_suffix('.')?.parse().ok());
        let Some(id) = id.filter(|id| working_path(&self.folder, *id) == path) else {
            return;
        };
        match self.restore_document(id, &path) {
            Ok(Some(document)) => (self.emit)(Event::Restored(Box::new(document))),
            Ok(None) => {}
            Err(error) => {
                if matches!(
                    error,
                    Error::Damaged { .. } | Error::NotAProject { .. } | Error::Swells { .. }
                ) {
                    // Kept for whoever can read it, but not tried again. If it stays, it is.
                    let _ = self.fs.rename(&path, &path.with_extension("damaged"));
                }
                self.notice(&error);
            }
        }
    }

    /// `None` if another Limn has it open.
    fn restore_document(&mut self, id: DocumentId, path: &Path) -> Result<Option<Document>> {
        let failed = |cause| Error::io("open the documents of last time", path, cause);
        let Some(lock) = Lock::take(path).map_err(failed)? else {
            return Ok(None);
        };
        if lock.was_opening() {
            return Err(self.put_aside(path));
        }
        let (_, n_bytes) = self.fs.modified(path).map_err(failed)?;
        if n_bytes < HEADER_BYTES {
            // Made a moment before the end: nothing was in it yet.
            self.fs.remove(path).map_err(failed)?;
            return Ok(None);
        }
        let file = JournalFile::new(self.fs.clone(), path);
        lock.begin_opening().map_err(failed)?;
        self.read_document(id, file, Some(lock)).map(Some)
    }

    /// Moves a file, over which Limn came to its end, out of the way of the next start. What is to be told of it.
    fn put_aside(&self, path: &Path) -> Error {
        let failed = |cause| Error::io("put the document aside", path, cause);
        let folder = self.folder.join("aside");
        let moved = create_dirs(self.fs.as_ref(), &folder).and_then(|()| {
            let aside = folder.join(path.file_name().unwrap_or_default());
            self.fs.rename(path, &aside)?;
            Ok(aside)
        });
        match moved {
            Ok(path) => Error::PutAside { path },
            Err(cause) => failed(cause),
        }
    }

    fn read_document(
        &mut self,
        id: DocumentId,
        file: JournalFile,
        lock: Option<Lock>,
    ) -> Result<Document> {
        let contents = journal::read(&file)?;
        let is_damaged = contents.is_damaged;
        let (marker, next_number) = (contents.marker, contents.next_number);
        let document = Document::from_file(id, contents, file.clone())?;
        if let Some(lock) = &lock {
            // If this fails, it is put aside the next time, and not lost.
            let _ = lock.end_opening();
        }
        let working_file = WorkingFile::opened(file, marker, next_number, lock);
        self.files.insert(id, working_file);
        if is_damaged {
            self.notice_damage(&document);
        }
        Ok(document)
    }

    fn notice_damage(&self, document: &Document) {
        let message = format!(
            "A part of “{}” was damaged: it is open as it last was whole.",
            document.name()
        );
        (self.emit)(Event::Notice { message });
    }

    pub fn handle(&mut self, command: Command) {
        match command {
            Command::Append { document, entries } => self.working_file(document).push(entries),
            Command::Save {
                document,
                path,
                serial,
            } => match self.save(document, &path, History::Whole) {
                Ok(()) => {
                    (self.emit)(Event::Saved {
                        document,
                        path: path.clone(),
                        serial,
                    });
                    self.add_recent(&path);
                }
                Err(error) => (self.emit)(Event::SaveFailed {
                    document,
                    message: error.to_string(),
                }),
            },
            Command::SaveCopy { document, path } => {
                let event = match self.save(document, &path, History::None) {
                    Ok(()) => Event::CopySaved { path },
                    Err(error) => Event::SaveFailed {
                        document,
                        message: error.to_string(),
                    },
                };
                (self.emit)(event);
            }
            Command::PutBy(document) => self.put_by(document),
            Command::Reopen => self.reopen(),
            Command::Open(path) => match self.open(&path) {
                Ok(document) => {
                    (self.emit)(Event::Opened(Box::new(document)));
                    self.add_recent(&path);
                }
                Err(error) => (self.emit)(Event::OpenFailed {
                    path,
                    message: error.to_string(),
                }),
            },
            Command::Close(document) => {
                self.failures.remove(&document);
                if let Some(Err(error)) = self.files.remove(&document).map(WorkingFile::remove) {
                    self.notice(&error);
                }
            }
            // They are written after every command; now a failure is told anew.
            Command::Retry => self.failures.clear(),
            Command::Restore => self.restore(),
        }
    }

    fn working_file(&mut self, id: DocumentId) -> &mut WorkingFile {
        let (fs, folder) = (&self.fs, &self.folder);
        self.files.entry(id).or_insert_with(|| {
            let path = working_path(folder, id);
            WorkingFile::new(JournalFile::new(fs.clone(), &path))
        })
    }

    /// Writes what waits, of every document.
    pub fn write(&mut self) {
        let ids: Vec<_> = self.files.keys().copied().collect();
        for id in ids {
            if self.working_file(id).is_waiting()
                && let Err(error) = self.write_one(id)
            {
                let message = error.to_string();
                if self.failures.get(&id) != Some(&message) {
                    self.failures.insert(id, message.clone());
                    let document = id;
                    (self.emit)(Event::WriteFailed { document, message });
                }
            }
        }
    }

    fn write_one(&mut self, document: DocumentId) -> Result<()> {
        let mut places = Places::default();
        let written = self.working_file(document).write(&mut places);
        if written.is_ok() {
            self.failures.remove(&document);
        }
        if written.is_ok() || !places.0.is_empty() {
            (self.emit)(Event::Written { document, places });
        }
        written
    }

    fn save(&mut self, document: DocumentId, path: &Path, history: History) -> Result<()> {
        self.write_one(document)?;
        journal::write_copy(self.working_file(document).file(), path, history)?;
        Ok(())
    }

    fn open(&mut self, path: &Path) -> Result<Document> {
        let id = DocumentId::new();
        // The user may name it by a link; Limn's own files are read through none.
        let real_path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let project = JournalFile::new(self.fs.clone(), &real_path);
        let working = working_path(&self.folder, id);
        let failed = |cause| Error::io("open the project", path, cause);
        create_dirs(self.fs.as_ref(), &self.folder).map_err(failed)?;
        let lock = Lock::take(&working).map_err(failed)?;
        if let Some(lock) = &lock {
            lock.begin_opening().map_err(failed)?;
        }
        let is_damaged = journal::write_copy(&project, &working, History::Whole)?;
        let file = JournalFile::new(self.fs.clone(), &working);
        let mut document = match self.read_document(id, file.clone(), lock) {
            Ok(document) => document,
            Err(error) => {
                // The error is the one to tell; a copy that stays is opened the next time.
                let _ = self.fs.remove(&working);
                return Err(error);
            }
        };
        document.saved(path, document.serial());
        if is_damaged {
            self.notice_damage(&document);
        }
        let entries = document.take_journal(|| file);
        self.working_file(id).push(entries);
        Ok(document)
    }

    /// Takes a document off the open ones and keeps its file with the closed ones.
    fn put_by(&mut self, document: DocumentId) {
        self.write();
        self.failures.remove(&document);
        let Some(file) = self.files.remove(&document) else {
            return;
        };
        if file.is_waiting() {
            // Not all of it is on the disk: it is open again the next time.
            return;
        }
        // Its lock goes with it.
        drop(file);
        if let Err(error) = closed::put_by(self.fs.as_ref(), &self.folder, document) {
            self.notice(&error);
        }
    }

    /// Opens the document again that was put by last.
    fn reopen(&mut self) {
        let taken = closed::take_latest(self.fs.as_ref(), &self.folder);
        let opened = taken.and_then(|id| match id {
            Some(id) => self.restore_document(id, &working_path(&self.folder, id)),
            None => Ok(None),
        });
        match opened {
            Ok(Some(document)) => (self.emit)(Event::Reopened(Box::new(document))),
            Ok(None) => (self.emit)(Event::NothingClosed),
            Err(error) => self.notice(&error),
        }
    }

    fn add_recent(&mut self, path: &Path) {
        self.recent.add(self.fs.as_ref(), path);
        (self.emit)(Event::Recent(self.recent.paths().to_vec()));
    }

    fn notice(&self, error: &Error) {
        self.tell(error.to_string());
    }

    /// Something that the user should know.
    pub fn tell(&self, message: String) {
        (self.emit)(Event::Notice { message });
    }
}
