//! The document on the graphics card: a texture for every tile that is in `sight`, at the level that fits the
//! zoom. Tiles are made in another thread, see `tile_maker`; a frame only uploads a few
//! and draws what there is, coarser or older for the moment where the right one is still missing.

mod sight;
mod texture;

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use egui::{Color32, Context, Painter, Pos2};

use self::sight::{ancestors, children, in_view, level_for, wanted};
use self::texture::{TileTexture, paint_quad};
use super::outline::Outline;
use super::pyramid::MAX_LEVEL;
use super::tile_maker::{self, BORDERED_SIDE, MadeTile, Message, Plane, Snapshot, TileKey};
use crate::document::DocumentId;
use crate::theme;

pub use self::sight::{Sight, image_rect};

/// What uploading may take of a frame.
const UPLOAD_TIME: Duration = Duration::from_millis(2);
/// Between two frames for tiles alone, where the window is drawn in software.
const SOFTWARE_FRAME: Duration = Duration::from_millis(30);
/// At least this many tiles are uploaded a frame, however slow.
const MIN_UPLOADS: usize = 4;
/// What tiles may hold on the graphics card; those in view stay whatever they hold.
const BUDGET_BYTES: usize = 256 << 20;
const TILE_BYTES: usize = BORDERED_SIDE * BORDERED_SIDE * 4;

pub struct TiledDocument {
    to_maker: Sender<Message>,
    made: Receiver<MadeTile>,
    tiles: HashMap<TileKey, ShownTile>,
    arrived: Vec<MadeTile>,
    document: Option<DocumentId>,
    /// What the maker was asked for last.
    shown: Vec<TileKey>,
    frame_number: u64,
    /// Grows when a mask tile arrives or goes.
    mask_generation: u64,
}

/// What the canvas has of a tile.
struct ShownTile {
    /// `None`: nothing is to be seen there.
    texture: Option<TileTexture>,
    /// In document pixels.
    outlines: Vec<Outline>,
    last_used: u64,
}

impl TiledDocument {
    pub fn start(ctx: &Context) -> Self {
        let wake = ctx.clone();
        // Drawn in software a frame is dear: several tiles share one.
        let wait = if theme::is_sparing(ctx) {
            SOFTWARE_FRAME
        } else {
            Duration::ZERO
        };
        let (to_maker, made) = tile_maker::start(move || wake.request_repaint_after(wait));
        Self {
            to_maker,
            made,
            tiles: HashMap::new(),
            arrived: Vec::new(),
            document: None,
            shown: Vec::new(),
            frame_number: 0,
            mask_generation: 0,
        }
    }

    /// Call when the document has changed, or another one is shown.
    pub fn show(&mut self, snapshot: Snapshot) {
        if self.document != Some(snapshot.document) {
            self.document = Some(snapshot.document);
            self.tiles.clear();
            self.mask_generation += 1;
        }
        let _ = self.to_maker.send(Message::Snapshot(Box::new(snapshot)));
    }

    /// Grows with every change of the mask's outline.
    pub fn mask_generation(&self) -> u64 {
        self.mask_generation
    }

    /// Uploads tiles that have arrived, asks for those that are in view, and lets go of old ones.
    pub fn begin_frame(&mut self, ctx: &Context, sight: &Sight<'_>) {
        self.frame_number += 1;
        self.upload(ctx, sight.is_crisp);
        let shown = wanted(sight);
        if shown != self.shown {
            let _ = self.to_maker.send(Message::Shown(shown.clone()));
            self.shown = shown;
        }
        for key in &self.shown {
            if let Some(tile) = self.tiles.get_mut(key) {
                tile.last_used = self.frame_number;
                if key.plane == Plane::Picture
                    && let Some(texture) = &mut tile.texture
                {
                    texture.set_crisp(sight.is_crisp);
                }
            }
        }
        self.evict();
    }

    /// Draws a plane, every texel multiplied by `tint`.
    pub fn paint(&self, painter: &Painter, sight: &Sight<'_>, plane: Plane, tint: Color32) {
        let level = level_for(sight.zoom);
        for index in in_view(sight, level) {
            let key = TileKey {
                plane,
                level,
                index,
            };
            self.paint_tile(painter, sight, key, tint);
        }
    }

    /// The mask's edge in view, in document pixels: of the finest level that is there in one piece.
    pub fn outlines(&self, sight: &Sight<'_>) -> Vec<&Outline> {
        let in_view = |level| {
            in_view(sight, level).map(move |index| TileKey {
                plane: Plane::Mask,
                level,
                index,
            })
        };
        let level = (level_for(sight.zoom)..=MAX_LEVEL)
            .find(|level| in_view(*level).all(|key| self.tiles.contains_key(&key)));
        level
            .into_iter()
            .flat_map(in_view)
            .filter_map(|key| self.tiles.get(&key))
            .flat_map(|tile| &tile.outlines)
            .collect()
    }

    fn upload(&mut self, ctx: &Context, is_crisp: bool) {
        let newly = self.made.try_iter();
        self.arrived
            .extend(newly.filter(|made| Some(made.document) == self.document));
        self.arrived
            .retain(|made| Some(made.document) == self.document);
        let start = Instant::now();
        let mut n_done = 0;
        for made in &mut self.arrived {
            if n_done >= MIN_UPLOADS && start.elapsed() > UPLOAD_TIME {
                break;
            }
            n_done += 1;
            if made.key.plane == Plane::Mask {
                self.mask_generation += 1;
            }
            let outlines = std::mem::take(&mut made.outlines);
            let corner = made.key.index.rect();
            let scale = (1_u32 << made.key.level) as f32;
            let in_document =
                |point: Pos2| (point + egui::vec2(corner.x as f32, corner.y as f32)) * scale;
            let outlines = outlines
                .into_iter()
                .map(|outline| outline.into_iter().map(in_document).collect())
                .collect();
            let tile = self.tiles.entry(made.key).or_insert_with(|| ShownTile {
                texture: None,
                outlines: Vec::new(),
                last_used: self.frame_number,
            });
            tile.outlines = outlines;
            let is_crisp = is_crisp && made.key.plane == Plane::Picture;
            match (made.image.take(), &mut tile.texture) {
                (None, texture) => *texture = None,
                (Some(image), Some(texture)) => texture.replace(image, is_crisp),
                (Some(image), texture @ None) => {
                    *texture = Some(TileTexture::new(ctx, made.key, image, is_crisp));
                }
            }
        }
        self.arrived.drain(..n_done);
        if !self.arrived.is_empty() {
            ctx.request_repaint();
        }
    }

    fn evict(&mut self) {
        let has_texture = |tile: &ShownTile| tile.texture.is_some();
        let n_textures = self.tiles.values().filter(|tile| has_texture(tile)).count();
        let n_over = n_textures.saturating_sub(BUDGET_BYTES / TILE_BYTES);
        if n_over == 0 {
            return;
        }
        let mut unused: Vec<(u64, TileKey)> = self
            .tiles
            .iter()
            .filter(|(_, tile)| has_texture(tile) && tile.last_used < self.frame_number)
            .map(|(key, tile)| (tile.last_used, *key))
            .collect();
        unused.sort_unstable_by_key(|(last_used, _)| *last_used);
        let dropped: Vec<TileKey> = unused
            .into_iter()
            .take(n_over)
            .map(|(_, key)| key)
            .collect();
        for key in &dropped {
            self.tiles.remove(key);
        }
        self.mask_generation += 1;
        let _ = self.to_maker.send(Message::Dropped(dropped));
    }

    /// The tile, or else what there is of its place: the four that it is the half of, or a coarser one.
    fn paint_tile(&self, painter: &Painter, sight: &Sight<'_>, key: TileKey, tint: Color32) {
        if let Some(tile) = self.tiles.get(&key) {
            if let Some(texture) = &tile.texture {
                paint_quad(painter, sight, key, key, texture, tint);
            }
            return;
        }
        if let Some(children) = children(key)
            && children.iter().all(|child| self.tiles.contains_key(child))
        {
            for child in children {
                self.paint_tile(painter, sight, child, tint);
            }
            return;
        }
        let coarser = ancestors(key).find_map(|coarser| Some((coarser, self.tiles.get(&coarser)?)));
        if let Some((coarser, tile)) = coarser
            && let Some(texture) = &tile.texture
        {
            paint_quad(painter, sight, key, coarser, texture, tint);
        }
    }
}
