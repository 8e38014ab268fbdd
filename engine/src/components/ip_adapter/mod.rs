//! IP-Adapter: pictures say beside the words what a U-Net draws (Ye et al. 2023).
//!
//! Every layer that looks at words looks at a picture's tokens as well, with keys and values of its own, and adds what it
//! saw there. The U-Net itself stays as it is.

mod config;
mod projection;

use burn::tensor::{DType, Tensor};
pub use config::{IpAdapterConfig, ProjectionConfig, ResamplerConfig};
use projection::Projection;

use crate::{
    Error, Result,
    components::layers::Linear,
    weights::{
        LoadOptions, LoadReport, ModelFolder, NameRules, Parameters, TensorFiles,
        inspect_component, load_component,
    },
};

/// An adapter in memory.
#[derive(Debug)]
pub struct IpAdapter {
    projection: Projection,
    /// Of the U-Net's layers in the file's order: to keys and to values.
    layers: Vec<[Linear; 2]>,
    dtype: DType,
}

impl IpAdapter {
    /// # Errors
    /// [`Error::NotAModel`] for a file that is none; those of [`load_component`].
    pub fn load(folder: &ModelFolder, options: &LoadOptions) -> Result<(Self, LoadReport)> {
        let files = folder.weights(options.dtype != DType::F32)?;
        let config = read_config(&files)?;
        load_component(&files, &NameRules::EXACT, options, |parameters| {
            Self::init(parameters, &config)
        })
    }

    /// Compares the file with what its own names and shapes ask for; no tensor is read.
    ///
    /// # Errors
    /// As [`Self::load`], but for tensors that do not fit: they are in the report.
    pub fn inspect(folder: &ModelFolder) -> Result<LoadReport> {
        let files = folder.weights(false)?;
        let config = read_config(&files)?;
        inspect_component(&files, &NameRules::EXACT, DType::F32, |parameters| {
            Self::init(parameters, &config)
        })
    }

    fn init(parameters: &Parameters, config: &IpAdapterConfig) -> Result<Self> {
        let adapters = parameters.scope("ip_adapter");
        let layer = |(index, channels): (usize, &usize)| {
            let layer = adapters.scope(2 * index + 1);
            let linear = |name: &str| {
                Linear::init_without_bias(&layer.scope(name), config.context_width, *channels)
            };
            Ok([linear("to_k_ip")?, linear("to_v_ip")?])
        };
        Ok(Self {
            projection: Projection::init(&parameters.scope("image_proj"), config)?,
            layers: config
                .layers
                .iter()
                .enumerate()
                .map(layer)
                .collect::<Result<_>>()?,
            dtype: parameters.dtype(),
        })
    }

    /// A picture's context tokens.
    ///
    /// # Shapes: `[batch, n, feature width]`, n being 1 for an embedding → `[batch, n_tokens, context_width]`
    pub fn tokens(&self, features: Tensor<3>) -> Tensor<3> {
        self.projection.forward(features.cast(self.dtype))
    }

    /// Keys and values of the tokens, for each of the U-Net's layers in the file's order.
    ///
    /// # Shapes: `[batch, n, context_width]` → `[batch, n, channels]` each
    pub fn keys_and_values(&self, tokens: &Tensor<3>) -> Vec<[Tensor<3>; 2]> {
        let layers = self.layers.iter();
        layers
            .map(|layer| {
                layer
                    .each_ref()
                    .map(|linear| linear.forward(tokens.clone()))
            })
            .collect()
    }
}

fn read_config(files: &TensorFiles) -> Result<IpAdapterConfig> {
    IpAdapterConfig::read(files).map_err(|reason| Error::UnfitIpAdapter {
        path: files.path().to_owned(),
        reason,
    })
}
