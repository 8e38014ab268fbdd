//! Imports run beside the gallery's thread, one after the other, on a gallery of their own: two on one folder see
//! each other, and the window's never waits.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::Event;
use crate::gallery::error::Result;
use crate::gallery::importing::{ImportReport, Stopped};
use crate::gallery::store::Gallery;
use crate::supervised_thread::{Begin, SupervisedThread, panic_notice};

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
    /// Of the imports that were asked for and not cancelled: the last ones may not have begun.
    cancels: Vec<Arc<AtomicBool>>,
    thread: SupervisedThread<Job>,
}

impl Importer {
    /// Starts the thread `import`.
    pub fn start(
        open: impl Fn() -> Result<Gallery> + Send + 'static,
        emit: impl Fn(Event) + Send + 'static,
    ) -> std::io::Result<Self> {
        let mut is_under_way = false;
        let thread = SupervisedThread::start("import", move |begin, jobs| {
            if let Begin::AfterPanic(message) = begin
                && std::mem::take(&mut is_under_way)
            {
                emit(Event::Changed);
                emit(ended(panic_notice("the import", &message)));
            }
            run(jobs, &open, &emit, &mut is_under_way);
        })?;
        Ok(Self {
            cancels: Vec::new(),
            thread,
        })
    }

    pub fn import(&mut self, paths: Vec<PathBuf>) {
        let is_cancelled = Arc::new(AtomicBool::new(false));
        // Those that have ended are held by nobody else.
        self.cancels.retain(|cancel| Arc::strong_count(cancel) > 1);
        self.cancels.push(Arc::clone(&is_cancelled));
        self.thread.send(Job {
            paths,
            is_cancelled,
        });
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
    }
}

fn run(
    jobs: &Receiver<Job>,
    open: &impl Fn() -> Result<Gallery>,
    emit: &impl Fn(Event),
    is_under_way: &mut bool,
) {
    while let Ok(job) = jobs.recv() {
        *is_under_way = true;
        let imported = match open() {
            Ok(mut gallery) => {
                let report = import(&mut gallery, &job, emit);
                match gallery.overview() {
                    Ok(overview) => emit(Event::Overview(Arc::new(overview))),
                    Err(error) => tracing::warn!("cannot count the gallery: {error}"),
                }
                for message in gallery.take_notices() {
                    emit(Event::Notice { message });
                }
                Event::Imported(Box::new(report))
            }
            Err(error) => ended(error.to_string()),
        };
        emit(Event::Changed);
        emit(imported);
        *is_under_way = false;
    }
}

/// An import that came to nothing, for this reason.
fn ended(reason: String) -> Event {
    Event::Imported(Box::new(ImportReport {
        stopped: Some(Stopped::Failed(reason)),
        ..ImportReport::default()
    }))
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
