//! A picture made larger, put together again: the engine enlarges colours, and transparency is enlarged here.

use image::{DynamicImage, RgbImage, RgbaImage};
use limn_engine::resample::enlarge;

/// The larger picture with the transparency of the smaller one it was made from.
///
/// # Panics
/// When `larger` is smaller.
pub fn with_alpha(larger: RgbImage, source: &RgbaImage) -> DynamicImage {
    if source.pixels().all(|pixel| pixel[3] == 255) {
        return larger.into();
    }
    let alpha: Vec<u8> = source.pixels().map(|pixel| pixel[3]).collect();
    let source_size = [source.width(), source.height()];
    let alpha = enlarge::<1>(&alpha, source_size, [larger.width(), larger.height()]);
    let mut picture = DynamicImage::from(larger).into_rgba8();
    for (pixel, alpha) in picture.pixels_mut().zip(alpha) {
        pixel[3] = alpha;
    }
    picture.into()
}

#[cfg(test)]
mod tests {
    use image::{Rgb, Rgba};

    use super::*;

    #[test]
    fn a_larger_picture_is_as_transparent_as_the_smaller_one_was() {
        let larger = RgbImage::from_pixel(8, 4, Rgb([1, 2, 3]));
        let opaque = RgbaImage::from_pixel(2, 1, Rgba([9, 9, 9, 255]));
        assert_eq!(with_alpha(larger.clone(), &opaque), larger.clone().into());

        let mut source = opaque;
        source.get_pixel_mut(0, 0)[3] = 0;
        let picture = with_alpha(larger, &source).into_rgba8();
        for row in picture.rows() {
            let alpha: Vec<u8> = row.map(|pixel| pixel[3]).collect();
            assert_eq!((alpha[0], alpha[7]), (0, 255));
            assert!(alpha.is_sorted(), "{alpha:?}");
        }
        assert!(picture.pixels().all(|pixel| pixel.0[..3] == [1, 2, 3]));
    }
}
