use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::{Error, Result};

/// Initial noise for the decoder, from `--latents`, in place of the first draw of each picture's generator.
#[derive(Debug, Clone, PartialEq)]
pub struct InitialLatents {
    /// `[batch, channels, height, width]`; a batch of one serves every picture, else it has one per picture.
    pub shape: [usize; 4],
    pub values: Vec<f32>,
}

impl InitialLatents {
    /// # Errors
    /// [`Error::OutOfRange`] unless the latents are for `n_pictures` of this shape.
    pub(super) fn check(
        &self,
        n_pictures: usize,
        [channels, height, width]: [usize; 3],
    ) -> Result<()> {
        let [batch, rest @ ..] = self.shape;
        if rest == [channels, height, width] && (batch == 1 || batch == n_pictures) {
            return Ok(());
        }
        Err(Error::OutOfRange {
            name: "the shape of the initial latents",
            value: format!("{:?}", self.shape),
            allowed: format!("[1 or {n_pictures}, {channels}, {height}, {width}]"),
        })
    }

    /// # Shapes: `[1, channels, height, width]`
    pub(super) fn of_picture(&self, index: usize, device: &Device) -> Tensor<4> {
        let [batch, channels, height, width] = self.shape;
        let n_values = channels * height * width;
        let start = (index % batch) * n_values;
        Tensor::from_data(
            TensorData::new(
                self.values[start..start + n_values].to_vec(),
                [1, channels, height, width],
            ),
            (device, DType::F32),
        )
    }
}
