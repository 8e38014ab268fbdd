use burn::tensor::{DType, Tensor};
use serde::Deserialize;

use crate::{
    Result,
    weights::{
        LoadOptions, LoadReport, ModelFolder, NameRules, Parameters, inspect_component,
        load_component,
    },
};

/// Mean and standard deviation of a vision encoder's embeddings: diffusers' `StableUnCLIPImageNormalizer`.
#[derive(Debug, Clone)]
pub struct EmbeddingNormalizer {
    mean: Tensor<2>,
    deviation: Tensor<2>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct NormalizerConfig {
    #[serde(default = "clip_width")]
    pub embedding_dim: usize,
}

fn clip_width() -> usize {
    768
}

impl NormalizerConfig {
    fn init(self, parameters: &Parameters) -> Result<EmbeddingNormalizer> {
        let shape = [1, self.embedding_dim];
        Ok(EmbeddingNormalizer {
            mean: parameters.tensor("mean", shape)?,
            deviation: parameters.tensor("std", shape)?,
        })
    }
}

impl EmbeddingNormalizer {
    /// # Errors
    /// [`crate::Error::NotAModel`] for a config that cannot be read; those of [`ModelFolder::weights`] and
    /// [`load_component`].
    pub fn load(folder: &ModelFolder, options: &LoadOptions) -> Result<(Self, LoadReport)> {
        let config: NormalizerConfig = folder.read_json("config.json")?;
        let files = folder.weights(options.dtype != DType::F32)?;
        load_component(&files, &NameRules::EXACT, options, |parameters| {
            config.init(parameters)
        })
    }

    /// Compares the files in `folder` with what its config asks for, by names and shapes alone.
    ///
    /// # Errors
    /// Those of [`Self::load`], but for tensors that do not fit: they are in the report.
    pub fn inspect(folder: &ModelFolder) -> Result<LoadReport> {
        let config: NormalizerConfig = folder.read_json("config.json")?;
        let files = folder.weights(false)?;
        inspect_component(&files, &NameRules::EXACT, DType::F32, |parameters| {
            config.init(parameters)
        })
    }

    /// `change` under mean 0 and deviation 1.
    ///
    /// # Shapes: `[1, embedding_dim]` in f32 → the same
    pub fn normalised(
        &self,
        embeds: Tensor<2>,
        change: impl FnOnce(Tensor<2>) -> Tensor<2>,
    ) -> Tensor<2> {
        let mean = self.mean.clone().cast(DType::F32);
        let deviation = self.deviation.clone().cast(DType::F32);
        change((embeds - mean.clone()) / deviation.clone()) * deviation + mean
    }
}
