//! The config of diffusers' `UNet2DConditionModel`, as far as Limn has its blocks.

mod raw;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::json;

use self::raw::RawConfig;
use super::UNet;
use crate::{
    Result,
    components::diffusers_config::{
        EPSILONS, check_float, check_levels, check_widths, unsupported,
    },
    weights::Parameters,
};

/// `unet/config.json`, checked.
///
/// Reading one refuses, by key and value, whatever would change the arithmetic and is not here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawConfig")]
pub struct UNetConfig {
    /// 4, or 9 for inpainting: latents, masked latents, mask.
    pub in_channels: usize,
    /// Twice the latents' channels where the variance is learned.
    pub out_channels: usize,
    pub block_out_channels: Vec<usize>,
    pub layers_per_block: Vec<usize>,
    /// How many heads the attention of each level has, down outermost first, up innermost first; `None` where there is
    /// no attention.
    pub down_heads: Vec<Option<usize>>,
    pub up_heads: Vec<Option<usize>>,
    /// Of the middle.
    pub mid_heads: Option<usize>,
    pub blocks: BlockKind,
    pub norm_num_groups: usize,
    pub norm_eps: f64,
    pub time_scale_shift: bool,
    pub resnet_skip_time_act: bool,
    pub time_embedding_dim: usize,
    pub flip_sin_to_cos: bool,
    pub freq_shift: f32,
    /// The width of a context token.
    pub cross_attention_dim: usize,
    /// The width of the image embedding that steers it; `None` where context tokens do.
    pub image_embed_width: Option<usize>,
    /// What is added to the time embedding beside the timestep, where context tokens steer.
    pub vector_input: Option<VectorInput>,
}

/// A vector that is added to the time embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorInput {
    /// `addition_embed_type: text_time`: a text's embedding and, behind it, numbers as sinusoids of so many each.
    TextTime { width: usize, number_width: usize },
    /// `class_embed_type: projection`: through two linear layers.
    Projection { width: usize },
    /// `class_embed_type: identity`: as it is.
    Identity,
}

/// What the levels are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockKind {
    /// `SimpleCrossAttnDownBlock2D` and its kin: attention to context and pixels at once, sizes changed by residual
    /// blocks.
    AddedKv,
    /// `CrossAttnDownBlock2D` and its kin: transformers, sizes changed by convolutions.
    Transformers {
        /// Of the transformers of each level, outermost first; the middle has the innermost's.
        depths: Vec<usize>,
        /// Whether they are entered and left by linear layers.
        is_linear: bool,
    },
}

impl UNetConfig {
    /// The network under diffusers' parameter names.
    ///
    /// # Errors
    /// What [`Parameters::tensor`] returns.
    pub fn init(&self, parameters: &Parameters) -> Result<UNet> {
        UNet::init(parameters, self)
    }

    /// Channels of each layer that looks at context tokens alone, in the order down, up, middle; none where attention is to
    /// context and pixels at once.
    pub fn crossing_widths(&self) -> Vec<usize> {
        let BlockKind::Transformers { depths, .. } = &self.blocks else {
            return Vec::new();
        };
        let level = |level: usize, n_layers: usize| {
            std::iter::repeat_n(self.block_out_channels[level], n_layers * depths[level])
        };
        let n_levels = self.block_out_channels.len();
        let down = (0..n_levels).filter(|i| self.down_heads[*i].is_some());
        let down = down.flat_map(|i| level(i, self.layers_per_block[i]));
        let up = (0..n_levels).filter(|i| self.up_heads[*i].is_some());
        let up = up.map(|i| n_levels - 1 - i);
        let up = up.flat_map(|i| level(i, self.layers_per_block[i] + 1));
        let mid = self.mid_heads.map(|_| level(n_levels - 1, 1));
        down.chain(up).chain(mid.into_iter().flatten()).collect()
    }

    /// Latent height and width must be multiples of this.
    pub fn latent_multiple(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }
}

impl VectorInput {
    /// The width of what goes into its linear layers, where it has any.
    pub fn input_width(self) -> Option<usize> {
        match self {
            Self::TextTime { width, .. } | Self::Projection { width } => Some(width),
            Self::Identity => None,
        }
    }
}

impl UNetConfig {
    /// Refuses numbers that no network can have, before they become shapes.
    fn check_numbers(&self) -> Result<(), String> {
        check_widths(&[
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("norm_num_groups", self.norm_num_groups),
            ("cross_attention_dim", self.cross_attention_dim),
            ("encoder_hid_dim", self.image_embed_width.unwrap_or(1)),
            ("time_embedding_dim", self.time_embedding_dim),
            (
                "projection_class_embeddings_input_dim",
                self.vector_input
                    .and_then(VectorInput::input_width)
                    .unwrap_or(1),
            ),
        ])?;
        check_float("norm_eps", self.norm_eps, EPSILONS)?;
        // Half the first width is the number of frequencies, of which the shift leaves some.
        let n_frequencies = self.block_out_channels.first().map_or(0, |width| width / 2);
        let most = n_frequencies as f64 - 0.5;
        check_float("freq_shift", self.freq_shift.into(), -1e3..=most)?;
        let channels = &self.block_out_channels;
        check_levels(channels, &self.layers_per_block, |width| {
            width % 2 == 0 && width.is_multiple_of(self.norm_num_groups)
        })?;
        let heads = self.down_heads.iter().chain(&self.up_heads).flatten();
        if heads.chain(&self.mid_heads).any(|heads| *heads == 0) {
            return Err(unsupported("attention_head_dim", &json!(self.down_heads)));
        }
        if let BlockKind::Transformers { depths, .. } = &self.blocks {
            const MAX_DEPTH: usize = 64;
            if depths.iter().any(|depth| *depth > MAX_DEPTH) {
                return Err(unsupported("transformer_layers_per_block", &json!(depths)));
            }
        }
        Ok(())
    }
}
