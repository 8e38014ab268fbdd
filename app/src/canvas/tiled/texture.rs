//! One tile on the graphics card.

use egui::epaint::Vertex;
use egui::{Color32, Context, Mesh, Painter, Pos2, Rect, Shape, TextureHandle};

use super::super::tile_maker::{BORDERED_SIDE, TileKey};
use super::sight::{Sight, image_rect};
use crate::textures::options;

pub struct TileTexture {
    handle: TextureHandle,
    is_crisp: bool,
    /// The border's first pixel: written again when only the filter changes.
    corner: Color32,
}

impl TileTexture {
    pub fn new(ctx: &Context, key: TileKey, image: egui::ColorImage, is_crisp: bool) -> Self {
        let corner = image.pixels[0];
        let name = format!("{:?} {} {:?}", key.plane, key.level, key.index);
        Self {
            handle: ctx.load_texture(name, image, options(is_crisp)),
            is_crisp,
            corner,
        }
    }

    /// Into the same memory of the card: nothing is allocated.
    pub fn replace(&mut self, image: egui::ColorImage, is_crisp: bool) {
        self.corner = image.pixels[0];
        self.is_crisp = is_crisp;
        self.handle.set_partial([0, 0], image, options(is_crisp));
    }

    pub fn set_crisp(&mut self, is_crisp: bool) {
        if self.is_crisp != is_crisp {
            self.is_crisp = is_crisp;
            let corner = egui::ColorImage::filled([1, 1], self.corner);
            self.handle.set_partial([0, 0], corner, options(is_crisp));
        }
    }
}

/// Draws the place of `part` from the texture of `tile`, which is the same one or a coarser one.
pub fn paint_quad(
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
