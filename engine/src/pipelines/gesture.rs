//! What variations, blends and shifts have in common.

use burn::tensor::{DType, Tensor};

use super::{
    LoadedModel, OnEvent,
    conditioning::{ImageEmbeds, embed_tensor},
    making::Making,
};
use crate::{
    Result,
    catalogue::Defaults,
    image::RgbPicture,
    protocol::GenerateRequest,
    resample::{Resampling, resample},
    stitch::{ModelSize, work_size},
};

/// The settings of a request; where it names no size, the model's own that squeezes `picture` least.
///
/// # Errors
/// Those of [`Defaults::with`].
pub(super) fn settings(
    model: &LoadedModel,
    request: &GenerateRequest,
    picture: Option<(u32, u32)>,
) -> Result<Defaults> {
    let defaults = model.folder().defaults();
    let mut settings = defaults.with(request)?;
    if let (None, Some(picture)) = (request.size, picture) {
        let model = ModelSize::new(defaults.size, model.folder().stride());
        settings.size = work_size(picture, model);
    }
    Ok(settings)
}

/// A picture's latents, at the size at which the job works.
///
/// # Shapes: `[1, channels, rows, columns]`
pub(super) fn encode(
    model: &mut LoadedModel,
    picture: &RgbPicture,
    (width, height): (u32, u32),
    on_event: &mut OnEvent,
) -> Result<Tensor<4>> {
    let size = [width, height];
    let resized = resample(picture, size, 0..width, 0..height, Resampling::Bicubic);
    let pixels = resized.to_tensor(&model.runtime().device, DType::F32);
    Ok(model.movq(on_event)?.encode(pixels))
}

/// The decoder's negative side: a negative prompt's image embedding, drawn after all other texts as the reference's
/// `interpolate` has it, or without one that of a picture of zeros.
pub(super) struct NegativeSide {
    zero: Tensor<2>,
    is_drawn: bool,
}

impl NegativeSide {
    /// To be called when all other texts are read.
    ///
    /// # Errors
    /// Those of reading the encoders' weights; when the device fails.
    pub fn read(making: &mut Making, on_event: &mut OnEvent) -> Result<Self> {
        let zero = making.model.zero_image_embed(on_event)?;
        let negative = making.order.request.negative_prompt.as_deref();
        if let Some(negative) = negative {
            let text = making.read_text(negative, None, on_event)?;
            making.texts.push(text);
        }
        Ok(Self {
            zero: embed_tensor(zero, &making.model.runtime().device),
            is_drawn: negative.is_some(),
        })
    }

    /// Both sides, `drawn` being all that the prior drew.
    pub fn beside(&self, positive: Vec<f32>, drawn: &[ImageEmbeds]) -> ImageEmbeds {
        let negative = match drawn.last() {
            Some(last) if self.is_drawn => last.positive.clone(),
            _ => self.zero.clone(),
        };
        ImageEmbeds {
            positive: embed_tensor(positive, &self.zero.device()),
            negative,
        }
    }
}
