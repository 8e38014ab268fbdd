//! How the picture lies on the canvas. Two spaces: canvas points (`screen`) and picture pixels (`image`).

use egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Physical pixels per picture pixel.
const MIN_ZOOM: f32 = 0.02;
const MAX_ZOOM: f32 = 64.0;
/// At least this much of the picture stays on the canvas, in points.
const KEEP_VISIBLE: f32 = 48.0;
/// Steps of the zoom buttons.
const STOPS: &[f32] = &[
    0.05, 0.1, 0.25, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0,
];

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Physical pixels per picture pixel: 1 is 100 %.
    zoom: f32,
    /// The picture point in the middle of the canvas, in picture pixels.
    centre: Pos2,
    /// Follows the canvas's and the picture's size until the user zooms or pans.
    fits: bool,
}

impl Default for View {
    fn default() -> Self {
        Self {
            zoom: 1.0,
            centre: Pos2::ZERO,
            fits: true,
        }
    }
}

impl View {
    pub fn zoom(&self) -> f32 {
        self.zoom
    }

    pub fn fits(&self) -> bool {
        self.fits
    }

    /// Where the picture lies on the screen, in points.
    pub fn picture_rect(&self, canvas: Rect, picture_size: Vec2, pixels_per_point: f32) -> Rect {
        let points_per_pixel = self.zoom / pixels_per_point;
        let min = canvas.center() - self.centre.to_vec2() * points_per_pixel;
        Rect::from_min_size(min, picture_size * points_per_pixel)
    }

    pub fn image_from_screen(&self, canvas: Rect, screen: Pos2, pixels_per_point: f32) -> Pos2 {
        self.centre + (screen - canvas.center()) * (pixels_per_point / self.zoom)
    }

    /// Call once a frame before drawing: keeps a fitting view fitted and any other one in reach.
    pub fn settle(
        &mut self,
        canvas: Rect,
        picture_size: Vec2,
        pixels_per_point: f32,
        margin: Vec2,
    ) {
        if self.fits {
            let room = (canvas.size() - margin * 2.0).max(vec2(32.0, 32.0)) * pixels_per_point;
            let picture = picture_size.max(vec2(1.0, 1.0));
            self.zoom = (room.x / picture.x)
                .min(room.y / picture.y)
                .clamp(MIN_ZOOM, MAX_ZOOM);
            self.centre = (picture_size / 2.0).to_pos2();
            return;
        }
        let reach = (canvas.size() / 2.0 - Vec2::splat(KEEP_VISIBLE)).max(Vec2::ZERO)
            * (pixels_per_point / self.zoom);
        self.centre = pos2(
            self.centre.x.clamp(-reach.x, picture_size.x + reach.x),
            self.centre.y.clamp(-reach.y, picture_size.y + reach.y),
        );
    }

    pub fn fit(&mut self) {
        self.fits = true;
    }

    /// Zooms by `factor`; the picture point under `pointer` stays where it is.
    pub fn zoom_at(&mut self, pointer: Pos2, factor: f32, canvas: Rect, pixels_per_point: f32) {
        let anchor = self.image_from_screen(canvas, pointer, pixels_per_point);
        self.zoom = (self.zoom * factor).clamp(MIN_ZOOM, MAX_ZOOM);
        self.centre = anchor - (pointer - canvas.center()) * (pixels_per_point / self.zoom);
        self.fits = false;
    }

    /// One picture pixel on one screen pixel, about the canvas's middle.
    pub fn actual_size(&mut self) {
        self.zoom = 1.0;
        self.fits = false;
    }

    /// To the next of a few round zooms, in (`true`) or out.
    pub fn zoom_step(&mut self, inwards: bool) {
        let next = if inwards {
            STOPS.iter().find(|stop| **stop > self.zoom * 1.001)
        } else {
            STOPS.iter().rev().find(|stop| **stop < self.zoom * 0.999)
        };
        if let Some(next) = next {
            self.zoom = *next;
            self.fits = false;
        }
    }

    /// Moves the picture with the pointer, by points.
    pub fn pan(&mut self, delta: Vec2, pixels_per_point: f32) {
        if delta != Vec2::ZERO {
            self.centre -= delta * (pixels_per_point / self.zoom);
            self.fits = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANVAS: Rect = Rect {
        min: pos2(52.0, 48.0),
        max: pos2(1096.0, 768.0),
    };

    fn settled(picture_size: Vec2, pixels_per_point: f32) -> View {
        let mut view = View::default();
        view.settle(CANVAS, picture_size, pixels_per_point, vec2(64.0, 64.0));
        view
    }

    #[test]
    fn a_fitting_picture_is_centred_and_inside_whatever_its_shape() {
        for (size, pixels_per_point) in [
            (vec2(256.0, 256.0), 1.0),
            (vec2(4096.0, 64.0), 1.0),
            (vec2(64.0, 2048.0), 2.0),
            (vec2(1.0, 1.0), 1.5),
        ] {
            let view = settled(size, pixels_per_point);
            let rect = view.picture_rect(CANVAS, size, pixels_per_point);
            assert!((rect.center() - CANVAS.center()).length() < 0.01, "{size}");
            assert!(CANVAS.shrink(63.9).contains_rect(rect), "{size}: {rect}");
        }
    }

    /// The defining property of zooming at the pointer.
    #[test]
    fn the_point_under_the_pointer_stays_there() {
        let size = vec2(512.0, 384.0);
        for pixels_per_point in [1.0, 1.25, 2.0] {
            let mut view = settled(size, pixels_per_point);
            for (pointer, factor) in [
                (pos2(100.0, 90.0), 1.5),
                (pos2(1000.0, 700.0), 0.4),
                (CANVAS.center(), 3.0),
                (pos2(640.0, 60.0), 7.0),
            ] {
                let before = view.image_from_screen(CANVAS, pointer, pixels_per_point);
                view.zoom_at(pointer, factor, CANVAS, pixels_per_point);
                let after = view.image_from_screen(CANVAS, pointer, pixels_per_point);
                assert!((before - after).length() < 1e-2, "{before} → {after}");
            }
        }
    }

    #[test]
    fn one_hundred_percent_is_one_pixel_on_one_pixel() {
        for pixels_per_point in [1.0, 2.0] {
            let size = vec2(256.0, 128.0);
            let mut view = settled(size, pixels_per_point);
            view.actual_size();
            let rect = view.picture_rect(CANVAS, size, pixels_per_point);
            assert!((rect.size() * pixels_per_point - size).length() < 1e-3);
        }
    }

    #[test]
    fn zoom_is_bounded_and_panning_never_loses_the_picture() {
        let size = vec2(256.0, 256.0);
        let mut view = settled(size, 1.0);
        for _ in 0..100 {
            view.zoom_at(pos2(60.0, 50.0), 2.0, CANVAS, 1.0);
        }
        assert!(view.zoom() <= MAX_ZOOM);
        for _ in 0..100 {
            view.zoom_at(pos2(60.0, 50.0), 0.5, CANVAS, 1.0);
        }
        assert!(view.zoom() >= MIN_ZOOM);
        view.actual_size();
        for delta in [vec2(1e5, 0.0), vec2(-2e5, 3e5), vec2(0.0, -9e5)] {
            view.pan(delta, 1.0);
            view.settle(CANVAS, size, 1.0, Vec2::ZERO);
            let rect = view.picture_rect(CANVAS, size, 1.0);
            assert!(rect.intersects(CANVAS), "{rect}");
        }
    }

    #[test]
    fn steps_go_through_the_round_zooms() {
        let mut view = View::default();
        view.actual_size();
        view.zoom_step(true);
        assert!((view.zoom() - 1.5).abs() < 1e-6);
        view.zoom_step(false);
        view.zoom_step(false);
        assert!((view.zoom() - 0.67).abs() < 1e-6);
        assert!(!view.fits());
    }

    #[test]
    fn panning_moves_the_picture_with_the_pointer() {
        let size = vec2(256.0, 256.0);
        let mut view = settled(size, 2.0);
        let before = view.picture_rect(CANVAS, size, 2.0);
        view.pan(vec2(10.0, -4.0), 2.0);
        let after = view.picture_rect(CANVAS, size, 2.0);
        assert!((after.min - before.min - vec2(10.0, -4.0)).length() < 1e-3);
    }
}
