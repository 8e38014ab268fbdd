//! The residual block that knows the timestep.

use burn::tensor::{Tensor, module, ops::AvgPoolOptions};

use super::UNetConfig;
use crate::{
    Result,
    components::layers::{Conv2d, GroupNorm, Linear, Modulation, Then, upsample_nearest},
    weights::Parameters,
};

/// diffusers' `ResnetBlock2D`.
#[derive(Debug, Clone)]
pub(super) struct ResnetBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    time_emb_proj: Linear,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
    resample: Resample,
    time_scale_shift: bool,
}

/// What happens to the picture's size inside a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resample {
    Keep,
    /// Means of 2×2 pixels.
    Halve,
    /// Repeated pixels.
    Double,
}

impl ResnetBlock {
    pub fn init(
        parameters: &Parameters,
        config: &UNetConfig,
        [input, output]: [usize; 2],
        resample: Resample,
    ) -> Result<Self> {
        let n_groups = config.norm_num_groups;
        let time_channels = if config.time_scale_shift {
            2 * output
        } else {
            output
        };
        Ok(Self {
            norm1: GroupNorm::init(&parameters.scope("norm1"), n_groups, input, config.norm_eps)?,
            conv1: Conv2d::init(&parameters.scope("conv1"), [input, output], 3, 1, 1)?,
            time_emb_proj: Linear::init(
                &parameters.scope("time_emb_proj"),
                config.time_embedding_dim,
                time_channels,
            )?,
            norm2: GroupNorm::init(
                &parameters.scope("norm2"),
                n_groups,
                output,
                config.norm_eps,
            )?,
            conv2: Conv2d::init(&parameters.scope("conv2"), [output, output], 3, 1, 1)?,
            conv_shortcut: (input != output)
                .then(|| Conv2d::init(&parameters.scope("conv_shortcut"), [input, output], 1, 1, 0))
                .transpose()?,
            resample,
            time_scale_shift: config.time_scale_shift,
        })
    }

    /// `time` is the time embedding, already activated.
    ///
    /// # Shapes
    /// x `[batch, input, height, width]`, time `[batch, time_embedding_dim]`
    pub fn forward(&self, x: Tensor<4>, time: &Tensor<2>) -> Tensor<4> {
        let hidden = self.norm1.forward_fused(x.clone(), None, Then::Silu);
        let hidden = self.conv1.forward(self.resample.apply(hidden));
        let time = self.time_emb_proj.forward(time.clone());
        let time: Tensor<4> = time.unsqueeze_dims(&[2, 3]);
        let hidden = if self.time_scale_shift {
            let [scale, shift]: [Tensor<4>; 2] =
                time.chunk(2, 1).try_into().expect("an even width");
            let modulation = Modulation {
                scale: scale + 1.0,
                shift,
            };
            self.norm2
                .forward_fused(hidden, Some(&modulation), Then::Silu)
        } else {
            self.norm2.forward_fused(hidden + time, None, Then::Silu)
        };
        let hidden = self.conv2.forward(hidden);
        let x = self.resample.apply(x);
        let shortcut = match &self.conv_shortcut {
            Some(conv) => conv.forward(x),
            None => x,
        };
        hidden + shortcut
    }
}

impl Resample {
    fn apply(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Keep => x,
            Self::Halve => module::avg_pool2d(x, AvgPoolOptions::new([2, 2])),
            Self::Double => upsample_nearest(x, 2),
        }
    }
}
