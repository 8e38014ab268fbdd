//! `RRDBNet`: residual-in-residual dense blocks (ESRGAN, Wang et al. 2018), under Real-ESRGAN's parameter names.

use burn::tensor::{Device, Tensor};

use super::config::RrdbConfig;
use crate::{
    Result,
    components::layers::{Conv2d, leaky_relu, pixel_unshuffle, upsample_nearest},
    weights::Parameters,
};

const SLOPE: f64 = 0.2;
/// How much of a block's result is added to what came in.
const RESIDUAL_SCALE: f64 = 0.2;
const N_DENSE_BLOCKS: usize = 3;
const N_CONVS: usize = 5;

#[derive(Debug, Clone)]
pub(super) struct RrdbNet {
    conv_first: Conv2d,
    body: Vec<[DenseBlock; N_DENSE_BLOCKS]>,
    conv_body: Conv2d,
    /// One for each doubling.
    conv_up: Vec<Conv2d>,
    conv_hr: Conv2d,
    conv_last: Conv2d,
    shuffle_factor: usize,
    device: Device,
}

impl RrdbNet {
    pub fn init(parameters: &Parameters, config: &RrdbConfig) -> Result<Self> {
        let n_features = config.n_features;
        let same = [n_features, n_features];
        let conv = |name: &str, channels| conv3x3(&parameters.scope(name), channels);
        let body = (0..config.n_blocks).map(|i_block| {
            let block = parameters.scope(format!("body.{i_block}"));
            let dense = |i: usize| DenseBlock::init(&block.scope(format!("rdb{i}")), config);
            Ok([dense(1)?, dense(2)?, dense(3)?])
        });
        Ok(Self {
            conv_first: conv("conv_first", [config.in_channels(), n_features])?,
            body: body.collect::<Result<_>>()?,
            conv_body: conv("conv_body", same)?,
            conv_up: (1..=config.n_doublings)
                .map(|i| conv(&format!("conv_up{i}"), same))
                .collect::<Result<_>>()?,
            conv_hr: conv("conv_hr", same)?,
            conv_last: conv("conv_last", [n_features, config.channels])?,
            shuffle_factor: config.shuffle_factor,
            device: parameters.device().clone(),
        })
    }

    pub fn device(&self) -> Device {
        self.device.clone()
    }

    /// # Shapes: `[1, channels, height, width]` in 0..1 → `[1, channels, scale · height, scale · width]`
    pub fn forward(
        &self,
        x: Tensor<4>,
        on_part: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Tensor<4>> {
        let first = self
            .conv_first
            .forward(pixel_unshuffle(x, self.shuffle_factor));
        let mut features = first.clone();
        for blocks in &self.body {
            let mut inner = features.clone();
            for block in blocks {
                on_part()?;
                inner = block.forward(inner);
            }
            features = inner * RESIDUAL_SCALE + features;
        }
        let mut x = self.conv_body.forward(features) + first;
        for conv in &self.conv_up {
            on_part()?;
            x = leaky_relu(conv.forward(upsample_nearest(x, 2)), SLOPE);
        }
        on_part()?;
        let x = leaky_relu(self.conv_hr.forward(x), SLOPE);
        on_part()?;
        Ok(self.conv_last.forward(x))
    }
}

/// Each convolution sees what came in and all that those before it made.
#[derive(Debug, Clone)]
struct DenseBlock {
    convs: [Conv2d; N_CONVS],
    /// ESRGAN+ (Rakotonirina and Rasoanaivo 2020): past the second and fourth convolution.
    shortcut: Option<Conv2d>,
}

impl DenseBlock {
    fn init(parameters: &Parameters, config: &RrdbConfig) -> Result<Self> {
        let (n_features, n_growth) = (config.n_features, config.n_growth);
        let conv = |i: usize| {
            let n_outputs = if i < N_CONVS { n_growth } else { n_features };
            let channels = [n_features + (i - 1) * n_growth, n_outputs];
            conv3x3(&parameters.scope(format!("conv{i}")), channels)
        };
        let shortcut = config.has_shortcuts.then(|| {
            let parameters = parameters.scope("conv1x1");
            Conv2d::init_without_bias(&parameters, [n_features, n_growth], 1, 1, 0)
        });
        Ok(Self {
            convs: [conv(1)?, conv(2)?, conv(3)?, conv(4)?, conv(5)?],
            shortcut: shortcut.transpose()?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [grow @ .., last] = &self.convs;
        let mut seen = vec![x.clone()];
        for (i, conv) in grow.iter().enumerate() {
            let mut grown = leaky_relu(conv.forward(Tensor::cat(seen.clone(), 1)), SLOPE);
            grown = match (&self.shortcut, i) {
                (Some(shortcut), 1) => grown + shortcut.forward(x.clone()),
                (Some(_), 3) => grown + seen[2].clone(),
                _ => grown,
            };
            seen.push(grown);
        }
        last.forward(Tensor::cat(seen, 1)) * RESIDUAL_SCALE + x
    }
}

fn conv3x3(parameters: &Parameters, channels: [usize; 2]) -> Result<Conv2d> {
    Conv2d::init(parameters, channels, 3, 1, 1)
}
