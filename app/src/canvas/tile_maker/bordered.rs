//! Tiles with their border, as textures have them.

use std::hash::{DefaultHasher, Hash, Hasher};

use egui::{Color32, ColorImage};
use limn_engine::PixelRect;

use crate::document::tiles::{Pixel, TILE_SIDE};

/// A tile's texture has one more pixel on each side, its neighbours': so smooth magnification has no seams.
pub const BORDERED_SIDE: usize = TILE_SIDE as usize + 2;

/// The pixels of `inside` on the larger `rect`, its outermost ones repeated to all sides: at the picture's
/// edge nothing bleeds in from outside.
pub fn stretched<P: Pixel>(pixels: &[P], inside: PixelRect, rect: PixelRect) -> Vec<P> {
    if inside == rect {
        return pixels.to_vec();
    }
    let width = inside.width as usize;
    let left = (inside.x - rect.x) as usize;
    let mut stretched = Vec::with_capacity(rect.n_pixels() as usize);
    for y in rect.y..rect.bottom() {
        let row = y.clamp(inside.y, inside.bottom() - 1) - inside.y;
        let row = &pixels[row as usize * width..][..width];
        stretched.extend(std::iter::repeat_n(row[0], left));
        stretched.extend_from_slice(row);
        let right = rect.width as usize - left - width;
        stretched.extend(std::iter::repeat_n(row[width - 1], right));
    }
    stretched
}

pub fn picture_image(pixels: &[[u8; 4]]) -> ColorImage {
    let pixels = pixels.iter().map(|pixel| {
        let [red, green, blue, alpha] = *pixel;
        Color32::from_rgba_premultiplied(red, green, blue, alpha)
    });
    ColorImage::new([BORDERED_SIDE; 2], pixels.collect())
}

/// White as far as the mask covers; the canvas gives it its colour.
pub fn mask_image(pixels: &[u8]) -> ColorImage {
    let pixels = pixels
        .iter()
        .map(|value| Color32::from_rgba_premultiplied(*value, *value, *value, *value));
    ColorImage::new([BORDERED_SIDE; 2], pixels.collect())
}

/// The outermost pixels of a tile that has a border: top, right, bottom, left; 0 where nothing is.
pub fn edge_hashes<P: Pixel + Hash>(bordered: &[P]) -> [u64; 4] {
    let side = TILE_SIDE as usize;
    let hash = |pixel: &dyn Fn(usize) -> usize| {
        if (1..=side).all(|i| bordered[pixel(i)] == P::default()) {
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        (1..=side).for_each(|i| bordered[pixel(i)].hash(&mut hasher));
        hasher.finish()
    };
    [
        hash(&|i| BORDERED_SIDE + i),
        hash(&|i| i * BORDERED_SIDE + side),
        hash(&|i| side * BORDERED_SIDE + i),
        hash(&|i| i * BORDERED_SIDE + 1),
    ]
}
