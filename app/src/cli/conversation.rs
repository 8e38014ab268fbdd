//! One engine, asked one thing at a time and waited for: how the command line uses the link.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use limn_engine::protocol::{
    Compute, DeviceInfo, EditRequest, Event, Failure, GenerateRequest, JobId, MemoryUse, ModelId,
    ModelInfo, Phase, Plan, Progress, Request, Timings,
};

use super::interrupt;
use super::making::Made;
use super::output;
use crate::engine_link::{EngineCommand, EngineEvent, EngineLink};

/// How often Ctrl-C is looked for.
const TICK: Duration = Duration::from_millis(50);
/// After so long a silence the user is told what the wait is for.
const SILENCE: Duration = Duration::from_secs(10);

pub struct Conversation {
    link: EngineLink,
    last_job: u64,
    interrupted: Arc<AtomicBool>,
    last_heard: Instant,
    was_silence_told: bool,
}

/// What a job tells while it runs.
pub enum JobEvent {
    Loading {
        component: String,
        done_bytes: u64,
        total_bytes: u64,
    },
    Started(Plan),
    /// A GPU's kernels are being made: so many by now.
    Tuning {
        n_kernels: u32,
    },
    Progress(Progress),
    Picture(Made),
}

/// How a job ended well.
pub struct Finished {
    pub timings: Timings,
    pub memory: MemoryUse,
    /// Ctrl-C: fewer pictures than asked for.
    pub was_cancelled: bool,
}

impl Conversation {
    /// Starts an engine. From here on the first Ctrl-C cancels the job and a second one ends the program.
    pub fn start(command: EngineCommand) -> anyhow::Result<Self> {
        let interrupted = interrupt::listen()?;
        Ok(Self {
            link: EngineLink::start(command, || {}),
            last_job: 0,
            interrupted,
            last_heard: Instant::now(),
            was_silence_told: false,
        })
    }

    pub fn models(&mut self) -> anyhow::Result<Vec<ModelInfo>> {
        self.link.send(Request::ListModels);
        loop {
            match self.next()? {
                EngineEvent::Event(Event::Models(models)) => return Ok(models),
                other => refuse_failure(&other)?,
            }
        }
    }

    /// The engine's devices; `on_sign_of_life` is called while they are tested.
    pub fn devices(
        &mut self,
        self_test: bool,
        mut on_sign_of_life: impl FnMut(),
    ) -> anyhow::Result<Vec<DeviceInfo>> {
        self.link.send(Request::ListDevices { self_test });
        loop {
            match self.next()? {
                EngineEvent::Event(Event::Devices(devices)) => return Ok(devices),
                EngineEvent::Event(Event::Working { .. }) => on_sign_of_life(),
                other => refuse_failure(&other)?,
            }
        }
    }

    /// The model to use: the one named, else the first that the engine serves.
    pub fn model_or_first(&mut self, named: Option<ModelId>) -> anyhow::Result<ModelId> {
        match named {
            Some(id) => Ok(id),
            None => self
                .models()?
                .into_iter()
                .next()
                .map(|model| model.id)
                .context("there is no model: name a folder with --model PATH"),
        }
    }

    /// Reads a model ahead of its first job.
    pub fn load(
        &mut self,
        model: ModelId,
        compute: Compute,
        mut on_event: impl FnMut(JobEvent) -> anyhow::Result<()>,
    ) -> anyhow::Result<(String, MemoryUse)> {
        self.link.send(Request::Load { model, compute });
        loop {
            match self.next()? {
                EngineEvent::Event(Event::Loaded { device, memory, .. }) => {
                    return Ok((device, memory));
                }
                EngineEvent::Event(event) => pass_on(event, &mut on_event)?,
                _ => {}
            }
        }
    }

    /// Makes pictures from text; `latents` is what the request names as its initial noise.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub fn generate(
        &mut self,
        request: GenerateRequest,
        latents: Option<Arc<[u8]>>,
        on_event: impl FnMut(JobEvent) -> anyhow::Result<()>,
    ) -> anyhow::Result<Finished> {
        let ask = |job| Request::Generate { job, request };
        self.run(ask, latents.into_iter().collect(), on_event)
    }

    /// Makes pictures of a picture; `blobs` are it, its mask and the initial noise.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub fn edit(
        &mut self,
        request: EditRequest,
        blobs: Vec<Arc<[u8]>>,
        on_event: impl FnMut(JobEvent) -> anyhow::Result<()>,
    ) -> anyhow::Result<Finished> {
        self.run(|job| Request::Edit { job, request }, blobs, on_event)
    }

    /// Runs one job to its end. `blobs` are those that its request names.
    ///
    /// # Errors
    /// When the job fails or the engine dies, and whatever `on_event` returns, which cancels the job.
    pub fn run(
        &mut self,
        ask: impl FnOnce(JobId) -> Request,
        blobs: Vec<Arc<[u8]>>,
        mut on_event: impl FnMut(JobEvent) -> anyhow::Result<()>,
    ) -> anyhow::Result<Finished> {
        self.last_job += 1;
        let job = JobId(self.last_job);
        self.last_heard = Instant::now();
        self.link.send_with(ask(job), blobs);
        let mut was_cancelled = false;
        loop {
            if !was_cancelled && self.interrupted.load(Ordering::Relaxed) {
                was_cancelled = true;
                self.link.send(Request::Cancel { job });
            }
            let Some(event) = self.hear() else {
                continue;
            };
            match event {
                EngineEvent::Event(Event::Finished {
                    timings, memory, ..
                }) => {
                    return Ok(Finished {
                        timings,
                        memory,
                        was_cancelled: false,
                    });
                }
                EngineEvent::Event(Event::Cancelled { .. }) => {
                    return Ok(Finished {
                        timings: Timings::default(),
                        memory: MemoryUse::default(),
                        was_cancelled: true,
                    });
                }
                EngineEvent::Picture {
                    picture,
                    pixels,
                    patch_mask,
                    ..
                } => on_event(JobEvent::Picture(Made {
                    picture,
                    pixels,
                    patch_mask,
                }))?,
                EngineEvent::Event(event) => pass_on(event, &mut on_event)?,
                EngineEvent::Died { reason, .. } => bail!(in_one_line(&reason)),
                // The log has it.
                EngineEvent::Notice { .. } | EngineEvent::Connected { .. } => {}
            }
        }
    }

    /// Waits for the next event. Ctrl-C ends the wait: outside a job there is nothing to keep.
    fn next(&mut self) -> anyhow::Result<EngineEvent> {
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                bail!("cancelled");
            }
            match self.hear() {
                Some(EngineEvent::Died { reason, .. }) => bail!(in_one_line(&reason)),
                Some(event) => return Ok(event),
                None => {}
            }
        }
    }
}

impl Conversation {
    /// Listens for a moment. A long silence is told once; the link ends one that is too long.
    fn hear(&mut self) -> Option<EngineEvent> {
        let event = self.link.recv_timeout(TICK);
        if event.is_some() {
            self.last_heard = Instant::now();
            self.was_silence_told = false;
        } else if self.last_heard.elapsed() >= SILENCE && !self.was_silence_told {
            self.was_silence_told = true;
            output::note("waiting for the engine, which says nothing: Ctrl-C ends the wait");
        }
        event
    }
}

/// The few lines of an engine's end.
fn in_one_line(reason: &str) -> String {
    let lines = reason.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

fn refuse_failure(event: &EngineEvent) -> anyhow::Result<()> {
    match event {
        EngineEvent::Event(Event::Failed { failure, .. }) => bail!(failure.message.clone()),
        _ => Ok(()),
    }
}

fn pass_on(
    event: Event,
    on_event: &mut impl FnMut(JobEvent) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    match event {
        Event::Loading {
            component,
            done_bytes,
            total_bytes,
            ..
        } => on_event(JobEvent::Loading {
            component,
            done_bytes,
            total_bytes,
        }),
        Event::Started { plan, .. } => on_event(JobEvent::Started(plan)),
        Event::Progress { progress, .. } => on_event(JobEvent::Progress(progress)),
        Event::Working {
            phase: Phase::Tune,
            n_kernels,
            ..
        } => on_event(JobEvent::Tuning { n_kernels }),
        Event::Failed {
            failure: Failure { message, .. },
            ..
        } => bail!(message),
        _ => Ok(()),
    }
}
