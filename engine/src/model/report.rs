use std::collections::BTreeMap;

use serde::Serialize;

use crate::{protocol::Sampling, weights::LoadReport};

/// What is in a model's folder, found without reading a single tensor.
#[derive(Debug, Clone, Serialize)]
pub struct ModelReport {
    pub name: String,
    pub family: String,
    pub path: String,
    /// Of all weights' files.
    pub bytes: u64,
    pub n_parameters: u64,
    /// Width and height in pixels, where a request does not say.
    pub default_size: (u32, u32),
    /// Sizes step by this many pixels.
    pub stride: u32,
    pub sampler: String,
    pub components: Vec<ComponentReport>,
    /// Which of its family's models it is, where that is told by its tensors.
    pub variant: Option<String>,
    /// What a request gets that does not say.
    pub recipe: Sampling,
    /// Why the recipe is as it is, and what can only be guessed.
    pub notes: Vec<String>,
    /// What lies in its file and is of no component, with how many tensors.
    pub unread: BTreeMap<String, usize>,
    /// What Limn can do with it, where no component has a fault.
    pub abilities: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ComponentReport {
    pub name: String,
    /// Of its weights' files.
    pub bytes: u64,
    /// The dtypes in the files, with how many numbers each has.
    pub dtypes: BTreeMap<String, u64>,
    /// Missing and unused tensors; `None` where `fault` says why it cannot be told.
    pub report: Option<LoadReport>,
    pub fault: Option<String>,
}

impl ComponentReport {
    /// Whether it can be loaded.
    pub fn fits(&self) -> bool {
        self.report.as_ref().is_some_and(LoadReport::fits)
    }
}
