//! The levels of the U.

use burn::tensor::Tensor;

use super::{
    UNetConfig,
    attention::AddedKvAttention,
    resnet::{Resample, ResnetBlock},
};
use crate::{Result, weights::Parameters};

/// `ResnetDownsampleBlock2D` and, with attention, `SimpleCrossAttnDownBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct DownBlock {
    layers: Vec<Layer>,
    downsampler: Option<ResnetBlock>,
}

/// `ResnetUpsampleBlock2D` and, with attention, `SimpleCrossAttnUpBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct UpBlock {
    layers: Vec<Layer>,
    upsampler: Option<ResnetBlock>,
}

/// `UNetMidBlock2DSimpleCrossAttn`.
#[derive(Debug, Clone)]
pub(super) struct MidBlock {
    before: ResnetBlock,
    attention: AddedKvAttention,
    after: ResnetBlock,
}

/// What a network knows beside its latents, for one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// `[batch, time_embedding_dim]`, activated.
    pub time: &'a Tensor<2>,
    /// `[batch, n_tokens, cross_attention_dim]`
    pub tokens: &'a Tensor<3>,
}

#[derive(Debug, Clone)]
struct Layer {
    resnet: ResnetBlock,
    attention: Option<AddedKvAttention>,
}

impl Layer {
    fn forward(&self, x: Tensor<4>, context: Context) -> Tensor<4> {
        let x = self.resnet.forward(x, context.time);
        match &self.attention {
            Some(attention) => attention.forward(x, context.tokens),
            None => x,
        }
    }
}

impl DownBlock {
    /// The `i`-th level, outermost first.
    pub fn init(parameters: &Parameters, config: &UNetConfig, i: usize) -> Result<Self> {
        let channels = &config.block_out_channels;
        let output = channels[i];
        let layers = (0..config.layers_per_block[i])
            .map(|j| {
                let input = if j == 0 {
                    channels[i.saturating_sub(1)]
                } else {
                    output
                };
                init_layer(
                    parameters,
                    config,
                    j,
                    [input, output],
                    config.down_attention[i].then_some(config.head_widths[i]),
                )
            })
            .collect::<Result<_>>()?;
        let downsampler = (i + 1 < channels.len())
            .then(|| {
                ResnetBlock::init(
                    &parameters.scope("downsamplers.0"),
                    config,
                    [output, output],
                    Resample::Halve,
                )
            })
            .transpose()?;
        Ok(Self {
            layers,
            downsampler,
        })
    }

    /// Each result inside the block also goes onto `skips`, for the way up.
    pub fn forward(
        &self,
        mut x: Tensor<4>,
        context: Context,
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        for layer in &self.layers {
            x = layer.forward(x, context);
            skips.push(x.clone());
        }
        if let Some(downsampler) = &self.downsampler {
            x = downsampler.forward(x, context.time);
            skips.push(x.clone());
        }
        x
    }
}

impl MidBlock {
    pub fn init(parameters: &Parameters, config: &UNetConfig) -> Result<Self> {
        let innermost = config.block_out_channels.len() - 1;
        let channels = config.block_out_channels[innermost];
        let resnet = |name: &str| {
            ResnetBlock::init(
                &parameters.scope(name),
                config,
                [channels; 2],
                Resample::Keep,
            )
        };
        Ok(Self {
            before: resnet("resnets.0")?,
            attention: AddedKvAttention::init(
                &parameters.scope("attentions.0"),
                config,
                channels,
                config.head_widths[innermost],
            )?,
            after: resnet("resnets.1")?,
        })
    }

    pub fn forward(&self, x: Tensor<4>, context: Context) -> Tensor<4> {
        let x = self.before.forward(x, context.time);
        let x = self.attention.forward(x, context.tokens);
        self.after.forward(x, context.time)
    }
}

impl UpBlock {
    /// The `i`-th level, innermost first.
    pub fn init(parameters: &Parameters, config: &UNetConfig, i: usize) -> Result<Self> {
        let outward: Vec<usize> = config.block_out_channels.iter().rev().copied().collect();
        let last = outward.len() - 1;
        let output = outward[i];
        let n_layers = config.layers_per_block[last - i] + 1;
        let layers = (0..n_layers)
            .map(|j| {
                let below = if j == 0 {
                    outward[i.saturating_sub(1)]
                } else {
                    output
                };
                let skip = if j + 1 == n_layers {
                    outward[(i + 1).min(last)]
                } else {
                    output
                };
                // diffusers indexes the heads' widths from the outside here too.
                let head_width = config.up_attention[i].then_some(config.head_widths[i]);
                init_layer(parameters, config, j, [below + skip, output], head_width)
            })
            .collect::<Result<_>>()?;
        let upsampler = (i < last)
            .then(|| {
                ResnetBlock::init(
                    &parameters.scope("upsamplers.0"),
                    config,
                    [output, output],
                    Resample::Double,
                )
            })
            .transpose()?;
        Ok(Self { layers, upsampler })
    }

    /// Takes one of `skips` per layer, the latest first.
    pub fn forward(
        &self,
        mut x: Tensor<4>,
        context: Context,
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        for layer in &self.layers {
            let skip = skips.pop().expect("a skip for each layer on the way up");
            x = layer.forward(Tensor::cat(vec![x, skip], 1), context);
        }
        match &self.upsampler {
            Some(upsampler) => upsampler.forward(x, context.time),
            None => x,
        }
    }
}

fn init_layer(
    parameters: &Parameters,
    config: &UNetConfig,
    j: usize,
    channels: [usize; 2],
    head_width: Option<usize>,
) -> Result<Layer> {
    let resnet = ResnetBlock::init(
        &parameters.scope(format_args!("resnets.{j}")),
        config,
        channels,
        Resample::Keep,
    )?;
    let attention = head_width
        .map(|head_width| {
            AddedKvAttention::init(
                &parameters.scope(format_args!("attentions.{j}")),
                config,
                channels[1],
                head_width,
            )
        })
        .transpose()?;
    Ok(Layer { resnet, attention })
}
