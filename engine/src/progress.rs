//! What a running job tells, and how long its work takes.

use std::time::Instant;

use crate::{
    Result, profile,
    protocol::{Phase, Plan, Preview, Progress, Timings, Wording},
};

/// Where a job tells what it does. An error that it returns, such as [`Error::Cancelled`](crate::Error::Cancelled),
/// ends the job before the next step and comes back unchanged.
pub type OnEvent<'a> = dyn FnMut(PipelineEvent) -> Result<()> + 'a;

/// What a running pipeline tells: `Planned` before anything is computed, then `Progress` and `Picture` in order,
/// and `Loading` whenever files are read.
#[derive(Debug, Clone, PartialEq)]
pub enum PipelineEvent {
    /// What the job will really use, before anything is computed.
    Planned(Plan),
    /// A component is being read, told a few dozen times from its first byte to its last.
    Loading {
        /// The component's folder name, as in `unet`, or `checksums` while the weights are told apart from others.
        component: String,
        /// Of the component, in bytes of its running dtype.
        done_bytes: u64,
        total_bytes: u64,
    },
    /// A step is done. Steps of the decoder carry a preview.
    Progress(Progress),
    /// A picture is finished; the pictures of a job come in order.
    Picture(FinishedPicture),
}

#[derive(Debug, Clone, PartialEq)]
pub struct FinishedPicture {
    /// Which picture of the job, from 0.
    pub index: u32,
    /// The seed that makes this picture again on its own.
    pub seed: u64,
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// RGB, row by row, three bytes a pixel.
    pub rgb: Vec<u8>,
    /// CLIP similarity to the prompt; computed where the best of several candidates was asked for.
    pub score: Option<f32>,
    /// The words that were drawn, where the prompt left a choice.
    pub chosen: Option<Wording>,
    /// Of an edit: how much each pixel covers what is under it.
    pub patch_mask: Option<Vec<u8>>,
}

/// Measures stages and steps, and guesses what is left.
pub struct Clock {
    start: Instant,
    timings: Timings,
    work: Work,
    prior_step: Mean,
    invert_step: Mean,
    step: Mean,
    decode: Mean,
    upscale: Mean,
}

/// How much a job still has to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Work {
    pub prior_steps: u32,
    /// Steps that find a picture's noise.
    pub invert_steps: u32,
    pub steps: u32,
    pub decodes: u32,
    /// Pictures that go through the model's own upscaler.
    pub upscales: u32,
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
        // What was computed before is no part of this job.
        profile::take().for_each(drop);
        Self {
            start: Instant::now(),
            timings: Timings::default(),
            work,
            prior_step: Mean::default(),
            invert_step: Mean::default(),
            step: Mean::default(),
            decode: Mean::default(),
            upscale: Mean::default(),
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
        for (kind, seconds) in profile::take() {
            self.book(&format!("{stage}: {kind}"), seconds);
        }
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

    pub fn end_upscale(&mut self, since: Instant, load_seconds: f32) {
        self.upscale
            .add(since.elapsed().as_secs_f32() - load_seconds);
        self.work.upscales = self.work.upscales.saturating_sub(1);
        self.end_stage("upscale", since, load_seconds);
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
                + self.work.decodes as f32 * decode
                // As large a picture is made, by a network that is much smaller.
                + self.work.upscales as f32 * self.upscale.get().unwrap_or(decode),
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
