//! What a result of an edit puts over its document.

use limn_engine::PixelRect;
use limn_engine::stitch;
use rayon::prelude::*;

use crate::document::tiles::{TileIndex, Tiles};

/// Colours and how much of them shows, in the document's pixels. Shared by clones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    /// Opaque wherever the edit looked.
    pub pixels: Tiles<[u8; 4]>,
    /// 0 where the document stays as it is.
    pub mask: Tiles<u8>,
}

impl Patch {
    /// Lays what the engine made of `rect` over what is there already.
    ///
    /// # Shapes
    /// `rgb`: `[height * width * 3]`, `mask`: `[height * width]` of `rect`.
    ///
    /// # Panics
    /// When they are shorter.
    pub fn add(&mut self, rect: PixelRect, rgb: &[u8], mask: &[u8]) {
        let rgb = rgb.as_chunks::<3>().0;
        let width = rect.width as usize;
        let indices: Vec<TileIndex> = TileIndex::covering(rect).collect();
        // A whole large picture may come at once: on all cores.
        let parts: Vec<_> = indices
            .into_par_iter()
            .map(|index| {
                let part = index.rect().intersect(&rect);
                let mut pixels = self.read(part);
                for (i, below) in pixels.iter_mut().enumerate() {
                    let (row, column) = (i / part.width as usize, i % part.width as usize);
                    let at = ((part.y - rect.y) as usize + row) * width;
                    let at = at + (part.x - rect.x) as usize + column;
                    *below = match (below[3], mask[at]) {
                        // Seen by none, but by who shows more of the patch.
                        (0, 0) => [rgb[at][0], rgb[at][1], rgb[at][2], 0],
                        (_, coverage) => stitch::over(*below, rgb[at], coverage),
                    };
                }
                let masks: Vec<u8> = pixels.iter().map(|pixel| pixel[3]).collect();
                for pixel in &mut pixels {
                    pixel[3] = 255;
                }
                (part, pixels, masks)
            })
            .collect();
        for (part, pixels, masks) in parts {
            if self.mask.has_any(part) || masks.iter().any(|mask| *mask > 0) {
                self.mask.write(part, &masks);
            }
            self.pixels.write(part, &pixels);
        }
    }

    /// Lays the patch over the pixels of `rect`. What it does not cover stays bit for bit.
    pub fn lay_over(&self, rect: PixelRect, pixels: &mut [[u8; 4]]) {
        for index in TileIndex::covering(rect) {
            if self.mask.tile(index).is_none() {
                continue;
            }
            let part = index.rect().intersect(&rect);
            let above = self.read(part);
            for (y, row) in (part.y..).zip(above.chunks_exact(part.width as usize)) {
                let start = (y - rect.y) as usize * rect.width as usize;
                let start = start + (part.x - rect.x) as usize;
                for (below, above) in pixels[start..].iter_mut().zip(row) {
                    let [red, green, blue, coverage] = *above;
                    *below = stitch::over(*below, [red, green, blue], coverage);
                }
            }
        }
    }

    /// What it takes in memory.
    pub fn n_bytes(&self) -> usize {
        4 * n_pixels(&self.pixels) + n_pixels(&self.mask)
    }

    /// Colours, with the mask as their alpha.
    fn read(&self, rect: PixelRect) -> Vec<[u8; 4]> {
        let mut pixels = self.pixels.read(rect);
        for (pixel, mask) in pixels.iter_mut().zip(self.mask.read(rect)) {
            pixel[3] = mask;
        }
        pixels
    }
}

fn n_pixels<P: crate::document::tiles::Pixel>(plane: &Tiles<P>) -> usize {
    let tile = TileIndex { column: 0, row: 0 };
    plane.n_tiles() * tile.rect().n_pixels() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_results_cover_is_what_one_after_the_other_gives() {
        let rect = PixelRect::new(-20, 250, 40, 12);
        let n = rect.n_pixels() as usize;
        let ramp = |step: usize| -> Vec<u8> { (0..n).map(|i| (i * step) as u8).collect() };
        let (first, second) = (ramp(3), ramp(7));
        let mut patch = Patch::default();
        patch.add(rect, &[200; 40 * 12 * 3], &first);
        patch.add(rect, &[20; 40 * 12 * 3], &second);
        let base: Vec<[u8; 4]> = (0..n).map(|i| [i as u8, 90, 3, 255]).collect();
        let mut together = base.clone();
        patch.lay_over(rect, &mut together);
        for i in 0..n {
            let once = stitch::over(base[i], [200; 3], first[i]);
            let twice = stitch::over(once, [20; 3], second[i]);
            for channel in 0..4 {
                let apart = together[i][channel].abs_diff(twice[channel]);
                assert!(apart <= 2, "{i}: {:?} {twice:?}", together[i]);
            }
            if (first[i], second[i]) == (0, 0) {
                assert_eq!(together[i], base[i]);
            }
        }
    }
}
