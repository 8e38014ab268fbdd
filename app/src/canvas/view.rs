//! How the picture lies on the canvas. Two spaces: canvas points (`screen`) and document pixels (`image`).

use std::f32::consts::{PI, TAU};

use egui::emath::Rot2;
use egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::projection::Projection;

/// Physical pixels per document pixel.
const MIN_ZOOM: f32 = 0.02;
const MAX_ZOOM: f32 = 64.0;
/// At least this much of the picture stays on the canvas, in points.
const KEEP_VISIBLE: f32 = 48.0;
/// Steps of the zoom buttons.
const STOPS: &[f32] = &[
    0.02, 0.05, 0.1, 0.25, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0,
    64.0,
];
/// A rotation snaps to multiples of this.
const SNAP_RADIANS: f32 = PI / 12.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Physical pixels per document pixel: 1 is 100 %.
    zoom: f32,
    /// The document point in the middle of the canvas.
    centre: Pos2,
    /// Clockwise, about the middle of the canvas; in `-PI..=PI`.
    rotation_radians: f32,
    /// Follows the canvas's and the picture's size until the user zooms, pans or rotates.
    fits: bool,
}

impl Default for View {
    fn default() -> Self {
        Self {
            zoom: 1.0,
            centre: Pos2::ZERO,
            rotation_radians: 0.0,
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

    pub fn rotation_radians(&self) -> f32 {
        self.rotation_radians
    }

    /// An upright view lies on whole physical pixels, so that a picture at 100 % is not blurred by half a
    /// pixel.
    pub fn projection(&self, canvas: Rect, pixels_per_point: f32) -> Projection {
        let points_per_pixel = self.zoom / pixels_per_point;
        let rotation = Rot2::from_angle(self.rotation_radians);
        let origin = canvas.center() - rotation * (self.centre.to_vec2() * points_per_pixel);
        let snap = |value: f32| (value * pixels_per_point).round() / pixels_per_point;
        let is_upright = self.rotation_radians == 0.0;
        Projection {
            origin: if is_upright {
                pos2(snap(origin.x), snap(origin.y))
            } else {
                origin
            },
            points_per_pixel,
            rotation,
            rotation_radians: self.rotation_radians,
        }
    }

    /// Call once a frame before drawing: keeps a fitting view fitted and any other one in reach.
    pub fn settle(&mut self, canvas: Rect, picture: Rect, pixels_per_point: f32, margin: Vec2) {
        if self.fits {
            let room = (canvas.size() - margin * 2.0).max(vec2(32.0, 32.0)) * pixels_per_point;
            let size = picture.size().max(vec2(1.0, 1.0));
            let zoom = (room.x / size.x).min(room.y / size.y);
            // A small picture is enlarged by whole pixels, or not at all: it stays as crisp as it is.
            let zoom = if zoom > 1.0 { zoom.floor() } else { zoom };
            self.zoom = zoom.clamp(MIN_ZOOM, MAX_ZOOM);
            self.centre = picture.center();
            return;
        }
        let mut reach = canvas.size() / 2.0 - Vec2::splat(KEEP_VISIBLE);
        if self.rotation_radians != 0.0 {
            // Turned any way even its corner still reaches into the canvas.
            reach = Vec2::splat(reach.min_elem() / std::f32::consts::SQRT_2);
        }
        let reach = reach.max(Vec2::ZERO) * (pixels_per_point / self.zoom);
        self.centre = pos2(
            self.centre
                .x
                .clamp(picture.left() - reach.x, picture.right() + reach.x),
            self.centre
                .y
                .clamp(picture.top() - reach.y, picture.bottom() + reach.y),
        );
    }

    /// The whole picture, upright.
    pub fn fit(&mut self) {
        self.fits = true;
        self.rotation_radians = 0.0;
    }

    /// Zooms by `factor`; the document point under `pointer` stays where it is.
    pub fn zoom_at(&mut self, pointer: Pos2, factor: f32, canvas: Rect, pixels_per_point: f32) {
        let from_middle = Rot2::from_angle(-self.rotation_radians) * (pointer - canvas.center());
        let anchor = self.centre + from_middle * (pixels_per_point / self.zoom);
        self.zoom = (self.zoom * factor).clamp(MIN_ZOOM, MAX_ZOOM);
        self.centre = anchor - from_middle * (pixels_per_point / self.zoom);
        self.fits = false;
    }

    /// One document pixel on one screen pixel, about the canvas's middle.
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
            let delta = Rot2::from_angle(-self.rotation_radians) * delta;
            self.centre -= delta * (pixels_per_point / self.zoom);
            self.fits = false;
        }
    }

    /// Turns the picture about the canvas's middle; `snaps` to steps of 15°.
    pub fn rotate_to(&mut self, radians: f32, snaps: bool) {
        let radians = if snaps {
            (radians / SNAP_RADIANS).round() * SNAP_RADIANS
        } else {
            radians
        };
        let turned = (radians + PI).rem_euclid(TAU) - PI;
        // A full turn by snapping is upright to the bit, and upright views lie on whole pixels.
        self.rotation_radians = if turned.abs() < 1e-4 { 0.0 } else { turned };
        self.fits = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANVAS: Rect = Rect {
        min: pos2(52.0, 48.0),
        max: pos2(1096.0, 768.0),
    };

    fn picture(size: Vec2) -> Rect {
        Rect::from_min_size(Pos2::ZERO, size)
    }

    fn settled(size: Vec2, pixels_per_point: f32) -> View {
        let mut view = View::default();
        let margin = vec2(64.0, 64.0);
        view.settle(CANVAS, picture(size), pixels_per_point, margin);
        view
    }

    fn on_screen(view: &View, size: Vec2, pixels_per_point: f32) -> Rect {
        view.projection(CANVAS, pixels_per_point)
            .screen_bounds(picture(size))
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
            let rect = on_screen(&view, size, pixels_per_point);
            // Half a physical pixel, for lying on whole ones.
            assert!((rect.center() - CANVAS.center()).length() < 0.8, "{size}");
            assert!(CANVAS.shrink(63.0).contains_rect(rect), "{size}: {rect}");
        }
    }

    #[test]
    fn a_frame_that_has_grown_to_the_left_is_centred_too() {
        let frame = Rect::from_min_size(pos2(-300.0, -20.0), vec2(900.0, 400.0));
        let mut view = View::default();
        view.settle(CANVAS, frame, 1.0, vec2(64.0, 64.0));
        let rect = view.projection(CANVAS, 1.0).screen_bounds(frame);
        assert!((rect.center() - CANVAS.center()).length() < 0.8, "{rect}");
    }

    /// What is painted lands under the pointer, however the view is turned and scaled.
    #[test]
    fn points_come_back_at_any_rotation_zoom_and_scale() {
        for pixels_per_point in [1.0, 1.25, 2.0, 3.0] {
            for zoom in [0.02, 0.13, 1.0, 4.0, 64.0] {
                for degrees in [0.0_f32, 15.0, -37.5, 90.0, 179.0] {
                    let mut view = View::default();
                    view.settle(
                        CANVAS,
                        picture(vec2(8192.0, 8192.0)),
                        pixels_per_point,
                        Vec2::ZERO,
                    );
                    view.zoom_at(
                        CANVAS.center(),
                        zoom / view.zoom(),
                        CANVAS,
                        pixels_per_point,
                    );
                    view.rotate_to(degrees.to_radians(), false);
                    let projection = view.projection(CANVAS, pixels_per_point);
                    for screen in [CANVAS.min, CANVAS.center(), pos2(800.3, 71.7), CANVAS.max] {
                        let image = projection.image_from_screen(screen);
                        let back = projection.screen_from_image(image);
                        let what = format!("{pixels_per_point} {zoom} {degrees} {screen}");
                        assert!((back - screen).length() < 0.15, "{what}: {back}");
                    }
                }
            }
        }
    }

    /// By hand: turned by a quarter, the document's x axis points down the screen.
    #[test]
    fn a_quarter_turn_sends_right_to_down() {
        let mut view = settled(vec2(512.0, 512.0), 1.0);
        view.actual_size();
        view.rotate_to(90_f32.to_radians(), false);
        let projection = view.projection(CANVAS, 1.0);
        let middle = projection.screen_from_image(pos2(256.0, 256.0));
        let right = projection.screen_from_image(pos2(266.0, 256.0));
        assert!((middle - CANVAS.center()).length() < 1e-3);
        assert!((right - middle - vec2(0.0, 10.0)).length() < 1e-3);
    }

    #[test]
    fn rotation_snaps_to_steps_of_15_degrees_and_fitting_resets_it() {
        for (degrees, snapped) in [
            (7.0, 0.0),
            (8.0, 15.0),
            (-52.0, -45.0),
            (358.0, 0.0),
            (190.0, -165.0),
        ] {
            let mut view = settled(vec2(256.0, 256.0), 1.0);
            view.rotate_to(f32::to_radians(degrees), true);
            let is = view.rotation_radians().to_degrees();
            assert!((is - snapped).abs() < 1e-3, "{degrees}: {is}");
            assert!(!view.fits());
            view.fit();
            assert!(view.rotation_radians() == 0.0 && view.fits());
        }
    }

    /// The defining property of zooming at the pointer.
    #[test]
    fn the_point_under_the_pointer_stays_there() {
        let size = vec2(512.0, 384.0);
        for pixels_per_point in [1.0, 1.25, 2.0] {
            for degrees in [0.0_f32, 30.0, -120.0] {
                let mut view = settled(size, pixels_per_point);
                view.rotate_to(degrees.to_radians(), false);
                for (pointer, factor) in [
                    (pos2(100.0, 90.0), 1.5),
                    (pos2(1000.0, 700.0), 0.4),
                    (CANVAS.center(), 3.0),
                    (pos2(640.0, 60.0), 7.0),
                ] {
                    let before = view
                        .projection(CANVAS, pixels_per_point)
                        .image_from_screen(pointer);
                    view.zoom_at(pointer, factor, CANVAS, pixels_per_point);
                    let after = view
                        .projection(CANVAS, pixels_per_point)
                        .screen_from_image(before);
                    // Both projections may lie half a physical pixel off, the first one magnified since.
                    let slack = 0.8 * (1.0 + factor) / pixels_per_point;
                    assert!((after - pointer).length() < slack, "{pointer} → {after}");
                }
            }
        }
    }

    #[test]
    fn one_hundred_percent_is_one_pixel_on_one_pixel() {
        for pixels_per_point in [1.0, 1.25, 2.0] {
            let size = vec2(255.0, 128.0);
            let mut view = settled(size, pixels_per_point);
            view.actual_size();
            let rect = on_screen(&view, size, pixels_per_point);
            assert!((rect.size() * pixels_per_point - size).length() < 1e-3);
            let corner = rect.min * pixels_per_point;
            assert!((corner - corner.round()).length() < 1e-3, "{corner}");
        }
    }

    #[test]
    fn zoom_is_bounded_and_panning_never_loses_the_picture() {
        let size = vec2(256.0, 256.0);
        for degrees in [0.0_f32, 45.0] {
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
            view.rotate_to(degrees.to_radians(), false);
            for delta in [vec2(1e5, 0.0), vec2(-2e5, 3e5), vec2(0.0, -9e5)] {
                view.pan(delta, 1.0);
                view.settle(CANVAS, picture(size), 1.0, Vec2::ZERO);
                let rect = on_screen(&view, size, 1.0);
                assert!(rect.intersects(CANVAS), "{rect}");
            }
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
        for degrees in [0.0_f32, 60.0] {
            let mut view = settled(size, 2.0);
            view.rotate_to(degrees.to_radians(), false);
            let before = view.projection(CANVAS, 2.0).screen_from_image(Pos2::ZERO);
            view.pan(vec2(10.0, -4.0), 2.0);
            let after = view.projection(CANVAS, 2.0).screen_from_image(Pos2::ZERO);
            // Upright views lie on whole physical pixels.
            let off = after - before - vec2(10.0, -4.0);
            assert!(off.length() < 0.5, "{degrees}: {off}");
        }
    }
}
