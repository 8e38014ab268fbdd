use super::{
    compute::Compute,
    queue::CancelFlag,
    run_job::{ModelUse, job_events},
    told::Told,
};
use crate::{
    Error, Result,
    catalogue::UpscalerFile,
    components::upscalers::MAX_TILE_BYTES,
    device::memory,
    foreign_text,
    operations::{LoadedUpscaler, OnEvent, SourcePicture, UpscaleJob, redraw, upscale},
    protocol::{self, Event, GenerateRequest, JobId, MemoryUse, ModelId, UpscaleRequest, Upscaler},
};

/// The upscaler of the last job: people make one picture after another larger.
pub(super) struct HeldUpscaler {
    id: ModelId,
    /// As asked for.
    compute: protocol::Compute,
    upscaler: LoadedUpscaler,
}

impl HeldUpscaler {
    /// Whether there is a tile for so little memory.
    fn fits(&self, device_bytes: u64) -> bool {
        let dtype = self.upscaler.runtime().dtype;
        self.upscaler.config().tiling(device_bytes, dtype).is_ok()
    }
}

impl Compute {
    /// Makes a picture larger.
    pub(super) fn upscale(
        &mut self,
        job: JobId,
        request: &UpscaleRequest,
        source: &SourcePicture,
        cancelled: &CancelFlag,
    ) -> Result<()> {
        // Before anything is read for it.
        upscale::larger_size(source.size(), request.scale)?;
        let file = match &request.upscaler {
            Some(Upscaler::Diffusion { generate, strength }) => {
                let GenerateRequest {
                    model,
                    compute,
                    loras,
                    ..
                } = generate;
                let loras = self.catalogue.loras(loras)?;
                let input = (source, request.scale);
                let model = ModelUse {
                    loras: &loras,
                    ..ModelUse::plain(model)
                };
                return self.with_model(job, model, compute, cancelled, |model, on_event| {
                    redraw::run(model, generate, *strength, input, on_event)
                });
            }
            Some(Upscaler::Resample) => None,
            Some(Upscaler::File(id)) => Some(self.catalogue.open_upscaler(id)?),
            None => self.catalogue.best_upscaler(request.drawn_by.as_deref()),
        };
        let id = file.as_ref().map(|file| file.id.clone());
        let id = id.unwrap_or_else(|| ModelId(String::new()));
        let outbox = self.outbox.clone();
        let mut on_event = job_events(&outbox, job, &id, cancelled);
        let mut device_bytes = match &file {
            Some(file) => self.hold_or_make_room(file, &request.compute, job, &mut on_event)?,
            None => 0,
        };
        let host_bytes = memory::available_ram_bytes().unwrap_or(u64::MAX);
        let mut told = Told::default();
        let timings = loop {
            let held = self.upscaler.as_ref().filter(|_| file.is_some());
            let upscale_job = UpscaleJob {
                source,
                scale: request.scale,
                upscaler: held.map(|held| &held.upscaler),
                device_bytes,
                host_bytes,
            };
            match upscale::run(&upscale_job, &mut |event| told.pass(event, &mut on_event)) {
                // In smaller tiles, down to the smallest: that one's error names what it needs.
                Err(Error::OutOfMemory(reason))
                    if held.is_some_and(|held| held.fits(device_bytes)) =>
                {
                    tracing::warn!("out of memory: {}", foreign_text::message(reason));
                    device_bytes = device_bytes.min(MAX_TILE_BYTES) / 4;
                    self.drop_model();
                }
                result => break result?,
            }
        };
        let held = self.upscaler.as_ref().filter(|_| file.is_some());
        let memory = MemoryUse {
            in_use_bytes: self.model_bytes() + held.map_or(0, |held| held.upscaler.bytes()),
            budget_bytes: held.map_or(host_bytes, |held| {
                held.upscaler.runtime().memory_budget_bytes
            }),
            peak_resident_bytes: memory::peak_resident_bytes(),
        };
        self.outbox.send(Event::Finished {
            job,
            timings,
            memory,
        });
        Ok(())
    }

    /// As [`Self::hold`]; where the device has no room for its weights, the model gives way.
    fn hold_or_make_room(
        &mut self,
        file: &UpscalerFile,
        compute: &protocol::Compute,
        job: JobId,
        on_event: &mut OnEvent,
    ) -> Result<u64> {
        match self.hold(file, compute, job, on_event) {
            Err(Error::OutOfMemory(reason)) if self.model_bytes() > 0 => {
                tracing::warn!("out of memory: {}", foreign_text::message(reason));
                self.drop_model();
                self.hold(file, compute, job, on_event)
            }
            result => result,
        }
    }

    /// Makes `self.upscaler` the one asked for, and tells how much memory its work may take.
    fn hold(
        &mut self,
        file: &UpscalerFile,
        compute: &protocol::Compute,
        job: JobId,
        on_event: &mut OnEvent,
    ) -> Result<u64> {
        let is_held = self
            .upscaler
            .as_ref()
            .is_some_and(|held| held.id == file.id && held.compute == *compute);
        if !is_held {
            self.upscaler = None;
            let runtime = self.runtime(compute, Some(job))?;
            self.upscaler = Some(HeldUpscaler {
                id: file.id.clone(),
                compute: compute.clone(),
                upscaler: LoadedUpscaler::load(file, runtime, on_event)?,
            });
        }
        let Some(HeldUpscaler { upscaler, .. }) = &self.upscaler else {
            return Ok(0);
        };
        let runtime = upscaler.runtime();
        let free_bytes = runtime.memory_budget_bytes.saturating_sub(upscaler.bytes());
        let beside_model = free_bytes.saturating_sub(self.model_bytes());
        match file.config.tiling(beside_model, runtime.dtype) {
            Ok(_) => Ok(beside_model),
            // The model gives way: it is read again when it is needed.
            Err(Error::OutOfMemory(_)) => {
                self.drop_model();
                Ok(free_bytes)
            }
            Err(error) => Err(error),
        }
    }
}
