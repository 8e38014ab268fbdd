//! Imports run beside the gallery's thread, one after the other, on a gallery of their own: two on one folder see
//! each other, and the window's never waits.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Event;
use crate::gallery::error::Result;
use crate::gallery::importing::{ImportReport, Stopped};
use crate::gallery::store::Gallery;

/// How often progress is told.
const PROGRESS_PERIOD: Duration = Duration::from_millis(200);
/// How often lists are told to look again.
const CHANGED_PERIOD: Duration = Duration::from_secs(2);

/// One import that was asked for.
struct Job {
    paths: Vec<PathBuf>,
    is_cancelled: Arc<AtomicBool>,
}

pub(super) struct Importer {
    jobs: Option<Sender<Job>>,
    /// Of the imports that were asked for and not cancelled: the last ones may not have begun.
    cancels: Vec<Arc<AtomicBool>>,
    thread: Option<JoinHandle<()>>,
}

impl Importer {
    /// Starts the thread `import`.
    pub fn start(
        open: impl Fn() -> Result<Gallery> + Send + 'static,
        emit: impl Fn(Event) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("import".to_owned())
            .spawn(move || run(&receiver, open, emit))?;
        Ok(Self {
            jobs: Some(jobs),
            cancels: Vec::new(),
            thread: Some(thread),
        })
    }

    pub fn import(&mut self, paths: Vec<PathBuf>) {
        let is_cancelled = Arc::new(AtomicBool::new(false));
        // Those that have ended are held by nobody else.
        self.cancels.retain(|cancel| Arc::strong_count(cancel) > 1);
        self.cancels.push(Arc::clone(&is_cancelled));
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job {
                paths,
                is_cancelled,
            });
        }
    }

    /// Ends the import that runs and those that wait for it.
    pub fn cancel(&mut self) {
        for cancel in self.cancels.drain(..) {
            cancel.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Importer {
    fn drop(&mut self) {
        self.cancel();
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(jobs: &Receiver<Job>, open: impl Fn() -> Result<Gallery>, emit: impl Fn(Event)) {
    while let Ok(job) = jobs.recv() {
        let report = match open() {
            Ok(mut gallery) => {
                let report = import(&mut gallery, &job, &emit);
                match gallery.overview() {
                    Ok(overview) => emit(Event::Overview(Arc::new(overview))),
                    Err(error) => tracing::warn!("cannot count the gallery: {error}"),
                }
                report
            }
            Err(error) => ImportReport {
                stopped: Some(Stopped::Failed(error.to_string())),
                ..ImportReport::default()
            },
        };
        emit(Event::Changed);
        emit(Event::Imported(Box::new(report)));
    }
}

fn import(gallery: &mut Gallery, job: &Job, emit: &impl Fn(Event)) -> ImportReport {
    let mut told_at: Option<Instant> = None;
    let mut changed_at = Instant::now();
    gallery.import(&job.paths, &job.is_cancelled, &mut |report| {
        let now = Instant::now();
        if told_at.is_none_or(|at| now - at >= PROGRESS_PERIOD) {
            told_at = Some(now);
            emit(Event::ImportProgress(ImportProgress::of(report)));
        }
        if now - changed_at >= CHANGED_PERIOD {
            changed_at = now;
            emit(Event::Changed);
        }
    })
}

/// How far an import is, in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    pub n_files: usize,
    pub n_done: usize,
    pub n_added: usize,
    pub n_duplicates: usize,
    pub n_failed: usize,
}

impl ImportProgress {
    fn of(report: &ImportReport) -> Self {
        Self {
            n_files: report.n_files,
            n_done: report.n_done,
            n_added: report.added.len(),
            n_duplicates: report.n_duplicates,
            n_failed: report.n_failed,
        }
    }
}
