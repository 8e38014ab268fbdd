//! The context box: what an edit will look at, drawn before it runs, with what it says of itself; and the
//! preview in it while it runs.

use egui::epaint::Vertex;
use egui::{
    Align2, Color32, ColorImage, Context, Mesh, Painter, Rect, Shape, Stroke, TextureHandle, pos2,
    vec2,
};
use image::RgbImage;
use limn_engine::PixelRect;
use limn_engine::protocol::Preview;
use limn_engine::stitch::{EditPlan, EditTile};

use super::Projection;
use super::outline;
use super::shown::ShownPreview;
use super::tiled::image_rect;
use crate::session::PictureRef;
use crate::textures;
use crate::theme::{self, Theme};

const DASH: [f32; 2] = [4.5, 3.0];
/// The tool's options float at the top of the canvas.
const OPTIONS_HEIGHT: f32 = 48.0;
/// A preview is a few dozen pixels wide: through a mask of this size it is seen well enough.
const PREVIEW_SIDE: u32 = 512;

/// "sees 607 px, works at 832 · soft edge up to 24"
pub fn words(plan: &EditPlan, frame: PixelRect) -> String {
    let size = |(width, height): (u32, u32)| {
        if width == height {
            width.to_string()
        } else {
            format!("{width} × {height}")
        }
    };
    let sees = if plan.context == frame {
        "the whole picture".to_owned()
    } else {
        format!("{} px", size(plan.context.size()))
    };
    let mut words = format!("sees {sees}, works at {}", size(plan.work_size));
    let soft_edge = plan.feather_px.round();
    if soft_edge >= 1.0 {
        words.push_str(&format!(" · soft edge up to {soft_edge:.0}"));
    }
    words
}

pub fn paint(
    painter: &Painter,
    theme: &Theme,
    projection: &Projection,
    context: PixelRect,
    words: &str,
) {
    let corners = projection.corners(image_rect(context));
    let line: Vec<_> = corners.into_iter().chain([corners[0]]).collect();
    let clip = painter.clip_rect();
    let stroke = Stroke::new(1.5, theme.box_line);
    let ground = Stroke::new(1.5, theme.box_ground);
    for edge in line.windows(2) {
        painter.line_segment([edge[0], edge[1]], ground);
    }
    outline::dashes(&line, clip.expand(2.0), DASH, |points| {
        painter.add(Shape::line(points, stroke));
    });
    chip(painter, theme, Rect::from_points(&corners), words);
}

/// The parts of an edit in tiles, in thin lines.
pub fn paint_tiles(painter: &Painter, theme: &Theme, projection: &Projection, tiles: &[EditTile]) {
    /// More would be a grey veil.
    const MOST: usize = 400;
    if tiles.len() > MOST {
        return;
    }
    let stroke = Stroke::new(1.0, theme.box_line.gamma_multiply(0.5));
    for tile in tiles {
        let corners = projection.corners(image_rect(tile.part));
        painter.add(Shape::closed_line(corners.to_vec(), stroke));
    }
}

/// Above the box at its left end; wherever the box is, inside the canvas and below the tool's options.
fn chip(painter: &Painter, theme: &Theme, bounds: Rect, words: &str) {
    let galley = painter.layout_no_wrap(words.to_owned(), theme::caption(), theme.chip_text);
    let size = galley.size() + vec2(12.0, 4.0);
    let mut clip = painter.clip_rect().shrink(4.0);
    clip.min.y += OPTIONS_HEIGHT;
    let room = (clip.max - size).max(clip.min);
    let min = pos2(
        bounds.left().clamp(clip.left(), room.x),
        (bounds.top() - size.y - 3.0).clamp(clip.top(), room.y),
    );
    let rect = Rect::from_min_size(min, size);
    painter.rect_filled(rect, 4, theme.chip);
    let at = Align2::CENTER_CENTER
        .anchor_size(rect.center(), galley.size())
        .min;
    painter.galley(at, galley, theme.chip_text);
}

/// The newest preview of an edit, cut out by its mask.
#[derive(Default)]
pub struct PreviewTexture {
    uploaded: Option<(PictureRef, u32, TextureHandle)>,
}

impl PreviewTexture {
    pub fn paint(&mut self, painter: &Painter, projection: &Projection, preview: &ShownPreview) {
        let is_new = self.uploaded.as_ref().is_none_or(|(picture, version, _)| {
            (*picture, *version) != (preview.picture, preview.version)
        });
        if is_new {
            self.upload(painter.ctx(), preview);
        }
        let Some((_, _, texture)) = &self.uploaded else {
            return;
        };
        let mut mesh = Mesh::with_texture(texture.id());
        let corners = projection.corners(image_rect(preview.context()));
        let uvs = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        mesh.vertices
            .extend(corners.into_iter().zip(uvs).map(|(pos, (u, v))| Vertex {
                pos,
                uv: pos2(u, v),
                color: Color32::WHITE,
            }));
        mesh.indices.extend([0, 1, 2, 0, 2, 3]);
        painter.add(Shape::mesh(mesh));
    }

    /// Nothing is being drawn any more.
    pub fn clear(&mut self) {
        self.uploaded = None;
    }

    fn upload(&mut self, ctx: &Context, preview: &ShownPreview) {
        let coverage = |x, y| preview.edit.changes(preview.tile, x, y);
        let Some(image) = masked(&preview.pixels, preview.context(), coverage) else {
            return;
        };
        match &mut self.uploaded {
            Some((picture, version, texture)) => {
                (*picture, *version) = (preview.picture, preview.version);
                texture.set(image, textures::options(false));
            }
            None => {
                let texture =
                    ctx.load_texture("preview in its box", image, textures::options(false));
                self.uploaded = Some((preview.picture, preview.version, texture));
            }
        }
    }
}

/// The preview at a size at which its mask is smooth; `coverage` is that of a pixel of the document. `None` where
/// the parts do not fit together.
fn masked(
    preview: &Preview,
    context: PixelRect,
    coverage: impl Fn(i32, i32) -> u8,
) -> Option<ColorImage> {
    if context.is_empty() {
        return None;
    }
    let soft = textures::preview::soft(preview)?;
    let longest = context.width.max(context.height);
    let scale = (f64::from(PREVIEW_SIDE) / f64::from(longest)).min(1.0);
    let side = |pixels: u32| ((f64::from(pixels) * scale).round() as usize).max(1);
    let size = [side(context.width), side(context.height)];
    let pixel = |x: usize, y: usize| {
        // Centres of pixels on centres of pixels.
        let u = (x as f32 + 0.5) / size[0] as f32;
        let v = (y as f32 + 0.5) / size[1] as f32;
        let [red, green, blue] = nearest(&soft, u, v);
        let column = (u * context.width as f32) as i32;
        let row = (v * context.height as f32) as i32;
        let alpha = coverage(context.x + column, context.y + row);
        Color32::from_rgba_unmultiplied(red, green, blue, alpha)
    };
    let pixels = (0..size[1])
        .flat_map(|y| (0..size[0]).map(move |x| (x, y)))
        .map(|(x, y)| pixel(x, y));
    Some(ColorImage::new(size, pixels.collect()))
}

/// The colour at (`u`, `v`), both from 0 to 1 over the picture.
fn nearest(picture: &RgbImage, u: f32, v: f32) -> [u8; 3] {
    let at = |part: f32, n_pixels: u32| ((part * n_pixels as f32) as u32).min(n_pixels - 1);
    let (x, y) = (at(u, picture.width()), at(v, picture.height()));
    picture.get_pixel(x, y).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(context: PixelRect, work_size: (u32, u32), feather_px: f32) -> EditPlan {
        EditPlan {
            context,
            work_size,
            grow_px: 16.0,
            feather_px,
            blend_px: 25.0,
            extension: None,
        }
    }

    #[test]
    fn the_words_say_what_happens() {
        let frame = PixelRect::from_size(1024, 1024);
        let square = PixelRect::new(200, 100, 607, 607);
        for (plan, expected) in [
            (
                plan(square, (832, 832), 24.2),
                "sees 607 px, works at 832 · soft edge up to 24",
            ),
            (
                plan(PixelRect::new(0, 0, 512, 300), (512, 320), 0.0),
                "sees 512 × 300 px, works at 512 × 320",
            ),
            (
                plan(frame, (256, 256), 8.0),
                "sees the whole picture, works at 256 · soft edge up to 8",
            ),
        ] {
            assert_eq!(words(&plan, frame), expected);
        }
    }

    #[test]
    fn a_preview_is_cut_out_by_its_mask_at_any_size() {
        let preview = Preview {
            width: 2,
            height: 1,
            rgb: vec![0, 0, 0, 200, 100, 50],
        };
        let context = PixelRect::new(-8, 3, 1024, 512);
        let upper_half = |_, y| if y < 3 + 256 { 255 } else { 0 };
        let image = masked(&preview, context, upper_half).expect("the parts fit");
        assert_eq!(image.size, [512, 256]);
        assert!(image[(511, 10)].r() > 170 && image[(0, 10)].r() < 30);
        // Two pixels, one going over into the other.
        let middle = i32::from(image[(255, 10)].r()) - 100;
        assert!(middle.abs() < 12, "{middle}");
        assert_eq!(image[(511, 200)], Color32::TRANSPARENT);
        let whole = masked(&preview, context, |_, _| 255).expect("the parts fit");
        assert_eq!(whole[(511, 200)].a(), 255);
        let none = Preview {
            rgb: Vec::new(),
            ..preview
        };
        assert!(masked(&none, context, upper_half).is_none());
    }
}
