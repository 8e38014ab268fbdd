//! The picture's tiles at full size, as they are drawn.

use std::collections::HashMap;

use egui::Color32;
use limn_engine::PixelRect;

use super::super::pyramid::Interrupted;
use super::bordered::stretched;
use crate::document::Content;
use crate::document::tiles::{Pixel, TILE_SIDE, Tile, TileIndex};

/// Composites that may be asked for again soon, by their neighbours' borders.
const KEPT_COMPOSITES: usize = 96;

/// Work in turns: after each one something more urgent may come, and the first one is always done.
pub struct Turns<'a> {
    n_done: usize,
    is_interrupted: &'a mut dyn FnMut() -> bool,
}

impl<'a> Turns<'a> {
    pub fn new(is_interrupted: &'a mut dyn FnMut() -> bool) -> Self {
        Self {
            n_done: 0,
            is_interrupted,
        }
    }

    pub fn begin(&mut self) -> Result<(), Interrupted> {
        if self.n_done > 0 && (self.is_interrupted)() {
            return Err(Interrupted);
        }
        self.n_done += 1;
        Ok(())
    }
}

/// Full-size tiles of the picture with premultiplied alpha, the last few kept.
#[derive(Default)]
pub struct Composites {
    tiles: HashMap<TileIndex, Composite>,
    clock: u64,
}

struct Composite {
    pixels: Option<Tile<[u8; 4]>>,
    last_used: u64,
}

impl Composites {
    pub fn get(
        &mut self,
        content: &Content,
        index: TileIndex,
        turns: &mut Turns<'_>,
    ) -> Result<Option<Tile<[u8; 4]>>, Interrupted> {
        self.clock += 1;
        if let Some(known) = self.tiles.get_mut(&index) {
            known.last_used = self.clock;
            return Ok(known.pixels.clone());
        }
        turns.begin()?;
        let pixels = content.composite_tile(index).map(|tile| {
            let inside = index.rect().intersect(&content.frame);
            let tile = premultiplied(tile);
            if inside == index.rect() {
                return tile;
            }
            stretched(&part_of(&tile, index, inside), inside, index.rect()).into()
        });
        if self.tiles.len() >= KEPT_COMPOSITES {
            let oldest = self.tiles.iter().min_by_key(|(_, tile)| tile.last_used);
            if let Some(oldest) = oldest.map(|(index, _)| *index) {
                self.tiles.remove(&oldest);
            }
        }
        let composite = Composite {
            pixels: pixels.clone(),
            last_used: self.clock,
        };
        self.tiles.insert(index, composite);
        Ok(pixels)
    }

    pub fn forget(&mut self, index: TileIndex) {
        self.tiles.remove(&index);
    }
}

fn premultiplied(mut tile: Tile<[u8; 4]>) -> Tile<[u8; 4]> {
    let is_plain = |pixel: &[u8; 4]| pixel[3] == 255 || *pixel == [0; 4];
    if !tile.iter().all(is_plain) {
        for pixel in Tile::make_mut(&mut tile) {
            let [red, green, blue, alpha] = *pixel;
            *pixel = Color32::from_rgba_unmultiplied(red, green, blue, alpha).to_array();
        }
    }
    tile
}

fn part_of<P: Pixel>(tile: &[P], index: TileIndex, part: PixelRect) -> Vec<P> {
    let rect = index.rect();
    let rows = tile.chunks_exact(TILE_SIDE as usize);
    let rows = rows
        .skip((part.y - rect.y) as usize)
        .take(part.height as usize);
    let left = (part.x - rect.x) as usize;
    rows.flat_map(|row| row[left..left + part.width as usize].iter().copied())
        .collect()
}
