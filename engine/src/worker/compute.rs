use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::Arc,
};

use burn::tensor::DType;

use super::{
    EXIT_DEVICE_LOST, failed,
    job_input::JobInput,
    log,
    output::Outbox,
    queue::{CancelFlag, Queue, Task},
    run_job::memory_use,
    upscaling::HeldUpscaler,
};
use crate::{
    Error, Result,
    catalogue::Catalogue,
    device::{Devices, gates, is_cpu},
    foreign_text,
    operations::{
        BlendPart, LoadedModel, OnEvent, PipelineEvent, Runtime, blend, edit, generate, shift,
        variations,
    },
    protocol::{self, DtypeChoice, Event, GenerateRequest, JobId, ModelId, Phase, Sampling},
};

/// What it says does not matter, only its length: one chunk.
const WARM_UP_PROMPT: &str = "a picture";
/// Samplers of second order do more from their second step on.
const WARM_UP_STEPS: u32 = 2;

/// The main thread: works the queue off, and holds at most one model.
pub(super) struct Compute {
    pub(super) catalogue: Arc<Catalogue>,
    devices: Arc<Devices>,
    pub(super) outbox: Outbox,
    pub(super) loaded: Option<Loaded>,
    pub(super) upscaler: Option<HeldUpscaler>,
}

pub(super) struct Loaded {
    id: ModelId,
    /// As asked for: the same words mean the same device for the life of the process.
    compute: protocol::Compute,
    pub(super) model: LoadedModel,
    /// It has drawn on this device, so that kernels are compiled and chosen.
    pub(super) is_warm: bool,
}

impl Loaded {
    fn is(&self, id: &ModelId, compute: &protocol::Compute) -> bool {
        let runtime = self.model.runtime();
        let is_f32 = runtime.dtype == DType::F32;
        let is_dtype = match compute.dtype {
            // A CPU is given full precision in any case.
            DtypeChoice::Auto => {
                self.compute.dtype == DtypeChoice::Auto || (is_f32 && is_cpu(&runtime.device_name))
            }
            DtypeChoice::F32 => is_f32,
            DtypeChoice::F16 => runtime.dtype == DType::F16,
        };
        self.id == *id && self.compute.device == compute.device && is_dtype
    }
}

impl Compute {
    pub fn new(catalogue: Arc<Catalogue>, devices: Arc<Devices>, outbox: Outbox) -> Self {
        Self {
            catalogue,
            devices,
            outbox,
            loaded: None,
            upscaler: None,
        }
    }

    pub fn run(mut self, queue: &Queue) -> ExitCode {
        loop {
            let (job, result) = match queue.next() {
                Task::ShutDown => return ExitCode::SUCCESS,
                Task::TestDevices => (None, self.catching(None, Self::test_devices)),
                Task::Load { model, compute } => {
                    let loaded = self.catching(None, |this| this.load(&model, &compute));
                    if loaded.is_ok() && self.is_cold() {
                        queue.push(Task::WarmUp);
                    }
                    (None, loaded)
                }
                Task::WarmUp => {
                    let result = self.catching(None, |this| this.warm_up(queue));
                    match result {
                        Err(error) if is_device_lost(&error) => (None, Err(error)),
                        // Nobody waits for it: a job says for itself what is wrong.
                        Err(error) => {
                            tracing::info!("not warmed up: {error}");
                            continue;
                        }
                        Ok(()) => continue,
                    }
                }
                Task::Job {
                    job,
                    input,
                    cancelled,
                } => (
                    Some(job),
                    self.catching(Some(job), |this| this.do_job(job, &input, &cancelled)),
                ),
            };
            let Err(error) = result else { continue };
            let is_lost = is_device_lost(&error);
            self.outbox.send(match (job, &error) {
                (Some(job), Error::Cancelled) => Event::Cancelled { job },
                _ => failed(job, &error),
            });
            if is_lost {
                return ExitCode::from(EXIT_DEVICE_LOST);
            }
        }
    }

    /// Turns a panic into an error, and frees the model that it may have left half-changed.
    fn catching(
        &mut self,
        job: Option<JobId>,
        body: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        log::work_starts(job);
        let result = catch_unwind(AssertUnwindSafe(|| body(self)));
        log::work_ends();
        result.unwrap_or_else(|_| {
            self.loaded = None;
            self.upscaler = None;
            let message = log::take_panic_message();
            // Where a driver has no other way to say it.
            Err(if gates::is_out_of_memory(&message) {
                Error::OutOfMemory(message)
            } else {
                Error::Bug(message)
            })
        })
    }

    fn test_devices(&mut self) -> Result<()> {
        let outbox = &self.outbox;
        let devices = self.devices.test_all(&mut || {
            outbox.send_if_clear(Event::working(None, Phase::Tune));
        })?;
        self.outbox.send(Event::Devices(devices));
        Ok(())
    }

    fn load(&mut self, id: &ModelId, compute: &protocol::Compute) -> Result<()> {
        self.open(id, compute, None)?;
        let Some(loaded) = &mut self.loaded else {
            return Ok(());
        };
        let outbox = &self.outbox;
        loaded.model.preload(&mut |event| {
            if let PipelineEvent::Loading {
                component,
                done_bytes,
                total_bytes,
            } = event
            {
                outbox.send(Event::Loading {
                    model: id.clone(),
                    component,
                    done_bytes,
                    total_bytes,
                });
            }
            Ok(())
        })?;
        self.outbox.send(Event::Loaded {
            model: id.clone(),
            device: loaded.model.runtime().device_name.clone(),
            memory: memory_use(&loaded.model),
        });
        Ok(())
    }

    /// Whether the loaded model's first picture would wait for kernels, which a processor has none of.
    fn is_cold(&self) -> bool {
        let loaded = self.loaded.as_ref();
        loaded.is_some_and(|loaded| !loaded.is_warm && !is_cpu(&loaded.model.runtime().device_name))
    }

    /// Draws a picture of a few steps and of the model's own size that nobody sees: kernels are compiled and chosen while
    /// the first prompt is being written. What a job interrupts is kept as far as it got.
    fn warm_up(&mut self, queue: &Queue) -> Result<()> {
        if !self.is_cold() {
            return Ok(());
        }
        let Some(loaded) = &mut self.loaded else {
            return Ok(());
        };
        let request = GenerateRequest {
            prompt: WARM_UP_PROMPT.to_owned(),
            sampling: Sampling {
                n_steps: Some(WARM_UP_STEPS),
                ..Sampling::default()
            },
            ..GenerateRequest::blank(loaded.id.clone(), loaded.compute.clone())
        };
        loaded.model.begin_job();
        loaded.model.set_loras(&[])?;
        loaded.model.set_ip_adapter(None)?;
        generate::run(&mut loaded.model, &request, None, &mut |_| {
            log::work_goes_on();
            if queue.has_work() {
                Err(Error::Cancelled)
            } else {
                Ok(())
            }
        })?;
        loaded.is_warm = true;
        tracing::info!("{} is warm", foreign_text::name(&loaded.id.0));
        Ok(())
    }

    /// Makes `self.loaded` the model asked for, on the device asked for.
    pub(super) fn open(
        &mut self,
        id: &ModelId,
        compute: &protocol::Compute,
        job: Option<JobId>,
    ) -> Result<()> {
        if self
            .loaded
            .as_ref()
            .is_some_and(|loaded| loaded.is(id, compute))
        {
            return Ok(());
        }
        let folder = self.catalogue.open(id)?;
        // One model at a time: the old one's memory is free before the new one's is taken.
        self.loaded = None;
        self.upscaler = None;
        let runtime = self.runtime(compute, job)?;
        tracing::info!(
            "{} on {} in {:?}",
            foreign_text::name(&id.0),
            runtime.device_name,
            runtime.dtype
        );
        self.loaded = Some(Loaded {
            id: id.clone(),
            compute: compute.clone(),
            model: LoadedModel::open(folder, runtime)?,
            is_warm: false,
        });
        Ok(())
    }

    /// The device asked for, with what may be used there.
    pub(super) fn runtime(
        &self,
        compute: &protocol::Compute,
        job: Option<JobId>,
    ) -> Result<Runtime> {
        let outbox = &self.outbox;
        let chosen = self.devices.choose(compute, &mut || {
            outbox.send_if_clear(Event::working(job, Phase::Tune));
        })?;
        Ok(Runtime {
            device: chosen.device,
            device_name: chosen.name,
            dtype: chosen.dtype,
            memory_budget_bytes: chosen.memory_budget_bytes,
            cache_dir: crate::device::cache_dir().map(|dir| dir.join("values")),
            prompt_folders: self.catalogue.prompt_folders(),
        })
    }

    /// What the weights of the model take that is held now.
    pub(super) fn model_bytes(&self) -> u64 {
        let loaded = self.loaded.as_ref();
        loaded.map_or(0, |loaded| loaded.model.in_use_bytes())
    }

    pub(super) fn drop_model(&mut self) {
        self.loaded = None;
    }

    fn do_job(&mut self, job: JobId, input: &JobInput, cancelled: &CancelFlag) -> Result<()> {
        match input {
            JobInput::Generate(input) => {
                self.make(job, input, cancelled, |model, latents, on_event| {
                    generate::run(model, &input.request, latents, on_event)
                })
            }
            JobInput::Edit(input, edited) => {
                self.make(job, input, cancelled, |model, latents, on_event| {
                    edit::run(model, &input.request, edited, latents, on_event)
                })
            }
            JobInput::Vary(input, request, source) => {
                self.make_looking(job, input, cancelled, |model, latents, on_event| {
                    variations::run(model, request, source, latents, on_event)
                })
            }
            JobInput::Blend(input, request, parts) => {
                let run = |model: &mut LoadedModel, latents: Option<&_>, on_event: &mut OnEvent| {
                    blend::run(model, request, parts, latents, on_event)
                };
                let is_picture = |part: &BlendPart| matches!(part, BlendPart::Picture(_));
                if parts.iter().any(is_picture) {
                    self.make_looking(job, input, cancelled, run)
                } else {
                    self.make(job, input, cancelled, run)
                }
            }
            JobInput::Shift(input, request, source) => {
                self.make(job, input, cancelled, |model, latents, on_event| {
                    shift::run(model, request, source, latents, on_event)
                })
            }
            JobInput::Upscale(request, source) => self.upscale(job, request, source, cancelled),
            JobInput::Embed(request, pictures) => self.embed(job, request, pictures, cancelled),
        }
    }
}

fn is_device_lost(error: &Error) -> bool {
    let (Error::Device(message) | Error::Bug(message)) = error else {
        return false;
    };
    gates::is_lost(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lost_device_ends_the_process() {
        for (error, is_lost) in [
            (Error::Device("the stream is Poisoned".to_owned()), true),
            (Error::Bug("wgpu error: device lost".to_owned()), true),
            (Error::OutOfMemory("buffer too big".to_owned()), false),
            (Error::Bug("index out of bounds".to_owned()), false),
        ] {
            assert_eq!(is_device_lost(&error), is_lost, "{error}");
        }
    }
}
