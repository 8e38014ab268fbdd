use burn::tensor::Tensor;

use crate::{
    Result,
    image::RgbPicture,
    model::PictureLatents,
    noise::Generator,
    samplers::{Schedule, Step},
};

/// How an operation differs from making pictures of a prompt alone, which is what the defaults do.
///
/// `picture` is the picture's place in the job, from 0.
pub trait Strategy {
    fn guidance_scale(&self, _picture: usize, requested: f32) -> f32 {
        requested
    }

    /// The picture that this one starts from, where it is not nothing but noise.
    fn source(&self, _picture: usize) -> Option<&PictureLatents> {
        None
    }

    /// Where the first step starts. `noise` is standard normal, `source` what was drawn of [`Self::source`].
    ///
    /// # Errors
    /// When the device fails.
    fn initial_latents(
        &self,
        _picture: usize,
        schedule: &Schedule,
        source: Option<&Tensor<4>>,
        noise: Tensor<4>,
    ) -> Result<Tensor<4>> {
        Ok(match source {
            Some(source) => schedule.first_level().mix(source.clone(), noise),
            None => schedule.initial_latents(noise),
        })
    }

    /// What the denoiser takes behind the latents, drawn after the noise where it is uncertain.
    ///
    /// # Shapes: `[1, further channels, rows, columns]`
    fn further_channels(&self, _generator: &mut Generator) -> Option<Tensor<4>> {
        None
    }

    /// May put other latents where the next step starts.
    fn after_step(&self, _step: &mut Step<4>, _source: Option<&Tensor<4>>, _noise: &Tensor<4>) {}

    /// The picture as it goes to the side that asked, and of a patch how much it covers.
    ///
    /// # Errors
    /// Those of putting an edit together.
    fn deliver(&self, decoded: RgbPicture) -> Result<(RgbPicture, Option<Vec<u8>>)> {
        Ok((decoded, None))
    }
}

/// Pictures of a prompt alone.
pub struct FromNoise;

impl Strategy for FromNoise {}
