//! Transparent pictures over one colour, pixel by pixel as they are asked for: a flat copy of the largest picture
//! would take 768 MiB.

use image::{GenericImageView, Rgb, RgbImage, Rgba};

/// A view of a picture with straight alpha over a background.
pub struct Flattened<'a, P> {
    pixels: &'a P,
    background: [u8; 3],
}

impl<'a, P: GenericImageView<Pixel = Rgba<u8>>> Flattened<'a, P> {
    pub fn over(pixels: &'a P, background: [u8; 3]) -> Self {
        Self { pixels, background }
    }

    /// All of it at once.
    pub fn to_image(&self) -> RgbImage {
        let (width, height) = self.dimensions();
        RgbImage::from_fn(width, height, |x, y| self.get_pixel(x, y))
    }
}

impl<P: GenericImageView<Pixel = Rgba<u8>>> GenericImageView for Flattened<'_, P> {
    type Pixel = Rgb<u8>;

    fn dimensions(&self) -> (u32, u32) {
        self.pixels.dimensions()
    }

    fn get_pixel(&self, x: u32, y: u32) -> Rgb<u8> {
        let Rgba([red, green, blue, alpha]) = self.pixels.get_pixel(x, y);
        let alpha = u32::from(alpha);
        let mix = |colour: u8, background: u8| {
            let mixed = u32::from(colour) * alpha + u32::from(background) * (255 - alpha);
            ((mixed + 127) / 255) as u8
        };
        let [under_red, under_green, under_blue] = self.background;
        Rgb([
            mix(red, under_red),
            mix(green, under_green),
            mix(blue, under_blue),
        ])
    }
}

#[cfg(test)]
mod tests {
    use image::RgbaImage;

    use super::*;

    #[test]
    fn alpha_mixes_with_the_background() {
        for (pixel, background, expected) in [
            ([200, 10, 0, 255], [1, 2, 3], [200, 10, 0]),
            ([200, 10, 0, 0], [1, 2, 3], [1, 2, 3]),
            ([200, 0, 100, 128], [0, 200, 100], [100, 100, 100]),
        ] {
            let pixels = RgbaImage::from_pixel(2, 3, Rgba(pixel));
            let flat = Flattened::over(&pixels, background).to_image();
            assert_eq!(flat, RgbImage::from_pixel(2, 3, Rgb(expected)));
        }
    }
}
