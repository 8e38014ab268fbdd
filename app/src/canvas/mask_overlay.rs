//! The mask over the picture: a tint where it covers, and its edge in white dashes on a dark line, which is
//! seen on any picture.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke};

use super::Projection;
use super::outline;
use super::tile_maker::Plane;
use super::tiled::{Sight, TiledDocument};
use crate::theme::Theme;

/// In points.
const DASH: [f32; 2] = [5.0, 5.0];
const WHITE_WIDTH: f32 = 1.5;
const DARK_WIDTH: f32 = 2.5;
/// A mask with more corners in view than this has no outline: it would cost the frame and show nothing.
const MAX_POINTS: usize = 30_000;

/// The outline as it was drawn last, for as long as nothing moves.
#[derive(Default)]
pub struct MaskOverlay {
    drawn: Option<(OutlineKey, Vec<Shape>)>,
}

#[derive(Clone, Copy, PartialEq)]
struct OutlineKey {
    projection: Projection,
    clip: Rect,
    mask_generation: u64,
}

impl MaskOverlay {
    pub fn paint(
        &mut self,
        painter: &Painter,
        theme: &Theme,
        tiled: &TiledDocument,
        sight: &Sight<'_>,
        colour: Color32,
    ) {
        tiled.paint(painter, sight, Plane::Mask, colour);
        let key = OutlineKey {
            projection: *sight.projection,
            clip: sight.clip,
            mask_generation: tiled.mask_generation(),
        };
        if self.drawn.as_ref().is_none_or(|(drawn, _)| *drawn != key) {
            self.drawn = Some((key, outline_shapes(theme, tiled, sight)));
        }
        if let Some((_, shapes)) = &self.drawn {
            painter.extend(shapes.iter().cloned());
        }
    }
}

fn outline_shapes(theme: &Theme, tiled: &TiledDocument, sight: &Sight<'_>) -> Vec<Shape> {
    let outlines = tiled.outlines(sight);
    let n_points: usize = outlines.iter().map(|outline| outline.len()).sum();
    if n_points > MAX_POINTS {
        return Vec::new();
    }
    let mut shapes = Vec::new();
    let mut white = Vec::new();
    for outline in outlines {
        let line: Vec<Pos2> = outline
            .iter()
            .map(|point| sight.projection.screen_from_image(*point))
            .collect();
        two_tone(theme, &line, sight.clip, &mut shapes, &mut white);
    }
    // Every dark line below every dash.
    shapes.extend(white);
    shapes
}

/// A line in white dashes on a dark one, on any ground to be seen.
pub fn two_tone_line(painter: &Painter, theme: &Theme, line: &[Pos2]) {
    let (mut dark, mut white) = (Vec::new(), Vec::new());
    two_tone(theme, line, painter.clip_rect(), &mut dark, &mut white);
    painter.extend(dark);
    painter.extend(white);
}

fn two_tone(
    theme: &Theme,
    line: &[Pos2],
    clip: Rect,
    dark: &mut Vec<Shape>,
    white: &mut Vec<Shape>,
) {
    let seen = clip.expand(DARK_WIDTH);
    // As dashes without gaps: what is out of sight is left out of it too.
    let whole = [4096.0, 0.0];
    let dark_stroke = Stroke::new(DARK_WIDTH, theme.outline_dark);
    outline::dashes(line, seen, whole, |points| {
        dark.push(Shape::line(points, dark_stroke));
    });
    let white_stroke = Stroke::new(WHITE_WIDTH, theme.outline_light);
    outline::dashes(line, seen, DASH, |points| {
        white.push(Shape::line(points, white_stroke));
    });
}
