//! The queue: one job with the engine at a time, the others wait here and survive the engine's death.

use std::sync::Arc;
use std::time::Instant;

use limn_engine::protocol::{Compute, GenerateRequest, JobId, Request};

use super::runs::Subject;
use super::time_left::TimeLeft;
use super::{
    EditAsked, EditJob, EditSnapshot, Effect, EngineState, PictureRef, Run, RunId, Session,
    SideTab, Slot,
};
use crate::document::DocumentId;

/// A stretch of a run's pictures that the engine makes in one go.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub id: JobId,
    pub run: RunId,
    pub first: u32,
    pub n_pictures: u32,
    /// Of an edit in tiles, which; the stretch is then one picture.
    pub tile: usize,
}

/// Between the seeds of a picture's tiles, which would otherwise repeat one pattern.
const TILE_SEEDS: u64 = 1_000_003;

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
        let is_possible = |run: &&Run| run.has_subject() && run.has_sources();
        let Some(run) = self.run(id).filter(is_possible) else {
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
        let stretch = (0, request.n_pictures);
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
            match run.subject {
                Subject::Words => open.document.name_after_prompt(&title),
                _ => open.document.name_at_first(&title),
            }
        }
        self.runs.push(run);
        self.write_run(id);
        self.side_tab = SideTab::Results;
        self.drop_old_pixels();
        self.add_jobs(id, &[stretch]);
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
        let mut runs = self.runs.iter_mut();
        let Some(run) = runs.find(|run| run.id == id && run.has_sources()) else {
            return Vec::new();
        };
        let was_put_away = std::mem::take(&mut run.is_put_away);
        let (stretches, document) = (run.reopen(), run.document);
        // It is not cancelled any more.
        self.write_run(id);
        self.add_jobs(id, &stretches);
        if was_put_away {
            self.hide_in_document(id, false);
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
        self.queue_left = None;
        let running = self
            .in_flight
            .as_ref()
            .filter(|job| job.run == id)
            .map(|job| job.id);
        if let Some(run) = self.run_mut(id) {
            run.cancel(running.is_some());
        }
        self.write_run(id);
        let Some(job) = running else {
            self.leave_unmade(id);
            return Vec::new();
        };
        if self.asking.take().is_some() {
            // The engine has not heard of it.
            self.in_flight = None;
            if let Some(run) = self.run_mut(id) {
                run.cancelled();
            }
            self.leave_unmade(id);
            return self.start_next();
        }
        vec![Effect::Ask(Request::Cancel { job })]
    }

    /// Back to the results before a run of which nothing was made, where it stands in their place.
    pub(super) fn leave_unmade(&mut self, id: RunId) {
        let Some(run) = self.run(id).filter(|run| run.first_visible().is_none()) else {
            return;
        };
        let (document, before) = (run.document, run.before);
        let has_results = |run: &&Run| {
            run.document == document && !run.is_put_away && run.first_visible().is_some()
        };
        let last = self.runs.iter().rev().find(has_results).map(|run| run.id);
        let Some(open) = self.documents.get_mut(document) else {
            return;
        };
        if open.selected_run != Some(id) || last.is_none() {
            return;
        }
        open.selected_run = last;
        open.follows = false;
        let shows_it = |shown| matches!(shown, PictureRef::Result { run, .. } if run == id);
        if open.shown.is_none_or(shows_it) {
            open.shown = before;
        }
    }

    /// An edit's request is put together: it goes to the engine, unless the job was given up meanwhile.
    pub fn edit_asked(&mut self, asked: EditAsked) -> Option<Effect> {
        self.asking.take_if(|job| *job == asked.id)?;
        let (request, blobs) = (asked.request, asked.blobs);
        Some(Effect::AskWith { request, blobs })
    }

    pub fn running(&self) -> Option<&Run> {
        let job = self.in_flight.as_ref()?;
        self.run(job.run)
    }

    /// Runs that are running or wait, in the order they will be done.
    pub fn active_runs(&self) -> impl Iterator<Item = &Run> {
        let all = self.runs.iter().chain(&self.exports);
        all.filter(|run| run.is_active())
    }

    /// Seconds until the queue is empty, once there is anything to estimate from.
    pub fn seconds_left(&self, now: Instant) -> Option<f32> {
        let running = self.running().and_then(|run| run.seconds_left(now));
        if running.is_some() && self.active_runs().count() == 1 {
            // The run is the queue: both are one countdown.
            return running;
        }
        let told = match self.queue_left {
            Some((_, left)) => Some(left.told(now)),
            None => self.estimated_seconds(now),
        };
        // All of the queue takes no less than what runs of it.
        told.map(|told| told.max(running.unwrap_or(0.0)))
    }

    /// Corrects the countdown of the queue. What the user adds or cancels changes it at once.
    pub(super) fn count_down(&mut self, now: Instant) {
        let n_runs = self.active_runs().count();
        let Some(seconds) = self.estimated_seconds(now).filter(|_| n_runs > 0) else {
            self.queue_left = None;
            return;
        };
        match &mut self.queue_left {
            Some((n_then, left)) if *n_then >= n_runs => {
                *n_then = n_runs;
                left.hear(seconds, now);
            }
            _ => self.queue_left = Some((n_runs, TimeLeft::new(seconds, now))),
        }
    }

    fn estimated_seconds(&self, now: Instant) -> Option<f32> {
        let running = match self.running() {
            // Before its first estimate it takes as long as others did.
            Some(run) => run.seconds_left(now).or_else(|| {
                let n_open = run.slots.iter().filter(|slot| slot.is_open()).count();
                Some(self.seconds_per_picture? * n_open as f32)
            })?,
            None => 0.0,
        };
        let waiting = self.queue.iter().filter(|job| {
            // A run in tiles counts all of its own.
            let running = self.running().filter(|run| run.n_tiles() > 1);
            running.is_none_or(|run| run.id != job.run)
        });
        let n_tiles = |job: &Job| self.run(job.run).map_or(1, Run::n_tiles) - job.tile;
        let n_waiting: usize = waiting
            .map(|job| job.n_pictures as usize * n_tiles(job))
            .sum();
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

    /// Queues stretches `(first, how many)` of a run's pictures; in tiles each picture goes by itself, from where
    /// it had come to.
    pub(super) fn add_jobs(&mut self, id: RunId, stretches: &[(u32, u32)]) {
        // There is another queue to count down.
        self.queue_left = None;
        let Some(run) = self.run(id) else { return };
        let mut jobs = Vec::new();
        for (first, n_pictures) in stretches {
            if run.n_tiles() < 2 {
                jobs.push((*first, *n_pictures, 0));
                continue;
            }
            let slots = (*first..).zip(&run.slots[*first as usize..]);
            let slots = slots.take(*n_pictures as usize);
            jobs.extend(slots.map(|(index, slot)| (index, 1, slot.n_tiles_done)));
        }
        for (first, n_pictures, tile) in jobs {
            self.n_jobs += 1;
            self.queue.push_back(Job {
                id: JobId(self.n_jobs),
                run: id,
                first,
                n_pictures,
                tile,
            });
        }
    }

    /// Goes on with the next tile of the picture that `done` was about. False where it was the last.
    pub(super) fn go_on_with_tile(&mut self, done: &Job) -> bool {
        let run = self.run(done.run).filter(|run| run.is_active());
        let next = run.and_then(|run| run.next_tile(done.first, done.tile));
        let Some(tile) = next else { return false };
        self.n_jobs += 1;
        let id = JobId(self.n_jobs);
        self.queue.push_front(Job {
            id,
            tile,
            ..done.clone()
        });
        true
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
        let n_of_run = request.n_pictures;
        if !run.subject.has_one_seed() {
            request.seed = request.seed.wrapping_add(u64::from(job.first));
        }
        request.n_pictures = job.n_pictures;
        let id = job.id;
        let slot = run.slots.get(job.first as usize);
        // The engine forgets what it was sent when it dies: every job brings its pictures along.
        let effect = match run.subject.clone() {
            Subject::Words => Effect::Ask(Request::Generate { job: id, request }),
            Subject::Edit(snapshot) => {
                let tile_seeds = TILE_SEEDS.wrapping_mul(job.tile as u64);
                request.seed = request.seed.wrapping_add(tile_seeds);
                Effect::AskEdit(Box::new(EditJob {
                    id,
                    snapshot,
                    tile: job.tile,
                    done: slot
                        .filter(|_| job.tile > 0)
                        .and_then(|slot| slot.patch.clone()),
                    generate: request,
                }))
            }
            // Never queued: there is nothing to ask.
            Subject::Past(_) => return self.start_next(),
            Subject::Gesture(gesture) => {
                let (request, blobs) = gesture.request(id, request, job.first, n_of_run);
                Effect::AskWith { request, blobs }
            }
        };
        self.asking = matches!(effect, Effect::AskEdit(_)).then_some(id);
        self.in_flight = Some(job);
        vec![effect]
    }

    pub(super) fn fail_in_flight(&mut self, reason: &str) {
        let Some(job) = self.in_flight.take() else {
            return;
        };
        self.asking = None;
        self.queue.retain(|waiting| waiting.run != job.run);
        if let Some(run) = self.run_mut(job.run) {
            run.failed(reason);
        }
        self.write_run(job.run);
    }
}
