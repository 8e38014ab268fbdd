//! The files of the open documents, on their own thread: commands in, events out, so that the window never
//! waits for a disk.
//!
//! Every document has a working file from its first step on, `<document id>.limn` in one folder, and its
//! journal goes there step by step: that is the autosave. What is in that folder at the start is opened
//! again; only closing a document removes its file. A step that cannot be written stays in memory, and is
//! tried again.

mod closed;
#[cfg(test)]
mod copies;
mod lock;
#[cfg(test)]
mod reading_ahead;
mod recent;
#[cfg(test)]
mod tests;
mod worker;
mod working_file;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use super::history::{Document, Entry};
use super::id::DocumentId;
use super::journal::{JournalFile, Place};
use super::versions::VersionId;
use crate::files::{Fs, RealFs};
use crate::supervised_thread::{Begin, SupervisedThread, panic_notice};
use worker::Worker;

/// What the names of projects and working files end in.
pub const EXTENSION: &str = "limn";

enum Command {
    /// Answered by [`Event::Written`] or [`Event::WriteFailed`].
    Append {
        document: DocumentId,
        entries: Vec<Entry>,
    },
    /// Answered by [`Event::Saved`] or [`Event::SaveFailed`].
    Save {
        document: DocumentId,
        path: PathBuf,
        serial: u64,
    },
    /// Answered by [`Event::CopySaved`] or [`Event::SaveFailed`].
    SaveCopy {
        document: DocumentId,
        path: PathBuf,
    },
    PutBy(DocumentId),
    /// Answered by [`Event::Reopened`] or [`Event::NothingClosed`].
    Reopen,
    /// Answered by [`Event::Opened`] or [`Event::OpenFailed`].
    Open(PathBuf),
    Close(DocumentId),
    Retry,
    /// Answered as at the start.
    Restore,
}

impl Command {
    /// What is said where it was not done.
    fn failed(&self, message: String) -> Event {
        match self {
            Self::Save { document, .. } | Self::SaveCopy { document, .. } => Event::SaveFailed {
                document: *document,
                message,
            },
            Self::Append { document, .. } => Event::WriteFailed {
                document: *document,
                message,
            },
            Self::Open(path) => Event::OpenFailed {
                path: path.clone(),
                message,
            },
            Self::PutBy(_) | Self::Reopen | Self::Close(_) | Self::Retry | Self::Restore => {
                Event::Notice { message }
            }
        }
    }
}

/// Whether what was open when Limn last ended is opened again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtStart {
    Restore,
    /// Not before [`DocumentStore::restore`].
    Wait,
}

pub enum Event {
    /// A document that was open when Limn last ended, in the order of their making.
    Restored(Box<Document>),
    /// All that were open are open again.
    Ready,
    Opened(Box<Document>),
    OpenFailed {
        path: PathBuf,
        message: String,
    },
    /// Steps are durable: give it to [`Document::written`].
    Written {
        document: DocumentId,
        places: Places,
    },
    /// Steps stay in memory, and are tried again every few seconds and with the next step, until
    /// [`Event::Written`]. Said once for each reason.
    WriteFailed {
        document: DocumentId,
        message: String,
    },
    /// The project is durable: call [`Document::saved`].
    Saved {
        document: DocumentId,
        path: PathBuf,
        /// Of the state that was saved; there may be newer ones.
        serial: u64,
    },
    /// A copy without history is durable; the document goes on where it was.
    CopySaved {
        path: PathBuf,
    },
    /// A document that was closed, in this sitting or an earlier one.
    Reopened(Box<Document>),
    NothingClosed,
    SaveFailed {
        document: DocumentId,
        message: String,
    },
    /// The projects last opened and saved, the latest first.
    Recent(Vec<PathBuf>),
    /// Something that the user should know, once.
    Notice {
        message: String,
    },
}

/// Where tiles are in their document's file.
#[derive(Debug, Default)]
pub struct Places(pub(super) Vec<(VersionId, Place)>);

/// The window's side. Dropping it writes what was sent and ends the thread.
pub struct DocumentStore {
    fs: Arc<dyn Fs>,
    folder: PathBuf,
    events: Receiver<Event>,
    thread: SupervisedThread<Command>,
}

impl DocumentStore {
    /// Starts the thread `documents` over the folder of working files, which opens all that is in there.
    /// `wake` is called after each event.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        folder: &Path,
        at_start: AtStart,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        Self::start_over(Arc::new(RealFs), folder, at_start, wake)
    }

    fn start_over(
        fs: Arc<dyn Fs>,
        folder: &Path,
        at_start: AtStart,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (event_sender, events) = channel();
        let emit = move |event| {
            // A window that has closed hears nothing more; the steps still count.
            let _ = event_sender.send(event);
            wake();
        };
        let mut worker = Worker::new(fs.clone(), folder, emit);
        let mut restores = at_start == AtStart::Restore;
        let thread = SupervisedThread::start("documents", move |begin, commands| {
            if let Begin::AfterPanic(message) = begin {
                worker.tell(panic_notice("keeping the documents", &message));
            }
            worker.run(commands, std::mem::take(&mut restores));
        })?;
        Ok(Self {
            fs,
            folder: folder.to_owned(),
            events,
            thread,
        })
    }

    /// Writes down what the document has done since the last call. Cheap where that is nothing.
    pub fn keep(&self, document: &mut Document) {
        let path = working_path(&self.folder, document.id());
        let entries = document.take_journal(|| JournalFile::new(self.fs.clone(), &path));
        if !entries.is_empty() {
            let document = document.id();
            self.send(Command::Append { document, entries });
        }
    }

    /// Saves the document as it is now, with its steps back and forth, in place of what is at `path`.
    pub fn save(&self, document: &mut Document, path: PathBuf) {
        self.keep(document);
        let serial = document.serial();
        let document = document.id();
        self.send(Command::Save {
            document,
            path,
            serial,
        });
    }

    /// Saves what the document shows now, without its steps, in place of what is at `path`.
    pub fn save_copy(&self, document: &mut Document, path: PathBuf) {
        self.keep(document);
        let document = document.id();
        self.send(Command::SaveCopy { document, path });
    }

    /// Closes a document so that [`Self::reopen`] finds it, the latest first, in a later sitting too.
    pub fn put_by(&self, document: DocumentId) {
        self.send(Command::PutBy(document));
    }

    /// Opens again what was open when Limn last ended, where the start left that out.
    pub fn restore(&self) {
        self.send(Command::Restore);
    }

    pub fn reopen(&self) {
        self.send(Command::Reopen);
    }

    /// Opens a project into a new document.
    pub fn open(&self, path: PathBuf) {
        self.send(Command::Open(path));
    }

    /// Forgets a document and its working file.
    pub fn close(&self, document: DocumentId) {
        self.send(Command::Close(document));
    }

    /// Tries at once to write what could not be written.
    pub fn retry(&self) {
        self.send(Command::Retry);
    }

    /// The events since the last call.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.try_iter()
    }

    fn send(&self, command: Command) {
        self.thread.send(command);
    }
}

/// Where a document, perhaps of another window, is kept while it is open.
pub fn working_path(folder: &Path, document: DocumentId) -> PathBuf {
    folder.join(format!("{document}.{EXTENSION}"))
}
