use burn::tensor::Tensor;

use super::conditioning::ImageEmbeds;
use crate::{
    components::denoisers::{UNet, UNetConditioning},
    guidance,
    samplers::ModelOutput,
};

/// The decoder's U-Net under one picture's embeddings, as samplers ask it.
pub(super) struct ConditionedUnet<'a> {
    unet: &'a UNet,
    conditioning: UNetConditioning,
    guidance_scale: f32,
    /// Of latents.
    channels: usize,
}

impl<'a> ConditionedUnet<'a> {
    pub fn new(unet: &'a UNet, embeds: ImageEmbeds, guidance_scale: f32, channels: usize) -> Self {
        let image_embeds = if guidance::is_guided(guidance_scale) {
            Tensor::cat(vec![embeds.negative, embeds.positive], 0)
        } else {
            embeds.positive
        };
        Self {
            conditioning: unet.condition(image_embeds),
            unet,
            guidance_scale,
            channels,
        }
    }

    /// # Shapes: `[1, U-Net channels, rows, columns]` → `[1, latent channels, rows, columns]` each
    pub fn predict(&self, input: Tensor<4>, timestep: f32) -> ModelOutput<4> {
        let input = guidance::doubled(input, guidance::is_guided(self.guidance_scale));
        let output = self.unet.forward(input, &[timestep], &self.conditioning);
        split_output(output, self.channels, self.guidance_scale)
    }
}

/// A decoder's answer: guided noise, and the conditional half's variance where the model tells one.
///
/// # Shapes: `[1 or 2, channels or 2 · channels, height, width]` → `[1, channels, height, width]` each
fn split_output(output: Tensor<4>, channels: usize, guidance_scale: f32) -> ModelOutput<4> {
    let [_, n_output_channels, _, _] = output.dims();
    let prediction = output.clone().narrow(1, 0, channels);
    let variance =
        (n_output_channels == 2 * channels).then(|| output.narrow(1, channels, channels));
    if !guidance::is_guided(guidance_scale) {
        return ModelOutput {
            prediction,
            variance,
        };
    }
    ModelOutput {
        prediction: guidance::guide(prediction, guidance_scale),
        variance: variance.map(|variance| guidance::halves(variance).1),
    }
}
