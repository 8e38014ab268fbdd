//! How well a picture fits its prompt, by CLIP.

use super::{LoadedModel, OnEvent, conditioning::embed_picture};
use crate::{Result, image::RgbPicture};

/// Cosine of the angle between the picture's embedding and `prompt_embed`.
pub(super) fn similarity(
    model: &mut LoadedModel,
    picture: &RgbPicture,
    prompt_embed: &[f32],
    on_event: &mut OnEvent,
) -> Result<f32> {
    let embed = embed_picture(model, picture, on_event)?;
    Ok(cosine(&embed, prompt_embed))
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
