//! What families that work with pictures' embeddings share.

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::{Error, Result};

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
