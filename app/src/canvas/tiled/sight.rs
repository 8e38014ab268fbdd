//! Which tiles are in view, at which level.

use egui::{Rect, pos2};
use limn_engine::PixelRect;

use super::super::projection::Projection;
use super::super::pyramid::{MAX_LEVEL, rect_at};
use super::super::tile_maker::{Plane, TileKey};
use crate::document::tiles::{TILE_SIDE, TileIndex};

/// A level that shows the whole picture in this many tiles stays at hand.
const COARSE_TILES: u64 = 4;

/// How the document lies on the canvas in this frame.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    pub projection: &'a Projection,
    /// Physical pixels per document pixel.
    pub zoom: f32,
    /// What is seen of the canvas, in points.
    pub clip: Rect,
    /// The document's, in its pixels.
    pub frame: PixelRect,
    /// Pixels are squares.
    pub is_crisp: bool,
}

/// The level whose pixels are at least as fine as the screen's.
pub fn level_for(zoom: f32) -> u8 {
    (0..MAX_LEVEL)
        .find(|level| zoom * (2_u32 << level) as f32 > 1.0)
        .unwrap_or(MAX_LEVEL)
}

/// The tiles of a level that are in view.
pub fn in_view(sight: &Sight<'_>, level: u8) -> impl Iterator<Item = TileIndex> + use<> {
    let seen = sight.projection.image_bounds(sight.clip);
    let seen = PixelRect::from_corners(
        seen.left().floor() as i32,
        seen.top().floor() as i32,
        seen.right().ceil() as i32,
        seen.bottom().ceil() as i32,
    );
    TileIndex::covering(rect_at(level, seen.intersect(&sight.frame)))
}

/// What is in view of both planes, nearest to the middle first, and then the whole from afar.
pub fn wanted(sight: &Sight<'_>) -> Vec<TileKey> {
    let level = level_for(sight.zoom);
    let middle = sight.projection.image_from_screen(sight.clip.center());
    let middle = middle.to_vec2() / (1_u32 << level) as f32;
    let mut near: Vec<TileIndex> = in_view(sight, level).collect();
    let distance = |index: &TileIndex| {
        let half = TILE_SIDE as f32 / 2.0;
        let rect = index.rect();
        (egui::vec2(rect.x as f32 + half, rect.y as f32 + half) - middle).length_sq()
    };
    near.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    let coarse = (0..=MAX_LEVEL)
        .find(|level| {
            TileIndex::covering(rect_at(*level, sight.frame))
                .take(COARSE_TILES as usize + 1)
                .count() as u64
                <= COARSE_TILES
        })
        .unwrap_or(MAX_LEVEL)
        .max(level);
    let from_afar = TileIndex::covering(rect_at(coarse, sight.frame)).map(|index| (coarse, index));
    let near = near.into_iter().map(|index| (level, index));
    let mut keys: Vec<TileKey> = Vec::new();
    for (level, index) in near.chain(from_afar.filter(|_| coarse != level)) {
        // The mask first: it is what strokes change, and quickly made.
        keys.extend([Plane::Mask, Plane::Picture].map(|plane| TileKey {
            plane,
            level,
            index,
        }));
    }
    keys
}

pub fn children(key: TileKey) -> Option<[TileKey; 4]> {
    let level = key.level.checked_sub(1)?;
    Some(
        [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(column, row)| TileKey {
            level,
            index: TileIndex {
                column: key.index.column * 2 + column,
                row: key.index.row * 2 + row,
            },
            ..key
        }),
    )
}

/// Coarser tiles that have `key`'s place in them.
pub fn ancestors(key: TileKey) -> impl Iterator<Item = TileKey> {
    (1..=MAX_LEVEL - key.level).map(move |up| TileKey {
        level: key.level + up,
        index: TileIndex {
            column: key.index.column >> up,
            row: key.index.row >> up,
        },
        ..key
    })
}

pub fn image_rect(rect: PixelRect) -> Rect {
    Rect::from_min_max(
        pos2(rect.x as f32, rect.y as f32),
        pos2(rect.right() as f32, rect.bottom() as f32),
    )
}
