//! What the gallery's thread does, command by command.

mod answers;
mod background;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant, SystemTime};

use image::RgbImage;

use answers::{Answer, answer};

use super::importer::Importer;
use super::searching::Searching;
use super::{Command, Event, Meant};
use crate::files::RealFs;
use crate::gallery::error::{Error, Result};
use crate::gallery::index::Query;
use crate::gallery::layout::PictureId;
use crate::gallery::outside::IndexSeen;
use crate::gallery::picture_file;
use crate::gallery::recipe::Recipe;
use crate::gallery::scan::Scan;
use crate::gallery::store::Gallery;
use crate::gallery::undo;
use crate::gallery::unsaved::Unsaved;
use crate::supervised_thread::panic_notice;

/// How often is looked for what the command line told the index.
const INDEX_PERIOD: Duration = Duration::from_secs(1);
/// How often is looked for what another process or program did to the folder.
const CHANGES_PERIOD: Duration = Duration::from_secs(30);

/// Opens the gallery, once more for each that works on it.
pub(in crate::gallery::handle) type Open = Arc<dyn Fn() -> Result<Gallery> + Send + Sync>;
pub(in crate::gallery::handle) type Emit = Arc<dyn Fn(Event) + Send + Sync>;

pub(in crate::gallery) struct Worker {
    open: Open,
    emit: Emit,
    gallery: Option<Gallery>,
    scan: Option<Scan>,
    waiting: VecDeque<(Arc<RgbImage>, Box<Recipe>)>,
    unsaved: Unsaved,
    thumbnails: VecDeque<PictureId>,
    /// The folders as the last scan began with them.
    folder_times: Vec<(String, SystemTime)>,
    index_seen: IndexSeen,
    /// From the first import on.
    importer: Option<Importer>,
    /// Pictures without an average, newest first, since they were looked for.
    averages: Option<VecDeque<PictureId>>,
    searching: Searching,
    /// What a panic would leave undone.
    under_way: Option<UnderWay>,
    /// The index was made anew since the gallery was opened: it is not damaged again so soon.
    was_mended: bool,
    /// Something was done that may change a count, since the counts were told.
    is_overview_stale: bool,
}

/// Work that somebody waits for.
#[derive(Debug, Clone, Copy)]
enum UnderWay {
    /// The first picture that waits is being saved.
    Save,
    /// [`Command::Do`] with this number.
    Do(u64),
}

impl Worker {
    pub(in crate::gallery) fn new(open: Open, unsaved: Unsaved, emit: Emit) -> Self {
        Self {
            open,
            emit,
            gallery: None,
            scan: None,
            waiting: VecDeque::new(),
            unsaved,
            thumbnails: VecDeque::new(),
            folder_times: Vec::new(),
            index_seen: IndexSeen::default(),
            importer: None,
            averages: Some(VecDeque::new()),
            searching: Searching::default(),
            under_way: None,
            was_mended: false,
            is_overview_stale: false,
        }
    }

    /// After a panic: pictures that wait to be saved are kept, all else begins anew.
    pub(in crate::gallery) fn begin_anew(&mut self, panic: &str) {
        self.gallery = None;
        self.scan = None;
        self.thumbnails.clear();
        self.averages = Some(VecDeque::new());
        (self.emit)(Event::Failed {
            message: panic_notice("the gallery", panic),
        });
        match self.under_way.take() {
            // It may be what went wrong: the others come before it.
            Some(UnderWay::Save) => {
                if let Some((_, recipe)) = self.waiting.front() {
                    (self.emit)(Event::SaveFailed {
                        id: recipe.id,
                        message: panic.to_owned(),
                        n_waiting: self.waiting.len(),
                    });
                }
                self.waiting.rotate_left(self.waiting.len().min(1));
            }
            Some(UnderWay::Do(serial)) => (self.emit)(Event::Done {
                serial,
                inverse: Vec::new(),
            }),
            None => {}
        }
        (self.emit)(Event::Changed);
    }

    /// Works until the other side is gone and all its commands are done.
    pub(super) fn run(&mut self, commands: &Receiver<Command>) {
        self.open();
        let mut looked = Instant::now();
        loop {
            let has_averages = self.averages.as_ref().is_some_and(VecDeque::is_empty);
            let is_done = self.thumbnails.is_empty()
                && self.scan.is_none()
                && !self.is_overview_stale
                && has_averages;
            let is_idle = is_done || self.gallery.is_none();
            let command = if is_idle {
                match commands.recv_timeout(INDEX_PERIOD) {
                    Ok(command) => Some(command),
                    Err(RecvTimeoutError::Timeout) => {
                        self.look_at_index();
                        if looked.elapsed() >= CHANGES_PERIOD {
                            self.look_for_changes();
                            looked = Instant::now();
                        }
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
        if let Some(gallery) = &mut self.gallery {
            gallery.flush_averages();
        }
        if !self.waiting.is_empty() {
            self.save_all();
        }
    }

    pub(in crate::gallery) fn open(&mut self) {
        match (self.open)() {
            Ok(mut gallery) => {
                (self.emit)(Event::Ready {
                    folder: gallery.folder().to_owned(),
                });
                for message in gallery.take_notices() {
                    (self.emit)(Event::Notice { message });
                }
                self.index_seen = IndexSeen::default();
                // What is there from here on is compared with; lists are asked for in any case.
                let _ = gallery.index_has_changed(&mut self.index_seen);
                self.gallery = Some(gallery);
                self.was_mended = false;
                self.is_overview_stale = true;
                self.begin_scan();
                self.averages = None;
            }
            Err(error) => (self.emit)(Event::NotReady {
                message: error.to_string(),
            }),
        }
    }

    /// An index that gives wrong answers is made anew, and lists are asked for again as it fills.
    fn fail_or_mend(&mut self, error: &Error) {
        let Some(gallery) = &mut self.gallery else {
            return self.fail(error);
        };
        if !error.is_index_damage() || std::mem::replace(&mut self.was_mended, true) {
            return self.fail(error);
        }
        if let Err(error) = gallery.renew_index(&error.to_string()) {
            return self.fail(&error);
        }
        self.tell_notices();
        self.scan = None;
        self.is_overview_stale = true;
        self.begin_scan();
        (self.emit)(Event::Changed);
    }

    fn tell_notices(&mut self) {
        let notices = self.gallery.as_mut().map(Gallery::take_notices);
        for message in notices.into_iter().flatten() {
            (self.emit)(Event::Notice { message });
        }
    }

    fn fail(&self, error: &Error) {
        (self.emit)(Event::Failed {
            message: error.to_string(),
        });
    }

    pub(in crate::gallery) fn handle(&mut self, command: Command) {
        match command {
            Command::Save { pixels, recipe } => {
                self.waiting.push_back((pixels, recipe));
                return self.save_all();
            }
            Command::RetrySaves => return self.save_all(),
            Command::Overview => {
                self.is_overview_stale = true;
                return;
            }
            Command::Import(paths) => return self.import(paths),
            Command::Rescan => return self.begin_scan(),
            Command::Meaning(command) => {
                return self.searching.command(command, &self.open, &self.emit);
            }
            Command::CancelImports => {
                if let Some(importer) = &mut self.importer {
                    importer.cancel();
                }
                return;
            }
            Command::Thumbnails(ids) => {
                self.thumbnails = ids.into();
                return;
            }
            _ => {}
        }
        let Some(gallery) = &mut self.gallery else {
            return self.open();
        };
        match command {
            Command::List { request, query } => self.list(request, query),
            Command::Do { serial, commands } => self.do_all(serial, commands),
            command => {
                let again = command.clone();
                match answer(gallery, command) {
                    Ok(answer) => self.tell(answer),
                    Err(error) if error.is_index_damage() && !self.was_mended => {
                        self.fail_or_mend(&error);
                        self.handle(again);
                    }
                    Err(error) => self.fail(&error),
                }
            }
        }
    }

    fn tell(&mut self, answer: Answer) {
        self.is_overview_stale |= answer.changes_counts;
        answer
            .events
            .into_iter()
            .for_each(|event| (self.emit)(event));
    }

    /// Does changes and says what takes back those that were done.
    fn do_all(&mut self, serial: u64, commands: Vec<Command>) {
        self.under_way = Some(UnderWay::Do(serial));
        let mut inverse = VecDeque::new();
        for command in commands {
            let Some(gallery) = &mut self.gallery else {
                break;
            };
            let back = undo::inverse(gallery, &command);
            let done = back.and_then(|back| Ok((back, answer(gallery, command)?)));
            match done {
                Ok((back, answer)) => {
                    self.tell(answer);
                    // What was done last is taken back first.
                    for command in back.into_iter().rev() {
                        inverse.push_front(command);
                    }
                }
                Err(error) => {
                    self.fail(&error);
                    break;
                }
            }
        }
        let inverse = inverse.into();
        (self.emit)(Event::Done { serial, inverse });
        self.under_way = None;
    }

    fn list(&mut self, request: u64, query: Query) {
        let Some(gallery) = &mut self.gallery else {
            return;
        };
        // What a picture is like is nothing that words know.
        let entries = match query.like {
            None => gallery.entries(&query),
            Some(_) => Ok(Vec::new()),
        };
        let entries = match entries {
            Ok(entries) => entries,
            // The window asks again as soon as something is there.
            Err(error) => return self.fail_or_mend(&error),
        };
        let is_like = query.like.is_some();
        let follows = self.searching.search(request, query);
        let meant = match (follows, is_like) {
            (true, true) => return,
            (true, false) => Meant::NotYet,
            (false, true) => Meant::Failed("no model looks at the pictures".to_owned()),
            (false, false) => Meant::Done,
        };
        (self.emit)(Event::Listed {
            request,
            n_exact: entries.len(),
            entries: entries.into(),
            meant,
        });
    }

    fn import(&mut self, paths: Vec<PathBuf>) {
        if self.importer.is_none() {
            let (open, emit) = (Arc::clone(&self.open), Arc::clone(&self.emit));
            match Importer::start(move || open(), move |event| emit(event)) {
                Ok(importer) => self.importer = Some(importer),
                Err(error) => {
                    let message = format!(
                        "the import does not start ({error}): close other programs and try again"
                    );
                    return (self.emit)(Event::Failed { message });
                }
            }
        }
        if let Some(importer) = &mut self.importer {
            importer.import(paths);
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
            self.under_way = Some(UnderWay::Save);
            let saved = gallery.save(pixels, recipe);
            self.under_way = None;
            match saved {
                Ok(record) => {
                    let id = record.id;
                    (self.emit)(Event::Saved(Box::new(record)));
                    self.is_overview_stale = true;
                    let pixels = gallery.make_thumbnail(id, pixels);
                    let average = gallery.keep_average(id, &pixels);
                    (self.emit)(Event::Average { id, average });
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
}
