//! What a job does with the model that its request names, and what is told of it meanwhile.

use super::{
    compute::Compute, job_input::DrawInput, latents::read_latents, log, output::Outbox,
    queue::CancelFlag, told::Told,
};
use crate::{
    Error, Result,
    device::memory,
    foreign_text,
    model::LoraSource,
    operations::{InitialLatents, LoadedModel, OnEvent, PipelineEvent, SourcePicture, embed},
    protocol::{
        self, EmbedRequest, Event, GenerateRequest, IpAdapterChoice, JobId, MemoryUse, ModelId,
        Picture, Timings,
    },
};

/// A model as a job uses it.
#[derive(Clone, Copy)]
pub(super) struct ModelUse<'a> {
    pub id: &'a ModelId,
    pub loras: &'a [LoraSource],
    /// Of a job that is about what pictures show.
    pub looking: Option<Looking<'a>>,
}

/// How a model looks at pictures that does not by itself.
#[derive(Clone, Copy)]
pub(super) struct Looking<'a> {
    /// `None`: through the first that fits.
    pub ip_adapter: Option<&'a IpAdapterChoice>,
}

impl<'a> ModelUse<'a> {
    pub fn plain(id: &'a ModelId) -> Self {
        Self {
            id,
            loras: &[],
            looking: None,
        }
    }
}

impl Compute {
    pub(super) fn embed(
        &mut self,
        job: JobId,
        request: &EmbedRequest,
        pictures: &[SourcePicture],
        cancelled: &CancelFlag,
    ) -> Result<()> {
        let outbox = self.outbox.clone();
        let EmbedRequest { model, compute, .. } = request;
        let model = ModelUse::plain(model);
        self.with_model(job, model, compute, cancelled, |model, on_event| {
            let (embeddings, timings) = embed::run(model, request, pictures, on_event)?;
            outbox.send(Event::Embedded { job, embeddings });
            Ok(timings)
        })
    }

    /// Runs a pipeline that draws with the model that its request names.
    pub(super) fn make(
        &mut self,
        job: JobId,
        input: &DrawInput,
        cancelled: &CancelFlag,
        run: impl Fn(&mut LoadedModel, Option<&InitialLatents>, &mut OnEvent) -> Result<Timings>,
    ) -> Result<()> {
        self.draw(job, input, None, cancelled, run)
    }

    /// As [`Self::make`], of what pictures show: through an IP-Adapter where the model does not look at them by itself.
    pub(super) fn make_looking(
        &mut self,
        job: JobId,
        input: &DrawInput,
        cancelled: &CancelFlag,
        run: impl Fn(&mut LoadedModel, Option<&InitialLatents>, &mut OnEvent) -> Result<Timings>,
    ) -> Result<()> {
        let looking = Looking {
            ip_adapter: input.request.ip_adapter.as_ref(),
        };
        self.draw(job, input, Some(looking), cancelled, run)
    }

    fn draw(
        &mut self,
        job: JobId,
        input: &DrawInput,
        looking: Option<Looking>,
        cancelled: &CancelFlag,
        run: impl Fn(&mut LoadedModel, Option<&InitialLatents>, &mut OnEvent) -> Result<Timings>,
    ) -> Result<()> {
        let latents = input.latents.as_deref().map(read_latents).transpose()?;
        let GenerateRequest {
            model,
            compute,
            loras,
            ..
        } = &input.request;
        let compute = protocol::Compute {
            dtype: input.dtype,
            ..compute.clone()
        };
        let loras = self.catalogue.loras(loras)?;
        let model = ModelUse {
            id: model,
            loras: &loras,
            looking,
        };
        self.with_model(job, model, &compute, cancelled, |model, on_event| {
            run(model, latents.as_ref(), on_event)
        })
    }

    /// Runs a job on a model and tells that it is finished.
    ///
    /// Where the device runs out of memory, all is freed that can be read again, and the job begins anew.
    pub(super) fn with_model(
        &mut self,
        job: JobId,
        model: ModelUse,
        compute: &protocol::Compute,
        cancelled: &CancelFlag,
        run: impl Fn(&mut LoadedModel, &mut OnEvent) -> Result<Timings>,
    ) -> Result<()> {
        let ModelUse { id, loras, looking } = model;
        self.open(id, compute, Some(job))?;
        let Some(loaded) = &mut self.loaded else {
            return Ok(());
        };
        loaded.model.begin_job();
        loaded.model.set_loras(loras)?;
        let ip_adapter = match looking {
            Some(Looking { ip_adapter }) => self
                .catalogue
                .ip_adapter(ip_adapter, loaded.model.files())?,
            None => None,
        };
        loaded.model.set_ip_adapter(ip_adapter.as_ref())?;
        let mut on_event = job_events(&self.outbox, job, id, cancelled);
        let mut told = Told::default();
        let mut result = run(&mut loaded.model, &mut |event| {
            told.pass(event, &mut on_event)
        });
        if let Err(Error::OutOfMemory(reason)) = &result {
            tracing::warn!("out of memory: {}", foreign_text::message(reason));
            self.upscaler = None;
            if loaded.model.give_up_memory() {
                result = run(&mut loaded.model, &mut |event| {
                    told.pass(event, &mut on_event)
                });
            }
        }
        let timings = result.map_err(|error| loaded.model.with_what_fits(error))?;
        loaded.is_warm = true;
        self.outbox.send(Event::Finished {
            job,
            timings,
            memory: memory_use(&loaded.model),
        });
        Ok(())
    }
}

/// Passes on what a job's pipeline tells, and tells it of a cancel.
pub(super) fn job_events(
    outbox: &Outbox,
    job: JobId,
    model: &ModelId,
    cancelled: &CancelFlag,
) -> impl FnMut(PipelineEvent) -> Result<()> {
    move |event| {
        log::work_goes_on();
        pass_on(outbox, job, model, event);
        if cancelled.is_set() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }
}

fn pass_on(outbox: &Outbox, job: JobId, model: &ModelId, event: PipelineEvent) {
    match event {
        PipelineEvent::Planned(plan) => outbox.send(Event::Started { job, plan }),
        PipelineEvent::Loading {
            component,
            done_bytes,
            total_bytes,
        } => outbox.send(Event::Loading {
            model: model.clone(),
            component,
            done_bytes,
            total_bytes,
        }),
        PipelineEvent::Progress(progress) => outbox.send(Event::Progress { job, progress }),
        PipelineEvent::Picture(finished) => {
            let pixels = outbox.send_blob(&finished.rgb);
            let patch_mask = finished.patch_mask.map(|mask| outbox.send_blob(&mask));
            outbox.send(Event::Picture {
                job,
                picture: Picture {
                    index: finished.index,
                    seed: finished.seed,
                    width: finished.width,
                    height: finished.height,
                    pixels,
                    score: finished.score,
                    patch_mask,
                    chosen: finished.chosen,
                },
            });
        }
    }
}

pub(super) fn memory_use(model: &LoadedModel) -> MemoryUse {
    MemoryUse {
        in_use_bytes: model.in_use_bytes(),
        budget_bytes: model.runtime().memory_budget_bytes,
        peak_resident_bytes: memory::peak_resident_bytes(),
    }
}
