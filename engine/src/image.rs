//! Tensors to pixels and back.

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::{Error, Result, device::gates, model::PreviewMap, protocol::Preview};

/// A picture of 8-bit RGB, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbPicture {
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// Three bytes a pixel.
    pub rgb: Vec<u8>,
}

impl RgbPicture {
    /// From what an autoencoder decodes: `[1, 3, height, width]` in [-1, 1], rounded as diffusers does.
    ///
    /// # Errors
    /// [`Error::NotANumber`]; [`Error::Device`] or [`Error::OutOfMemory`] when the device fails only now.
    pub fn from_tensor(pixels: Tensor<4>) -> Result<Self> {
        let [batch, channels, height, width] = pixels.dims();
        assert_eq!([batch, channels], [1, 3], "one picture in RGB");
        Self::from_planes(&read_back(pixels)?, width, height)
    }

    /// As the tensor the encoders take: `[1, 3, height, width]` in [-1, 1].
    pub fn to_tensor(&self, device: &Device, dtype: DType) -> Tensor<4> {
        let (width, height) = (self.width as usize, self.height as usize);
        let data = TensorData::new(self.to_planes(), [1, 3, height, width]);
        Tensor::from_data(data, (device, dtype))
    }

    /// Red, green and blue in [-1, 1], each row by row.
    pub(crate) fn to_planes(&self) -> Vec<f32> {
        let n_pixels = self.width as usize * self.height as usize;
        let mut planes = vec![0f32; 3 * n_pixels];
        for (index, pixel) in self.rgb.chunks_exact(3).enumerate() {
            for (channel, &value) in pixel.iter().enumerate() {
                planes[channel * n_pixels + index] = f32::from(value) / 255.0 * 2.0 - 1.0;
            }
        }
        planes
    }

    /// As [`Self::from_tensor`], of values that are on the host.
    ///
    /// # Errors
    /// [`Error::NotANumber`].
    pub(crate) fn from_planes(planes: &[f32], width: usize, height: usize) -> Result<Self> {
        if planes.iter().any(|value| value.is_nan()) {
            return Err(Error::NotANumber);
        }
        let n_pixels = width * height;
        let mut rgb = Vec::with_capacity(3 * n_pixels);
        for pixel in 0..n_pixels {
            rgb.extend((0..3).map(|channel| byte_from_unit(planes[channel * n_pixels + pixel])));
        }
        Ok(Self {
            width: width as u32,
            height: height as u32,
            rgb,
        })
    }
}

/// From −1..1 to a byte; halves go to the even one, as NumPy rounds.
fn byte_from_unit(value: f32) -> u8 {
    let unit = (value * 0.5 + 0.5).clamp(0.0, 1.0);
    (unit * 255.0).round_ties_even() as u8
}

/// The predicted picture at the size of its latents: a rough look that costs next to nothing.
///
/// # Shapes: denoised `[1, channels, height, width]`, one row of the map for each channel
///
/// # Errors
/// [`Error::NotANumber`]; [`Error::Device`] or [`Error::OutOfMemory`] when the device fails only now.
pub fn preview(map: &PreviewMap, denoised: Tensor<4>) -> Result<Preview> {
    let [batch, channels, height, width] = denoised.dims();
    assert_eq!(
        [batch, channels],
        [1, map.matrix.len()],
        "one row a channel"
    );
    let latents = read_back(denoised)?;
    let n_cells = height * width;
    let mut planes: Vec<f32> = map
        .bias
        .iter()
        .flat_map(|&bias| std::iter::repeat_n(bias, n_cells))
        .collect();
    for (channel, weights) in map.matrix.iter().enumerate() {
        let cells = &latents[channel * n_cells..(channel + 1) * n_cells];
        for (plane, &weight) in planes.chunks_exact_mut(n_cells).zip(weights) {
            for (value, &cell) in plane.iter_mut().zip(cells) {
                *value += weight * cell;
            }
        }
    }
    let RgbPicture { width, height, rgb } = RgbPicture::from_planes(&planes, width, height)?;
    Ok(Preview { width, height, rgb })
}

/// One number for each latent cell, row by row, as a plane that goes with latents.
///
/// # Shapes: `[1, 1, rows, columns]` for latents `[1, channels, rows, columns]`
pub(crate) fn cells_like(latents: &Tensor<4>, cells: Vec<f32>) -> Tensor<4> {
    let [_, _, rows, columns] = latents.dims();
    Tensor::from_data(
        TensorData::new(cells, [1, 1, rows, columns]),
        (&latents.device(), DType::F32),
    )
}

/// A tensor's values in row order, in f32.
///
/// After a device is lost, the data can seem to arrive and fail only when it is unpacked: both are caught.
///
/// # Errors
/// [`Error::OutOfMemory`] or [`Error::Device`].
pub fn read_back<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    gates::readback()?;
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| gates::failure(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn bytes_round_as_numpy_does() {
        // (x/2 + 0.5) · 255 is exactly 0.5, 1.5 and 254.5 here.
        for (value, byte) in [
            (-1.0, 0),
            (-7.0, 0),
            (1.0, 255),
            (3.0, 255),
            (0.0, 128),
            (0.003_921_568_5, 128),
        ] {
            assert_eq!(byte_from_unit(value), byte, "{value}");
        }
    }

    #[test]
    fn pixels_survive_the_way_to_a_tensor_and_back() {
        let picture = RgbPicture {
            width: 16,
            height: 16,
            rgb: (0..=255).flat_map(|v: u8| [v, 255 - v, v ^ 0x55]).collect(),
        };
        let tensor = picture.to_tensor(&Device::flex(), DType::F32);
        assert_eq!(RgbPicture::from_tensor(tensor).unwrap(), picture);
    }

    #[test]
    fn not_a_number_is_an_error() {
        let tensor = Tensor::full([1, 3, 2, 2], f32::NAN, &Device::flex());
        assert!(matches!(
            RgbPicture::from_tensor(tensor),
            Err(Error::NotANumber)
        ));
    }

    #[test]
    fn a_preview_is_the_linear_map_of_the_latents() {
        let map = PreviewMap {
            matrix: vec![[1.0, 0.0, 0.5], [0.0, -1.0, 0.5]],
            bias: [0.0, 0.5, -0.5],
        };
        let latents = Tensor::from_data(
            TensorData::new(vec![-1f32, 1.0, 0.5, -0.5], [1, 2, 1, 2]),
            (&Device::flex(), DType::F32),
        );
        let preview = preview(&map, latents).unwrap();
        assert_eq!((preview.width, preview.height), (2, 1));
        // Red −1, 1; green 0.5−0.5, 0.5+0.5; blue −0.5−0.5+0.25, −0.5+0.5−0.25.
        assert_eq!(preview.rgb, [0, 128, 32, 255, 255, 96]);
    }
}
