//! How large a copy will be, told before it is made.

use std::path::PathBuf;

use image::RgbaImage;
use limn_engine::PixelRect;

use super::{ExportSettings, Facts, FileFormat, encode_document, encode_picture};
use crate::document::Content;
use crate::files::{Fs, RealFs};
use crate::gallery::picture_file;

/// The longer side of the part that stands for a whole picture.
const SAMPLE_PX: u32 = 1024;
/// More pixels of all layers are not encoded only to be counted.
const LIMIT_LAYER_PIXELS: u64 = 16 << 20;
/// A picture made larger has less detail for each of its pixels.
const DETAIL_OF_LARGER: f64 = 0.6;
const LIMIT_FILE_BYTES: u64 = 1 << 30;

/// What a copy is made of.
pub enum Sample {
    Document(Box<Content>),
    /// A picture of the gallery.
    File(PathBuf),
}

/// The bytes of a copy, roughly: as the middle of the picture, where that is large. Takes its time. `None` where
/// nobody can say.
pub fn estimate_bytes(sample: &Sample, facts: &Facts, settings: &ExportSettings) -> Option<u64> {
    let (n_bytes, parts) = match sample {
        Sample::Document(content) if settings.format == FileFormat::OpenRaster => {
            let n_layers = content.layers.len() as u64 + 1;
            let is_small = n_layers * content.frame.n_pixels() <= LIMIT_LAYER_PIXELS;
            let file = is_small.then(|| encode_document(content, facts, settings))?;
            (file.ok()?.len(), 1.0)
        }
        Sample::Document(content) => {
            let frame = content.frame;
            let part = middle(frame);
            let bytes = content.composite(part).into_flattened();
            let pixels = RgbaImage::from_raw(part.width, part.height, bytes)?;
            let file = encode_picture(&pixels, facts, settings.options());
            (file.ok()?.len(), share(frame, part))
        }
        Sample::File(path) => {
            let file = RealFs.read(path, LIMIT_FILE_BYTES).ok()?;
            let pixels = picture_file::pixels(&file).ok()?;
            let frame = PixelRect::from_size(pixels.width(), pixels.height());
            let part = middle(frame);
            let (x, y) = (part.x as u32, part.y as u32);
            let part_pixels = image::imageops::crop_imm(&pixels, x, y, part.width, part.height);
            let copy = encode_picture(&part_pixels.to_image(), facts, settings.options());
            (copy.ok()?.len(), share(frame, part))
        }
    };
    let scale = f64::from(settings.scale);
    let larger = match settings.scale {
        1 => 1.0,
        _ => scale * scale * DETAIL_OF_LARGER,
    };
    Some((n_bytes as f64 * parts * larger) as u64)
}

fn middle(frame: PixelRect) -> PixelRect {
    let (width, height) = (frame.width.min(SAMPLE_PX), frame.height.min(SAMPLE_PX));
    let x = frame.x + ((frame.width - width) / 2) as i32;
    let y = frame.y + ((frame.height - height) / 2) as i32;
    PixelRect::new(x, y, width, height)
}

/// How many times the part goes into the whole.
fn share(whole: PixelRect, part: PixelRect) -> f64 {
    whole.n_pixels() as f64 / part.n_pixels().max(1) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::document::Layer;

    /// Waves with some grain, as of a photograph.
    fn document(size: (u32, u32)) -> Content {
        let frame = PixelRect::from_size(size.0, size.1);
        let mut grain = 1_u32;
        let pixels: Vec<[u8; 4]> = (0..frame.n_pixels())
            .map(|i| {
                let (x, y) = (
                    (i % u64::from(size.0)) as f32,
                    (i / u64::from(size.0)) as f32,
                );
                grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let level = 120.0 + 60.0 * (x / 90.0).sin() * (y / 70.0).cos();
                let level = level as u8 + (grain >> 29) as u8;
                [level, level / 2, 255 - level, 255]
            })
            .collect();
        let mut content = Content::default();
        content.add_layer(Layer::picture("waves", frame, &pixels));
        content.frame = frame;
        content
    }

    #[test]
    fn an_estimate_is_near_the_file() {
        for size in [(300, 200), (1500, 1100)] {
            let content = document(size);
            for format in FileFormat::ALL {
                let settings = ExportSettings {
                    format,
                    ..ExportSettings::default()
                };
                let file = encode_document(&content, &Facts::default(), &settings).unwrap();
                let sample = Sample::Document(Box::new(content.clone()));
                let estimate = estimate_bytes(&sample, &Facts::default(), &settings).unwrap();
                let off = estimate as f64 / file.len() as f64;
                assert!((0.8..1.25).contains(&off), "{size:?} {format:?}: {off}");
            }
        }
    }

    #[test]
    fn a_larger_copy_is_estimated_larger_and_too_many_layers_not_at_all() {
        let content = document((64, 64));
        let sample = Sample::Document(Box::new(content.clone()));
        let bytes = |scale| {
            let settings = ExportSettings {
                scale,
                ..ExportSettings::default()
            };
            estimate_bytes(&sample, &Facts::default(), &settings).unwrap()
        };
        assert!(bytes(1) < bytes(2) && bytes(2) < bytes(4));
        let mut large = content;
        large.frame = PixelRect::from_size(16_000, 16_000);
        let settings = ExportSettings {
            format: FileFormat::OpenRaster,
            ..ExportSettings::default()
        };
        let sample = Sample::Document(Box::new(large));
        assert_eq!(estimate_bytes(&sample, &Facts::default(), &settings), None);
        assert_eq!(
            estimate_bytes(
                &Sample::File("nowhere".into()),
                &Facts::default(),
                &settings
            ),
            None
        );
    }
}
