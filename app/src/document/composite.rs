//! What the visible layers show together, each laid over those beneath by its blend mode; a pixel that no layer
//! covers keeps its bits.

use limn_engine::PixelRect;

use super::content::Content;
use super::layer::Layer;
use super::tiles::{Pixel, TILE_SIDE, Tile, TileIndex, Tiles};
use crate::blend_mode::BlendMode;

const TILE_PIXELS: usize = (TILE_SIDE * TILE_SIDE) as usize;

impl Content {
    /// What is seen of a tile; `None` where nothing is. Shares the layer's own tile where only one counts.
    pub fn composite_tile(&self, index: TileIndex) -> Option<Tile<[u8; 4]>> {
        if index.rect().intersect(&self.frame).is_empty() {
            return None;
        }
        let tile = composite_layers(self.layers.iter(), index)?;
        Some(clip_tile(tile, index, self.frame))
    }

    /// What is seen of `rect`, row by row; nothing outside the frame.
    pub fn composite(&self, rect: PixelRect) -> Vec<[u8; 4]> {
        let mut plane = Tiles::default();
        for index in TileIndex::covering(rect.intersect(&self.frame)) {
            plane.set_tile(index, self.composite_tile(index));
        }
        plane.read(rect)
    }
}

/// Layers over each other, bottom first, without regard to a frame.
pub(super) fn composite_layers<'a>(
    layers: impl IntoIterator<Item = &'a Layer>,
    index: TileIndex,
) -> Option<Tile<[u8; 4]>> {
    let mut below = None;
    for layer in layers.into_iter().filter(|layer| layer.shows()) {
        let Some(source) = Source::of(layer, index) else {
            continue;
        };
        below = match below {
            // The very tile, with the colours that it has under full transparency.
            None if source.is_whole() => Some(source.pixels),
            below => {
                let mut tile = below.unwrap_or_else(|| vec![[0; 4]; TILE_PIXELS].into());
                source.lay_over(Tile::make_mut(&mut tile));
                Some(tile)
            }
        };
    }
    below
}

/// What a layer has for one tile of the document.
struct Source {
    pixels: Tile<[u8; 4]>,
    mask: Option<Tile<u8>>,
    opacity: u8,
    blend: BlendMode,
}

impl Source {
    fn of(layer: &Layer, index: TileIndex) -> Option<Self> {
        let mask = match layer.patch_mask() {
            Some(mask) => Some(moved_tile(mask, layer.offset, index)?),
            None => None,
        };
        Some(Self {
            pixels: moved_tile(layer.pixels(), layer.offset, index)?,
            mask,
            opacity: (layer.opacity.clamp(0.0, 1.0) * 255.0).round() as u8,
            blend: layer.blend,
        })
    }

    fn is_whole(&self) -> bool {
        self.mask.is_none() && self.opacity == 255
    }

    fn lay_over(&self, below: &mut [[u8; 4]]) {
        for (i, (below, above)) in below.iter_mut().zip(self.pixels.iter()).enumerate() {
            let [red, green, blue, alpha] = *above;
            let masked = self.mask.as_ref().map_or(255, |mask| mask[i]);
            let coverage = times(times(alpha, masked), self.opacity);
            *below = self.blend.over(*below, [red, green, blue], coverage);
        }
    }
}

/// The tile of a plane that is moved by `offset`.
fn moved_tile<P: Pixel>(plane: &Tiles<P>, offset: (i32, i32), index: TileIndex) -> Option<Tile<P>> {
    if offset == (0, 0) {
        return plane.tile(index).cloned();
    }
    let rect = index
        .rect()
        .translate(offset.0.saturating_neg(), offset.1.saturating_neg());
    let has_any = TileIndex::covering(rect).any(|index| plane.tile(index).is_some());
    has_any.then(|| plane.read(rect).into())
}

/// A product of two parts of 255.
const fn times(a: u8, b: u8) -> u8 {
    ((a as u32 * b as u32 + 127) / 255) as u8
}

/// Clears what lies outside the frame; copies only where something does.
fn clip_tile(mut tile: Tile<[u8; 4]>, index: TileIndex, frame: PixelRect) -> Tile<[u8; 4]> {
    let rect = index.rect();
    let inside = rect.intersect(&frame);
    if inside == rect {
        return tile;
    }
    let columns = (inside.x - rect.x) as usize..(inside.right() - rect.x) as usize;
    for y in 0..TILE_SIDE as i32 {
        let start = y as usize * TILE_SIDE as usize;
        let row = start..start + TILE_SIDE as usize;
        let is_in_rows = (inside.y..inside.bottom()).contains(&(rect.y + y));
        let outside = if is_in_rows {
            [
                row.start..start + columns.start,
                start + columns.end..row.end,
            ]
        } else {
            [row.clone(), row.end..row.end]
        };
        for part in outside {
            if tile[part.clone()].iter().any(|pixel| *pixel != [0; 4]) {
                Tile::make_mut(&mut tile)[part].fill([0; 4]);
            }
        }
    }
    tile
}
