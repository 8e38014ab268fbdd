//! What the next edit will really change: the mask with its growth and soft edge, as a second and fainter outline.
//! It is made in a thread of its own, from the same mask and plan as the edit.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::mpsc::{Receiver, channel};

use egui::{Context, Painter, Pos2, Shape, Stroke, vec2};
use limn_engine::PixelRect;
use limn_engine::stitch::{self, EditTile};

use super::outline::{self, Outline};
use super::tile_maker::BORDERED_SIDE;
use super::tiled::Sight;
use crate::document::tiles::{TILE_SIDE, TileIndex, Tiles};
use crate::document::{Content, DocumentId};
use crate::theme::Theme;

/// More would take longer than anyone looks at a mask.
const MAX_PIXELS: u64 = 32 << 20;
const WIDTH: f32 = 1.0;
const DARK_WIDTH: f32 = 2.0;
/// Of the painted mask's own outline.
const FAINT: f32 = 0.55;

/// The outline as it was made last.
#[derive(Default)]
pub struct ChangedArea {
    /// Whose it is, in document pixels.
    made: Option<(u64, Vec<Outline>)>,
    coming: Option<(u64, Receiver<Vec<Outline>>)>,
}

impl ChangedArea {
    /// Draws the outline of what `tiles` will change; while a newer one is made the one before stays.
    pub fn paint(
        &mut self,
        painter: &Painter,
        theme: &Theme,
        sight: &Sight<'_>,
        (document, content): (DocumentId, &Content),
        tiles: &[EditTile],
    ) {
        let key = key(document, content, tiles);
        self.update(painter.ctx(), key, content, tiles);
        let Some((_, outlines)) = &self.made else {
            return;
        };
        let seen = sight.clip.expand(DARK_WIDTH);
        for (width, colour) in [
            (DARK_WIDTH, theme.outline_dark),
            (WIDTH, theme.outline_light),
        ] {
            let stroke = Stroke::new(width, colour.gamma_multiply(FAINT));
            for outline in outlines {
                let line: Vec<Pos2> = outline
                    .iter()
                    .map(|point| sight.projection.screen_from_image(*point))
                    .collect();
                outline::dashes(&line, seen, [4096.0, 0.0], |points| {
                    painter.add(Shape::line(points, stroke));
                });
            }
        }
    }

    /// Nothing is masked, or no mask is seen.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn update(&mut self, ctx: &Context, key: u64, content: &Content, tiles: &[EditTile]) {
        if let Some((coming, outlines)) = &self.coming
            && let Ok(outlines) = outlines.try_recv()
        {
            self.made = Some((*coming, outlines));
            self.coming = None;
        }
        let is_made = self.made.as_ref().is_some_and(|(made, _)| *made == key);
        if is_made || self.coming.is_some() {
            return;
        }
        let (mask, frame, tiles) = (content.mask.clone(), content.frame, tiles.to_vec());
        let (sender, receiver) = channel();
        let wake = ctx.clone();
        let make = move || {
            // Nobody waits for it when the window is gone.
            let _ = sender.send(outlines(&mask, frame, &tiles));
            wake.request_repaint();
        };
        let thread = std::thread::Builder::new().name("changed area".to_owned());
        if thread.spawn(make).is_ok() {
            self.coming = Some((key, receiver));
        }
    }
}

fn key(document: DocumentId, content: &Content, tiles: &[EditTile]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (document, content.mask.revision(), content.frame).hash(&mut hasher);
    for EditTile { part, plan } in tiles {
        (part, plan.context, plan.work_size).hash(&mut hasher);
        let lengths = [plan.grow_px, plan.feather_px, plan.blend_px];
        lengths.map(f32::to_bits).hash(&mut hasher);
    }
    hasher.finish()
}

/// The outlines of what an edit in `tiles` changes; none where that is too large to say.
fn outlines(mask: &Tiles<u8>, frame: PixelRect, tiles: &[EditTile]) -> Vec<Outline> {
    let contexts = tiles.iter().map(|tile| tile.plan.context);
    let all = contexts.fold(PixelRect::default(), |all, one| all.union(&one));
    let all = all.intersect(&frame);
    if all.is_empty() || all.n_pixels() > MAX_PIXELS {
        return Vec::new();
    }
    let mut is_changed = vec![0_u8; all.n_pixels() as usize];
    for EditTile { part, plan } in tiles {
        let context = plan.context;
        let mut masked = mask.read(context);
        for ((x, y), value) in rows(context).zip(&mut masked) {
            if !part.contains(x, y) {
                *value = 0;
            }
        }
        let changed = stitch::changed_area(&masked, plan);
        for ((x, y), changed) in rows(context).zip(changed) {
            if changed > 0 && all.contains(x, y) {
                let row = (y - all.y) as usize * all.width as usize;
                is_changed[row + (x - all.x) as usize] = 255;
            }
        }
    }
    TileIndex::covering(all)
        .flat_map(|index| traced(index, all, &is_changed))
        .collect()
}

fn rows(rect: PixelRect) -> impl Iterator<Item = (i32, i32)> {
    (rect.y..rect.bottom()).flat_map(move |y| (rect.x..rect.right()).map(move |x| (x, y)))
}

/// One tile's part of the outline, in document pixels.
fn traced(index: TileIndex, all: PixelRect, is_changed: &[u8]) -> Vec<Outline> {
    let corner = index.rect();
    debug_assert_eq!(BORDERED_SIDE, TILE_SIDE as usize + 2);
    let bordered = corner.expand(1);
    let samples: Vec<u8> = rows(bordered)
        .map(|(x, y)| {
            if all.contains(x, y) {
                is_changed[(y - all.y) as usize * all.width as usize + (x - all.x) as usize]
            } else {
                0
            }
        })
        .collect();
    let corner = vec2(corner.x as f32, corner.y as f32);
    let in_document = |outline: Outline| outline.into_iter().map(|point| point + corner).collect();
    outline::trace(&samples)
        .into_iter()
        .map(in_document)
        .collect()
}

#[cfg(test)]
mod tests {
    use limn_engine::stitch::{EditSettings, ModelSize};

    use super::*;

    /// Columns and rows that the outlines reach.
    fn bounds(outlines: &[Outline]) -> [f32; 4] {
        let points = || outlines.iter().flatten();
        let least = |of: fn(&Pos2) -> f32| points().map(of).fold(f32::INFINITY, f32::min);
        let most = |of: fn(&Pos2) -> f32| points().map(of).fold(f32::NEG_INFINITY, f32::max);
        [
            least(|point| point.x),
            least(|point| point.y),
            most(|point| point.x),
            most(|point| point.y),
        ]
    }

    /// The outline is that of the pixels which the edit's own soft edge covers: a pixel round a dot of four, and as
    /// far as the plan reaches round a large blot.
    #[test]
    fn the_outline_is_what_the_edit_changes() {
        let frame = PixelRect::from_size(1200, 900);
        for (masked, least, most) in [
            (PixelRect::new(300, 500, 4, 4), 1.0, 1.0),
            (PixelRect::new(200, 200, 400, 300), 40.0, 70.0),
        ] {
            let mut mask = Tiles::default();
            mask.write(masked, &vec![255; masked.n_pixels() as usize]);
            let settings = EditSettings::default();
            let model = ModelSize::new((512, 512), 64);
            let plan = stitch::plan(masked, frame, &settings, model);
            let tiles = [EditTile {
                part: plan.context,
                plan: plan.clone(),
            }];
            let [left, top, right, bottom] = bounds(&outlines(&mask, frame, &tiles));
            for beyond in [
                masked.x as f32 - left,
                masked.y as f32 - top,
                right - masked.right() as f32,
                bottom - masked.bottom() as f32,
            ] {
                assert!(
                    (least - 0.1..=most + 0.1).contains(&beyond),
                    "{masked:?}: {beyond}"
                );
                assert!(beyond <= plan.reach_px(), "{masked:?}: {beyond}");
            }
        }
    }

    /// Tiles change what one edit would, and another mask has another outline.
    #[test]
    fn what_tiles_change_is_one_outline() {
        let frame = PixelRect::from_size(900, 900);
        let masked = PixelRect::new(100, 100, 600, 600);
        let mut mask = Tiles::default();
        mask.write(masked, &vec![255; 600 * 600]);
        let settings = EditSettings::default();
        let model = ModelSize::new((256, 256), 64);
        let tiles = stitch::tiles(masked, frame, &settings, model);
        assert!(tiles.len() > 4);
        let [left, top, right, bottom] = bounds(&outlines(&mask, frame, &tiles));
        assert!(left < 100.0 && top < 100.0 && right > 700.0 && bottom > 700.0);
        assert!(left > 50.0 && top > 50.0 && right < 750.0 && bottom < 750.0);
        assert!(outlines(&Tiles::default(), frame, &tiles).is_empty());
    }
}
