//! The levels of the U.

use burn::tensor::Tensor;

use super::{
    UNetConfig,
    attention::{AddedKvAttention, ContextKv},
    config::BlockKind,
    resnet::{Resample, ResnetBlock},
    transformer::{Shape, Transformer},
};
use crate::{
    Result,
    components::layers::{Conv2d, upsample_nearest},
    weights::Parameters,
};

/// `ResnetDownsampleBlock2D` and, with attention, `SimpleCrossAttnDownBlock2D`; or `DownBlock2D` and
/// `CrossAttnDownBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct DownBlock {
    layers: Vec<Layer>,
    downsampler: Option<Resampler>,
}

/// `ResnetUpsampleBlock2D` and, with attention, `SimpleCrossAttnUpBlock2D`; or `UpBlock2D` and `CrossAttnUpBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct UpBlock {
    layers: Vec<Layer>,
    upsampler: Option<Resampler>,
}

/// `UNetMidBlock2DSimpleCrossAttn`, `UNetMidBlock2DCrossAttn`, or without attention `UNetMidBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct MidBlock {
    before: ResnetBlock,
    attention: Option<ContextAttention>,
    after: ResnetBlock,
}

#[derive(Debug, Clone)]
struct Layer {
    resnet: ResnetBlock,
    attention: Option<ContextAttention>,
}

/// Where the context comes in.
#[derive(Debug, Clone)]
enum ContextAttention {
    AddedKv(Box<AddedKvAttention>),
    Transformer(Box<Transformer>),
}

/// What a [`ContextAttention`] makes of the context tokens: one for each of its layers.
pub(super) type Context = Vec<ContextKv>;

impl ContextAttention {
    /// `level` is counted from the outside.
    fn init(
        parameters: &Parameters,
        config: &UNetConfig,
        level: usize,
        n_heads: usize,
    ) -> Result<Self> {
        let channels = config.block_out_channels[level];
        Ok(match &config.blocks {
            BlockKind::AddedKv => {
                let attention = AddedKvAttention::init(parameters, config, channels, n_heads)?;
                Self::AddedKv(Box::new(attention))
            }
            BlockKind::Transformers { depths, is_linear } => {
                let shape = Shape {
                    channels,
                    n_heads,
                    n_blocks: depths[level],
                    context_width: config.cross_attention_dim,
                    n_groups: config.norm_num_groups,
                    is_linear: *is_linear,
                };
                Self::Transformer(Box::new(Transformer::init(parameters, shape)?))
            }
        })
    }

    fn project(&self, tokens: &Tensor<3>) -> Context {
        match self {
            Self::AddedKv(attention) => vec![attention.project(tokens)],
            Self::Transformer(transformer) => transformer.project(tokens),
        }
    }

    fn forward(&self, x: Tensor<4>, context: &Context) -> Tensor<4> {
        match self {
            Self::AddedKv(attention) => attention.forward(x, &context[0]),
            Self::Transformer(transformer) => transformer.forward(x, context),
        }
    }
}

/// Between two levels.
#[derive(Debug, Clone)]
enum Resampler {
    Resnet(Box<ResnetBlock>),
    Halve(Conv2d),
    Double(Conv2d),
}

impl Resampler {
    fn down(parameters: &Parameters, config: &UNetConfig, channels: usize) -> Result<Self> {
        let parameters = parameters.scope("downsamplers.0");
        Ok(match &config.blocks {
            BlockKind::AddedKv => {
                let resnet =
                    ResnetBlock::init(&parameters, config, [channels; 2], Resample::Halve)?;
                Self::Resnet(Box::new(resnet))
            }
            BlockKind::Transformers { .. } => {
                let conv = parameters.scope("conv");
                Self::Halve(Conv2d::init(&conv, [channels; 2], 3, 2, 1)?)
            }
        })
    }

    fn up(parameters: &Parameters, config: &UNetConfig, channels: usize) -> Result<Self> {
        let parameters = parameters.scope("upsamplers.0");
        Ok(match &config.blocks {
            BlockKind::AddedKv => {
                let resnet =
                    ResnetBlock::init(&parameters, config, [channels; 2], Resample::Double)?;
                Self::Resnet(Box::new(resnet))
            }
            BlockKind::Transformers { .. } => {
                let conv = parameters.scope("conv");
                Self::Double(Conv2d::init(&conv, [channels; 2], 3, 1, 1)?)
            }
        })
    }

    fn forward(&self, x: Tensor<4>, time: &Tensor<2>) -> Tensor<4> {
        match self {
            Self::Resnet(resnet) => resnet.forward(x, time),
            Self::Halve(conv) => conv.forward(x),
            Self::Double(conv) => conv.forward(upsample_nearest(x, 2)),
        }
    }
}

impl Layer {
    /// `context` is that of the attention, where there is one.
    fn forward(&self, x: Tensor<4>, time: &Tensor<2>, context: Option<&Context>) -> Tensor<4> {
        let x = self.resnet.forward(x, time);
        match (&self.attention, context) {
            (Some(attention), Some(context)) => attention.forward(x, context),
            (None, None) => x,
            _ => unreachable!("a context is projected by the attention that takes it"),
        }
    }
}

/// Of each layer with attention, in order.
fn project(layers: &[Layer], tokens: &Tensor<3>) -> Vec<Context> {
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
                let attention = config.down_heads[i].map(|n_heads| (i, n_heads));
                init_layer(parameters, config, j, [input, output], attention)
            })
            .collect::<Result<_>>()?;
        let downsampler = (i + 1 < channels.len())
            .then(|| Resampler::down(parameters, config, output))
            .transpose()?;
        Ok(Self {
            layers,
            downsampler,
        })
    }

    /// # Shapes: tokens `[batch, n_tokens, cross_attention_dim]`
    pub fn project(&self, tokens: &Tensor<3>) -> Vec<Context> {
        project(&self.layers, tokens)
    }

    /// Each result inside the block also goes onto `skips`, for the way up.
    ///
    /// # Shapes: time `[batch, time_embedding_dim]`, activated
    pub fn forward(
        &self,
        mut x: Tensor<4>,
        time: &Tensor<2>,
        context: &[Context],
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
            attention: config
                .mid_heads
                .map(|n_heads| {
                    let parameters = parameters.scope("attentions.0");
                    ContextAttention::init(&parameters, config, innermost, n_heads)
                })
                .transpose()?,
            after: resnet("resnets.1")?,
        })
    }

    pub fn project(&self, tokens: &Tensor<3>) -> Context {
        let attention = self.attention.as_ref();
        attention.map_or_else(Vec::new, |attention| attention.project(tokens))
    }

    pub fn forward(&self, x: Tensor<4>, time: &Tensor<2>, context: &Context) -> Tensor<4> {
        let x = self.before.forward(x, time);
        let x = match &self.attention {
            Some(attention) => attention.forward(x, context),
            None => x,
        };
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
                let attention = config.up_heads[i].map(|n_heads| (last - i, n_heads));
                init_layer(parameters, config, j, [below + skip, output], attention)
            })
            .collect::<Result<_>>()?;
        let upsampler = (i < last)
            .then(|| Resampler::up(parameters, config, output))
            .transpose()?;
        Ok(Self { layers, upsampler })
    }

    pub fn project(&self, tokens: &Tensor<3>) -> Vec<Context> {
        project(&self.layers, tokens)
    }

    /// Takes one of `skips` per layer, the latest first.
    pub fn forward(
        &self,
        mut x: Tensor<4>,
        time: &Tensor<2>,
        context: &[Context],
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

/// `attention` is its level, from the outside, and how many heads it has.
fn init_layer(
    parameters: &Parameters,
    config: &UNetConfig,
    j: usize,
    channels: [usize; 2],
    attention: Option<(usize, usize)>,
) -> Result<Layer> {
    let resnet = ResnetBlock::init(
        &parameters.scope(format_args!("resnets.{j}")),
        config,
        channels,
        Resample::Keep,
    )?;
    let attention = attention
        .map(|(level, n_heads)| {
            let parameters = parameters.scope(format_args!("attentions.{j}"));
            ContextAttention::init(&parameters, config, level, n_heads)
        })
        .transpose()?;
    Ok(Layer { resnet, attention })
}
