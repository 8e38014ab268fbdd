use std::sync::Arc;

use image::{RgbaImage, imageops};

/// Models look at pictures of a few hundred pixels and draw them of a thousand or so: more only takes time.
pub const LOOKED_AT_PX: u32 = 2048;

/// The picture with no side longer than `limit_px`.
pub fn small_enough(pixels: Arc<RgbaImage>, limit_px: u32) -> Arc<RgbaImage> {
    let (width, height) = pixels.dimensions();
    let longer = width.max(height);
    if longer <= limit_px {
        return pixels;
    }
    let side =
        |side: u32| (u64::from(side) * u64::from(limit_px) / u64::from(longer)).max(1) as u32;
    let (width, height) = (side(width), side(height));
    Arc::new(imageops::resize(
        pixels.as_ref(),
        width,
        height,
        imageops::FilterType::Triangle,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_are_made_small_and_keep_their_shape() {
        for (size, expected) in [
            ((100, 50), (100, 50)),
            ((400, 200), (100, 50)),
            ((1, 1000), (1, 100)),
            ((101, 101), (100, 100)),
        ] {
            let pixels = Arc::new(RgbaImage::new(size.0, size.1));
            let small = small_enough(pixels, 100);
            assert_eq!(small.dimensions(), expected, "{size:?}");
        }
    }
}
