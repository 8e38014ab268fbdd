//! The components in memory: read when they are needed, given up when another needs their room.

mod loader;
mod room;

use std::{any::Any, cell::RefCell, time::Instant};

use super::{loras::Loras, memory::Sizes, runtime::Runtime, weight_cache::WeightCache};
use crate::{
    Error, Result,
    device::gates,
    progress::OnEvent,
    weights::{LoadOptions, lora::AdapterTable},
};
pub use loader::Loader;
use loader::LoadingTeller;

/// The components of one model that are in memory, of whatever kind.
pub struct Slots {
    runtime: Runtime,
    pub cache: WeightCache,
    held: Vec<Held>,
    /// What the job at hand needs beside weights.
    activation_bytes: u64,
    /// The size of the job's pictures, and what decides their memory.
    reserved: Option<(Sizes, u32, u32)>,
    /// Whether the autoencoder works in parts, for all at once would not fit.
    is_tiled: bool,
    /// What changes the components' weights now.
    loras: Loras,
    /// Whether the device has run out of memory in this job: then one component is held at a time.
    is_tight: bool,
    load_seconds: f32,
}

struct Held {
    name: &'static str,
    stays: u8,
    /// Of its weights as they were read.
    bytes: u64,
    component: Box<dyn Any>,
    adapters: AdapterTable,
    /// [`Loras::key`] of what its weights are changed by.
    changed_by: String,
}

impl Held {
    /// With what LoRAs have laid beside its weights.
    fn bytes(&self) -> u64 {
        self.bytes + self.adapters.changed_bytes()
    }
}

impl Slots {
    pub fn new(runtime: Runtime) -> Self {
        Self {
            cache: WeightCache::new(runtime.cache_dir.clone()),
            runtime,
            held: Vec::new(),
            activation_bytes: 0,
            reserved: None,
            is_tiled: false,
            loras: Loras::default(),
            is_tight: false,
            load_seconds: 0.0,
        }
    }

    /// What the components' weights are to be changed by.
    pub fn loras_key(&self) -> &str {
        &self.loras.key
    }

    /// What changes the components' weights from here on. Those in memory are changed when they are next asked for.
    pub fn set_loras(&mut self, loras: Loras) {
        self.loras = loras;
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Bytes of the weights held now, and of what changes them.
    pub fn in_use_bytes(&self) -> u64 {
        self.held.iter().map(Held::bytes).sum()
    }

    pub fn holds(&self, name: &str) -> bool {
        self.held.iter().any(|held| held.name == name)
    }

    pub fn release(&mut self, name: &str) {
        self.held.retain(|held| held.name != name);
    }

    pub fn release_all_but(&mut self, name: &str) {
        self.held.retain(|held| held.name == name);
        self.runtime.device.memory_cleanup();
    }

    /// Seconds spent on reading weights since the last call.
    pub fn take_load_seconds(&mut self) -> f32 {
        std::mem::take(&mut self.load_seconds)
    }

    /// The component, read unless it is there.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where it does not fit into the budget even alone; those of reading it; what `on_event`
    /// returns.
    pub fn get<T: 'static>(&mut self, loader: &Loader<T>, on_event: &mut OnEvent) -> Result<&T> {
        if self.find(loader).is_none() {
            // Not in memory twice.
            self.release(loader.files.name);
            let adapters = AdapterTable::default();
            let (component, bytes) = self.load_with(loader, Some(&adapters), on_event)?;
            self.held.push(Held {
                name: loader.files.name,
                stays: loader.files.stays,
                bytes,
                component: Box::new(component),
                adapters,
                changed_by: String::new(),
            });
        }
        self.change(loader.files.name)?;
        let held = self.find(loader);
        held.and_then(|held| held.component.downcast_ref())
            .ok_or_else(|| Error::Bug(format!("{} is not there", loader.files.name)))
    }

    /// Reads a component ahead; false where the budget does not allow it.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn preload<T: 'static>(
        &mut self,
        loader: &Loader<T>,
        on_event: &mut OnEvent,
    ) -> Result<bool> {
        if self.find(loader).is_none() {
            let bytes = self.in_use_bytes() + self.needed_bytes(loader)?;
            if bytes > self.runtime.memory_budget_bytes {
                return Ok(false);
            }
            self.get(loader, on_event)?;
        }
        Ok(true)
    }

    /// Reads a component that is not to stay: makes room, and tells of it.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn load<T: 'static>(
        &mut self,
        loader: &Loader<T>,
        on_event: &mut OnEvent,
    ) -> Result<(T, u64)> {
        self.load_with(loader, None, on_event)
    }

    /// Makes what is held of a component what the LoRAs of now make of it.
    fn change(&mut self, name: &str) -> Result<()> {
        let held = self.held.iter_mut().find(|held| held.name == name);
        let Some(held) = held.filter(|held| held.changed_by != self.loras.key) else {
            return Ok(());
        };
        let start = Instant::now();
        self.loras.apply(name, &held.adapters)?;
        held.changed_by.clone_from(&self.loras.key);
        self.shed(Some(name));
        let seconds = start.elapsed().as_secs_f32();
        tracing::info!(
            "{name} changed by {} LoRAs in {seconds:.2} s",
            self.loras.n_files()
        );
        Ok(())
    }

    fn load_with<T: 'static>(
        &mut self,
        loader: &Loader<T>,
        adapters: Option<&AdapterTable>,
        on_event: &mut OnEvent,
    ) -> Result<(T, u64)> {
        let name = loader.files.name;
        self.make_room(name, self.needed_bytes(loader)?)?;
        gates::allocation(name)?;
        let start = Instant::now();
        let teller = RefCell::new(LoadingTeller {
            component: name,
            n_told: 0,
            on_event,
        });
        let options = LoadOptions {
            keeps_half: self.keeps_half(loader)?,
            device: &self.runtime.device,
            dtype: loader.dtype.unwrap_or(self.runtime.dtype),
            adapters,
            on_progress: &|progress| teller.borrow_mut().tell(progress),
        };
        let (loaded, report) = (loader.load)(&loader.files.folder, &options)?;
        let seconds = start.elapsed().as_secs_f32();
        tracing::info!("{name} read in {seconds:.2} s");
        self.load_seconds += seconds;
        Ok((loaded, report.bytes))
    }

    /// Reads a component for one use, beside whatever is reserved; `None` where there is no room for it or its weights
    /// lack something.
    ///
    /// # Errors
    /// Those of reading it, but for weights that lack something; what `on_event` returns.
    pub fn load_once<T: 'static>(
        &mut self,
        loader: &Loader<T>,
        on_event: &mut OnEvent,
    ) -> Result<Option<T>> {
        let name = loader.files.name;
        // What it works on comes on top.
        let bytes = self.needed_bytes(loader)?;
        if bytes + bytes / 2 > self.runtime.memory_budget_bytes {
            return Ok(None);
        }
        // One held already, with fewer parts, would be in memory twice.
        self.release(name);
        match self.load(loader, on_event) {
            Ok((component, _)) => Ok(Some(component)),
            Err(error @ Error::BadWeights { .. }) => {
                tracing::warn!("{name} is done without: {error}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn find<T: 'static>(&self, loader: &Loader<T>) -> Option<&Held> {
        self.held.iter().find(|held| {
            let component = held.component.downcast_ref();
            held.name == loader.files.name && component.is_some_and(loader.is_enough)
        })
    }
}

#[cfg(test)]
mod tests;
