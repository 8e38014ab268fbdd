//! A picture on the canvas: one by itself, the ground under transparency, the shadow.

use egui::epaint::{RectShape, Vertex};
use egui::{
    Align2, Color32, Context, CornerRadius, Mesh, Painter, Pos2, Rect, Shape, Stroke, StrokeKind,
    TextureFilter, TextureHandle, TextureId, TextureOptions, TextureWrapMode, Ui, pos2, vec2,
};

use super::Projection;
use crate::scene::Scene;
use crate::session::PictureRef;
use crate::textures::{Detail, Textures};
use crate::theme::{self, Theme};
use crate::widgets;

/// Of the squares under transparency, in points.
const CHECKER_SIDE: f32 = 8.0;

/// The two squares as a texture that repeats: any area of them is four corners.
#[derive(Default)]
pub struct Checkerboard {
    texture: Option<(bool, TextureHandle)>,
}

impl Checkerboard {
    /// Fills a four-cornered area; its squares stand still on the screen.
    pub fn paint(&mut self, painter: &Painter, theme: &Theme, corners: [Pos2; 4]) {
        let mut mesh = Mesh::with_texture(self.texture(painter.ctx(), theme));
        mesh.vertices.extend(corners.map(|pos| Vertex {
            pos,
            uv: pos2(pos.x, pos.y) / (2.0 * CHECKER_SIDE),
            color: Color32::WHITE,
        }));
        mesh.indices.extend([0, 1, 2, 0, 2, 3]);
        painter.add(Shape::mesh(mesh));
    }

    fn texture(&mut self, ctx: &Context, theme: &Theme) -> TextureId {
        if self
            .texture
            .as_ref()
            .is_none_or(|(is_dark, _)| *is_dark != theme.is_dark)
        {
            let [light, dark] = theme.checker;
            let image = egui::ColorImage::new([2, 2], vec![light, dark, dark, light]);
            let options = TextureOptions {
                magnification: TextureFilter::Nearest,
                minification: TextureFilter::Nearest,
                wrap_mode: TextureWrapMode::Repeat,
                mipmap_mode: None,
            };
            let handle = ctx.load_texture("checkerboard", image, options);
            self.texture = Some((theme.is_dark, handle));
        }
        self.texture
            .as_ref()
            .map_or(TextureId::default(), |(_, handle)| handle.id())
    }
}

/// A picture that is not in the document: a result of words alone, or one of the gallery.
pub fn alone_ui(
    ui: &Ui,
    painter: &Painter,
    scene: &mut Scene<'_>,
    checkerboard: &mut Checkerboard,
    projection: &Projection,
    place: Rect,
    (picture, is_crisp): (PictureRef, bool),
) {
    let theme = theme::of(ui);
    shadow(painter, theme, projection, place);
    let is_final = scene
        .textures
        .get_full(picture, is_crisp)
        .map(TextureHandle::id);
    let rect = projection.screen_bounds(place);
    if let Some(texture) = is_final.or_else(|| preview_texture(ui, scene, picture)) {
        checkerboard.paint(painter, theme, projection.corners(place));
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let upright = projection.unrotated(place);
        let mut shape = RectShape::filled(upright, CornerRadius::ZERO, Color32::WHITE)
            .with_texture(texture, uv)
            .with_angle(projection.rotation_radians());
        shape.round_to_pixels = Some(false);
        painter.add(shape);
    } else if let Some(reason) = scene.textures.broken((picture, Detail::Full)) {
        painter.rect_filled(rect, 0, theme.bg2);
        let text = format!("This picture cannot be read: {reason}");
        let text = widgets::shown_message(&text);
        let width = rect.width().max(160.0) - 24.0;
        let job = egui::text::LayoutJob::simple(text, theme::body(), theme.text2, width);
        let galley = painter.layout_job(job);
        let at = Align2::CENTER_CENTER
            .anchor_size(rect.center(), galley.size())
            .min;
        painter.galley(at, galley, theme.text2);
    } else {
        painter.rect_filled(rect, 0, widgets::breathing(ui, theme));
    }
}

/// What a large picture lacks where it is looked at closely, if anything: `zoom` is screen pixels for each of its own.
pub fn shrunk_words(textures: &Textures, picture: PictureRef, zoom: f32) -> Option<String> {
    let (on_card, own) = textures.shrunk_to(picture)?;
    let lacks = zoom > on_card as f32 / own as f32 * 1.001;
    lacks.then(|| {
        let [on_card, own] = [on_card, own].map(|side| widgets::count(side as usize));
        format!(
            "Shown with {on_card} of its {own} pixels a side, all that this graphics card takes. \
             Open it as a document to see every pixel."
        )
    })
}

/// A remark over a picture, at the bottom of where it is looked at.
pub fn remark(painter: &Painter, theme: &Theme, place: Rect, words: &str) {
    let width = (place.width() - 64.0).clamp(80.0, 560.0);
    let mut job =
        egui::text::LayoutJob::simple(words.to_owned(), theme::label(), theme.text, width);
    job.halign = egui::Align::Center;
    let galley = painter.layout_job(job);
    let bottom = place.center_bottom() - vec2(0.0, 56.0);
    let size = galley.size() + vec2(24.0, 14.0);
    let ground = Rect::from_center_size(bottom - vec2(0.0, size.y / 2.0), size);
    let outline = Stroke::new(1.0, theme.line);
    painter.rect(
        ground,
        theme::RADIUS,
        theme.float,
        outline,
        StrokeKind::Inside,
    );
    let at = pos2(ground.center().x, ground.top() + 7.0);
    painter.galley(at, galley, theme.text);
}

pub fn awaited_ui(ui: &Ui, painter: &Painter, projection: &Projection, place: Rect, words: &str) {
    let theme = theme::of(ui);
    shadow(painter, theme, projection, place);
    let rect = projection.screen_bounds(place);
    painter.rect_filled(rect, 0, widgets::breathing(ui, theme));
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        words,
        theme::body(),
        theme.text2,
    );
}

pub fn shadow(painter: &Painter, theme: &Theme, projection: &Projection, place: Rect) {
    let shadow = egui::Shadow {
        offset: [0, 12],
        blur: 60,
        spread: 0,
        color: theme.shadow,
    };
    let shape = shadow.as_shape(projection.unrotated(place), CornerRadius::ZERO);
    painter.add(shape.with_angle(projection.rotation_radians()));
}

fn preview_texture(ui: &Ui, scene: &mut Scene<'_>, picture: PictureRef) -> Option<TextureId> {
    let PictureRef::Result { run, index } = picture else {
        return scene
            .textures
            .get((picture, Detail::Thumbnail))
            .map(TextureHandle::id);
    };
    let slot = scene.session.run(run)?.slots.get(index as usize)?;
    let preview = slot.preview.as_ref()?;
    scene
        .textures
        .preview(ui.ctx(), run, index, slot.preview_version, preview)
        .map(TextureHandle::id)
}
