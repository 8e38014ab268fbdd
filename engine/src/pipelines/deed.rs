use burn::tensor::Tensor;

use super::conditioning::ImageEmbeds;
use crate::{
    Result,
    image::RgbPicture,
    samplers::{Schedule, Step},
};

/// How a deed differs from making pictures of a prompt alone, which is what the defaults do.
///
/// `picture` is the picture's place in the job, from 0.
pub(super) trait Deed {
    /// What steers the decoder, from what the prior drew of the job's texts, in their order.
    ///
    /// # Errors
    /// When the device fails.
    fn embeds(&self, picture: usize, drawn: &[ImageEmbeds]) -> Result<ImageEmbeds>;

    fn guidance_scale(&self, _picture: usize, wished: f32) -> f32 {
        wished
    }

    /// Where the first step starts. `noise` is standard normal.
    ///
    /// # Errors
    /// When the device fails.
    fn initial_latents(
        &self,
        _picture: usize,
        schedule: &Schedule,
        noise: Tensor<4>,
    ) -> Result<Tensor<4>> {
        Ok(schedule.initial_latents(noise))
    }

    /// # Shapes: `[1, latent channels, rows, columns]` → `[1, U-Net channels, rows, columns]`
    fn unet_input(&self, latents: Tensor<4>) -> Tensor<4> {
        latents
    }

    /// May put other latents where the next step starts.
    fn after_step(&self, _step: &mut Step<4>, _noise: &Tensor<4>) {}

    /// The picture as it goes to the side that asked, and of a patch how much it covers.
    ///
    /// # Errors
    /// Those of putting an edit together.
    fn deliver(&self, decoded: RgbPicture) -> Result<(RgbPicture, Option<Vec<u8>>)> {
        Ok((decoded, None))
    }
}

/// Pictures of a prompt alone.
pub(super) struct OfPrompt;

impl Deed for OfPrompt {
    fn embeds(&self, _picture: usize, drawn: &[ImageEmbeds]) -> Result<ImageEmbeds> {
        Ok(drawn[0].clone())
    }
}
