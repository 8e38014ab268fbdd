use std::time::Instant;

use super::{OnEvent, PipelineEvent};
use crate::{
    Result,
    protocol::{Phase, Preview, Progress, Timings},
};

/// Measures stages and steps, and guesses what is left.
pub(super) struct Clock {
    start: Instant,
    timings: Timings,
    work: Work,
    prior_step: Mean,
    invert_step: Mean,
    step: Mean,
    decode: Mean,
}

/// How much a job still has to do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    pub prior_steps: u32,
    /// Steps that find a picture's noise.
    pub invert_steps: u32,
    pub steps: u32,
    pub decodes: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    seconds: f32,
    n: u32,
}

impl Mean {
    fn add(&mut self, seconds: f32) {
        self.seconds += seconds;
        self.n += 1;
    }

    fn get(self) -> Option<f32> {
        (self.n > 0).then(|| self.seconds / self.n as f32)
    }
}

impl Clock {
    /// `work` is all of the job's.
    pub fn new(work: Work) -> Self {
        Self {
            start: Instant::now(),
            timings: Timings::default(),
            work,
            prior_step: Mean::default(),
            invert_step: Mean::default(),
            step: Mean::default(),
            decode: Mean::default(),
        }
    }

    /// Books the time since `since` to a stage of [`Timings::stages`], and what of it went into reading
    /// weights to `load`.
    pub fn end_stage(&mut self, stage: &str, since: Instant, load_seconds: f32) {
        if load_seconds > 0.0 {
            self.book("load", load_seconds);
        }
        let seconds = since.elapsed().as_secs_f32();
        self.book(stage, (seconds - load_seconds).max(0.0));
    }

    fn book(&mut self, stage: &str, seconds: f32) {
        match self
            .timings
            .stages
            .iter_mut()
            .find(|(name, _)| name == stage)
        {
            Some((_, total)) => *total += seconds,
            None => self.timings.stages.push((stage.to_owned(), seconds)),
        }
    }

    pub fn end_prior_step(&mut self, since: Instant) {
        self.prior_step.add(since.elapsed().as_secs_f32());
        self.work.prior_steps = self.work.prior_steps.saturating_sub(1);
    }

    pub fn end_invert_step(&mut self, since: Instant) {
        self.invert_step.add(since.elapsed().as_secs_f32());
        self.work.invert_steps = self.work.invert_steps.saturating_sub(1);
    }

    /// Steps that turn out not to be needed.
    pub fn skip_invert_steps(&mut self, n_steps: u32) {
        self.work.invert_steps = self.work.invert_steps.saturating_sub(n_steps);
    }

    pub fn end_step(&mut self, since: Instant) {
        let seconds = since.elapsed().as_secs_f32();
        self.step.add(seconds);
        self.timings.steps.push(seconds);
        self.work.steps = self.work.steps.saturating_sub(1);
    }

    pub fn end_decode(&mut self, since: Instant, load_seconds: f32) {
        self.decode
            .add(since.elapsed().as_secs_f32() - load_seconds);
        self.work.decodes = self.work.decodes.saturating_sub(1);
        self.end_stage("decode", since, load_seconds);
    }

    /// `None` before the first step of the decoder's network, which is most of the work.
    pub fn seconds_left(&self) -> Option<f32> {
        /// Before the first is measured; an autoencoder's decoder costs about as much as a few steps.
        const DECODE_IN_STEPS: f32 = 2.0;
        // Both ask the same network; one of them may be asked under two conditions at once.
        let step = self.step.get().or(self.invert_step.get())?;
        let invert_step = self.invert_step.get().unwrap_or(step);
        let prior_step = self.prior_step.get().unwrap_or_default();
        let decode = self.decode.get().unwrap_or(DECODE_IN_STEPS * step);
        Some(
            self.work.prior_steps as f32 * prior_step
                + self.work.invert_steps as f32 * invert_step
                + self.work.steps as f32 * step
                + self.work.decodes as f32 * decode,
        )
    }

    /// Tells of `step` of `n_steps` steps done in `phase`.
    pub fn report(
        &self,
        phase: Phase,
        picture: u32,
        (step, n_steps): (u32, u32),
        preview: Option<Preview>,
        on_event: &mut OnEvent,
    ) -> Result<()> {
        on_event(PipelineEvent::Progress(Progress {
            phase,
            picture,
            step,
            n_steps,
            seconds_left: self.seconds_left(),
            preview,
        }))
    }

    pub fn finish(mut self) -> Timings {
        self.timings.total_seconds = self.start.elapsed().as_secs_f32();
        self.timings
    }
}
