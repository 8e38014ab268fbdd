//! Previews of pictures that are being drawn: a few dozen pixels a side, shown softly for what they are, a first idea.

use egui::ColorImage;
use image::RgbImage;
use image::imageops::{self, FilterType};
use limn_engine::protocol::Preview;

/// Of the longer side of a preview once it is soft, in pixels.
const SOFT_SIDE: u32 = 256;
/// Each pixel of a preview is spread over its neighbours, by this part of its side.
const SPREAD: f32 = 0.45;

/// A preview in so many pixels that no corner of one of its own is seen: between its pixels, and those spread. `None` where
/// the pixels are not there.
pub fn soft(preview: &Preview) -> Option<RgbImage> {
    let (width, height) = (preview.width, preview.height);
    let pixels = RgbImage::from_raw(width, height, preview.rgb.clone());
    let pixels = pixels.filter(|pixels| width > 0 && height > 0 && !pixels.is_empty())?;
    let factor = SOFT_SIDE / width.max(height);
    if factor < 2 {
        return Some(pixels);
    }
    let larger = imageops::resize(
        &pixels,
        width * factor,
        height * factor,
        FilterType::Triangle,
    );
    Some(imageops::fast_blur(&larger, SPREAD * factor as f32))
}

pub(super) fn image(preview: &Preview) -> Option<ColorImage> {
    let soft = soft(preview)?;
    let size = [soft.width() as usize, soft.height() as usize];
    Some(ColorImage::from_rgb(size, soft.as_raw()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_preview_has_no_squares_and_keeps_its_colours() {
        let preview = Preview {
            width: 2,
            height: 1,
            rgb: vec![0, 0, 0, 200, 100, 50],
        };
        let soft = soft(&preview).unwrap();
        assert_eq!(soft.dimensions(), (256, 128));
        let row: Vec<u8> = (0..256).map(|x| soft.get_pixel(x, 64)[0]).collect();
        let steepest = row.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max();
        assert!(steepest.unwrap() <= 4, "{row:?}");
        assert!(row.is_sorted(), "{row:?}");
        assert!(row[0] < 30 && row[255] > 170, "{row:?}");
        let even = Preview {
            width: 16,
            height: 16,
            rgb: [90, 120, 30].repeat(256),
        };
        let even = super::soft(&even).unwrap();
        assert!(even.pixels().all(|pixel| pixel.0 == [90, 120, 30]));
        let large = Preview {
            width: 256,
            height: 256,
            rgb: vec![7; 256 * 256 * 3],
        };
        assert_eq!(super::soft(&large).unwrap().as_raw(), &large.rgb);
        for rgb in [Vec::new(), vec![1; 5]] {
            let none = Preview {
                rgb,
                ..preview.clone()
            };
            assert_eq!(super::soft(&none), None);
        }
    }
}
