use burn::tensor::Tensor;

use crate::{
    components::denoisers::{UNet, UNetConditioning},
    guidance,
    samplers::ModelOutput,
};

/// A U-Net under one picture's conditioning, as samplers ask it.
pub(super) struct GuidedUnet<'a> {
    unet: &'a UNet,
    /// With guidance the unconditional half first.
    conditioning: UNetConditioning,
    guidance_scale: f32,
    guidance_rescale: f32,
    /// Of latents.
    channels: usize,
}

impl<'a> GuidedUnet<'a> {
    pub fn new(
        unet: &'a UNet,
        conditioning: UNetConditioning,
        (guidance_scale, guidance_rescale): (f32, f32),
        channels: usize,
    ) -> Self {
        Self {
            unet,
            conditioning,
            guidance_scale,
            guidance_rescale,
            channels,
        }
    }

    /// # Shapes: `[1, U-Net channels, rows, columns]` → `[1, latent channels, rows, columns]` each
    pub fn predict(&self, input: Tensor<4>, timestep: f32) -> ModelOutput<4> {
        let input = guidance::doubled(input, guidance::is_guided(self.guidance_scale));
        let output = self.unet.forward(input, &[timestep], &self.conditioning);
        let guidance = (self.guidance_scale, self.guidance_rescale);
        split_output(output, self.channels, guidance)
    }
}

/// Both sides as one batch, the negative first, or without guidance the positive alone.
pub(super) fn guided_batch<const D: usize>(
    negative: Tensor<D>,
    positive: Tensor<D>,
    guidance_scale: f32,
) -> Tensor<D> {
    if guidance::is_guided(guidance_scale) {
        Tensor::cat(vec![negative, positive], 0)
    } else {
        positive
    }
}

/// A U-Net's answer: guided noise, and the conditional half's variance where the model tells one.
///
/// # Shapes: `[1 or 2, channels or 2 · channels, height, width]` → `[1, channels, height, width]` each
fn split_output(
    output: Tensor<4>,
    channels: usize,
    (guidance_scale, guidance_rescale): (f32, f32),
) -> ModelOutput<4> {
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
        prediction: guidance::guide_rescaled(prediction, guidance_scale, guidance_rescale),
        variance: variance.map(|variance| guidance::halves(variance).1),
    }
}
