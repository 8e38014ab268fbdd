//! How well a picture fits its prompt, by CLIP.

use super::{LoadedModel, OnEvent};
use crate::{
    Result,
    image::{RgbPicture, read_back},
    image_preprocessor::ImagePreprocessor,
};

/// Cosine of the angle between the picture's embedding and `prompt_embed`.
pub(super) fn similarity(
    model: &mut LoadedModel,
    picture: &RgbPicture,
    prompt_embed: &[f32],
    on_event: &mut OnEvent,
) -> Result<f32> {
    let preprocessor = ImagePreprocessor::load(&model.folder().image_processor())?;
    let (device, dtype) = (model.runtime().device.clone(), model.runtime().dtype);
    let pixel_values = preprocessor.pixel_values(picture, &device, dtype);
    let output = model.image_encoder(on_event)?.forward(pixel_values);
    let embed = read_back(output.image_embeds)?;
    Ok(cosine(&embed, prompt_embed))
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
