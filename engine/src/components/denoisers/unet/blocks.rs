//! The levels of the U.

use burn::tensor::Tensor;

use super::{
    UNetConfig,
    attention::{AddedKvAttention, ContextKv},
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

#[derive(Debug, Clone)]
struct Layer {
    resnet: ResnetBlock,
    attention: Option<AddedKvAttention>,
}

impl Layer {
    /// `context` is that of the attention, where there is one.
    fn forward(&self, x: Tensor<4>, time: &Tensor<2>, context: Option<&ContextKv>) -> Tensor<4> {
        let x = self.resnet.forward(x, time);
        match (&self.attention, context) {
            (Some(attention), Some(context)) => attention.forward(x, context),
            (None, None) => x,
            _ => unreachable!("a context is projected by the attention that takes it"),
        }
    }
}

/// Of each layer with attention, in order.
fn project(layers: &[Layer], tokens: &Tensor<3>) -> Vec<ContextKv> {
    let attentions = layers.iter().filter_map(|layer| layer.attention.as_ref());
    attentions
        .map(|attention| attention.project(tokens))
        .collect()
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

    /// # Shapes: tokens `[batch, n_tokens, cross_attention_dim]`
    pub fn project(&self, tokens: &Tensor<3>) -> Vec<ContextKv> {
        project(&self.layers, tokens)
    }

    /// Each result inside the block also goes onto `skips`, for the way up.
    ///
    /// # Shapes: time `[batch, time_embedding_dim]`, activated
    pub fn forward(
        &self,
        mut x: Tensor<4>,
        time: &Tensor<2>,
        context: &[ContextKv],
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        for (j, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x, time, context.get(j));
            skips.push(x.clone());
        }
        if let Some(downsampler) = &self.downsampler {
            x = downsampler.forward(x, time);
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

    pub fn project(&self, tokens: &Tensor<3>) -> ContextKv {
        self.attention.project(tokens)
    }

    pub fn forward(&self, x: Tensor<4>, time: &Tensor<2>, context: &ContextKv) -> Tensor<4> {
        let x = self.before.forward(x, time);
        let x = self.attention.forward(x, context);
        self.after.forward(x, time)
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

    pub fn project(&self, tokens: &Tensor<3>) -> Vec<ContextKv> {
        project(&self.layers, tokens)
    }

    /// Takes one of `skips` per layer, the latest first.
    pub fn forward(
        &self,
        mut x: Tensor<4>,
        time: &Tensor<2>,
        context: &[ContextKv],
        skips: &mut Vec<Tensor<4>>,
    ) -> Tensor<4> {
        for (j, layer) in self.layers.iter().enumerate() {
            let skip = skips.pop().expect("a skip for each layer on the way up");
            x = layer.forward(Tensor::cat(vec![x, skip], 1), time, context.get(j));
        }
        match &self.upsampler {
            Some(upsampler) => upsampler.forward(x, time),
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
