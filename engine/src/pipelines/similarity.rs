//! How well a picture fits its prompt, by CLIP.

use burn::tensor::{Tensor, TensorData};
use serde::Deserialize;

use super::{LoadedModel, OnEvent};
use crate::{
    Result,
    image::{RgbPicture, read_back},
    weights::ModelFolder,
};

/// Cosine of the angle between the picture's embedding and `prompt_embed`.
pub(super) fn similarity(
    model: &mut LoadedModel,
    picture: &RgbPicture,
    prompt_embed: &[f32],
    on_event: &mut OnEvent,
) -> Result<f32> {
    let processor = ImageProcessor::read(&model.folder().image_processor())?;
    let (device, dtype) = (model.runtime().device.clone(), model.runtime().dtype);
    let encoder = model.image_encoder(on_event)?;
    let side = encoder.config().image_size;
    let pixel_values = processor.pixel_values(picture, side);
    let pixel_values = Tensor::from_data(
        TensorData::new(pixel_values, [1, 3, side, side]),
        (&device, dtype),
    );
    let embed = read_back(encoder.forward(pixel_values).image_embeds)?;
    Ok(cosine(&embed, prompt_embed))
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// `preprocessor_config.json` of a CLIP image processor, as far as it differs between models.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
struct ImageProcessor {
    image_mean: [f32; 3],
    image_std: [f32; 3],
}

impl Default for ImageProcessor {
    /// OpenAI's CLIP.
    fn default() -> Self {
        Self {
            image_mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
            image_std: [0.268_629_54, 0.261_302_58, 0.275_777_11],
        }
    }
}

impl ImageProcessor {
    fn read(folder: &ModelFolder) -> Result<Self> {
        const NAME: &str = "preprocessor_config.json";
        if folder.has(NAME) {
            folder.read_json(NAME)
        } else {
            Ok(Self::default())
        }
    }

    /// The shortest edge resized to `side` pixels, the middle cut out, normalised by channel: `[3, side, side]`.
    fn pixel_values(&self, picture: &RgbPicture, side: usize) -> Vec<f32> {
        let RgbPicture { width, height, rgb } = picture;
        let image = ::image::RgbImage::from_raw(*width, *height, rgb.clone())
            .expect("a picture has three bytes a pixel");
        let shortest = (*width).min(*height);
        let scaled = |edge: u32| (u64::from(edge) * side as u64 / u64::from(shortest)) as u32;
        // Catmull and Rom's is the bicubic filter of PIL.
        let resized = ::image::imageops::resize(
            &image,
            scaled(*width),
            scaled(*height),
            ::image::imageops::FilterType::CatmullRom,
        );
        let left = (resized.width() as usize - side) / 2;
        let top = (resized.height() as usize - side) / 2;
        let mut values = Vec::with_capacity(3 * side * side);
        for channel in 0..3 {
            for y in top..top + side {
                for x in left..left + side {
                    let byte = resized.get_pixel(x as u32, y as u32)[channel];
                    let unit = f32::from(byte) / 255.0;
                    values.push((unit - self.image_mean[channel]) / self.image_std[channel]);
                }
            }
        }
        values
    }
}
