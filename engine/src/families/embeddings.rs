//! What families that work with pictures' embeddings share.

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::{
    Error, Result,
    components::vision_encoders::ClipVisionEncoder,
    image::{RgbPicture, read_back},
    image_preprocessor::ImagePreprocessor,
    model::{ComponentFiles, Loader, Slots},
    progress::OnEvent,
};

/// A picture as its encoder takes it, where that runs.
pub(super) fn pixels_of(
    picture: &RgbPicture,
    preprocessor: &ImagePreprocessor,
    slots: &Slots,
) -> Tensor<4> {
    let runtime = slots.runtime();
    preprocessor.pixel_values(picture, &runtime.device, runtime.dtype)
}

/// What an encoder says of a picture as a whole.
///
/// # Errors
/// Those of reading the encoder; when the device fails.
pub(super) fn embedding_of(
    picture: &RgbPicture,
    preprocessor: &ImagePreprocessor,
    encoder: &ComponentFiles,
    slots: &mut Slots,
    on_event: &mut OnEvent,
) -> Result<Vec<f32>> {
    let pixels = pixels_of(picture, preprocessor, slots);
    let encoder = slots.get(&Loader::whole(encoder, &ClipVisionEncoder::load), on_event)?;
    read_back(encoder.forward(pixels).image_embeds)
}

/// # Shapes: `[1, embedding width]`
pub(super) fn embed_tensor(embed: Vec<f32>, device: &Device) -> Tensor<2> {
    let width = embed.len();
    Tensor::from_data(TensorData::new(embed, [1, width]), (device, DType::F32))
}

/// The picture's own, or the only one.
///
/// # Errors
/// [`Error::Bug`] for a picture that has none.
pub(super) fn of_picture<T>(each: &[T], picture: usize) -> Result<&T> {
    match each {
        [only] => Some(only),
        each => each.get(picture),
    }
    .ok_or_else(|| Error::Bug("nothing steers a picture".to_owned()))
}
