//! Safetensors in, components out.
//!
//! The one door is [`load_component`]. It runs the component's own `init` twice: first against a plan,
//! which allocates nothing and only records the names and shapes that the architecture wants; when these
//! agree with the checked headers of the files, a second time against the files.
//!
//! Files come from strangers: [`TensorFiles::open`] believes nothing in them, and pickles are refused by
//! content. Nothing is mapped into memory, so a file that changes under us is a read error and no fault.
//! On the CPU a component costs its own size in memory and its largest tensor's while loading.

mod bounded;
mod files;
mod float8;
mod folder;
mod header;
pub mod lora;
mod on_disk;
mod parameters;
mod plan;
mod read;
mod remap;
mod seen_folder;
#[cfg(test)]
mod tests;

use std::cell::Cell;

use burn::tensor::{DType, Device};

pub use bounded::{ShortList, UniqueMap};
pub use files::{TensorFile, TensorFiles, TensorKind};
pub(crate) use folder::is_plain_safetensors_name;
pub use folder::{EmbeddedFile, ModelFolder};
pub use parameters::Parameters;
pub use plan::{LoadReport, NameRules};
pub use remap::{Target, View};
pub use seen_folder::{FileFacts, SeenFolder, Views};

use crate::Result;

/// Where a component is to run, and who watches it being loaded.
pub struct LoadOptions<'a> {
    pub device: &'a Device,
    /// F32, F16 or BF16.
    pub dtype: DType,
    /// Whether layers' weights stay in half precision where the file has it and the component runs in F32: half the
    /// memory, and about a tenth slower, as they are widened part by part before every product. For the CPU's kernels.
    pub keeps_half: bool,
    /// Where the layers are noted whose weights LoRAs can change later.
    pub adapters: Option<&'a lora::AdapterTable>,
    /// Called before each tensor. An error stops the loading and is passed on: [`crate::Error::Cancelled`].
    pub on_progress: &'a dyn Fn(LoadProgress) -> Result<()>,
}

impl<'a> LoadOptions<'a> {
    /// Loads without telling anyone.
    pub fn new(device: &'a Device, dtype: DType) -> Self {
        Self {
            device,
            dtype,
            keeps_half: false,
            adapters: None,
            on_progress: &|_| Ok(()),
        }
    }
}

impl LoadOptions<'_> {
    fn can_keep_half(&self) -> bool {
        self.keeps_half && self.dtype == DType::F32 && *self.device == Device::flex()
    }
}

/// How much of one component is loaded, in bytes of what it takes in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadProgress {
    pub done_bytes: u64,
    pub total_bytes: u64,
}

/// Builds a component from its files.
///
/// `init` runs twice and must ask for the same parameters both times.
///
/// # Errors
/// - [`crate::Error::BadWeights`] when a tensor is missing, unused, of another shape or dtype, or not
///   finite in the running dtype; nothing is allocated before names and shapes agree;
/// - [`crate::Error::Io`] when a file cannot be read any more;
/// - whatever `init` and `on_progress` return.
pub fn load_component<T>(
    files: &TensorFiles,
    rules: &NameRules,
    options: &LoadOptions,
    init: impl Fn(&Parameters) -> Result<T>,
) -> Result<(T, LoadReport)> {
    let names = remap::remap_names(files, rules)?;
    let report = plan_component(
        files,
        &names,
        rules,
        (options.dtype, options.can_keep_half()),
        &init,
    )?;
    report.check(files)?;
    let reader = read::Reader {
        files,
        names: &names,
        device: options.device,
        dtype: options.dtype,
        keeps_half: options.can_keep_half(),
        on_progress: options.on_progress,
        progress: Cell::new(LoadProgress {
            done_bytes: 0,
            total_bytes: report.bytes,
        }),
        n_unsynced_bytes: Cell::new(0),
        adapters: options.adapters,
    };
    let component = init(&Parameters::new(&reader))?;
    (options.on_progress)(reader.progress.get())?;
    Ok((component, report))
}

/// Compares a component with its files by names and shapes alone; no tensor is read.
///
/// # Errors
/// [`crate::Error::BadWeights`] when the config cannot belong to the files at all. Missing, unused and
/// unfit tensors are in the report.
pub fn inspect_component<T>(
    files: &TensorFiles,
    rules: &NameRules,
    dtype: DType,
    init: impl Fn(&Parameters) -> Result<T>,
) -> Result<LoadReport> {
    let names = remap::remap_names(files, rules)?;
    plan_component(files, &names, rules, (dtype, false), &init)
}

fn plan_component<T>(
    files: &TensorFiles,
    names: &remap::FileNames,
    rules: &NameRules,
    (dtype, keeps_half): (DType, bool),
    init: &impl Fn(&Parameters) -> Result<T>,
) -> Result<LoadReport> {
    let plan = plan::Plan::new(files, dtype, keeps_half);
    init(&Parameters::new(&plan))?;
    Ok(plan.compare(names, rules))
}
