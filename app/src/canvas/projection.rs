//! A view on a canvas of known size. Two spaces: canvas points (`screen`) and document pixels (`image`).

use egui::emath::Rot2;
use egui::{Pos2, Rect};

/// A [`View`](super::View) on a canvas of known size: maps points both ways.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projection {
    /// Where the document's (0, 0) lies on the screen, in points.
    pub(super) origin: Pos2,
    pub(super) points_per_pixel: f32,
    pub(super) rotation: Rot2,
    pub(super) rotation_radians: f32,
}

impl Projection {
    pub fn screen_from_image(&self, image: Pos2) -> Pos2 {
        self.origin + self.rotation * (image.to_vec2() * self.points_per_pixel)
    }

    pub fn image_from_screen(&self, screen: Pos2) -> Pos2 {
        (self.rotation.inverse() * (screen - self.origin) / self.points_per_pixel).to_pos2()
    }

    /// The corners of a document rectangle on the screen, clockwise from its top left one.
    pub fn corners(&self, image: Rect) -> [Pos2; 4] {
        [
            image.left_top(),
            image.right_top(),
            image.right_bottom(),
            image.left_bottom(),
        ]
        .map(|corner| self.screen_from_image(corner))
    }

    /// The smallest upright rectangle in the document that holds `screen`.
    pub fn image_bounds(&self, screen: Rect) -> Rect {
        let corners = [
            screen.left_top(),
            screen.right_top(),
            screen.right_bottom(),
            screen.left_bottom(),
        ];
        Rect::from_points(&corners.map(|corner| self.image_from_screen(corner)))
    }

    /// The smallest upright rectangle on the screen that holds `image`.
    pub fn screen_bounds(&self, image: Rect) -> Rect {
        Rect::from_points(&self.corners(image))
    }

    /// Where an upright rectangle would lie, turned by [`Self::rotation_radians`] about its middle.
    pub fn unrotated(&self, image: Rect) -> Rect {
        Rect::from_center_size(
            self.screen_from_image(image.center()),
            image.size() * self.points_per_pixel,
        )
    }

    /// A length in points.
    pub fn screen_length(&self, image_pixels: f32) -> f32 {
        image_pixels * self.points_per_pixel
    }

    /// Clockwise.
    pub fn rotation_radians(&self) -> f32 {
        self.rotation_radians
    }
}
