//! Draws the pictures: in cells beside each other, on both sides of a divider, or through each other.

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, Painter, Rect, Role, Sense, Stroke, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use super::plane::{self, Plane};
use super::{Comparison, Viewer, bar};
use crate::canvas::{self, Projection};
use crate::scene::Scene;
use crate::session::PictureRef;
use crate::textures::Detail;
use crate::theme;
use crate::widgets;

/// So much smaller pictures may be for rows without holes.
const FULL_ROWS: f32 = 1.15;
/// For the words under a cell, in points.
const CAPTION: f32 = 26.0;
/// Between cells, in points.
const GAP: f32 = 8.0;
/// What of the divider the pointer can take hold of, in points.
const GRIP: f32 = 20.0;

/// Rows and columns so that pictures of this shape are as large as can be.
pub fn cells(stage: Rect, n: usize, picture: Vec2) -> Vec<Rect> {
    let size_in = |columns: usize| {
        let cell = cell_size(stage, columns, n.div_ceil(columns));
        let size = (cell / picture.max(vec2(1.0, 1.0))).min_elem();
        // A row with holes must be worth it.
        if n.is_multiple_of(columns) {
            size * FULL_ROWS
        } else {
            size
        }
    };
    let n_columns = (1..=n)
        .max_by(|a, b| size_in(*a).total_cmp(&size_in(*b)).then(a.cmp(b)))
        .unwrap_or(1);
    let size = cell_size(stage, n_columns, n.div_ceil(n_columns));
    (0..n)
        .map(|index| {
            let place = vec2((index % n_columns) as f32, (index / n_columns) as f32);
            let pitch = size + vec2(GAP, CAPTION + GAP);
            Rect::from_min_size(stage.min + place * pitch, size)
        })
        .collect()
}

fn cell_size(stage: Rect, n_columns: usize, n_rows: usize) -> Vec2 {
    let gaps = vec2(n_columns as f32 - 1.0, n_rows as f32 - 1.0) * GAP;
    (stage.size() - gaps) / vec2(n_columns as f32, n_rows as f32) - vec2(0.0, CAPTION)
}

pub fn pictures_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    viewer: &mut Viewer,
    plane: &Plane,
    cells: &[Rect],
) {
    let pixels_per_point = ui.ctx().pixels_per_point();
    let projection = viewer.view.projection(cells[0], pixels_per_point);
    match viewer.comparison {
        _ if !viewer.compares() => {
            draw(ui, scene, viewer, plane, 0, &projection, cells[0], 1.0);
        }
        Comparison::SideBySide => {
            for (index, cell) in cells.iter().enumerate() {
                let projection = viewer.view.projection(*cell, pixels_per_point);
                draw(ui, scene, viewer, plane, index, &projection, *cell, 1.0);
                let below = cell.translate(vec2(0.0, cell.height()));
                bar::caption_ui(
                    ui,
                    scene,
                    viewer.pictures[index],
                    below.with_max_y(below.top() + CAPTION),
                );
            }
        }
        Comparison::Divider => divided_ui(ui, scene, viewer, plane, &projection, cells[0]),
        Comparison::OnionSkin => {
            let [below, above] = viewer.pair;
            draw(ui, scene, viewer, plane, below, &projection, cells[0], 1.0);
            let blend = viewer.blend;
            draw(
                ui,
                scene,
                viewer,
                plane,
                above,
                &projection,
                cells[0],
                blend,
            );
        }
    }
}

fn divided_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    viewer: &mut Viewer,
    plane: &Plane,
    projection: &Projection,
    stage: Rect,
) {
    let theme = theme::of(ui);
    let whole = projection.screen_bounds(plane.rect());
    let x = whole.left() + viewer.divider * whole.width();
    let x = x.clamp(stage.left(), stage.right());
    let [left, right] = viewer.pair;
    let left_side = stage.with_max_x(x);
    draw(ui, scene, viewer, plane, left, projection, left_side, 1.0);
    let right_side = stage.with_min_x(x);
    draw(ui, scene, viewer, plane, right, projection, right_side, 1.0);

    let grip = Rect::from_center_size(pos2(x, stage.center().y), vec2(GRIP, stage.height()));
    let response = ui.interact(grip, ui.scope_id().with("divider"), Sense::drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, "Divider"));
    if let Some(pointer) = response
        .interact_pointer_pos()
        .filter(|_| response.dragged())
    {
        viewer.divider = ((pointer.x - whole.left()) / whole.width().max(1.0)).clamp(0.0, 1.0);
    }
    let painter = ui.painter_at(stage);
    painter.vline(x, stage.y_range(), Stroke::new(3.0, theme.outline_dark));
    painter.vline(x, stage.y_range(), Stroke::new(1.5, theme.outline_light));
    let handle = Rect::from_center_size(pos2(x, stage.center().y), vec2(10.0, 34.0));
    let (fill, outline) = (theme.outline_light, Stroke::new(1.0, theme.outline_dark));
    painter.rect(handle, 5, fill, outline, egui::StrokeKind::Outside);
    response.on_hover_cursor(CursorIcon::ResizeHorizontal);
}

#[expect(
    clippy::too_many_arguments,
    reason = "one picture, where and how strongly"
)]
fn draw(
    ui: &Ui,
    scene: &mut Scene<'_>,
    viewer: &mut Viewer,
    plane: &Plane,
    index: usize,
    projection: &Projection,
    clip: Rect,
    opacity: f32,
) {
    let Some(picture) = viewer.pictures.get(index).copied() else {
        return;
    };
    let theme = theme::of(ui);
    let painter = ui.painter_at(clip);
    let size = plane::size_of(scene, picture).unwrap_or(plane.size);
    let place = plane.place(size);
    let rect = projection.screen_bounds(place);
    let zoom = viewer.view.zoom() * place.width() / size.x.max(1.0);
    let is_crisp = canvas::is_crisp(zoom);
    let full = scene
        .textures
        .get_full(picture, is_crisp)
        .map(egui::TextureHandle::id);
    let texture = full.or_else(|| {
        let small = scene.textures.get((picture, Detail::Thumbnail));
        small.map(egui::TextureHandle::id)
    });
    if let Some(texture) = texture {
        if opacity >= 1.0 {
            let corners = projection.corners(place);
            viewer.checkerboard.paint(&painter, theme, corners);
        }
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let tint = Color32::WHITE.gamma_multiply(opacity);
        painter.image(texture, rect, uv, tint);
        if let Some(words) = canvas::shrunk_words(scene.textures, picture, zoom) {
            canvas::remark(&painter, theme, clip, &words);
        }
    } else if let Some(reason) = broken(scene, picture) {
        note(&painter, theme, rect, &reason);
    } else {
        painter.rect_filled(rect, CornerRadius::ZERO, widgets::breathing(ui, theme));
    }
}

fn broken(scene: &Scene<'_>, picture: PictureRef) -> Option<String> {
    let reason = scene.textures.broken((picture, Detail::Full))?;
    Some(format!("This picture cannot be read: {reason}"))
}

fn note(painter: &Painter, theme: &theme::Theme, rect: Rect, text: &str) {
    painter.rect_filled(rect, CornerRadius::ZERO, theme.bg2);
    let width = rect.width().max(160.0) - 24.0;
    let job = egui::text::LayoutJob::simple(
        widgets::shown_message(text),
        theme::body(),
        theme.text2,
        width,
    );
    let galley = painter.layout_job(job);
    let at = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size());
    painter.galley(at.min, galley, theme.text2);
}
