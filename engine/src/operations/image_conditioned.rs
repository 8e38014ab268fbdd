//! What variations, blends and shifts have in common.

use super::{LoadedModel, OnEvent};
use crate::{
    Result,
    image::RgbPicture,
    model::{PictureLatents, Settings},
    protocol::GenerateRequest,
    resample::{Resampling, resample},
    stitch::{ModelSize, work_size},
};

/// The settings of a request; where it names no size, the model's own that squeezes `picture` least.
///
/// # Errors
/// Those of [`Settings::with`].
pub(super) fn settings(
    model: &LoadedModel,
    request: &GenerateRequest,
    picture: Option<(u32, u32)>,
) -> Result<Settings> {
    let mut settings = model.settings(request)?;
    if let (None, Some(picture)) = (request.size, picture) {
        let files = model.files();
        let model = ModelSize::new(files.settings().size, files.size_step());
        settings.size = work_size(picture, model);
    }
    Ok(settings)
}

/// A picture's latents, at the size at which the job works.
///
/// # Shapes: `[1, channels, rows, columns]`
///
/// # Errors
/// Those of reading the autoencoder's weights.
pub(super) fn encode(
    model: &mut LoadedModel,
    picture: &RgbPicture,
    size: (u32, u32),
    on_event: &mut OnEvent,
) -> Result<PictureLatents> {
    model.encode(&resized(picture, size), on_event)
}

/// A picture at the size at which the job works.
pub(super) fn resized(picture: &RgbPicture, (width, height): (u32, u32)) -> RgbPicture {
    let size = [width, height];
    resample(picture, size, 0..width, 0..height, Resampling::Bicubic)
}
