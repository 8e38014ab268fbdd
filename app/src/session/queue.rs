//! The queue: one job with the engine at a time, the others wait here and survive the engine's death.

use std::sync::Arc;
use std::time::Instant;

use limn_engine::protocol::{Compute, GenerateRequest, JobId, Request};

use super::runs::Subject;
use super::{EditSnapshot, Effect, EngineState, Run, RunId, Session, SideTab, Slot};
use crate::document::DocumentId;

/// A stretch of a run's pictures that the engine makes in one go.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub id: JobId,
    pub run: RunId,
    pub first: u32,
    pub n_pictures: u32,
}

impl Session {
    /// Queues a run of new pictures and shows its empty tiles; `Effect`s start it if nothing is in its way.
    pub fn queue(&mut self, request: GenerateRequest) -> (RunId, Vec<Effect>) {
        let size = self.size_of(&request);
        let document = self.documents.current_id();
        self.add_run(document, request, size, Subject::Words)
    }

    /// The size that is asked for, before the engine says more.
    pub(super) fn size_of(&self, request: &GenerateRequest) -> (u32, u32) {
        request.size.unwrap_or_else(|| {
            self.model_info(&request.model)
                .map_or((256, 256), |model| model.default_size)
        })
    }

    /// Queues a run that changes the current document.
    pub fn queue_edit(
        &mut self,
        request: GenerateRequest,
        snapshot: EditSnapshot,
    ) -> (RunId, Vec<Effect>) {
        let document = self.documents.current_id();
        let size = snapshot.content.frame.size();
        self.add_run(document, request, size, Subject::Edit(Arc::new(snapshot)))
    }

    /// A run with the prompt, the settings and the very pictures and mask of another, with new seeds.
    pub fn queue_again(&mut self, id: RunId, seed: u64, compute: Compute) -> Vec<Effect> {
        let Some(run) = self.run(id) else {
            return Vec::new();
        };
        let request = GenerateRequest {
            seed,
            compute,
            ..run.request.clone()
        };
        let (document, size, subject) = (run.document, run.size, run.subject.clone());
        self.add_run(document, request, size, subject).1
    }

    pub(super) fn add_run(
        &mut self,
        document: DocumentId,
        request: GenerateRequest,
        size: (u32, u32),
        subject: Subject,
    ) -> (RunId, Vec<Effect>) {
        self.n_runs += 1;
        let id = RunId(self.n_runs);
        let n_pictures = request.n_pictures;
        let mut run = Run::new(id, document, request, size, subject);
        let title = run.title();
        // Results that are being drawn are not taken away: the new run then shows as a line below them,
        // and its tiles when its turn comes.
        let running = self.running().map(|run| run.id);
        if let Some(open) = self.documents.get_mut(document) {
            run.before = open.shown;
            if running.is_none() || open.selected_run != running {
                open.selected_run = Some(id);
            }
            open.follows = true;
            open.document.name_after_prompt(&title);
        }
        self.runs.push(run);
        self.side_tab = SideTab::Results;
        self.drop_old_pixels();
        self.add_job(id, 0, n_pictures);
        (id, self.start_next())
    }

    /// Pixels of results are at hand, to be flipped through and kept without a wait, up to a limit.
    fn drop_old_pixels(&mut self) {
        const LIMIT_BYTES: usize = 512 << 20;
        let mut bytes = 0;
        for run in self.runs.iter_mut().rev() {
            bytes += run.slots.iter().map(Slot::spare_bytes).sum::<usize>();
            if bytes > LIMIT_BYTES {
                run.drop_spare_pixels();
            }
        }
    }

    /// Queues what a run has not finished: failed, cancelled or lost pictures.
    pub fn run_again(&mut self, id: RunId) -> Vec<Effect> {
        let Some(run) = self.runs.iter_mut().find(|run| run.id == id) else {
            return Vec::new();
        };
        let (stretches, document) = (run.reopen(), run.document);
        for (first, n_pictures) in stretches {
            self.add_job(id, first, n_pictures);
        }
        if let Some(open) = self.documents.get_mut(document) {
            open.selected_run = Some(id);
            open.follows = true;
        }
        self.start_next()
    }

    /// Cancels a run; what is finished stays.
    pub fn cancel(&mut self, id: RunId) -> Vec<Effect> {
        self.queue.retain(|job| job.run != id);
        let running = self
            .in_flight
            .as_ref()
            .filter(|job| job.run == id)
            .map(|job| job.id);
        if let Some(run) = self.run_mut(id) {
            run.cancel(running.is_some());
        }
        running
            .map(|job| Effect::Ask(Request::Cancel { job }))
            .into_iter()
            .collect()
    }

    pub fn running(&self) -> Option<&Run> {
        let job = self.in_flight.as_ref()?;
        self.run(job.run)
    }

    /// Runs that are running or wait, in the order they will be done.
    pub fn active_runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.is_active())
    }

    /// Seconds until the queue is empty, once there is anything to estimate from.
    pub fn seconds_left(&self, now: Instant) -> Option<f32> {
        let running = match self.running() {
            Some(run) => run.seconds_left(now)?,
            None => 0.0,
        };
        let n_waiting: u32 = self.queue.iter().map(|job| job.n_pictures).sum();
        if n_waiting == 0 {
            return Some(running);
        }
        Some(running + self.seconds_per_picture? * n_waiting as f32)
    }
    pub(super) fn job_run(&mut self, job: JobId) -> Option<(&mut Run, u32)> {
        let in_flight = self
            .in_flight
            .as_ref()
            .filter(|in_flight| in_flight.id == job)?;
        let (run, first) = (in_flight.run, in_flight.first);
        self.run_mut(run).map(|run| (run, first))
    }

    fn add_job(&mut self, run: RunId, first: u32, n_pictures: u32) {
        self.n_jobs += 1;
        self.queue.push_back(Job {
            id: JobId(self.n_jobs),
            run,
            first,
            n_pictures,
        });
    }

    /// Starts the next job where the engine is idle and every picture is safe.
    pub(super) fn start_next(&mut self) -> Vec<Effect> {
        let engine_listens = matches!(self.engine, EngineState::Ready | EngineState::Loading(_));
        if self.in_flight.is_some() || self.held.is_some() || !engine_listens {
            return Vec::new();
        }
        let Some(job) = self.queue.pop_front() else {
            return Vec::new();
        };
        let Some(run) = self.run_mut(job.run) else {
            return self.start_next();
        };
        run.starting(job.first, job.n_pictures);
        let mut request = run.request.clone();
        request.seed = request.seed.wrapping_add(u64::from(job.first));
        request.n_pictures = job.n_pictures;
        let id = job.id;
        // The engine forgets what it was sent when it dies: every job brings its pictures along.
        let effect = match &run.subject {
            Subject::Words => Effect::Ask(Request::Generate { job: id, request }),
            Subject::Edit(edit) => {
                let (request, blobs) = edit.request(request);
                let request = Request::Edit { job: id, request };
                Effect::AskWith { request, blobs }
            }
            Subject::Gesture(gesture) => {
                let (request, blobs) = gesture.request(id, request, job.first);
                Effect::AskWith { request, blobs }
            }
        };
        self.in_flight = Some(job);
        vec![effect]
    }

    pub(super) fn fail_in_flight(&mut self, reason: &str) {
        let Some(job) = self.in_flight.take() else {
            return;
        };
        self.queue.retain(|waiting| waiting.run != job.run);
        if let Some(run) = self.run_mut(job.run) {
            run.failed(reason);
        }
    }
}
