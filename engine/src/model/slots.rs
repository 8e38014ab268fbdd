//! The components in memory: read when they are needed, given up when another needs their room.

use std::{any::Any, cell::RefCell, time::Instant};

use burn::tensor::{DType, Device};

use super::{
    files::ComponentFiles, loras::Loras, memory::Sizes, runtime::Runtime, weight_cache::WeightCache,
};
use crate::{
    Error, Result,
    device::gates,
    foreign_text,
    progress::{OnEvent, PipelineEvent},
    weights::{LoadOptions, LoadProgress, LoadReport, ModelFolder, lora::AdapterTable},
};

/// The share of the budget that one component may take on the CPU in full precision.
const MOST_IN_FULL_PRECISION: f64 = 0.6;

/// The components of one model that are in memory, of whatever kind.
pub struct Slots {
    runtime: Runtime,
    pub cache: WeightCache,
    held: Vec<Held>,
    /// What the job at hand needs beside weights.
    activation_bytes: u64,
    /// The size of the job's pictures, and what decides their memory.
    reserved: Option<(Sizes, u32, u32)>,
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

/// Reads a component from its folder.
pub type Load<'a, T> = dyn Fn(&ModelFolder, &LoadOptions) -> Result<(T, LoadReport)> + 'a;

/// How a component is read.
pub struct Loader<'a, T> {
    pub files: &'a ComponentFiles,
    pub load: &'a Load<'a, T>,
    /// Which of the files' tensors are read.
    pub is_read: &'a dyn Fn(&str) -> bool,
    /// Whether one in memory has all that is needed of it now.
    pub is_enough: &'a dyn Fn(&T) -> bool,
    /// The precision of its weights and activations; `None`: the runtime's.
    pub dtype: Option<DType>,
}

impl<'a, T> Loader<'a, T> {
    /// The component as a whole.
    pub fn whole(files: &'a ComponentFiles, load: &'a Load<'a, T>) -> Self {
        Self {
            files,
            load,
            is_read: &|_| true,
            is_enough: &|_| true,
            dtype: None,
        }
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

    /// Keeps memory free for pictures of this size from here on, beside weights of which the largest part has so many
    /// bytes. What was read ahead and leaves too little is given up.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the two do not fit.
    pub fn reserve(
        &mut self,
        sizes: Sizes,
        (width, height): (u32, u32),
        weights_bytes: u64,
    ) -> Result<()> {
        self.activation_bytes = sizes.activation_bytes(width, height);
        self.reserved = Some((sizes, width, height));
        let budget = self.runtime.memory_budget_bytes;
        sizes.check(width, height, weights_bytes, budget)?;
        self.shed(None);
        Ok(())
    }

    /// Gives up components until those that are held fit beside what is reserved, but for the one called `kept`: the
    /// smallest that is enough, which is read again soonest, or else the largest.
    fn shed(&mut self, kept: Option<&str>) {
        while !self.fit(self.in_use_bytes()) {
            let budget = self.runtime.memory_budget_bytes;
            let excess = (self.in_use_bytes() + self.activation_bytes).saturating_sub(budget);
            let others = self.held.iter().enumerate();
            let others = others.filter(|(_, held)| Some(held.name) != kept);
            let victim = others.min_by_key(|(_, held)| {
                let bytes = held.bytes();
                let is_enough = bytes >= excess;
                (!is_enough, if is_enough { bytes } else { u64::MAX - bytes })
            });
            let Some((index, _)) = victim else { break };
            let victim = self.held.remove(index);
            tracing::info!("{} makes room for pictures", victim.name);
        }
    }

    /// Whether weights of so many bytes fit beside what is reserved.
    pub fn fit(&self, weights_bytes: u64) -> bool {
        !self.is_tight && weights_bytes + self.activation_bytes <= self.runtime.memory_budget_bytes
    }

    pub fn begin_job(&mut self) {
        self.is_tight = false;
        self.reserved = None;
    }

    /// Frees all that can be read again, and from here on holds one component at a time; false where that was so.
    pub fn give_up_memory(&mut self) -> bool {
        if std::mem::replace(&mut self.is_tight, true) {
            return false;
        }
        self.held.clear();
        self.runtime.device.memory_cleanup();
        true
    }

    /// To a device that is out of memory the size that would need half.
    #[must_use]
    pub fn with_what_fits(&self, error: Error) -> Error {
        let (Error::OutOfMemory(reason), Some((sizes, width, height))) = (&error, &self.reserved)
        else {
            return error;
        };
        let advice = match sizes.smaller(*width, *height) {
            Some((fitting_width, fitting_height)) => {
                format!("{fitting_width}×{fitting_height} needs half as much")
            }
            None => "it is the smallest size: choose another device".to_owned(),
        };
        let reason = foreign_text::name(reason);
        Error::OutOfMemory(format!(
            "{width}×{height} was too much for it, even with one part of the model at a time; {advice}, or close other programs that use the device ({reason})"
        ))
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

    /// Bytes that a component takes in the running dtype.
    ///
    /// # Errors
    /// When its weights are missing or are no safetensors.
    pub fn needed_bytes<T: 'static>(&self, loader: &Loader<T>) -> Result<u64> {
        match self.find(loader) {
            Some(held) => Ok(held.bytes()),
            None => self.bytes_to_read(loader, self.keeps_half(loader)?),
        }
    }

    fn bytes_to_read<T>(&self, loader: &Loader<T>, keeps_half: bool) -> Result<u64> {
        let dtype = loader.dtype.unwrap_or(self.runtime.dtype);
        loader.files.bytes_in(dtype, keeps_half, loader.is_read)
    }

    /// Whether a component's weights stay in half precision on the CPU: where they would leave too little for anything else.
    fn keeps_half<T>(&self, loader: &Loader<T>) -> Result<bool> {
        let is_on_cpu = self.runtime.device == Device::flex();
        let runs_wide = loader.dtype.unwrap_or(self.runtime.dtype) == DType::F32;
        let share = self.runtime.memory_budget_bytes as f64 * MOST_IN_FULL_PRECISION;
        Ok(is_on_cpu && runs_wide && self.bytes_to_read(loader, false)? as f64 > share)
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

    fn make_room(&mut self, name: &str, needed_bytes: u64) -> Result<()> {
        let budget = self.runtime.memory_budget_bytes;
        if needed_bytes > budget {
            const MIB: u64 = 1 << 20;
            return Err(Error::OutOfMemory(format!(
                "{name} needs {} MiB, and {} MiB may be used",
                needed_bytes / MIB,
                budget / MIB
            )));
        }
        // Where memory is tight all make room.
        while !self.fit(self.in_use_bytes() + needed_bytes) {
            let victim = self
                .held
                .iter()
                .enumerate()
                .min_by_key(|(_, held)| held.stays);
            let Some((index, _)) = victim else { break };
            let victim = self.held.remove(index);
            tracing::info!("{} makes room for {name}", victim.name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

/// Passes on a part of a component's progress: there is one call for each of a thousand tensors.
struct LoadingTeller<'a, 'b> {
    component: &'static str,
    n_told: u64,
    on_event: &'a mut OnEvent<'b>,
}

impl LoadingTeller<'_, '_> {
    fn tell(&mut self, progress: LoadProgress) -> Result<()> {
        const N_PARTS: u64 = 32;
        let LoadProgress {
            done_bytes,
            total_bytes,
        } = progress;
        let part = done_bytes.saturating_mul(N_PARTS) / total_bytes.max(1);
        if part < self.n_told {
            return Ok(());
        }
        self.n_told = part + 1;
        (self.on_event)(PipelineEvent::Loading {
            component: self.component.to_owned(),
            done_bytes,
            total_bytes,
        })
    }
}
