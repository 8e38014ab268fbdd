//! The models that are on their way into the library: each on a thread of its own, all of them told in one list.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::{AddedFile, FetchError, Fetched, fetch, offered};
use crate::downloads::{Error, Hub, Link, ModelDownload, ModelProgress, unfinished};

/// Wakes the window up.
type Wake = Arc<dyn Fn() + Send + Sync>;

/// A model on its way.
pub struct Row {
    pub id: u64,
    /// What the user has pasted.
    pub link: String,
    /// What it is called there, once that is known.
    pub title: String,
    pub stage: Stage,
    offer: Option<ModelDownload>,
    goes_on: Arc<AtomicBool>,
    pace: Pace,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The server is asked what there is.
    Asking,
    /// To be confirmed.
    Offered {
        n_files: usize,
        total_bytes: u64,
        licence: Option<String>,
    },
    Running {
        n_bytes: u64,
        total_bytes: u64,
        waits: bool,
    },
    /// Stopped by the user, or by the end of Limn.
    Paused,
    Failed(String),
}

/// What has come to an end.
pub enum Outcome {
    Added(AddedFile),
    Failed { title: String, reason: String },
}

enum Event {
    Offered(Result<ModelDownload, FetchError>),
    Progress(ModelProgress),
    Ended(Result<Fetched, FetchError>),
}

pub struct DownloadQueue {
    library: PathBuf,
    wake: Wake,
    rows: Vec<Row>,
    next_id: u64,
    to_self: Sender<(u64, Event)>,
    events: Receiver<(u64, Event)>,
}

impl DownloadQueue {
    /// With what an earlier Limn has begun, paused.
    pub fn new(library: &Path, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (to_self, events) = channel();
        let mut queue = Self {
            library: library.to_owned(),
            wake: Arc::new(wake),
            rows: Vec::new(),
            next_id: 0,
            to_self,
            events,
        };
        for (title, link) in unfinished(library) {
            let row = queue.begin(link);
            (row.title, row.stage) = (title, Stage::Paused);
        }
        queue
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Asks what is behind a link. The same one again only shows where it is.
    pub fn ask(&mut self, link: &str, hub: Result<Hub, Error>) {
        let link = link.trim();
        self.rows
            .retain(|row| row.link != link || !matches!(row.stage, Stage::Failed(_)));
        if self.rows.iter().any(|row| row.link == link) {
            return;
        }
        let id = self.begin(link.to_owned()).id;
        self.look(id, hub);
    }

    /// Fetches what was offered, or goes on with what was stopped.
    pub fn get(&mut self, id: u64, hub: Result<Hub, Error>) {
        let Some(row) = self.rows.iter_mut().find(|row| row.id == id) else {
            return;
        };
        let hub = match hub {
            Ok(hub) => hub,
            Err(error) => {
                row.stage = Stage::Failed(error.to_string());
                return;
            }
        };
        let Some(offer) = row.offer.clone() else {
            // Begun by an earlier Limn: what it is has to be asked again.
            row.goes_on.store(true, Ordering::Relaxed);
            self.look(id, Ok(hub));
            return;
        };
        row.stage = Stage::Running {
            n_bytes: 0,
            total_bytes: offer.total_bytes(),
            waits: false,
        };
        row.pace = Pace::default();
        row.goes_on = Arc::new(AtomicBool::new(true));
        let (goes_on, link, library) = (
            Arc::clone(&row.goes_on),
            row.link.clone(),
            self.library.clone(),
        );
        self.spawn(id, move |tell| {
            /// The window draws no more often.
            const PERIOD: Duration = Duration::from_millis(100);
            let mut told: Option<Instant> = None;
            let mut on_progress = |progress| {
                if told.is_none_or(|told| told.elapsed() >= PERIOD) {
                    told = Some(Instant::now());
                    tell(Event::Progress(progress));
                }
                goes_on.load(Ordering::Relaxed)
            };
            let offer = offer.asked_by(&link);
            let ended = fetch(&hub, &offer, &library, &mut on_progress);
            tell(Event::Ended(ended));
        });
    }

    /// Stops it; what is there stays.
    pub fn pause(&mut self, id: u64) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.id == id) {
            row.goes_on.store(false, Ordering::Relaxed);
        }
    }

    /// Takes it out of the list. What is there of it is deleted.
    pub fn forget(&mut self, id: u64) {
        let Some(index) = self.rows.iter().position(|row| row.id == id) else {
            return;
        };
        let row = self.rows.remove(index);
        row.goes_on.store(false, Ordering::Relaxed);
        let library = self.library.clone();
        // The thread that writes there may have a moment left: its lock says so, and the next start shows what stays.
        let _ = std::thread::Builder::new()
            .name("forget download".to_owned())
            .spawn(move || {
                crate::downloads::discard(&library, &row.link);
            });
    }

    /// What has ended since it was last asked.
    pub fn drain(&mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while let Ok((id, event)) = self.events.try_recv() {
            let Some(index) = self.rows.iter().position(|row| row.id == id) else {
                continue;
            };
            let row = &mut self.rows[index];
            match event {
                Event::Offered(Ok(offer)) => {
                    offer.title().clone_into(&mut row.title);
                    row.stage = Stage::Offered {
                        n_files: offer.files().len(),
                        total_bytes: offer.total_bytes(),
                        licence: offer.licence().map(str::to_owned),
                    };
                    row.offer = Some(offer);
                }
                Event::Offered(Err(error)) => row.stage = Stage::Failed(error.to_string()),
                Event::Progress(progress) => {
                    row.pace.note(progress.n_bytes, Instant::now());
                    row.stage = Stage::Running {
                        n_bytes: progress.n_bytes,
                        total_bytes: progress.total_bytes,
                        waits: progress.waits,
                    };
                }
                Event::Ended(Ok(fetched)) => {
                    self.rows.remove(index);
                    outcomes.push(Outcome::Added(fetched.added));
                }
                Event::Ended(Err(FetchError::Download(Error::Stopped))) => {
                    row.stage = Stage::Paused;
                }
                Event::Ended(Err(error)) => {
                    let reason = error.to_string();
                    row.stage = Stage::Failed(reason.clone());
                    let title = row.title.clone();
                    outcomes.push(Outcome::Failed { title, reason });
                }
            }
        }
        outcomes
    }

    fn begin(&mut self, link: String) -> &mut Row {
        let id = self.next_id;
        self.next_id += 1;
        self.rows.push(Row {
            id,
            title: link.clone(),
            link,
            stage: Stage::Asking,
            offer: None,
            goes_on: Arc::new(AtomicBool::new(false)),
            pace: Pace::default(),
        });
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    /// Asks the server, off the window's thread.
    fn look(&mut self, id: u64, hub: Result<Hub, Error>) {
        let Some(row) = self.rows.iter_mut().find(|row| row.id == id) else {
            return;
        };
        row.stage = Stage::Asking;
        let link = row.link.clone();
        self.spawn(id, move |tell| {
            let offer = || offered(&hub?, &Link::parse(&link)?);
            tell(Event::Offered(offer()));
        });
    }

    fn spawn(&self, id: u64, work: impl FnOnce(&mut dyn FnMut(Event)) + Send + 'static) {
        let (to_queue, wake) = (self.to_self.clone(), Arc::clone(&self.wake));
        let thread = std::thread::Builder::new().name("download".to_owned());
        let spawned = thread.spawn(move || {
            work(&mut |event| {
                // Nobody listens once the window is closed.
                let _ = to_queue.send((id, event));
                wake();
            });
        });
        if let Err(error) = spawned {
            let _ = self.to_self.send((
                id,
                Event::Offered(Err(FetchError::Download(Error::Disk { error }))),
            ));
        }
    }
}

impl Drop for DownloadQueue {
    /// What runs is told to stop; its parts stay for the next start.
    fn drop(&mut self) {
        for row in &self.rows {
            row.goes_on.store(false, Ordering::Relaxed);
        }
    }
}

impl Row {
    /// `None` until some time has told.
    pub fn bytes_per_second(&self) -> Option<f64> {
        self.pace.bytes_per_second()
    }

    /// Whether an earlier Limn began it and it is to run on as soon as it is known what it is.
    pub fn goes_on_when_offered(&self) -> bool {
        self.goes_on.load(Ordering::Relaxed) && matches!(self.stage, Stage::Offered { .. })
    }
}

/// How fast bytes have come lately.
#[derive(Default)]
struct Pace {
    samples: VecDeque<(Instant, u64)>,
}

impl Pace {
    /// Over which a speed is told.
    const SPAN: Duration = Duration::from_secs(5);

    fn note(&mut self, n_bytes: u64, now: Instant) {
        // A file that was there already, or one that began anew.
        if self.samples.back().is_some_and(|(_, last)| n_bytes < *last) {
            self.samples.clear();
        }
        self.samples.push_back((now, n_bytes));
        while self
            .samples
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > Self::SPAN)
        {
            self.samples.pop_front();
        }
    }

    fn bytes_per_second(&self) -> Option<f64> {
        let ((first, before), (last, after)) = (self.samples.front()?, self.samples.back()?);
        let seconds = last.duration_since(*first).as_secs_f64();
        (seconds > 0.3).then(|| (after - before) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_speed_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.bytes_per_second(), None);
        for second in 0..20_u64 {
            let n_bytes = if second < 10 {
                second * 100
            } else {
                1000 + (second - 10) * 1000
            };
            pace.note(n_bytes, start + Duration::from_secs(second));
        }
        assert!((pace.bytes_per_second().unwrap() - 1000.0).abs() < 1.0);
        pace.note(5, start + Duration::from_secs(20));
        assert_eq!(pace.bytes_per_second(), None, "it began anew");
    }

    #[test]
    fn a_link_that_is_none_fails_in_its_row_and_can_be_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let mut queue = DownloadQueue::new(home.path(), || {});
        queue.ask("no link", Err(Error::Offline));
        queue.ask("no link", Err(Error::Offline));
        assert_eq!(queue.rows().len(), 1, "the same one stands there once");
        let deadline = Instant::now() + Duration::from_secs(20);
        while matches!(queue.rows()[0].stage, Stage::Asking) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
            queue.drain();
        }
        assert!(
            matches!(&queue.rows()[0].stage, Stage::Failed(reason) if reason.contains("offline"))
        );
        queue.forget(queue.rows()[0].id);
        assert!(queue.rows().is_empty());
    }
}
