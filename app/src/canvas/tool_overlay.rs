//! What the chosen tool draws over the picture: the brush's ring, a selection on its way, the frame to drag.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2};
use limn_engine::PixelRect;

use super::Projection;
use super::mask_overlay::two_tone_line;
use super::picture::Checkerboard;
use super::tiled::image_rect;
use crate::scene::Scene;
use crate::theme::{self, Theme};
use crate::tools::crop_rect::{End, Grip};
use crate::tools::{Overlay, Point, Tool};

/// A ring smaller than this is hard to find: it gets a cross.
const SMALL_RING_POINTS: f32 = 6.0;
const HANDLE_POINTS: f32 = 9.0;

/// Where the tools draw.
pub struct Easel<'a> {
    pub painter: &'a Painter,
    pub theme: &'a Theme,
    pub projection: &'a Projection,
    pub frame: PixelRect,
}

pub fn paint(easel: &Easel<'_>, checkerboard: &mut Checkerboard, overlay: &Overlay<'_>) {
    match overlay {
        Overlay::Nothing => {}
        // Over a picture that is no document yet there is no frame to drag.
        Overlay::Crop { .. } if easel.frame.is_empty() => {}
        Overlay::Ring {
            centre,
            brush,
            erases,
            line_from,
        } => {
            if let Some(from) = line_from {
                easel.line(&[*from, *centre]);
            }
            let zoom = easel.projection.screen_length(1.0);
            let radius = easel
                .projection
                .screen_length(brush.diameter_px(zoom) / 2.0);
            easel.ring(easel.screen(*centre), radius, brush.hardness, *erases);
        }
        Overlay::Outline {
            points,
            is_closed,
            subtracts,
        } => easel.outline(points, *is_closed, *subtracts),
        Overlay::Crop {
            rect,
            hot,
            is_inward,
        } => {
            easel.new_area(checkerboard, *rect);
            if *is_inward {
                easel.left_out(*rect);
                easel.thirds(*rect);
            }
            easel.frame_to_drag(*rect, *hot);
        }
    }
}

impl Easel<'_> {
    fn screen(&self, point: Point) -> Pos2 {
        self.projection.screen_from_image(pos2(point.x, point.y))
    }

    fn line(&self, points: &[Point]) {
        let line: Vec<Pos2> = points.iter().map(|point| self.screen(*point)).collect();
        two_tone_line(self.painter, self.theme, &line);
    }

    /// White in dark, and the part that is fully hard as a second, fainter circle.
    fn ring(&self, centre: Pos2, radius: f32, hardness: f32, erases: bool) {
        let (light, dark) = (self.theme.outline_light, self.theme.outline_dark);
        let (painter, width) = (self.painter, 1.2);
        if radius < SMALL_RING_POINTS / 2.0 {
            for (stroke, from, to) in [
                (Stroke::new(3.0, dark), 3.0, 9.0),
                (Stroke::new(width, light), 3.5, 8.5),
            ] {
                for way in [
                    vec2(1.0, 0.0),
                    vec2(0.0, 1.0),
                    vec2(-1.0, 0.0),
                    vec2(0.0, -1.0),
                ] {
                    painter.line_segment([centre + way * from, centre + way * to], stroke);
                }
            }
        }
        painter.circle_stroke(centre, radius.max(1.0) + 1.0, Stroke::new(1.2, dark));
        painter.circle_stroke(centre, radius.max(1.0), Stroke::new(width, light));
        if hardness < 0.995 && radius * hardness > 3.0 {
            let faint = light.gamma_multiply(0.45);
            painter.circle_stroke(centre, radius * hardness, Stroke::new(1.0, faint));
        }
        if erases && radius > SMALL_RING_POINTS {
            let minus = [centre - vec2(4.0, 0.0), centre + vec2(4.0, 0.0)];
            painter.line_segment(minus, Stroke::new(3.0, dark));
            painter.line_segment(minus, Stroke::new(1.4, light));
        }
    }

    fn outline(&self, points: &[Point], is_closed: bool, subtracts: bool) {
        let mut line: Vec<Pos2> = points.iter().map(|point| self.screen(*point)).collect();
        if is_closed && let Some(first) = line.first() {
            line.push(*first);
        }
        if let Some(last) = line.last() {
            // What a loop still lacks to be closed.
            let faint = Stroke::new(1.0, self.theme.outline_light.gamma_multiply(0.35));
            self.painter.line_segment([*last, line[0]], faint);
            if subtracts {
                self.sign(*last);
            }
        }
        two_tone_line(self.painter, self.theme, &line);
    }

    /// A minus beside the pointer.
    fn sign(&self, at: Pos2) {
        let minus = [at + vec2(10.0, 12.0), at + vec2(18.0, 12.0)];
        let (light, dark) = (self.theme.outline_light, self.theme.outline_dark);
        self.painter.line_segment(minus, Stroke::new(3.5, dark));
        self.painter.line_segment(minus, Stroke::new(1.6, light));
    }

    /// What would be new: the ground of nothing around the picture.
    fn new_area(&self, checkerboard: &mut Checkerboard, grown: PixelRect) {
        for part in without(grown, self.frame) {
            let corners = self.projection.corners(image_rect(part));
            checkerboard.paint(self.painter, self.theme, corners);
        }
    }

    /// What of the picture would be hidden: under a veil.
    fn left_out(&self, rect: PixelRect) {
        for part in without(self.frame, rect) {
            let corners = self.projection.corners(image_rect(part));
            let veil = Shape::convex_polygon(corners.into(), self.theme.left_out, Stroke::NONE);
            self.painter.add(veil);
        }
    }

    /// The lines at the thirds of what is left.
    fn thirds(&self, rect: PixelRect) {
        let rect = image_rect(rect);
        // Seen on any picture, and no more than that.
        let dark = Stroke::new(2.5, self.theme.outline_dark.gamma_multiply(0.3));
        let light = Stroke::new(1.0, self.theme.outline_light.gamma_multiply(0.6));
        for part in [1.0 / 3.0, 2.0 / 3.0] {
            let x = rect.left() + rect.width() * part;
            let y = rect.top() + rect.height() * part;
            for (from, to) in [
                (pos2(x, rect.top()), pos2(x, rect.bottom())),
                (pos2(rect.left(), y), pos2(rect.right(), y)),
            ] {
                let ends = [from, to].map(|at| self.projection.screen_from_image(at));
                self.painter.line_segment(ends, dark);
                self.painter.line_segment(ends, light);
            }
        }
    }

    fn frame_to_drag(&self, grown: PixelRect, hot: Option<Grip>) {
        let rect = image_rect(grown);
        let corners = self.projection.corners(rect);
        let line: Vec<Pos2> = corners.into_iter().chain([corners[0]]).collect();
        two_tone_line(self.painter, self.theme, &line);
        for (horizontal, x) in ends(rect.left(), rect.center().x, rect.right()) {
            for (vertical, y) in ends(rect.top(), rect.center().y, rect.bottom()) {
                let grip = Grip::Edges {
                    horizontal,
                    vertical,
                };
                if grip != Grip::WHOLE {
                    let is_hot = hot == Some(grip);
                    self.handle(self.projection.screen_from_image(pos2(x, y)), is_hot);
                }
            }
        }
    }

    fn handle(&self, at: Pos2, is_hot: bool) {
        let side = HANDLE_POINTS + if is_hot { 3.0 } else { 0.0 };
        let fill = if is_hot {
            self.theme.accent
        } else {
            self.theme.outline_light
        };
        let rect = Rect::from_center_size(at, vec2(side, side));
        let stroke = Stroke::new(1.0, self.theme.outline_dark);
        self.painter
            .rect(rect, 2, fill, stroke, StrokeKind::Outside);
    }
}

/// The parts of `whole` that are not in `part`: none of them empty.
fn without(whole: PixelRect, part: PixelRect) -> impl Iterator<Item = PixelRect> {
    let inner = whole.intersect(&part);
    let parts = if inner.is_empty() {
        [
            (whole.x, whole.y, whole.right(), whole.bottom()),
            NO_PART,
            NO_PART,
            NO_PART,
        ]
    } else {
        [
            (whole.x, whole.y, whole.right(), inner.y),
            (whole.x, inner.bottom(), whole.right(), whole.bottom()),
            (whole.x, inner.y, inner.x, inner.bottom()),
            (inner.right(), inner.y, whole.right(), inner.bottom()),
        ]
    };
    parts
        .into_iter()
        .map(|(left, top, right, bottom)| PixelRect::from_corners(left, top, right, bottom))
        .filter(|part| !part.is_empty())
}

const NO_PART: (i32, i32, i32, i32) = (0, 0, 0, 0);

/// The low end, the middle and the high end of a side.
fn ends(low: f32, middle: f32, high: f32) -> [(Option<End>, f32); 3] {
    [
        (Some(End::Low), low),
        (None, middle),
        (Some(End::High), high),
    ]
}

/// The colour under the eyedropper, beside it: above what is taken, below what was.
pub fn swatch_ui(ui: &Ui, scene: &Scene<'_>, easel: &Easel<'_>) {
    let toolbox = &scene.session.toolbox;
    if toolbox.tool() != Tool::Eyedropper {
        return;
    }
    let Some(pointer) = ui.input(|input| input.pointer.hover_pos()) else {
        return;
    };
    if !easel.painter.clip_rect().contains(pointer) {
        return;
    }
    let at = easel.projection.image_from_screen(pointer);
    let under = PixelRect::new(at.x.floor() as i32, at.y.floor() as i32, 1, 1);
    if under.intersect(&easel.frame).is_empty() {
        return;
    }
    let seen = scene.session.canvas_content().composite(under);
    let Some(&[red, green, blue, alpha]) = seen.first().filter(|seen| seen[3] > 0) else {
        return;
    };
    let new = Color32::from_rgba_unmultiplied(red, green, blue, alpha);
    let [red, green, blue] = toolbox.settings.colour;
    let rect = Rect::from_min_size(pointer + vec2(14.0, -38.0), vec2(30.0, 30.0));
    let (upper, lower) = rect.split_top_bottom_at_fraction(0.6);
    let painter = easel.painter;
    painter.rect_filled(rect.expand(2.0), 6, easel.theme.outline_dark);
    painter.rect_filled(upper, 0, new);
    painter.rect_filled(lower, 0, Color32::from_rgb(red, green, blue));
    let stroke = Stroke::new(1.5, easel.theme.outline_light);
    painter.rect_stroke(rect, 2, stroke, StrokeKind::Outside);
    let hex = format!("#{:02X}{:02X}{:02X}", new.r(), new.g(), new.b());
    painter.text(
        rect.right_center() + vec2(8.0, 0.0),
        egui::Align2::LEFT_CENTER,
        hex,
        theme::caption(),
        easel.theme.outline_light,
    );
}
