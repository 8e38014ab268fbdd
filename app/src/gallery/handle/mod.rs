//! A gallery on its own thread: commands in, events out, so that the window never waits for a disk.
//!
//! Saves and other commands come first, then the thumbnails that are on screen, then the scan for files
//! that the index does not know. A picture that could not be saved stays in memory until a
//! [`Command::RetrySaves`] or the next save succeeds.

mod importer;
mod searching;
mod worker;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use image::{RgbImage, RgbaImage};

pub use importer::ImportProgress;
pub(super) use worker::Worker;

use super::averages::{Average, Averages};
use super::error::Result;
use super::export::ExportOptions;
use super::family::Family;
use super::importing::ImportReport;
use super::index::{Entry, Overview, Query, Record};
use super::layout::PictureId;
use super::marks::{Change, Mark};
use super::meaning;
use super::recipe::Recipe;
use super::store::Gallery;
use super::unsaved::Unsaved;
use crate::paths::Folders;
use crate::supervised_thread::{Begin, SupervisedThread};

#[derive(Debug, Clone)]
pub enum Command {
    /// Answered by [`Event::Saved`] or [`Event::SaveFailed`].
    Save {
        pixels: Arc<RgbImage>,
        recipe: Box<Recipe>,
    },
    /// Tries the pictures again that could not be saved.
    RetrySaves,
    /// Answered by [`Event::Listed`] with the same number: at once by words, and again when it is known what else
    /// was meant.
    List {
        request: u64,
        query: Query,
    },
    /// Answered by one [`Event::Record`] each.
    Records(Vec<PictureId>),
    /// The thumbnails that are wanted now, most wanted first, instead of all asked for before. Answered by
    /// one [`Event::Thumbnail`] each.
    Thumbnails(Vec<PictureId>),
    /// Answered by [`Event::Opened`] or [`Event::Unreadable`].
    Open(PictureId),
    /// Answered by [`Event::Overview`]; it comes unasked, too, after each command that changes a count.
    Overview,
    /// Answered by one [`Event::Record`] each or, for more than 200, by [`Event::Changed`].
    Mark {
        pictures: Vec<PictureId>,
        mark: Mark,
    },
    /// Answered by [`Event::Changed`], as the records of many pictures may differ now.
    Change(Change),
    Trash(Vec<PictureId>),
    Restore(Vec<PictureId>),
    /// Deletes pictures that are in the trash for good. The window has asked before.
    EmptyTrash(Vec<PictureId>),
    /// Looks for what other programs changed in the folder, as when the window comes to the front again.
    Rescan,
    /// Answered by [`Event::Family`].
    Family(PictureId),
    /// To the search by meaning, which begins with the first of these.
    Meaning(meaning::Command),
    /// Copies files, and all pictures in folders, into the gallery. Answered by some [`Event::ImportProgress`] and,
    /// at the end, [`Event::Imported`]. Several imports run one after the other.
    Import(Vec<PathBuf>),
    /// Ends all imports; what came in stays.
    CancelImports,
    /// Does the changes among these (marks, changes, trash, restore), each answered as by itself, and then
    /// [`Event::Done`] with the same number.
    Do {
        serial: u64,
        commands: Vec<Command>,
    },
    /// Answered by [`Event::Exported`] or [`Event::Failed`].
    Export {
        id: PictureId,
        path: PathBuf,
        options: ExportOptions,
    },
}

#[derive(Debug, Clone)]
pub enum Event {
    /// The gallery is open, or open again.
    Ready {
        folder: PathBuf,
    },
    /// The gallery cannot be opened; each save and `RetrySaves` tries again.
    NotReady {
        message: String,
    },
    /// The picture is durable.
    Saved(Box<Record>),
    /// The picture is kept in memory; `n_waiting` are.
    SaveFailed {
        id: PictureId,
        message: String,
        n_waiting: usize,
    },
    /// All that match: those that have the words in the query's order, then those that were meant, best first.
    Listed {
        request: u64,
        entries: Arc<[Entry]>,
        /// So many, at the beginning, have the words.
        n_exact: usize,
        meant: Meant,
    },
    /// How far the search by meaning is with the gallery's pictures.
    Meaning(meaning::State),
    Overview(Arc<Overview>),
    Record(Box<Record>),
    Family(Arc<Family>),
    Thumbnail {
        id: PictureId,
        pixels: RgbImage,
    },
    Opened {
        id: PictureId,
        pixels: Arc<RgbaImage>,
    },
    /// A damaged or missing picture: show a placeholder with this reason.
    Unreadable {
        id: PictureId,
        message: String,
    },
    /// What takes the changes back, in this order; nothing where nothing was changed.
    Done {
        serial: u64,
        inverse: Vec<Command>,
    },
    /// The tiny pictures that are known of everything in the gallery.
    Averages(Box<Averages>),
    /// That of one more.
    Average {
        id: PictureId,
        average: Box<Average>,
    },
    /// What lists and records show may differ now: ask again.
    Changed,
    /// Another program changed these pictures: what is shown of them is old.
    Redrawn(Vec<PictureId>),
    ImportProgress(ImportProgress),
    Imported(Box<ImportReport>),
    Exported {
        id: PictureId,
        path: PathBuf,
    },
    /// A command failed; the message says what to do.
    Failed {
        message: String,
    },
    /// Something that the user should know, once.
    Notice {
        message: String,
    },
}

/// Whether a list holds what was looked for by meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Meant {
    /// All of it; or nothing was to be looked for.
    #[default]
    Done,
    /// The same request is answered again when that is found.
    NotYet,
    /// It could not be looked for, for this reason.
    Failed(String),
}

/// The window's side. Dropping it finishes the commands that were sent, saves among them, and ends the
/// thread.
pub struct GalleryHandle {
    thread: SupervisedThread<Command>,
    events: Receiver<Event>,
}

impl GalleryHandle {
    /// Starts the thread `gallery` and opens the folder on it. `wake` is called after each event.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        folders: &Folders,
        folder: PathBuf,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (indexes, thumbnails) = (folders.indexes.clone(), folders.thumbnails());
        let unsaved = Unsaved::new(&indexes);
        let open = move || Gallery::open(&folder, &indexes, &thumbnails);
        Self::start_with(unsaved, open, wake)
    }

    pub(super) fn start_with(
        unsaved: Unsaved,
        open: impl Fn() -> Result<Gallery> + Send + Sync + 'static,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (event_sender, events) = channel();
        let emit = move |event| {
            // A window that has closed hears nothing more; the saves still count.
            let _ = event_sender.send(event);
            wake();
        };
        let mut worker = Worker::new(Arc::new(open), unsaved, Arc::new(emit));
        let thread = SupervisedThread::start("gallery", move |begin, commands| {
            if let Begin::AfterPanic(message) = begin {
                worker.begin_anew(&message);
            }
            worker.run(commands);
        })?;
        Ok(Self { thread, events })
    }

    pub fn send(&self, command: Command) {
        self.thread.send(command);
    }

    /// The events since the last call.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.try_iter()
    }
}
