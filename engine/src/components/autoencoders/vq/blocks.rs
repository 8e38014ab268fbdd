//! What encoder and decoder are made of.

use burn::tensor::Tensor;

use super::AutoencoderConfig;
use crate::{
    Result,
    components::layers::{
        Conv2d, GroupNorm, Linear, Modulation, Then, attention, upsample_nearest,
    },
    weights::Parameters,
};

const EPSILON: f64 = 1e-6;

/// How the norms of an encoder or a decoder are made.
#[derive(Debug, Clone, Copy)]
pub(super) enum NormKind {
    Group {
        n_groups: usize,
    },
    /// Conditioned on latents of this many channels.
    Spatial {
        latent_channels: usize,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Norm {
    Group(Box<GroupNorm>),
    Spatial(Box<SpatialNorm>),
}

impl Norm {
    pub fn init(parameters: &Parameters, kind: NormKind, channels: usize) -> Result<Self> {
        Ok(match kind {
            NormKind::Group { n_groups } => {
                let norm = GroupNorm::init(parameters, n_groups, channels, EPSILON)?;
                Self::Group(Box::new(norm))
            }
            NormKind::Spatial { latent_channels } => {
                let norm = SpatialNorm::init(parameters, channels, latent_channels)?;
                Self::Spatial(Box::new(norm))
            }
        })
    }

    /// # Shapes: x `[batch, channels, height, width]`, latents as [`SpatialNorm::forward`] has them
    pub fn forward(&self, x: Tensor<4>, latents: Option<&Tensor<4>>, then: Then) -> Tensor<4> {
        match self {
            Self::Group(norm) => norm.forward_fused(x, None, then),
            Self::Spatial(norm) => {
                let latents = latents.expect("a spatial norm has latents to look at");
                norm.forward(x, latents, then)
            }
        }
    }
}

/// The norm of `MoVQ`, Zheng et al. 2022: a group norm scaled and shifted pixel by pixel by what two convolutions
/// make of the latents.
#[derive(Debug, Clone)]
pub(super) struct SpatialNorm {
    norm_layer: GroupNorm,
    conv_y: Conv2d,
    conv_b: Conv2d,
}

impl SpatialNorm {
    fn init(parameters: &Parameters, channels: usize, latent_channels: usize) -> Result<Self> {
        let conv = |name: &str| {
            Conv2d::init(
                &parameters.scope(name),
                [latent_channels, channels],
                1,
                1,
                0,
            )
        };
        Ok(Self {
            norm_layer: GroupNorm::init(
                &parameters.scope("norm_layer"),
                AutoencoderConfig::SPATIAL_NORM_GROUPS,
                channels,
                EPSILON,
            )?,
            conv_y: conv("conv_y")?,
            conv_b: conv("conv_b")?,
        })
    }

    /// diffusers enlarges the latents first; a 1×1 convolution of repeated pixels is the repeated
    /// convolution, so here it runs at the latents' own size.
    ///
    /// # Shapes
    /// x `[batch, channels, k·rows, k·columns]`, latents `[batch, latent_channels, rows, columns]`
    fn forward(&self, x: Tensor<4>, latents: &Tensor<4>, then: Then) -> Tensor<4> {
        let modulation = Modulation {
            scale: self.conv_y.forward(latents.clone()),
            shift: self.conv_b.forward(latents.clone()),
        };
        self.norm_layer.forward_fused(x, Some(&modulation), then)
    }
}

/// diffusers' `ResnetBlock2D` without a timestep, and `ResnetBlockCondNorm2D`.
#[derive(Debug, Clone)]
pub(super) struct ResnetBlock {
    norm1: Norm,
    conv1: Conv2d,
    norm2: Norm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
}

impl ResnetBlock {
    pub fn init(
        parameters: &Parameters,
        norm: NormKind,
        [input, output]: [usize; 2],
    ) -> Result<Self> {
        Ok(Self {
            norm1: Norm::init(&parameters.scope("norm1"), norm, input)?,
            conv1: Conv2d::init(&parameters.scope("conv1"), [input, output], 3, 1, 1)?,
            norm2: Norm::init(&parameters.scope("norm2"), norm, output)?,
            conv2: Conv2d::init(&parameters.scope("conv2"), [output, output], 3, 1, 1)?,
            conv_shortcut: (input != output)
                .then(|| Conv2d::init(&parameters.scope("conv_shortcut"), [input, output], 1, 1, 0))
                .transpose()?,
        })
    }

    pub fn forward(&self, x: Tensor<4>, latents: Option<&Tensor<4>>) -> Tensor<4> {
        let hidden = self.norm1.forward(x.clone(), latents, Then::Silu);
        let hidden = self.conv1.forward(hidden);
        let hidden = self.norm2.forward(hidden, latents, Then::Silu);
        let hidden = self.conv2.forward(hidden);
        let shortcut = match &self.conv_shortcut {
            Some(conv) => conv.forward(x),
            None => x,
        };
        hidden + shortcut
    }
}

/// Attention from pixels to pixels, with one head.
#[derive(Debug, Clone)]
pub(super) struct PixelAttention {
    norm: Norm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
}

impl PixelAttention {
    pub fn init(parameters: &Parameters, norm: NormKind, channels: usize) -> Result<Self> {
        let linear = |name: &str| Linear::init(&parameters.scope(name), channels, channels);
        let norm_name = match norm {
            NormKind::Group { .. } => "group_norm",
            NormKind::Spatial { .. } => "spatial_norm",
        };
        Ok(Self {
            norm: Norm::init(&parameters.scope(norm_name), norm, channels)?,
            to_q: linear("to_q")?,
            to_k: linear("to_k")?,
            to_v: linear("to_v")?,
            to_out: linear("to_out.0")?,
        })
    }

    pub fn forward(&self, x: Tensor<4>, latents: Option<&Tensor<4>>) -> Tensor<4> {
        const N_HEADS: usize = 1;
        let [batch, channels, height, width] = x.dims();
        let pixels = self
            .norm
            .forward(x.clone(), latents, Then::Nothing)
            .reshape([batch, channels, height * width])
            .swap_dims(1, 2);
        let attended = attention(
            self.to_q.forward(pixels.clone()),
            self.to_k.forward(pixels.clone()),
            self.to_v.forward(pixels),
            None,
            N_HEADS,
        );
        let attended = self
            .to_out
            .forward(attended)
            .swap_dims(1, 2)
            .reshape([batch, channels, height, width]);
        x + attended
    }
}

/// `UNetMidBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct MidBlock {
    before: ResnetBlock,
    attention: Option<PixelAttention>,
    after: ResnetBlock,
}

impl MidBlock {
    pub fn init(
        parameters: &Parameters,
        norm: NormKind,
        channels: usize,
        with_attention: bool,
    ) -> Result<Self> {
        let resnet = |name: &str| ResnetBlock::init(&parameters.scope(name), norm, [channels; 2]);
        Ok(Self {
            before: resnet("resnets.0")?,
            attention: with_attention
                .then(|| PixelAttention::init(&parameters.scope("attentions.0"), norm, channels))
                .transpose()?,
            after: resnet("resnets.1")?,
        })
    }

    pub fn forward(&self, x: Tensor<4>, latents: Option<&Tensor<4>>) -> Tensor<4> {
        let x = self.before.forward(x, latents);
        let x = match &self.attention {
            Some(attention) => attention.forward(x, latents),
            None => x,
        };
        self.after.forward(x, latents)
    }
}

/// One level: `DownEncoderBlock2D`, `UpDecoderBlock2D`, and their kind with attention.
#[derive(Debug, Clone)]
pub(super) struct Level {
    layers: Vec<(ResnetBlock, Option<PixelAttention>)>,
    resample: Resample,
}

#[derive(Debug, Clone)]
pub(super) enum Resample {
    Keep,
    Halve(Conv2d),
    Double(Conv2d),
}

impl Level {
    pub fn init(
        parameters: &Parameters,
        norm: NormKind,
        [input, output]: [usize; 2],
        n_layers: usize,
        with_attention: bool,
        resample: Resample,
    ) -> Result<Self> {
        let layers = (0..n_layers)
            .map(|j| {
                let resnet = ResnetBlock::init(
                    &parameters.scope(format_args!("resnets.{j}")),
                    norm,
                    [if j == 0 { input } else { output }, output],
                )?;
                let attention = with_attention
                    .then(|| {
                        PixelAttention::init(
                            &parameters.scope(format_args!("attentions.{j}")),
                            norm,
                            output,
                        )
                    })
                    .transpose()?;
                Ok((resnet, attention))
            })
            .collect::<Result<_>>()?;
        Ok(Self { layers, resample })
    }

    pub fn forward(&self, mut x: Tensor<4>, latents: Option<&Tensor<4>>) -> Tensor<4> {
        for (resnet, attention) in &self.layers {
            x = resnet.forward(x, latents);
            if let Some(attention) = attention {
                x = attention.forward(x, latents);
            }
        }
        match &self.resample {
            Resample::Keep => x,
            Resample::Halve(conv) => conv.forward(x),
            Resample::Double(conv) => conv.forward(upsample_nearest(x, 2)),
        }
    }
}
