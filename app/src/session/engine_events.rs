//! What the engine says, and what the session makes of it.

use std::time::Instant;

use image::RgbImage;
use limn_engine::protocol::{Event, JobId, Phase, Picture, Request};

use super::{Effect, EngineState, Place, RunId, Session};
use crate::engine_link::{DeathCause, EngineEvent};

/// A run that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    pub run: RunId,
    /// Its document is in front.
    pub is_seen: bool,
}

/// What the user is told of an engine that is gone; the log tells the rest.
fn plain_death(cause: &DeathCause) -> &'static str {
    match cause {
        DeathCause::CannotStart | DeathCause::NoGreeting => {
            "The part of Limn that draws does not start. Restart the computer or install Limn again; its log tells more."
        }
        DeathCause::Hung | DeathCause::IgnoredCancel => {
            "Drawing was stuck and was stopped. What was finished is kept."
        }
        DeathCause::Ended
        | DeathCause::Unreadable
        | DeathCause::Breach(_)
        | DeathCause::OwnFault => {
            "Drawing stopped in the middle, perhaps for want of memory. What was finished is kept."
        }
    }
}

impl Session {
    /// A run that ends out of sight is marked on its document's tab until that is looked at.
    fn mark_news(&mut self, run: RunId) {
        if self.is_export(run) {
            return;
        }
        let Some(document) = self.run(run).map(|run| run.document) else {
            return;
        };
        let is_seen = self.place == Place::Canvas && self.documents.current_id() == document;
        if let Some(open) = self.documents.get_mut(document) {
            open.has_news = !is_seen;
            self.news.push(News { run, is_seen });
        }
    }

    pub fn apply(&mut self, event: EngineEvent, now: Instant) -> Vec<Effect> {
        match event {
            EngineEvent::Connected { .. } => {
                self.engine = EngineState::Ready;
                let mut effects = vec![
                    Effect::Ask(Request::ListModels),
                    Effect::Ask(Request::ListDevices { self_test: false }),
                    Effect::Ask(Request::ListUpscalers),
                ];
                effects.extend(self.start_next());
                effects
            }
            EngineEvent::Event(event) => self.message(event, now),
            EngineEvent::Picture {
                job,
                picture,
                pixels,
                patch_mask,
            } => self.picture(job, &picture, pixels, patch_mask),
            // For the user, and for nothing else.
            EngineEvent::Notice { .. } => Vec::new(),
            EngineEvent::Died { cause, reason, .. } => {
                let lost = self.in_flight.as_ref().map(|job| job.run);
                self.fail_in_flight(plain_death(&cause));
                if let Some(run) = lost {
                    self.mark_news(run);
                }
                self.prompt_length.forget();
                self.engine = EngineState::Restarting(reason);
                Vec::new()
            }
        }
    }

    fn message(&mut self, event: Event, now: Instant) -> Vec<Effect> {
        match event {
            Event::Models(models) => {
                self.models = models;
                self.models_are_listed = true;
                let mut effects = self.start_next();
                if effects.is_empty()
                    && let Some(model) = self.current_model()
                {
                    // Read ahead of the first prompt, while the user writes it.
                    effects.push(Effect::Ask(Request::Load {
                        model: model.id.clone(),
                        compute: self.compute.clone(),
                    }));
                }
                return effects;
            }
            Event::Devices(devices) => self.devices = devices,
            Event::Upscalers(upscalers) => self.upscalers = upscalers,
            Event::TokenCount(count) => self.prompt_length.answered(count),
            Event::Loading {
                done_bytes,
                total_bytes,
                ..
            } => self.engine = EngineState::Loading(done_bytes as f32 / total_bytes.max(1) as f32),
            Event::Loaded { device, memory, .. } => {
                self.engine = EngineState::Ready;
                self.device = Some(device);
                self.memory = memory;
            }
            Event::Started { job, plan } => {
                self.engine = EngineState::Ready;
                self.device = Some(plan.device.clone());
                if let Some((run, _)) = self.job_run(job) {
                    run.started(plan);
                }
            }
            Event::Progress { job, progress } => {
                // A job reads what it needs of the model beside what is read already; then it goes on.
                self.engine = EngineState::Ready;
                if let Some((run, first)) = self.job_run(job) {
                    let index = first + progress.picture;
                    let has_preview = run.progress(index, progress, now);
                    let run = run.id;
                    self.count_down(now);
                    if has_preview {
                        self.follow(run, index);
                    }
                }
            }
            Event::Finished {
                job,
                timings,
                memory,
            } => {
                self.memory = memory;
                if let Some(done) = self.in_flight.take_if(|in_flight| in_flight.id == job) {
                    self.learn_speed(timings.total_seconds / done.n_pictures.max(1) as f32);
                    let more = self.go_on_with_tile(&done)
                        || self.queue.iter().any(|job| job.run == done.run);
                    if let Some(run) = self.run_mut(done.run) {
                        run.job_finished(more, timings.total_seconds);
                    }
                    if !more {
                        self.mark_news(done.run);
                    }
                }
                return self.start_next();
            }
            Event::Cancelled { job } => {
                if let Some(done) = self.in_flight.take_if(|in_flight| in_flight.id == job) {
                    if let Some(run) = self.run_mut(done.run) {
                        run.cancelled();
                    }
                    self.leave_unmade(done.run);
                }
                return self.start_next();
            }
            Event::Failed {
                job: Some(job),
                failure,
            } => return self.job_failed(job, &failure.message),
            Event::Working {
                job: Some(job),
                phase: Phase::Tune,
                n_kernels,
            } => self.compiles_kernels(job, n_kernels),
            // Outside any job, only the link's log has a use for it.
            Event::Failed { job: None, .. }
            | Event::Working { .. }
            | Event::Chunk(_)
            | Event::Picture { .. }
            | Event::Embedded { .. } => {}
        }
        Vec::new()
    }

    fn job_failed(&mut self, job: JobId, reason: &str) -> Vec<Effect> {
        if let Some(done) = self.in_flight.take_if(|in_flight| in_flight.id == job) {
            self.queue.retain(|job| job.run != done.run);
            if let Some(run) = self.run_mut(done.run) {
                run.failed(reason);
            }
            self.write_run(done.run);
            self.mark_news(done.run);
        }
        self.start_next()
    }

    fn compiles_kernels(&mut self, job: JobId, n_kernels: u32) {
        let in_flight = self
            .in_flight
            .as_ref()
            .filter(|in_flight| in_flight.id == job);
        let run = in_flight.map(|in_flight| in_flight.run);
        if let Some(run) = run.and_then(|run| self.run_mut(run)) {
            run.compiles_kernels(n_kernels);
        }
    }

    /// One job is little to go by: the pace follows the last few.
    fn learn_speed(&mut self, seconds_per_picture: f32) {
        const WEIGHT: f32 = 0.4;
        let before = self.seconds_per_picture.unwrap_or(seconds_per_picture);
        self.seconds_per_picture = Some(before + WEIGHT * (seconds_per_picture - before));
    }

    fn picture(
        &mut self,
        job: JobId,
        picture: &Picture,
        rgb: Vec<u8>,
        patch_mask: Option<Vec<u8>>,
    ) -> Vec<Effect> {
        let Some(pixels) = RgbImage::from_raw(picture.width, picture.height, rgb) else {
            // The link has checked the hash; a size that does not fit is a picture that never comes.
            return Vec::new();
        };
        let Some((run, first)) = self.job_run(job) else {
            return Vec::new();
        };
        let (run_id, index) = (run.id, first + picture.index);
        let Some(made) = run.finished_drawing(index, picture, pixels, patch_mask) else {
            return Vec::new();
        };
        if self.is_export(run_id) {
            return Vec::new();
        }
        self.follow(run_id, index);
        vec![Effect::Save(made)]
    }
}
