//! diffusers' `AutoencoderKL`: latents that are a normal distribution for each cell, Kingma and Welling 2013; Rombach et
//! al. 2022.

use std::borrow::Cow;

use burn::tensor::{DType, Tensor};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    tiles,
    vq::{AutoencoderConfig, AutoencoderParts, Decoder, Encoder, RawCoders},
};
use crate::{
    Result,
    components::{
        diffusers_config::{check_unknown_keys, unsupported},
        layers::Conv2d,
    },
    weights::{
        LoadOptions, LoadReport, ModelFolder, NameRules, Parameters, inspect_component,
        load_component,
    },
};

/// `vae/config.json`, checked.
///
/// Reading one refuses, by key and value, whatever would change the arithmetic and is not here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawConfig")]
pub struct KlConfig {
    pub coders: AutoencoderConfig,
    pub has_quant_conv: bool,
    pub has_post_quant_conv: bool,
    /// What latents are multiplied with for the denoiser.
    pub scaling_factor: f32,
    /// Whether its activations leave the range of half precision.
    pub force_upcast: bool,
}

#[derive(Deserialize)]
#[serde(default)]
struct RawConfig {
    #[serde(flatten)]
    coders: RawCoders,
    scaling_factor: f32,
    use_quant_conv: bool,
    use_post_quant_conv: bool,
    force_upcast: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Default for RawConfig {
    /// The defaults of diffusers' `AutoencoderKL`.
    fn default() -> Self {
        Self {
            coders: RawCoders::default(),
            scaling_factor: 0.18215,
            use_quant_conv: true,
            use_post_quant_conv: true,
            force_upcast: true,
            rest: Map::new(),
        }
    }
}

/// Where the config does not tell.
const LATENT_CHANNELS: usize = 4;
/// Keys that encoding and decoding do not read.
const UNREAD_KEYS: [&str; 1] = ["sample_size"];

impl TryFrom<RawConfig> for KlConfig {
    type Error = String;

    fn try_from(raw: RawConfig) -> Result<Self, String> {
        check_unknown_keys(&raw.rest, |key| UNREAD_KEYS.contains(&key))?;
        if !(raw.scaling_factor > 0.0 && raw.scaling_factor.is_finite()) {
            return Err(unsupported("scaling_factor", &json!(raw.scaling_factor)));
        }
        let coders = AutoencoderConfig {
            double_z: true,
            ..raw.coders.read(LATENT_CHANNELS)?
        };
        coders.check_numbers()?;
        Ok(Self {
            coders,
            has_quant_conv: raw.use_quant_conv,
            has_post_quant_conv: raw.use_post_quant_conv,
            scaling_factor: raw.scaling_factor,
            force_upcast: raw.force_upcast,
        })
    }
}

impl KlConfig {
    /// The network under diffusers' parameter names.
    ///
    /// # Errors
    /// What [`Parameters::tensor`] returns.
    pub fn init(&self, parameters: &Parameters, parts: AutoencoderParts) -> Result<KlAutoencoder> {
        let latent_channels = self.coders.latent_channels;
        let conv = |name: &str, channels: usize| {
            Conv2d::init(&parameters.scope(name), [channels; 2], 1, 1, 0)
        };
        let quant_conv = |is_there: bool| {
            is_there
                .then(|| conv("quant_conv", 2 * latent_channels))
                .transpose()
        };
        Ok(KlAutoencoder {
            encoder: match parts {
                AutoencoderParts::Decoder => None,
                AutoencoderParts::EncoderAndDecoder => Some((
                    Encoder::init(&parameters.scope("encoder"), &self.coders)?,
                    quant_conv(self.has_quant_conv)?,
                )),
            },
            post_quant_conv: self
                .has_post_quant_conv
                .then(|| conv("post_quant_conv", latent_channels))
                .transpose()?,
            decoder: Decoder::init(&parameters.scope("decoder"), &self.coders)?,
            config: self.clone(),
            dtype: parameters.dtype(),
        })
    }
}

/// Old folders call the parts of attention as they were called at first.
fn new_name(name: &str) -> Cow<'_, str> {
    const RENAMED: [(&str, &str); 4] = [
        (".query.", ".to_q."),
        (".key.", ".to_k."),
        (".value.", ".to_v."),
        (".proj_attn.", ".to_out.0."),
    ];
    let renamed = RENAMED.iter().find(|(old, _)| name.contains(old));
    match renamed {
        Some((old, new)) => Cow::Owned(name.replace(old, new)),
        None => Cow::Borrowed(name),
    }
}

fn name_rules(parts: AutoencoderParts) -> NameRules {
    NameRules {
        remap: new_name,
        allow_unused: match parts {
            AutoencoderParts::Decoder => &["encoder.", "quant_conv."],
            AutoencoderParts::EncoderAndDecoder => &[],
        },
    }
}

#[derive(Debug, Clone)]
pub struct KlAutoencoder {
    /// With `quant_conv`.
    encoder: Option<(Encoder, Option<Conv2d>)>,
    post_quant_conv: Option<Conv2d>,
    decoder: Decoder,
    config: KlConfig,
    dtype: DType,
}

impl KlAutoencoder {
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
        let config: KlConfig = folder.read_json("config.json")?;
        let files = folder.weights(options.dtype != DType::F32)?;
        load_component(&files, &name_rules(parts), options, |parameters| {
            config.init(parameters, parts)
        })
    }

    /// Compares the files in `folder` with what its config asks for, by names and shapes alone, the encoder included.
    ///
    /// # Errors
    /// Those of [`Self::load`], but for tensors that do not fit: they are in the report.
    pub fn inspect(folder: &ModelFolder) -> Result<LoadReport> {
        let parts = AutoencoderParts::EncoderAndDecoder;
        let config: KlConfig = folder.read_json("config.json")?;
        let files = folder.weights(false)?;
        inspect_component(&files, &name_rules(parts), DType::F32, |parameters| {
            config.init(parameters, parts)
        })
    }

    /// Whether a tensor of the files is read for these parts.
    pub fn is_read(parts: AutoencoderParts, name: &str) -> bool {
        let unread = name_rules(parts).allow_unused;
        !unread.iter().any(|prefix| name.starts_with(prefix))
    }

    pub fn config(&self) -> &KlConfig {
        &self.config
    }

    /// Whether the encoder was loaded.
    pub fn can_encode(&self) -> bool {
        self.encoder.is_some()
    }

    /// Mean and standard deviation of a picture's latents, unscaled; by parts of `tile_cells` where they say so.
    ///
    /// # Shapes
    /// image `[batch, 3, height, width]` in −1..1 → `[batch, latent channels, rows, columns]` each, in the dtype of the
    /// image
    ///
    /// # Panics
    /// When only the decoder was loaded.
    pub fn encode(&self, image: Tensor<4>, tile_cells: Option<usize>) -> (Tensor<4>, Tensor<4>) {
        /// As diffusers keeps the logarithm of the variance from running away.
        const LOG_VARIANCE_RANGE: [f32; 2] = [-30.0, 20.0];
        let scale = self.config.coders.scale_factor();
        let (encoder, quant_conv) = self
            .encoder
            .as_ref()
            .expect("an autoencoder loaded with its encoder");
        let dtype = image.dtype();
        let moments = tiles::encoded(image.cast(self.dtype), tile_cells, scale, |image| {
            let moments = encoder.forward(image);
            match quant_conv {
                Some(conv) => conv.forward(moments),
                None => moments,
            }
        });
        let channels = self.config.coders.latent_channels;
        let moments = moments.cast(dtype);
        let mean = moments.clone().narrow(1, 0, channels);
        let log_variance = moments.narrow(1, channels, channels);
        let [least, most] = LOG_VARIANCE_RANGE;
        let deviation = (log_variance.clamp(least, most) * 0.5).exp();
        (mean, deviation)
    }

    /// By parts of `tile_cells` where they say so.
    ///
    /// # Shapes
    /// unscaled latents `[batch, latent channels, rows, columns]` → `[batch, 3, height, width]` about −1..1, in the
    /// dtype of the latents
    pub fn decode(&self, latents: Tensor<4>, tile_cells: Option<usize>) -> Tensor<4> {
        let dtype = latents.dtype();
        let scale = self.config.coders.scale_factor();
        tiles::decoded(latents.cast(self.dtype), tile_cells, scale, |latents| {
            let x = match &self.post_quant_conv {
                Some(conv) => conv.forward(latents.clone()),
                None => latents.clone(),
            };
            self.decoder.forward(x, &latents)
        })
        .cast(dtype)
    }
}
