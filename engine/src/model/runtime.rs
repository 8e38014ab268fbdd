//! Where a model runs.

use std::path::PathBuf;

use burn::tensor::{DType, Device};

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
    /// What prompts may name.
    pub prompt_folders: PromptFolders,
}

impl Runtime {
    /// On the processor, with nothing to compute there.
    pub(super) fn for_nothing() -> Self {
        Self {
            device: Device::flex(),
            device_name: String::new(),
            dtype: DType::F32,
            memory_budget_bytes: 0,
            cache_dir: None,
            prompt_folders: PromptFolders::default(),
        }
    }
}

/// Where lie the files that prompts name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptFolders {
    /// Textual inversions, each a word of its own.
    pub embeddings: Option<PathBuf>,
    /// Lists, one choice a line.
    pub wildcards: Option<PathBuf>,
}
