//! Pictures to latents and back: diffusers' `VQModel`, with the conditional norms of `MoVQ` or without.

mod blocks;
mod coders;
mod config;

use burn::tensor::{DType, Tensor};
pub(super) use coders::{Decoder, Encoder};
pub(super) use config::RawCoders;
pub use config::{AutoencoderConfig, AutoencoderParts};

use super::tiles;
use crate::{
    Result,
    components::layers::Conv2d,
    weights::{
        LoadOptions, LoadReport, ModelFolder, Parameters, inspect_component, load_component,
    },
};

/// An autoencoder whose codebook is left alone: latents go in and out without quantising, as Kandinsky's
/// pipelines have it.
#[derive(Debug, Clone)]
pub struct Autoencoder {
    /// With `quant_conv`.
    encoder: Option<(Encoder, Conv2d)>,
    post_quant_conv: Conv2d,
    decoder: Decoder,
    config: AutoencoderConfig,
    dtype: DType,
}

impl Autoencoder {
    /// Loads the autoencoder in `folder`: `config.json` and weights.
    ///
    /// # Errors
    /// [`crate::Error::NotAModel`] naming what its config has and this autoencoder does not; those of
    /// [`ModelFolder::weights`] and [`load_component`].
    pub fn load(
        folder: &ModelFolder,
        parts: AutoencoderParts,
        options: &LoadOptions,
    ) -> Result<(Self, LoadReport)> {
        let config: AutoencoderConfig = folder.read_json("config.json")?;
        let files = folder.weights(options.dtype != DType::F32)?;
        load_component(&files, &parts.name_rules(), options, |parameters| {
            config.init(parameters, parts)
        })
    }

    /// Compares the files in `folder` with what its config asks for, by names and shapes alone,
    /// the encoder included.
    ///
    /// # Errors
    /// Those of [`Self::load`], but for tensors that do not fit: they are in the report.
    pub fn inspect(folder: &ModelFolder) -> Result<LoadReport> {
        let parts = AutoencoderParts::EncoderAndDecoder;
        let config: AutoencoderConfig = folder.read_json("config.json")?;
        let files = folder.weights(false)?;
        inspect_component(&files, &parts.name_rules(), DType::F32, |parameters| {
            config.init(parameters, parts)
        })
    }

    fn init(
        parameters: &Parameters,
        config: &AutoencoderConfig,
        parts: AutoencoderParts,
    ) -> Result<Self> {
        let encoder = match parts {
            AutoencoderParts::Decoder => None,
            AutoencoderParts::EncoderAndDecoder => Some((
                Encoder::init(&parameters.scope("encoder"), config)?,
                Conv2d::init(
                    &parameters.scope("quant_conv"),
                    [config.latent_channels, config.vq_embed_dim],
                    1,
                    1,
                    0,
                )?,
            )),
        };
        Ok(Self {
            encoder,
            post_quant_conv: Conv2d::init(
                &parameters.scope("post_quant_conv"),
                [config.vq_embed_dim, config.latent_channels],
                1,
                1,
                0,
            )?,
            decoder: Decoder::init(&parameters.scope("decoder"), config)?,
            config: config.clone(),
            dtype: parameters.dtype(),
        })
    }

    pub fn config(&self) -> &AutoencoderConfig {
        &self.config
    }

    /// Picture pixels per latent cell, along one side.
    pub fn scale_factor(&self) -> usize {
        self.config.scale_factor()
    }

    /// Whether the encoder was loaded.
    pub fn can_encode(&self) -> bool {
        self.encoder.is_some()
    }

    /// By parts of `tile_cells` where they say so.
    ///
    /// # Shapes
    /// image `[batch, 3, height, width]` in −1..1, multiples of [`Self::scale_factor`] →
    /// `[batch, latent channels, height / scale_factor, width / scale_factor]`, in the dtype of the image
    ///
    /// # Panics
    /// When only the decoder was loaded.
    pub fn encode(&self, image: Tensor<4>, tile_cells: Option<usize>) -> Tensor<4> {
        let (encoder, quant_conv) = self
            .encoder
            .as_ref()
            .expect("an autoencoder loaded with its encoder");
        let [_, _, height, width] = image.dims();
        let scale_factor = self.scale_factor();
        assert!(
            height % scale_factor == 0 && width % scale_factor == 0,
            "a picture of {height}×{width} pixels is no multiple of {scale_factor}"
        );
        let dtype = image.dtype();
        tiles::encoded(image.cast(self.dtype), tile_cells, scale_factor, |image| {
            quant_conv.forward(encoder.forward(image))
        })
        .cast(dtype)
    }

    /// By parts of `tile_cells` where they say so.
    ///
    /// # Shapes
    /// latents `[batch, latent channels, rows, columns]` →
    /// `[batch, 3, scale_factor · rows, scale_factor · columns]` about −1..1, in the dtype of the latents
    pub fn decode(&self, latents: Tensor<4>, tile_cells: Option<usize>) -> Tensor<4> {
        let dtype = latents.dtype();
        let scale = self.scale_factor();
        tiles::decoded(latents.cast(self.dtype), tile_cells, scale, |latents| {
            let x = self.post_quant_conv.forward(latents.clone());
            self.decoder.forward(x, &latents)
        })
        .cast(dtype)
    }
}
