//! Pictures as they go to the encoder, which looks at 224 px or less.

use image::{DynamicImage, RgbaImage, imageops};

use crate::gallery::flattened::Flattened;

/// The shorter side: twice what CLIP looks at, so that its own resampling decides.
const SHORTER_SIDE_PX: u32 = 448;
/// Of a longer picture only the middle is sent: CLIP looks at no more than a square of it.
const MAX_PROPORTION: u32 = 4;

/// The picture on white, at most so large that the encoder loses nothing.
pub fn small(pixels: &RgbaImage) -> RgbaImage {
    let (width, height) = pixels.dimensions();
    let shorter = width.min(height);
    let longest = shorter.saturating_mul(MAX_PROPORTION);
    let (kept_width, kept_height) = (width.min(longest), height.min(longest));
    let (x, y) = ((width - kept_width) / 2, (height - kept_height) / 2);
    let middle = imageops::crop_imm(pixels, x, y, kept_width, kept_height);
    let on_white = Flattened::over(&*middle, [255; 3]);
    let side = |px: u32| (u64::from(px) * u64::from(SHORTER_SIDE_PX) / u64::from(shorter)) as u32;
    let small = if shorter <= SHORTER_SIDE_PX {
        on_white.to_image()
    } else {
        imageops::thumbnail(&on_white, side(kept_width), side(kept_height))
    };
    DynamicImage::from(small).into_rgba8()
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn pictures_shrink_to_what_the_encoder_can_see() {
        for ((width, height), expected) in [
            ((1, 1), (1, 1)),
            ((128, 128), (128, 128)),
            ((448, 600), (448, 600)),
            ((2048, 1024), (896, 448)),
            ((3000, 2), (8, 2)),
            ((500, 10_000), (448, 1792)),
        ] {
            let small = small(&RgbaImage::new(width, height));
            assert_eq!(small.dimensions(), expected, "{width}×{height}");
        }
    }

    #[test]
    fn what_is_transparent_lies_on_white() {
        let picture = RgbaImage::from_pixel(3, 3, Rgba([200, 0, 0, 0]));
        assert_eq!(small(&picture).get_pixel(1, 1).0, [255; 4]);
        let picture = RgbaImage::from_pixel(900, 900, Rgba([200, 0, 0, 255]));
        assert_eq!(small(&picture).get_pixel(400, 4).0, [200, 0, 0, 255]);
    }
}
