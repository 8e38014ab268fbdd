//! The document on the graphics card: a texture for every tile that is in view, at the level that fits the
//! zoom. Tiles are made in another thread, see `tile_maker`; a frame only uploads a few
//! and draws what there is, coarser or older for the moment where the right one is still missing.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use egui::epaint::Vertex;
use egui::{
    Color32, Context, Mesh, Painter, Pos2, Rect, Shape, TextureFilter, TextureHandle,
    TextureOptions, TextureWrapMode, pos2,
};
use limn_engine::PixelRect;

use super::outline::Outline;
use super::pyramid::{MAX_LEVEL, rect_at};
use super::tile_maker::{self, BORDERED_SIDE, MadeTile, Message, Plane, Snapshot, TileKey};
use super::view::Projection;
use crate::document::DocumentId;
use crate::document::tiles::{TILE_SIDE, TileIndex};
use crate::theme;

/// What uploading may take of a frame.
const UPLOAD_TIME: Duration = Duration::from_millis(2);
/// Between two frames for tiles alone, where the window is drawn in software.
const SOFTWARE_FRAME: Duration = Duration::from_millis(30);
/// At least this many tiles are uploaded a frame, however slow.
const MIN_UPLOADS: usize = 4;
/// What tiles may hold on the graphics card; those in view stay whatever they hold.
const BUDGET_BYTES: usize = 256 << 20;
const TILE_BYTES: usize = BORDERED_SIDE * BORDERED_SIDE * 4;
/// A level that shows the whole picture in this many tiles stays at hand.
const COARSE_TILES: u64 = 4;

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

struct TileTexture {
    handle: TextureHandle,
    is_crisp: bool,
    /// The border's first pixel: written again when only the filter changes.
    corner: Color32,
}

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

impl TileTexture {
    fn new(ctx: &Context, key: TileKey, image: egui::ColorImage, is_crisp: bool) -> Self {
        let corner = image.pixels[0];
        let name = format!("{:?} {} {:?}", key.plane, key.level, key.index);
        Self {
            handle: ctx.load_texture(name, image, options(is_crisp)),
            is_crisp,
            corner,
        }
    }

    /// Into the same memory of the card: nothing is allocated.
    fn replace(&mut self, image: egui::ColorImage, is_crisp: bool) {
        self.corner = image.pixels[0];
        self.is_crisp = is_crisp;
        self.handle.set_partial([0, 0], image, options(is_crisp));
    }

    fn set_crisp(&mut self, is_crisp: bool) {
        if self.is_crisp != is_crisp {
            self.is_crisp = is_crisp;
            let corner = egui::ColorImage::filled([1, 1], self.corner);
            self.handle.set_partial([0, 0], corner, options(is_crisp));
        }
    }
}

/// The level whose pixels are at least as fine as the screen's.
fn level_for(zoom: f32) -> u8 {
    (0..MAX_LEVEL)
        .find(|level| zoom * (2_u32 << level) as f32 > 1.0)
        .unwrap_or(MAX_LEVEL)
}

/// The tiles of a level that are in view.
fn in_view(sight: &Sight<'_>, level: u8) -> impl Iterator<Item = TileIndex> + use<> {
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
fn wanted(sight: &Sight<'_>) -> Vec<TileKey> {
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

fn children(key: TileKey) -> Option<[TileKey; 4]> {
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
fn ancestors(key: TileKey) -> impl Iterator<Item = TileKey> {
    (1..=MAX_LEVEL - key.level).map(move |up| TileKey {
        level: key.level + up,
        index: TileIndex {
            column: key.index.column >> up,
            row: key.index.row >> up,
        },
        ..key
    })
}

/// Draws the place of `part` from the texture of `tile`, which is the same one or a coarser one.
fn paint_quad(
    painter: &Painter,
    sight: &Sight<'_>,
    part: TileKey,
    tile: TileKey,
    texture: &TileTexture,
    tint: Color32,
) {
    let place = document_rect(part).intersect(image_rect(sight.frame));
    if !place.is_positive() {
        return;
    }
    let whole = document_rect(tile);
    let texel = (1_u32 << tile.level) as f32;
    let uv = |corner: Pos2| {
        let inside = (corner - whole.min) / texel + egui::Vec2::splat(1.0);
        (inside / BORDERED_SIDE as f32).to_pos2()
    };
    let corners = [
        place.left_top(),
        place.right_top(),
        place.right_bottom(),
        place.left_bottom(),
    ];
    let mut mesh = Mesh::with_texture(texture.handle.id());
    mesh.vertices.extend(corners.map(|corner| Vertex {
        pos: sight.projection.screen_from_image(corner),
        uv: uv(corner),
        color: tint,
    }));
    mesh.indices.extend([0, 1, 2, 0, 2, 3]);
    painter.add(Shape::mesh(mesh));
}

fn document_rect(key: TileKey) -> Rect {
    let scale = (1_u32 << key.level) as f32;
    let rect = image_rect(key.index.rect());
    Rect::from_min_max(
        (rect.min.to_vec2() * scale).to_pos2(),
        (rect.max.to_vec2() * scale).to_pos2(),
    )
}

pub fn image_rect(rect: PixelRect) -> Rect {
    Rect::from_min_max(
        pos2(rect.x as f32, rect.y as f32),
        pos2(rect.right() as f32, rect.bottom() as f32),
    )
}

fn options(is_crisp: bool) -> TextureOptions {
    TextureOptions {
        magnification: if is_crisp {
            TextureFilter::Nearest
        } else {
            TextureFilter::Linear
        },
        minification: TextureFilter::Linear,
        wrap_mode: TextureWrapMode::ClampToEdge,
        mipmap_mode: None,
    }
}
