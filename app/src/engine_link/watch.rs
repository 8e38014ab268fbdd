//! What an engine has been asked and has not answered, and whether it takes too long.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use limn_engine::protocol::{Event, JobId, ModelId, Phase, Request};

use super::{DeathCause, LostJob, Patience};

/// The books on one engine after the other: what they learn of slow phases outlives them.
#[derive(Debug)]
pub(super) struct Watch {
    patience: Patience,
    jobs: Vec<JobInFlight>,
    questions: Vec<Asked>,
    /// The phase that the last frame named, and when it came; any request restarts an idle clock.
    phase: Phase,
    last_frame: Instant,
    longest_silence: HashMap<Phase, Duration>,
}

#[derive(Debug)]
struct JobInFlight {
    job: JobId,
    was_started: bool,
    cancelled_at: Option<Instant>,
}

/// A question that waits for its answer.
#[derive(Debug)]
struct Asked {
    question: Question,
    at: Instant,
    asks_for_work: bool,
}

/// A request outside any job that the engine answers once.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    Models,
    Devices,
    Upscalers,
    Tokens,
    Load(ModelId),
}

impl Watch {
    pub fn new(patience: Patience, now: Instant) -> Self {
        Self {
            patience,
            jobs: Vec::new(),
            questions: Vec::new(),
            phase: Phase::Load,
            last_frame: now,
            longest_silence: HashMap::new(),
        }
    }

    /// Notes a request on its way to the engine.
    pub fn sent(&mut self, request: &Request, now: Instant) {
        if !self.is_busy() {
            self.last_frame = now;
            self.phase = Phase::Load;
        }
        if let Some(job) = request.job() {
            self.jobs.push(JobInFlight {
                job,
                was_started: false,
                cancelled_at: None,
            });
        }
        let mut ask = |question, asks_for_work| {
            self.questions.push(Asked {
                question,
                at: now,
                asks_for_work,
            });
        };
        match request {
            Request::Cancel { job } => {
                if let Some(in_flight) = self.jobs.iter_mut().find(|j| j.job == *job) {
                    in_flight.cancelled_at.get_or_insert(now);
                }
            }
            Request::ListModels => ask(Question::Models, false),
            Request::ListDevices { self_test } => ask(Question::Devices, *self_test),
            Request::ListUpscalers => ask(Question::Upscalers, false),
            Request::CountTokens { .. } => ask(Question::Tokens, false),
            Request::Load { model, .. } => ask(Question::Load(model.clone()), true),
            // Jobs are noted above.
            Request::Chunk(_)
            | Request::Shutdown
            | Request::Generate { .. }
            | Request::Edit { .. }
            | Request::Vary { .. }
            | Request::Blend { .. }
            | Request::Shift { .. }
            | Request::Upscale { .. }
            | Request::Embed { .. } => {}
        }
    }

    /// Notes a frame from the engine.
    pub fn received(&mut self, event: &Event, now: Instant) {
        if self.is_busy() {
            let silence = now.duration_since(self.last_frame);
            let longest = self.longest_silence.entry(self.phase).or_default();
            *longest = silence.max(*longest);
        }
        self.last_frame = now;
        match event {
            Event::Loading { .. } => self.phase = Phase::Load,
            Event::Progress { progress, .. } => self.phase = progress.phase,
            Event::Working { phase, .. } => self.phase = *phase,
            Event::Started { job, .. } => {
                if let Some(in_flight) = self.jobs.iter_mut().find(|j| j.job == *job) {
                    in_flight.was_started = true;
                }
            }
            Event::Finished { job, .. }
            | Event::Cancelled { job }
            | Event::Failed { job: Some(job), .. } => self.jobs.retain(|j| j.job != *job),
            Event::Models(_) => self.answered(&Question::Models),
            Event::Devices(_) => self.answered(&Question::Devices),
            Event::Upscalers(_) => self.answered(&Question::Upscalers),
            Event::TokenCount(_) => self.answered(&Question::Tokens),
            Event::Loaded { model, .. } => self.answered(&Question::Load(model.clone())),
            // It does not say which question failed; the oldest is the likeliest.
            Event::Failed { job: None, .. } if !self.questions.is_empty() => {
                self.questions.remove(0);
            }
            Event::Failed { job: None, .. }
            | Event::Chunk(_)
            | Event::Picture { .. }
            | Event::Embedded { .. } => {}
        }
    }

    /// When to look at [`Self::fault`] next; `None` while nothing is asked of the engine.
    pub fn deadline(&self) -> Option<Instant> {
        let hang = self
            .is_busy()
            .then(|| self.last_frame + self.allowed_silence());
        let cancels = self.jobs.iter();
        let cancels = cancels.filter_map(|job| Some(job.cancelled_at? + self.patience.cancel));
        let answers = self.lists().map(|asked| self.due(asked));
        cancels.chain(answers).chain(hang).min()
    }

    /// The questions that are answered at once, whatever else the engine does.
    fn lists(&self) -> impl Iterator<Item = &Asked> {
        self.questions.iter().filter(|asked| !asked.asks_for_work)
    }

    fn due(&self, list: &Asked) -> Instant {
        let heard = self.last_frame.max(list.at) + self.patience.answer_silence;
        heard.min(list.at + self.patience.answer)
    }

    /// What it says waits here for the app: its silence is none.
    pub fn held_up(&mut self, now: Instant) {
        self.last_frame = now;
        for job in &mut self.jobs {
            job.cancelled_at = job.cancelled_at.map(|_| now);
        }
        for asked in &mut self.questions {
            asked.at = now;
        }
    }

    /// Why the engine counts as hung, if it does.
    pub fn fault(&self, now: Instant) -> Option<(DeathCause, String)> {
        let unacknowledged = self.jobs.iter().find(|job| {
            job.cancelled_at
                .is_some_and(|at| now >= at + self.patience.cancel)
        });
        if unacknowledged.is_some() {
            let patience = self.patience.cancel.as_secs_f32();
            let reason = format!("it did not stop within {patience} s of a cancel");
            return Some((DeathCause::IgnoredCancel, reason));
        }
        if let Some(list) = self.lists().find(|asked| now >= self.due(asked)) {
            let waited = now.duration_since(list.at).as_secs_f32();
            let reason = format!("it hung: no answer to a question within {waited:.1} s");
            return Some((DeathCause::Hung, reason));
        }
        let silence = now.duration_since(self.last_frame);
        (self.is_busy() && silence >= self.allowed_silence()).then(|| {
            let reason = format!("it hung: no sign of life for {} s", silence.as_secs());
            (DeathCause::Hung, reason)
        })
    }

    /// The engine is gone: its unfinished jobs, in the order sent.
    pub fn take_lost(&mut self, now: Instant) -> Vec<LostJob> {
        self.questions.clear();
        self.last_frame = now;
        self.jobs
            .drain(..)
            .map(|job| LostJob {
                job: job.job,
                was_started: job.was_started,
                was_cancelled: job.cancelled_at.is_some(),
            })
            .collect()
    }

    fn is_busy(&self) -> bool {
        !self.jobs.is_empty() || !self.questions.is_empty()
    }

    fn allowed_silence(&self) -> Duration {
        let longest = self.longest_silence.get(&self.phase);
        let multiple = longest.map_or(Duration::ZERO, |d| *d * self.patience.silence_factor);
        multiple.max(self.patience.silence)
    }

    fn answered(&mut self, question: &Question) {
        let mut questions = self.questions.iter();
        if let Some(index) = questions.position(|asked| asked.question == *question) {
            self.questions.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use limn_engine::protocol::{Compute, Failure, GenerateRequest, MemoryUse, Timings};

    use super::*;

    const JOB: JobId = JobId(4);

    fn secs(n_secs: u64) -> Duration {
        Duration::from_secs(n_secs)
    }

    fn generate(job: JobId) -> Request {
        Request::Generate {
            job,
            request: GenerateRequest {
                prompt: "a boat".to_owned(),
                ..GenerateRequest::blank(ModelId("doodle".to_owned()), Compute::default())
            },
        }
    }

    fn working(phase: Phase) -> Event {
        Event::working(Some(JOB), phase)
    }

    fn finished(job: JobId) -> Event {
        Event::Finished {
            job,
            timings: Timings::default(),
            memory: MemoryUse::default(),
        }
    }

    #[test]
    fn an_idle_engine_may_be_silent_for_ever() {
        let start = Instant::now();
        let mut watch = Watch::new(Patience::default(), start);
        assert_eq!(watch.deadline(), None);
        watch.sent(&generate(JOB), start + secs(9000));
        assert_eq!(watch.deadline(), Some(start + secs(9120)));
        watch.received(&finished(JOB), start + secs(9010));
        assert_eq!(watch.deadline(), None);
        assert_eq!(watch.fault(start + secs(90_000)), None);
    }

    #[test]
    fn silence_is_judged_by_the_slowest_of_its_phase() {
        let start = Instant::now();
        let mut watch = Watch::new(Patience::default(), start);
        watch.sent(&generate(JOB), start);
        watch.received(&working(Phase::Tune), start + secs(1));
        watch.received(&working(Phase::Step), start + secs(91));
        // 90 s after a sign of tuning were seen, none yet after one of a step.
        assert_eq!(watch.fault(start + secs(91 + 119)), None);
        assert!(watch.fault(start + secs(91 + 120)).is_some());
        watch.received(&working(Phase::Tune), start + secs(100));
        assert_eq!(watch.fault(start + secs(100 + 899)), None);
        assert!(watch.fault(start + secs(100 + 900)).is_some());
    }

    #[test]
    fn a_list_is_due_soon_and_work_takes_its_time() {
        let start = Instant::now();
        let load = Request::Load {
            model: ModelId("doodle".to_owned()),
            compute: Compute::default(),
        };
        for (request, is_due) in [
            (Request::ListModels, true),
            (Request::ListUpscalers, true),
            (Request::ListDevices { self_test: false }, true),
            (Request::ListDevices { self_test: true }, false),
            (load, false),
            (generate(JOB), false),
        ] {
            let mut watch = Watch::new(Patience::default(), start);
            watch.sent(&request, start);
            assert!(watch.fault(start + secs(9)).is_none(), "{request:?}");
            let fault = watch.fault(start + secs(10));
            assert_eq!(fault.is_some(), is_due, "{request:?}");
            assert_eq!(watch.deadline() == Some(start + secs(10)), is_due);
            // It has much to look at, and says so; but not for ever.
            for at in 1..59 {
                watch.received(&working(Phase::Load), start + secs(at));
                assert!(watch.fault(start + secs(at + 1)).is_none(), "{request:?}");
            }
            watch.received(&working(Phase::Load), start + secs(59));
            assert_eq!(watch.fault(start + secs(60)).is_some(), is_due);
        }
        let mut watch = Watch::new(Patience::default(), start);
        watch.sent(&Request::ListModels, start);
        watch.received(&Event::Models(Vec::new()), start + secs(1));
        assert_eq!(watch.deadline(), None);
    }

    #[test]
    fn an_unacknowledged_cancel_is_a_fault_though_frames_come() {
        let start = Instant::now();
        let mut watch = Watch::new(Patience::default(), start);
        watch.sent(&generate(JOB), start);
        watch.sent(&Request::Cancel { job: JOB }, start + secs(10));
        watch.received(&working(Phase::Step), start + secs(14));
        assert_eq!(watch.fault(start + secs(14)), None);
        assert!(watch.fault(start + secs(15)).is_some());
        watch.received(&Event::Cancelled { job: JOB }, start + secs(14));
        assert_eq!(watch.fault(start + secs(15)), None);
    }

    #[test]
    fn the_dead_engine_s_jobs_are_named_in_order() {
        let start = Instant::now();
        let mut watch = Watch::new(Patience::default(), start);
        for job in 1..=4 {
            watch.sent(&generate(JobId(job)), start);
        }
        watch.received(&finished(JobId(1)), start);
        watch.received(
            &Event::Failed {
                job: None,
                failure: Failure {
                    kind: limn_engine::error::ErrorKind::Io,
                    message: String::new(),
                },
            },
            start,
        );
        watch.sent(&Request::Cancel { job: JobId(3) }, start);
        let lost = watch.take_lost(start);
        let expected = [(2, false), (3, true), (4, false)].map(|(job, was_cancelled)| LostJob {
            job: JobId(job),
            was_started: false,
            was_cancelled,
        });
        assert_eq!(lost, expected);
        assert_eq!(watch.deadline(), None);
    }
}
