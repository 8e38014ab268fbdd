//! The two halves of the autoencoder.

use burn::tensor::Tensor;

use super::{
    AutoencoderConfig,
    blocks::{Level, MidBlock, Norm, NormKind, Resample},
};
use crate::{
    Result,
    components::layers::{Conv2d, Then},
    heartbeat,
    weights::Parameters,
};

#[derive(Debug, Clone)]
pub(in crate::components::autoencoders) struct Encoder {
    conv_in: Conv2d,
    levels: Vec<Level>,
    mid_block: MidBlock,
    conv_norm_out: Norm,
    conv_out: Conv2d,
}

impl Encoder {
    pub fn init(parameters: &Parameters, config: &AutoencoderConfig) -> Result<Self> {
        let norm = NormKind::Group {
            n_groups: config.norm_num_groups,
        };
        let channels = &config.block_out_channels;
        let last = channels.len() - 1;
        let scope = |name: &str| parameters.scope(name);
        let level = |i: usize| {
            let parameters = parameters.scope(format_args!("down_blocks.{i}"));
            let output = channels[i];
            let resample = if i < last {
                let conv = parameters.scope("downsamplers.0.conv");
                Resample::Halve(Conv2d::init_downsample(&conv, [output, output])?)
            } else {
                Resample::Keep
            };
            Level::init(
                &parameters,
                norm,
                [channels[i.saturating_sub(1)], output],
                config.layers_per_block,
                config.down_attention[i],
                resample,
            )
        };
        Ok(Self {
            conv_in: Conv2d::init(
                &scope("conv_in"),
                [config.in_channels, channels[0]],
                3,
                1,
                1,
            )?,
            levels: (0..=last).map(level).collect::<Result<_>>()?,
            mid_block: MidBlock::init(
                &scope("mid_block"),
                norm,
                channels[last],
                config.mid_attention,
            )?,
            conv_norm_out: Norm::init(&scope("conv_norm_out"), norm, channels[last])?,
            conv_out: Conv2d::init(
                &scope("conv_out"),
                [channels[last], config.encoded_channels()],
                3,
                1,
                1,
            )?,
        })
    }

    pub fn forward(&self, image: Tensor<4>) -> Tensor<4> {
        let mut x = self.conv_in.forward(image);
        for level in &self.levels {
            x = level.forward(x, None);
            heartbeat::beat();
        }
        let x = self.mid_block.forward(x, None);
        let x = self.conv_norm_out.forward(x, None, Then::Silu);
        self.conv_out.forward(x)
    }
}

#[derive(Debug, Clone)]
pub(in crate::components::autoencoders) struct Decoder {
    conv_in: Conv2d,
    mid_block: MidBlock,
    levels: Vec<Level>,
    conv_norm_out: Norm,
    conv_out: Conv2d,
}

impl Decoder {
    pub fn init(parameters: &Parameters, config: &AutoencoderConfig) -> Result<Self> {
        let norm = if config.spatial_norm {
            NormKind::Spatial {
                latent_channels: config.latent_channels,
            }
        } else {
            NormKind::Group {
                n_groups: config.norm_num_groups,
            }
        };
        let outward: Vec<usize> = config.block_out_channels.iter().rev().copied().collect();
        let last = outward.len() - 1;
        let scope = |name: &str| parameters.scope(name);
        let level = |i: usize| {
            let parameters = parameters.scope(format_args!("up_blocks.{i}"));
            let output = outward[i];
            let resample = if i < last {
                let conv = parameters.scope("upsamplers.0.conv");
                Resample::Double(Conv2d::init(&conv, [output, output], 3, 1, 1)?)
            } else {
                Resample::Keep
            };
            Level::init(
                &parameters,
                norm,
                [outward[i.saturating_sub(1)], output],
                config.layers_per_block + 1,
                config.up_attention[i],
                resample,
            )
        };
        Ok(Self {
            conv_in: Conv2d::init(
                &scope("conv_in"),
                [config.latent_channels, outward[0]],
                3,
                1,
                1,
            )?,
            mid_block: MidBlock::init(&scope("mid_block"), norm, outward[0], config.mid_attention)?,
            levels: (0..=last).map(level).collect::<Result<_>>()?,
            conv_norm_out: Norm::init(&scope("conv_norm_out"), norm, outward[last])?,
            conv_out: Conv2d::init(
                &scope("conv_out"),
                [outward[last], config.out_channels],
                3,
                1,
                1,
            )?,
        })
    }

    /// `latents` is what the norms look at.
    pub fn forward(&self, x: Tensor<4>, latents: &Tensor<4>) -> Tensor<4> {
        let x = self.conv_in.forward(x);
        let mut x = self.mid_block.forward(x, Some(latents));
        for level in &self.levels {
            x = level.forward(x, Some(latents));
            heartbeat::beat();
        }
        let x = self.conv_norm_out.forward(x, Some(latents), Then::Silu);
        self.conv_out.forward(x)
    }
}
