//! The config of diffusers' `VQModel`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Autoencoder;
use crate::{
    Result,
    components::diffusers_config::{
        attention_flags, check_levels, check_unknown_keys, check_widths, unsupported,
    },
    weights::{NameRules, Parameters},
};

/// `movq/config.json`, checked.
///
/// Reading one refuses, by key and value, whatever would change the arithmetic and is not here.
/// `scaling_factor` is read by nothing: pipelines of the Kandinsky kind scale no latents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawConfig")]
pub struct AutoencoderConfig {
    pub in_channels: usize,
    pub out_channels: usize,
    pub latent_channels: usize,
    /// The latents' channels between encoder and decoder; the codebook's width, had it a use.
    pub vq_embed_dim: usize,
    pub block_out_channels: Vec<usize>,
    pub layers_per_block: usize,
    /// Whether a level has attention: of the encoder outermost first, of the decoder innermost first.
    pub down_attention: Vec<bool>,
    pub up_attention: Vec<bool>,
    pub mid_attention: bool,
    pub norm_num_groups: usize,
    /// Whether the decoder's norms look at the latents (`MoVQ`, Zheng et al. 2022).
    pub spatial_norm: bool,
    /// Whether the encoder tells how the latents are distributed: their mean, and behind it the logarithm of their
    /// variance.
    pub double_z: bool,
}

/// Which parts of an autoencoder are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoencoderParts {
    /// Enough for pictures from text, at half the memory.
    Decoder,
    EncoderAndDecoder,
}

impl AutoencoderParts {
    /// What a job needs that puts pictures into latents or not.
    pub fn needed(encodes: bool) -> Self {
        if encodes {
            Self::EncoderAndDecoder
        } else {
            Self::Decoder
        }
    }

    /// The codebook is never used: Kandinsky's pipelines decode without quantising.
    pub fn name_rules(self) -> NameRules {
        NameRules {
            allow_unused: match self {
                Self::Decoder => &["quantize.", "encoder.", "quant_conv."],
                Self::EncoderAndDecoder => &["quantize."],
            },
            ..NameRules::EXACT
        }
    }
}

impl AutoencoderConfig {
    /// The network under diffusers' parameter names; load it with [`AutoencoderParts::name_rules`].
    ///
    /// # Errors
    /// What [`Parameters::tensor`] returns.
    pub fn init(&self, parameters: &Parameters, parts: AutoencoderParts) -> Result<Autoencoder> {
        Autoencoder::init(parameters, self, parts)
    }

    /// What comes out of the encoder.
    pub(super) fn encoded_channels(&self) -> usize {
        if self.double_z {
            2 * self.latent_channels
        } else {
            self.latent_channels
        }
    }

    /// Picture pixels per latent cell, along one side.
    pub fn scale_factor(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }
}

/// What the configs of diffusers' autoencoders have in common, with its defaults.
#[derive(Deserialize)]
#[serde(default)]
pub(in crate::components::autoencoders) struct RawCoders {
    in_channels: usize,
    out_channels: usize,
    down_block_types: Vec<String>,
    up_block_types: Vec<String>,
    block_out_channels: Vec<usize>,
    layers_per_block: usize,
    act_fn: String,
    latent_channels: Option<usize>,
    norm_num_groups: usize,
    mid_block_add_attention: bool,
}

impl Default for RawCoders {
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            down_block_types: vec!["DownEncoderBlock2D".to_owned()],
            up_block_types: vec!["UpDecoderBlock2D".to_owned()],
            block_out_channels: vec![64],
            layers_per_block: 1,
            act_fn: "silu".to_owned(),
            latent_channels: None,
            norm_num_groups: 32,
            mid_block_add_attention: true,
        }
    }
}

impl RawCoders {
    /// An encoder and a decoder with plain norms, whose latents have so many channels unless the file says otherwise.
    ///
    /// # Errors
    /// What is not here, by key and value.
    pub fn read(self, latent_channels: usize) -> Result<AutoencoderConfig, String> {
        if self.act_fn != "silu" && self.act_fn != "swish" {
            return Err(unsupported("act_fn", &json!(self.act_fn)));
        }
        let latent_channels = self.latent_channels.unwrap_or(latent_channels);
        let n_levels = self.block_out_channels.len();
        Ok(AutoencoderConfig {
            in_channels: self.in_channels,
            out_channels: self.out_channels,
            latent_channels,
            vq_embed_dim: latent_channels,
            layers_per_block: self.layers_per_block,
            down_attention: attention_flags(
                "down_block_types",
                &self.down_block_types,
                ["DownEncoderBlock2D", "AttnDownEncoderBlock2D"],
                n_levels,
            )?,
            up_attention: attention_flags(
                "up_block_types",
                &self.up_block_types,
                ["UpDecoderBlock2D", "AttnUpDecoderBlock2D"],
                n_levels,
            )?,
            mid_attention: self.mid_block_add_attention,
            norm_num_groups: self.norm_num_groups,
            spatial_norm: false,
            double_z: false,
            block_out_channels: self.block_out_channels,
        })
    }
}

#[derive(Deserialize)]
struct RawConfig {
    #[serde(flatten)]
    coders: RawCoders,
    vq_embed_dim: Option<usize>,
    #[serde(default)]
    norm_type: NormType,
    #[serde(default)]
    lookup_from_codebook: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Of the decoder.
#[derive(Default, Deserialize)]
#[serde(from = "String")]
enum NormType {
    #[default]
    Group,
    Spatial,
    Other(String),
}

impl From<String> for NormType {
    fn from(name: String) -> Self {
        match name.as_str() {
            "group" => Self::Group,
            "spatial" => Self::Spatial,
            _ => Self::Other(name),
        }
    }
}

/// Keys of diffusers' config that decoding without the codebook does not read.
const UNREAD_KEYS: [&str; 4] = [
    "sample_size",
    "num_vq_embeddings",
    "scaling_factor",
    "force_upcast",
];
/// Where the config does not tell.
const LATENT_CHANNELS: usize = 3;

impl TryFrom<RawConfig> for AutoencoderConfig {
    type Error = String;

    fn try_from(raw: RawConfig) -> Result<Self, String> {
        check_unknown_keys(&raw.rest, |key| UNREAD_KEYS.contains(&key))?;
        if raw.lookup_from_codebook {
            return Err(unsupported("lookup_from_codebook", &json!(true)));
        }
        let coders = raw.coders.read(LATENT_CHANNELS)?;
        let config = Self {
            vq_embed_dim: raw.vq_embed_dim.unwrap_or(coders.latent_channels),
            spatial_norm: match raw.norm_type {
                NormType::Spatial => true,
                NormType::Group => false,
                NormType::Other(other) => return Err(unsupported("norm_type", &json!(other))),
            },
            ..coders
        };
        config.check_numbers()?;
        Ok(config)
    }
}

impl AutoencoderConfig {
    /// diffusers' `SpatialNorm` has this number of groups built in.
    pub(super) const SPATIAL_NORM_GROUPS: usize = 32;

    /// Refuses numbers that no network can have, before they become shapes.
    pub(in crate::components::autoencoders) fn check_numbers(&self) -> Result<(), String> {
        check_widths(&[
            ("latent_channels", self.latent_channels),
            ("vq_embed_dim", self.vq_embed_dim),
            ("norm_num_groups", self.norm_num_groups),
        ])?;
        check_levels(
            &self.block_out_channels,
            &[self.layers_per_block],
            |width| {
                width.is_multiple_of(self.norm_num_groups)
                    && (!self.spatial_norm || width.is_multiple_of(Self::SPATIAL_NORM_GROUPS))
            },
        )?;
        for (key, n_channels) in [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
        ] {
            if n_channels != 3 {
                return Err(unsupported(key, &json!(n_channels)));
            }
        }
        // The norms take the latents as they are, and are built for the decoder's own input.
        if self.spatial_norm && self.vq_embed_dim != self.latent_channels {
            return Err(unsupported("vq_embed_dim", &json!(self.vq_embed_dim)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kandinsky() -> Value {
        json!({
            "_class_name": "VQModel",
            "act_fn": "silu",
            "block_out_channels": [128, 256, 256, 512],
            "down_block_types": [
                "DownEncoderBlock2D",
                "DownEncoderBlock2D",
                "DownEncoderBlock2D",
                "AttnDownEncoderBlock2D",
            ],
            "in_channels": 3,
            "latent_channels": 4,
            "layers_per_block": 2,
            "norm_num_groups": 32,
            "norm_type": "spatial",
            "num_vq_embeddings": 16384,
            "out_channels": 3,
            "sample_size": 32,
            "scaling_factor": 0.18215,
            "up_block_types": [
                "AttnUpDecoderBlock2D",
                "UpDecoderBlock2D",
                "UpDecoderBlock2D",
                "UpDecoderBlock2D",
            ],
            "vq_embed_dim": 4,
        })
    }

    #[test]
    fn the_config_of_kandinsky_2_2_is_read() {
        let config: AutoencoderConfig = serde_json::from_value(kandinsky()).expect("a good config");
        assert_eq!(config.scale_factor(), 8);
        assert_eq!(config.down_attention, [false, false, false, true]);
        assert_eq!(config.up_attention, [true, false, false, false]);
        assert!(config.spatial_norm);
    }

    #[test]
    fn what_would_change_the_arithmetic_is_refused_by_key_and_value() {
        for (key, value) in [
            ("norm_type", json!("layer")),
            ("act_fn", json!("relu")),
            ("lookup_from_codebook", json!(true)),
            ("block_out_channels", json!([128, 256, 256])),
            ("block_out_channels", json!([128, 256, 256, 500])),
            ("up_block_types", json!(vec!["UpBlock2D"; 4])),
            ("vq_embed_dim", json!(8)),
            ("layers_per_block", json!(0)),
            ("a_switch_of_the_future", json!(2)),
        ] {
            let mut config = kandinsky();
            config[key] = value.clone();
            let refusal = serde_json::from_value::<AutoencoderConfig>(config)
                .expect_err(&format!("{key} = {value} must be refused"))
                .to_string();
            assert!(refusal.contains(" is "), "{key}: {refusal}");
        }
    }
}
