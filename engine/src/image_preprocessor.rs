//! Pictures to what the vision encoder takes: resized, cropped, normalised.

use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::Deserialize;

use crate::{
    Error, Result,
    image::RgbPicture,
    resample::{Resampling, resample},
    weights::ModelFolder,
};

const FILE_NAME: &str = "preprocessor_config.json";
const MAX_SIDE_PX: u32 = 4_096;

/// transformers' `CLIPImageProcessor`: the shortest edge resized as Pillow does, the middle cut out,
/// bytes scaled and normalised.
#[derive(Debug, Clone)]
pub struct ImagePreprocessor {
    resize: Option<Size>,
    resampling: Resampling,
    /// Height and width of what comes out, in pixels.
    crop: [u32; 2],
    rescale_factor: f64,
    mean: [f64; 3],
    std: [f64; 3],
}

/// `preprocessor_config.json`. Defaults are transformers'.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools)] // The file's own fields.
struct PreprocessorConfig {
    do_resize: bool,
    do_center_crop: bool,
    do_rescale: bool,
    do_normalize: bool,
    size: Size,
    crop_size: Size,
    /// Pillow's number.
    resample: u64,
    rescale_factor: f64,
    image_mean: [f64; 3],
    image_std: [f64; 3],
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Size {
    Exact {
        height: u32,
        width: u32,
    },
    ShortestEdge {
        shortest_edge: u32,
    },
    /// Of configs before transformers 4.26: the shortest edge, or the side of the crop.
    Side(u32),
}

impl Default for PreprocessorConfig {
    fn default() -> Self {
        Self {
            do_resize: true,
            do_center_crop: true,
            do_rescale: true,
            do_normalize: true,
            size: Size::Side(224),
            crop_size: Size::Side(224),
            resample: 3,
            rescale_factor: 1.0 / 255.0,
            image_mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
            image_std: [0.268_629_54, 0.261_302_58, 0.275_777_11],
        }
    }
}

impl ImagePreprocessor {
    /// CLIP's own, for an encoder that sees pictures of `side` × `side` pixels.
    ///
    /// # Errors
    /// The reason, for a side that no picture has.
    pub fn clip(side: u32) -> Result<Self, String> {
        Self::from_config(&PreprocessorConfig {
            size: Size::Side(side),
            crop_size: Size::Side(side),
            ..PreprocessorConfig::default()
        })
    }

    /// Reads `preprocessor_config.json`.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotAModel`] when a value is of another kind or impossible.
    pub fn load(folder: &ModelFolder) -> Result<Self> {
        let config: PreprocessorConfig = folder.read_json(FILE_NAME)?;
        Self::from_config(&config).map_err(|reason| Error::NotAModel {
            path: folder.path(FILE_NAME),
            reason,
        })
    }

    fn from_config(config: &PreprocessorConfig) -> Result<Self, String> {
        let crop = match (config.do_center_crop, config.crop_size, config.size) {
            (true, Size::Exact { height, width }, _)
            | (false, _, Size::Exact { height, width }) => [height, width],
            (true, Size::Side(side), _) => [side; 2],
            _ => return Err("it does not make pictures of one size".to_owned()),
        };
        let resize = config.do_resize.then_some(config.size);
        let sides = match resize {
            Some(Size::Exact { height, width }) => [height, width],
            Some(
                Size::ShortestEdge {
                    shortest_edge: side,
                }
                | Size::Side(side),
            ) => [side; 2],
            None => crop,
        };
        if !crop
            .iter()
            .chain(&sides)
            .all(|side| (1..=MAX_SIDE_PX).contains(side))
        {
            return Err(format!("{crop:?} and {sides:?} are not sizes of a picture"));
        }
        let (mean, std) = if config.do_normalize {
            (config.image_mean, config.image_std)
        } else {
            ([0.0; 3], [1.0; 3])
        };
        let rescale_factor = if config.do_rescale {
            config.rescale_factor
        } else {
            1.0
        };
        for (mean, std) in mean.iter().zip(&std) {
            let ends = [0.0, 255.0].map(|byte| (byte * rescale_factor - mean) / std);
            // Not-a-number is in no range; far outside of it half precision ends.
            if !ends.iter().all(|end| (-1e4..=1e4).contains(end)) || std.abs() < 1e-6 {
                return Err(format!(
                    "`rescale_factor` {rescale_factor}, `image_mean` {mean} and `image_std` {std} make no picture"
                ));
            }
        }
        Ok(Self {
            resize,
            resampling: Resampling::from_pillow(config.resample).ok_or_else(|| {
                format!(
                    "Pillow's filter {} is not one that Limn has",
                    config.resample
                )
            })?,
            crop,
            rescale_factor,
            mean,
            std,
        })
    }

    /// Height and width of what comes out, in pixels.
    pub fn crop(&self) -> [u32; 2] {
        self.crop
    }

    /// # Shapes: `[1, 3, crop height, crop width]`
    pub fn pixel_values(&self, picture: &RgbPicture, device: &Device, dtype: DType) -> Tensor<4> {
        let [height, width] = self.crop;
        let [resized_height, resized_width] = self.resized(picture);
        let rows = CropAxis::new(resized_height, height);
        let columns = CropAxis::new(resized_width, width);
        // Only what is kept: the whole of a 1 × 10,000 picture would be gigabytes.
        let part = resample(
            picture,
            [resized_width, resized_height],
            columns.first..columns.first + columns.n_kept,
            rows.first..rows.first + rows.n_kept,
            self.resampling,
        );
        let n_pixels = (height * width) as usize;
        let mut values = Vec::with_capacity(3 * n_pixels);
        for channel in 0..3 {
            // Where a picture is smaller than the crop, the reference puts black around it.
            let normalise = |byte: u8| {
                let value = f64::from(byte) * self.rescale_factor;
                ((value - self.mean[channel]) / self.std[channel]) as f32
            };
            let plane_start = values.len();
            values.resize(plane_start + n_pixels, normalise(0));
            for (i_row, row) in part.rgb.chunks_exact(3 * part.width as usize).enumerate() {
                let start = (i_row + rows.n_padded as usize) * width as usize
                    + columns.n_padded as usize
                    + plane_start;
                for (value, pixel) in values[start..].iter_mut().zip(row.chunks_exact(3)) {
                    *value = normalise(pixel[channel]);
                }
            }
        }
        Tensor::from_data(
            TensorData::new(values, [1, 3, height as usize, width as usize]),
            (device, dtype),
        )
    }

    /// Height and width before the crop.
    fn resized(&self, picture: &RgbPicture) -> [u32; 2] {
        match self.resize {
            None => [picture.height, picture.width],
            Some(Size::Exact { height, width }) => [height, width],
            Some(
                Size::ShortestEdge {
                    shortest_edge: side,
                }
                | Size::Side(side),
            ) => {
                let shortest = picture.height.min(picture.width).max(1);
                // Rounded down as the reference does.
                let scaled = |edge: u32| {
                    let edge = u64::from(side) * u64::from(edge) / u64::from(shortest);
                    u32::try_from(edge).unwrap_or(u32::MAX)
                };
                [scaled(picture.height), scaled(picture.width)]
            }
        }
    }
}

/// A centred crop along one axis.
struct CropAxis {
    /// The first pixel kept.
    first: u32,
    n_kept: u32,
    /// Pixels added before it.
    n_padded: u32,
}

impl CropAxis {
    fn new(size: u32, crop: u32) -> Self {
        let offset = (i64::from(size) - i64::from(crop)).div_euclid(2);
        Self {
            first: offset.max(0) as u32,
            n_kept: size.min(crop),
            n_padded: (-offset).max(0) as u32,
        }
    }
}
