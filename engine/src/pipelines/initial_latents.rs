use std::path::PathBuf;

use burn::tensor::{DType, Device, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};

use crate::{Error, Result};

/// Initial noise for the decoder, from `--latents`, in place of the first draw of each picture's generator.
#[derive(Debug, Clone, PartialEq)]
pub struct InitialLatents {
    /// `[batch, channels, height, width]`; a batch of one serves every picture, else it has one per picture.
    pub shape: [usize; 4],
    pub values: Vec<f32>,
}

impl InitialLatents {
    /// From a safetensors file with the tensor `latents`, of rank 4, in f32.
    ///
    /// # Errors
    /// [`Error::BadWeights`] when it is anything else, or holds a number that is not finite.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        /// One tensor needs no longer header; a long one costs the parser much.
        const MAX_HEADER_BYTES: u64 = 1 << 16;
        let header_bytes = bytes.first_chunk().map(|&length| u64::from_le_bytes(length));
        if header_bytes.is_none_or(|length| length > MAX_HEADER_BYTES) {
            return Err(bad("it is not a safetensors file with one tensor".to_owned()));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| bad(error.to_string()))?;
        let latents = tensors.tensor("latents").map_err(|error| bad(error.to_string()))?;
        let (&[batch, channels, height, width], Dtype::F32) = (latents.shape(), latents.dtype())
        else {
            let (shape, dtype) = (latents.shape(), latents.dtype());
            return Err(bad(format!(
                "`latents` must be [batch, channels, height, width] in f32, and is {shape:?} in {dtype}"
            )));
        };
        let (chunks, _) = latents.data().as_chunks();
        let values: Vec<f32> = chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(bad("`latents` holds a number that is not finite".to_owned()));
        }
        Ok(Self {
            shape: [batch, channels, height, width],
            values,
        })
    }

    /// # Errors
    /// [`Error::BadWeights`] unless the latents are for `n_pictures` of this shape.
    pub(super) fn check(&self, n_pictures: usize, [channels, height, width]: [usize; 3]) -> Result<()> {
        let [batch, rest @ ..] = self.shape;
        if rest == [channels, height, width] && (batch == 1 || batch == n_pictures) {
            return Ok(());
        }
        Err(bad(format!(
            "`latents` must be [1 or {n_pictures}, {channels}, {height}, {width}] here, and is {:?}",
            self.shape
        )))
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

fn bad(reason: String) -> Error {
    Error::BadWeights {
        path: PathBuf::from("--latents"),
        reason,
    }
}
