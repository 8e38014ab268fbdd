//! A gallery on its own thread: commands in, events out, so that the window never waits for a disk.
//!
//! Saves and other commands come first, then the thumbnails that are on screen, then the scan for files
//! that the index does not know. A picture that could not be saved stays in memory until a
//! [`Command::RetrySaves`] or the next save succeeds.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use image::{RgbImage, RgbaImage};

use super::error::Result;
use super::export::ExportOptions;
use super::index::{Query, Record};
use super::layout::PictureId;
use super::marks::Mark;
use super::picture_file;
use super::recipe::Recipe;
use super::scan::Scan;
use super::store::Gallery;
use super::unsaved::Unsaved;
use crate::files::RealFs;
use crate::paths::Folders;

/// How often marks are looked for that another process made.
const MARKS_PERIOD: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub enum Command {
    /// Answered by [`Event::Saved`] or [`Event::SaveFailed`].
    Save {
        pixels: Arc<RgbImage>,
        recipe: Box<Recipe>,
    },
    /// Tries the pictures again that could not be saved.
    RetrySaves,
    /// Answered by [`Event::Listed`] with the same number.
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
    Mark {
        pictures: Vec<PictureId>,
        mark: Mark,
    },
    Trash(Vec<PictureId>),
    Restore(Vec<PictureId>),
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
    /// All that match, newest first.
    Listed {
        request: u64,
        ids: Vec<PictureId>,
    },
    Record(Box<Record>),
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
    /// What lists show may differ now: ask again.
    Changed,
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

/// The window's side. Dropping it finishes the commands that were sent, saves among them, and ends the
/// thread.
pub struct GalleryHandle {
    commands: Option<Sender<Command>>,
    events: Receiver<Event>,
    thread: Option<JoinHandle<()>>,
}

impl GalleryHandle {
    /// Starts the thread `gallery` and opens the folder on it. `wake` is called after each event.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        folders: &Folders,
        folder: PathBuf,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (commands, command_receiver) = channel();
        let (event_sender, events) = channel();
        let (indexes, thumbnails) = (folders.indexes.clone(), folders.thumbnails());
        let thread = std::thread::Builder::new()
            .name("gallery".to_owned())
            .spawn(move || {
                let unsaved = Unsaved::new(&indexes);
                let open = move || Gallery::open(&folder, &indexes, &thumbnails);
                let emit = move |event| {
                    // A window that has closed hears nothing more; the saves still count.
                    let _ = event_sender.send(event);
                    wake();
                };
                Worker::new(open, unsaved, emit).run(&command_receiver);
            })?;
        Ok(Self {
            commands: Some(commands),
            events,
            thread: Some(thread),
        })
    }

    pub fn send(&self, command: Command) {
        if let Some(commands) = &self.commands {
            // The thread ends only after this sender is dropped.
            let _ = commands.send(command);
        }
    }

    /// The events since the last call.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.try_iter()
    }
}

impl Drop for GalleryHandle {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub(super) struct Worker<O, E> {
    open: O,
    emit: E,
    gallery: Option<Gallery>,
    scan: Option<Scan>,
    waiting: VecDeque<(Arc<RgbImage>, Box<Recipe>)>,
    unsaved: Unsaved,
    thumbnails: VecDeque<PictureId>,
}

impl<O: Fn() -> Result<Gallery>, E: Fn(Event)> Worker<O, E> {
    pub(super) fn new(open: O, unsaved: Unsaved, emit: E) -> Self {
        Self {
            open,
            emit,
            gallery: None,
            scan: None,
            waiting: VecDeque::new(),
            unsaved,
            thumbnails: VecDeque::new(),
        }
    }

    /// Works until the other side is gone and all its commands are done.
    fn run(mut self, commands: &Receiver<Command>) {
        self.open();
        loop {
            let is_idle = self.thumbnails.is_empty() && self.scan.is_none();
            let command = if is_idle {
                match commands.recv_timeout(MARKS_PERIOD) {
                    Ok(command) => Some(command),
                    Err(RecvTimeoutError::Timeout) => {
                        self.look_for_marks();
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return self.finish(),
                }
            } else {
                match commands.try_recv() {
                    Ok(command) => Some(command),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return self.finish(),
                }
            };
            match command {
                Some(command) => self.handle(command),
                None => self.work(),
            }
        }
    }

    /// The last chance of pictures that could not be saved so far.
    fn finish(&mut self) {
        if !self.waiting.is_empty() {
            self.save_all();
        }
    }

    pub(super) fn open(&mut self) {
        match (self.open)() {
            Ok(mut gallery) => {
                (self.emit)(Event::Ready {
                    folder: gallery.folder().to_owned(),
                });
                for message in gallery.take_notices() {
                    (self.emit)(Event::Notice { message });
                }
                match gallery.begin_scan() {
                    Ok(scan) => self.scan = Some(scan),
                    Err(error) => self.fail(&error),
                }
                self.gallery = Some(gallery);
            }
            Err(error) => (self.emit)(Event::NotReady {
                message: error.to_string(),
            }),
        }
    }

    fn fail(&self, error: &super::Error) {
        (self.emit)(Event::Failed {
            message: error.to_string(),
        });
    }

    pub(super) fn handle(&mut self, command: Command) {
        match command {
            Command::Save { pixels, recipe } => {
                self.waiting.push_back((pixels, recipe));
                return self.save_all();
            }
            Command::RetrySaves => return self.save_all(),
            Command::Thumbnails(ids) => {
                self.thumbnails = ids.into();
                return;
            }
            _ => {}
        }
        let Some(gallery) = &mut self.gallery else {
            return self.open();
        };
        let done = match command {
            Command::List { request, query } => gallery
                .ids(&query)
                .map(|ids| vec![Event::Listed { request, ids }]),
            Command::Records(ids) => ids
                .into_iter()
                .map(|id| {
                    gallery
                        .record(id)
                        .map(|record| Event::Record(Box::new(record)))
                })
                .collect(),
            Command::Open(id) => Ok(vec![match gallery.pixels(id) {
                Ok(pixels) => Event::Opened {
                    id,
                    pixels: Arc::new(pixels),
                },
                Err(error) => Event::Unreadable {
                    id,
                    message: error.to_string(),
                },
            }]),
            Command::Mark { pictures, mark } => gallery.mark(&pictures, &mark).and_then(|()| {
                let records = pictures.into_iter().map(|id| gallery.record(id));
                records
                    .map(|record| record.map(|record| Event::Record(Box::new(record))))
                    .collect()
            }),
            Command::Trash(ids) => ids
                .into_iter()
                .try_for_each(|id| gallery.trash(id))
                .map(|()| vec![Event::Changed]),
            Command::Restore(ids) => ids
                .into_iter()
                .try_for_each(|id| gallery.restore(id))
                .map(|()| vec![Event::Changed]),
            Command::Export { id, path, options } => gallery
                .export(id, &path, options)
                .map(|()| vec![Event::Exported { id, path }]),
            Command::Save { .. } | Command::RetrySaves | Command::Thumbnails(_) => Ok(Vec::new()),
        };
        match done {
            Ok(events) => events.into_iter().for_each(&self.emit),
            Err(error) => self.fail(&error),
        }
    }

    /// Saves what waits, oldest first, until one fails.
    fn save_all(&mut self) {
        if self.gallery.is_none() {
            self.open();
        }
        while let Some((pixels, recipe)) = self.waiting.front() {
            let Some(gallery) = &mut self.gallery else {
                if let Ok(file) = picture_file::encode_png(pixels, recipe) {
                    self.unsaved.keep(&RealFs, recipe.id, &file);
                }
                let message =
                    "the gallery is not open: choose another folder in Settings, or try again"
                        .to_owned();
                let (id, n_waiting) = (recipe.id, self.waiting.len());
                return (self.emit)(Event::SaveFailed {
                    id,
                    message,
                    n_waiting,
                });
            };
            match gallery.save(pixels, recipe) {
                Ok(record) => {
                    let id = record.id;
                    (self.emit)(Event::Saved(Box::new(record)));
                    let pixels = gallery.make_thumbnail(id, pixels);
                    (self.emit)(Event::Thumbnail { id, pixels });
                    self.waiting.pop_front();
                }
                Err(error) => {
                    let message = error.to_string();
                    let (id, n_waiting) = (recipe.id, self.waiting.len());
                    return (self.emit)(Event::SaveFailed {
                        id,
                        message,
                        n_waiting,
                    });
                }
            }
        }
    }

    /// One piece of what nobody waits for.
    fn work(&mut self) {
        let Some(gallery) = &mut self.gallery else {
            self.thumbnails.clear();
            return;
        };
        if let Some(id) = self.thumbnails.pop_front() {
            (self.emit)(match gallery.thumbnail(id) {
                Ok(pixels) => Event::Thumbnail { id, pixels },
                Err(error) => Event::Unreadable {
                    id,
                    message: error.to_string(),
                },
            });
        } else if let Some(scan) = &mut self.scan {
            match gallery.continue_scan(scan) {
                Ok(None) => {}
                Ok(Some(report)) => {
                    self.scan = None;
                    if report.has_changes() {
                        (self.emit)(Event::Changed);
                    }
                }
                Err(error) => {
                    self.scan = None;
                    self.fail(&error);
                }
            }
        }
    }

    fn look_for_marks(&mut self) {
        if let Some(gallery) = &mut self.gallery
            && let Err(error) = gallery.read_marks()
        {
            tracing::warn!("cannot read the gallery's marks: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Instant;

    use super::super::export::Format;
    use super::super::recipe::tests::recipe;
    use super::*;
    use crate::files::Existing;

    /// A handle as the window has it: woken for each event.
    struct Window {
        handle: GalleryHandle,
        woken: Receiver<()>,
        waiting: VecDeque<Event>,
    }

    impl Window {
        fn open(folders: &Folders) -> Self {
            let (wake, woken) = channel();
            let wake = move || wake.send(()).unwrap_or_default();
            let handle = GalleryHandle::start(folders, folders.pictures.clone(), wake).unwrap();
            Self {
                handle,
                woken,
                waiting: VecDeque::new(),
            }
        }

        /// The next event that `pick` takes; the ones before it are passed over.
        fn wait<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> T {
            let deadline = Instant::now() + Duration::from_mins(1);
            loop {
                while let Some(event) = self.waiting.pop_front() {
                    if let Some(found) = pick(event) {
                        return found;
                    }
                }
                self.woken
                    .recv_timeout(deadline - Instant::now())
                    .expect("an event in time");
                self.waiting.extend(self.handle.events());
            }
        }

        fn list(&mut self, query: Query) -> Vec<PictureId> {
            let request = 7;
            self.handle.send(Command::List { request, query });
            self.wait(|event| match event {
                Event::Listed { request: 7, ids } => Some(ids),
                _ => None,
            })
        }

        fn save(&mut self, seed: u64) -> PictureId {
            let (pixels, recipe) = picture(seed);
            self.handle.send(Command::Save {
                pixels: Arc::new(pixels),
                recipe: Box::new(recipe),
            });
            self.wait(|event| match event {
                Event::Saved(record) => Some(record.id),
                _ => None,
            })
        }
    }

    fn picture(seed: u64) -> (RgbImage, Recipe) {
        let pixels = RgbImage::from_pixel(300, 20, image::Rgb([seed as u8, 100, 200]));
        (pixels, recipe("a red sailboat", seed, (300, 20)))
    }

    #[test]
    fn the_window_gets_what_it_asks_for() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        let mut window = Window::open(&folders);
        let folder = window.wait(|event| match event {
            Event::Ready { folder } => Some(folder),
            _ => None,
        });
        assert_eq!(folder, folders.pictures);
        let (a, b) = (window.save(1), window.save(2));
        assert_eq!(window.list(Query::default()), [b, a]);

        window.handle.send(Command::Thumbnails(vec![a]));
        let side = window.wait(|event| match event {
            Event::Thumbnail { id, pixels } if id == a => Some(pixels.dimensions()),
            _ => None,
        });
        assert_eq!(side, (256, 17));
        window.handle.send(Command::Open(a));
        let pixels = window.wait(|event| match event {
            Event::Opened { id, pixels } if id == a => Some(pixels),
            _ => None,
        });
        assert_eq!(
            image::DynamicImage::from((*pixels).clone()).into_rgb8(),
            picture(1).0
        );

        window.handle.send(Command::Mark {
            pictures: vec![b],
            mark: Mark::Star(true),
        });
        let is_starred = window.wait(|event| match event {
            Event::Record(record) if record.id == b => Some(record.is_starred),
            _ => None,
        });
        assert!(is_starred);
        window.handle.send(Command::Trash(vec![a]));
        assert_eq!(window.list(Query::default()), [b]);
        window.handle.send(Command::Restore(vec![a]));
        assert_eq!(
            window.list(Query {
                words: "sailb".into(),
                ..Query::default()
            }),
            [b, a]
        );

        let path = home.path().join("copy.webp");
        let options = ExportOptions {
            format: Format::WebP,
            with_recipe: false,
            existing: Existing::Keep,
        };
        window.handle.send(Command::Export {
            id: a,
            path: path.clone(),
            options,
        });
        window.wait(|event| matches!(event, Event::Exported { .. }).then_some(()));
        window.handle.send(Command::Export {
            id: a,
            path: path.clone(),
            options,
        });
        let message = window.wait(|event| match event {
            Event::Failed { message } => Some(message),
            _ => None,
        });
        assert!(message.contains("is there already"), "{message}");
    }

    #[test]
    fn closing_the_window_finishes_its_saves() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        let window = Window::open(&folders);
        for seed in 0..10 {
            let (pixels, recipe) = picture(seed);
            window.handle.send(Command::Save {
                pixels: Arc::new(pixels),
                recipe: Box::new(recipe),
            });
        }
        drop(window);
        let mut window = Window::open(&folders);
        assert_eq!(window.list(Query::default()).len(), 10);
        let missing = PictureId::new();
        window.handle.send(Command::Thumbnails(vec![missing]));
        let message = window.wait(|event| match event {
            Event::Unreadable { id, message } if id == missing => Some(message),
            _ => None,
        });
        assert!(message.starts_with("there is no picture"), "{message}");
    }
}
