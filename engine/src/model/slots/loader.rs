//! How a component is read, and what is told of it.

use burn::tensor::DType;

use super::super::files::ComponentFiles;
use crate::{
    Result,
    progress::{OnEvent, PipelineEvent},
    weights::{LoadOptions, LoadProgress, LoadReport, ModelFolder},
};

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

/// Passes on a part of a component's progress: there is one call for each of a thousand tensors.
pub(super) struct LoadingTeller<'a, 'b> {
    pub component: &'static str,
    pub n_told: u64,
    pub on_event: &'a mut OnEvent<'b>,
}

impl LoadingTeller<'_, '_> {
    pub fn tell(&mut self, progress: LoadProgress) -> Result<()> {
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
