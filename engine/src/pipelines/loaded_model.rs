use std::path::PathBuf;

use burn::tensor::{DType, Device};

use super::PipelineEvent;
use crate::{Result, catalogue::UnclipFolder};

/// Where a model runs and what it may use there.
#[derive(Debug, Clone)]
pub struct Runtime {
    pub device: Device,
    /// As in [`DeviceInfo::name`](crate::protocol::DeviceInfo::name): recipes record it.
    pub device_name: String,
    /// The precision of weights and activations; sampling itself is always in f32.
    pub dtype: DType,
    /// For the weights that stay between jobs and the largest component's activations.
    pub memory_budget_bytes: u64,
    /// Keeps values that cost much and depend on the weights alone; `None` computes them each time.
    pub cache_dir: Option<PathBuf>,
}

/// A model folder opened on a device. Components are read when they are first needed and kept while they fit.
pub struct LoadedModel {
    folder: UnclipFolder,
    runtime: Runtime,
}

impl LoadedModel {
    /// Reads and checks the configs and the tokenizer, no weights.
    pub fn open(folder: UnclipFolder, runtime: Runtime) -> Result<Self> {
        Ok(Self { folder, runtime })
    }

    pub fn folder(&self) -> &UnclipFolder {
        &self.folder
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Bytes of the weights held now.
    pub fn in_use_bytes(&self) -> u64 {
        0
    }

    /// Reads ahead what the first job needs and the budget allows, with [`PipelineEvent::Loading`] events.
    pub fn preload(
        &mut self,
        _on_event: &mut dyn FnMut(PipelineEvent) -> Result<()>,
    ) -> Result<()> {
        Ok(())
    }
}
