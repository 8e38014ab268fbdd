//! `SRVGGNetCompact` of Real-ESRGAN (Wang et al. 2021): convolutions at the small size, the large one in one step.

use burn::tensor::{Device, Tensor};

use super::config::CompactConfig;
use crate::{
    Result,
    components::layers::{Conv2d, PRelu, pixel_shuffle, upsample_nearest},
    weights::Parameters,
};

#[derive(Debug, Clone)]
pub(super) struct Compact {
    layers: Vec<(Conv2d, PRelu)>,
    last: Conv2d,
    scale: usize,
    device: Device,
}

impl Compact {
    pub fn init(parameters: &Parameters, config: &CompactConfig) -> Result<Self> {
        let body = |i: usize| parameters.scope(format!("body.{i}"));
        let n_features = config.n_features;
        // The first from the picture, then all from features to features; each with its activation behind it.
        let n_layers = config.n_convs + 1;
        let layers = (0..n_layers).map(|i| {
            let n_inputs = if i == 0 { config.channels } else { n_features };
            Ok((
                Conv2d::init(&body(2 * i), [n_inputs, n_features], 3, 1, 1)?,
                PRelu::init(&body(2 * i + 1), n_features)?,
            ))
        });
        let n_outputs = config.channels * config.scale * config.scale;
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            last: Conv2d::init(&body(2 * n_layers), [n_features, n_outputs], 3, 1, 1)?,
            scale: config.scale,
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
        let mut features = x.clone();
        for (conv, activation) in &self.layers {
            on_part()?;
            features = activation.forward(conv.forward(features));
        }
        on_part()?;
        let detail = pixel_shuffle(self.last.forward(features), self.scale);
        Ok(detail + upsample_nearest(x, self.scale))
    }
}
