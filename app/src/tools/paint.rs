//! Brush, eraser and sketch brush.

use limn_engine::PixelRect;

use super::blend;
use super::hand::{Hand, Target, ToolOutcome, mask_mut};
use super::path::Path;
use super::pointer::{Point, PointerEvent, PointerKind};
use super::stroke::Stroke;
use super::sweep::Nib;
use super::tool::Tool;
use crate::document::tiles::Tiles;
use crate::document::{Content, LayerId, StepName};

#[derive(Debug, Default)]
pub(super) enum PaintState {
    #[default]
    Ready,
    Painting(Box<Painting>),
}

/// A stroke on its way; the document's gesture is open.
#[derive(Debug)]
pub(super) struct Painting {
    plane: Plane,
    ink: Ink,
    diameter_px: f32,
    path: Path,
    width: HandWidth,
    straight: Option<Straight>,
    at: Point,
}

impl PaintState {
    #[must_use]
    pub fn transition(self, event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        match (self, event.kind) {
            (Self::Ready, PointerKind::Down) => Self::begin(event, hand),
            // The release got lost: what is painted stays, and a new stroke begins.
            (Self::Painting(painting), PointerKind::Down) => {
                painting.end(None, hand);
                Self::begin(event, hand)
            }
            (Self::Painting(mut painting), PointerKind::Moved) => {
                painting.go_on(event, hand);
                Self::Painting(painting)
            }
            (Self::Painting(painting), PointerKind::Up) => {
                painting.end(Some(event), hand);
                Self::Ready
            }
            (Self::Painting(_), PointerKind::Cancelled) => {
                hand.roll_back();
                Self::Ready
            }
            (state, _) => state,
        }
    }

    fn begin(event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        match Painting::begin(event, hand) {
            Some(painting) => Self::Painting(Box::new(painting)),
            None => Self::Ready,
        }
    }
}

impl Painting {
    fn begin(event: &PointerEvent, hand: &mut Hand<'_>) -> Option<Self> {
        if !hand.has_picture() {
            return None;
        }
        let erases = hand.tool == Tool::Eraser || event.modifiers.alt;
        let brush = match hand.tool {
            Tool::Eraser => hand.settings.eraser,
            Tool::SketchBrush => hand.settings.sketch,
            _ => hand.settings.brush,
        }
        .bounded();
        let ink = Ink {
            colour: (!erases).then_some(hand.settings.colour),
            opacity: (brush.opacity * 255.0).round() as u8,
        };
        hand.document.begin(step(hand.target, erases));
        let Some(plane) = Plane::new(
            hand.document.content_mut(),
            hand.target,
            erases,
            brush.hardness,
        ) else {
            hand.document.roll_back();
            return None;
        };
        let mut width = HandWidth::new(hand.settings.width_follows_hand);
        let at = event.point();
        let diameter_px = brush.diameter_px(event.zoom);
        let nib = nib(diameter_px, at, width.factor(event));
        let start = hand
            .last_point
            .filter(|_| event.modifiers.shift)
            .map_or(nib, |centre| Nib { centre, ..nib });
        let softness = diameter_px * (1.0 - brush.hardness);
        let spacing_px = brush.spacing_px(diameter_px);
        let path = Path::start(start, spacing_px, (softness * 0.002).max(0.25));
        let mut painting = Self {
            plane,
            ink,
            diameter_px,
            path,
            width,
            straight: None,
            at,
        };
        let content = hand.document.content_mut();
        let (plane, ink) = (&mut painting.plane, ink);
        let mut is_touched = plane.go_to(start, ink, content);
        if start != nib {
            painting.path.line_to(nib, |nib| {
                is_touched |= plane.go_to(nib, ink, content);
            });
        }
        hand.outcome = outcome(is_touched);
        Some(painting)
    }

    fn go_on(&mut self, event: &PointerEvent, hand: &mut Hand<'_>) {
        let sample = self.sample(event);
        let content = hand.document.content_mut();
        let mut is_touched = false;
        let (plane, ink) = (&mut self.plane, self.ink);
        self.path.add(sample, |nib| {
            is_touched |= plane.go_to(nib, ink, content);
        });
        hand.outcome = outcome(is_touched);
    }

    /// Without an event, where the pointer was seen last.
    fn end(mut self, event: Option<&PointerEvent>, hand: &mut Hand<'_>) {
        let content = hand.document.content_mut();
        let (ink, path) = (self.ink, self.path.clone());
        let sample = event.map_or_else(|| path.last(), |event| self.sample(event));
        let plane = &mut self.plane;
        self.path.end(sample, |nib| {
            plane.go_to(nib, ink, content);
        });
        let leaves_something = self.plane.finish(content);
        *hand.last_point = Some(sample.centre);
        if leaves_something {
            hand.commit();
        } else {
            hand.roll_back();
        }
    }

    fn sample(&mut self, event: &PointerEvent) -> Nib {
        let factor = self.width.factor(event);
        self.at = self.placed(event);
        nib(self.diameter_px, self.at, factor)
    }

    /// Where the brush goes: with Shift along one of the eight directions, which is chosen once.
    fn placed(&mut self, event: &PointerEvent) -> Point {
        const CHOOSE_AT_POINTS: f32 = 6.0;
        let point = event.point();
        if !event.modifiers.shift {
            self.straight = None;
            return point;
        }
        let at = self.at;
        let straight = self.straight.get_or_insert(Straight {
            origin: at,
            direction: None,
        });
        let way = point - straight.origin;
        if straight.direction.is_none() && way.length() >= event.px_from_points(CHOOSE_AT_POINTS) {
            let along = point.snapped_to_eighths(straight.origin) - straight.origin;
            straight.direction = Some(along * (1.0 / along.length()));
        }
        match straight.direction {
            Some(direction) => straight.origin + direction * way.dot(direction),
            None => straight.origin,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Straight {
    origin: Point,
    /// Of unit length.
    direction: Option<Point>,
}

fn step(target: Target, erases: bool) -> StepName {
    match (target, erases) {
        (Target::Sketch, false) => StepName::Sketch,
        (Target::Sketch, true) => StepName::EraseSketch,
        (_, false) => StepName::Brush,
        (_, true) => StepName::Erase,
    }
}

fn nib(diameter_px: f32, centre: Point, factor: f32) -> Nib {
    Nib {
        centre,
        radius_px: (diameter_px * 0.5 * factor).max(0.5),
    }
}

fn outcome(is_touched: bool) -> ToolOutcome {
    if is_touched {
        ToolOutcome::Changed
    } else {
        ToolOutcome::Nothing
    }
}

/// What a stroke leaves.
#[derive(Debug, Clone, Copy)]
struct Ink {
    /// Without one it erases.
    colour: Option<[u8; 3]>,
    opacity: u8,
}

impl Ink {
    // Which way it goes is settled once for a stroke, not for each pixel.

    fn on_mask(self, stroke: &mut Stroke<u8>, nib: Nib, mask: &mut Tiles<u8>) -> bool {
        let scaled = move |cover| blend::scaled(cover, self.opacity);
        match self.colour {
            Some(_) => stroke.go_to(nib, mask, |was, cover| blend::add(was, scaled(cover))),
            None => stroke.go_to(nib, mask, |was, cover| blend::subtract(was, scaled(cover))),
        }
    }

    fn on_colour(self, stroke: &mut Stroke<[u8; 4]>, nib: Nib, plane: &mut Tiles<[u8; 4]>) -> bool {
        let scaled = move |cover| blend::scaled(cover, self.opacity);
        match self.colour {
            Some(colour) => stroke.go_to(nib, plane, |was, cover| {
                blend::paint(was, colour, scaled(cover))
            }),
            None => stroke.go_to(nib, plane, |was, cover| blend::erase(was, scaled(cover))),
        }
    }
}

/// What the stroke is painted on.
#[derive(Debug)]
enum Plane {
    Mask {
        stroke: Stroke<u8>,
        target: Target,
        offset: (i32, i32),
    },
    Sketch {
        stroke: Stroke<[u8; 4]>,
        layer: LayerId,
        offset: (i32, i32),
        /// The layer was made for this stroke.
        is_new: bool,
    },
}

impl Plane {
    /// `None` where there is nothing to paint on or to erase from.
    fn new(content: &mut Content, target: Target, erases: bool, hardness: f32) -> Option<Self> {
        let frame = content.frame;
        let clip = |offset: (i32, i32)| -> PixelRect { frame.translate(-offset.0, -offset.1) };
        if target != Target::Sketch {
            let (mask, offset) = mask_mut(content, target)?;
            return Some(Self::Mask {
                stroke: Stroke::new(mask.clone(), clip(offset), hardness),
                target,
                offset,
            });
        }
        let has_sketch = content
            .selected_layer()
            .is_some_and(crate::document::Layer::is_sketch);
        if erases && !has_sketch {
            return None;
        }
        let layer = content.sketch_mut();
        // Paint that cannot be seen would be a surprise later.
        layer.is_visible = true;
        Some(Self::Sketch {
            stroke: Stroke::new(layer.pixels().clone(), clip(layer.offset), hardness),
            layer: layer.id,
            offset: layer.offset,
            is_new: !has_sketch,
        })
    }

    fn go_to(&mut self, nib: Nib, ink: Ink, content: &mut Content) -> bool {
        let moved = |offset: (i32, i32)| Nib {
            centre: nib.centre - Point::new(offset.0 as f32, offset.1 as f32),
            ..nib
        };
        match self {
            Self::Mask {
                stroke,
                target,
                offset,
            } => mask_mut(content, *target)
                .is_some_and(|(mask, _)| ink.on_mask(stroke, moved(*offset), mask)),
            Self::Sketch {
                stroke,
                layer,
                offset,
                ..
            } => content
                .layer_mut(*layer)
                .is_some_and(|layer| ink.on_colour(stroke, moved(*offset), layer.pixels_mut())),
        }
    }

    /// False where the stroke has left nothing but a new, empty layer.
    fn finish(self, content: &mut Content) -> bool {
        match self {
            Self::Mask { stroke, target, .. } => {
                if let Some((mask, _)) = mask_mut(content, target) {
                    stroke.finish(mask);
                }
                true
            }
            Self::Sketch {
                stroke,
                layer,
                is_new,
                ..
            } => content.layer_mut(layer).is_some_and(|layer| {
                stroke.finish(layer.pixels_mut());
                !is_new || !layer.pixels().is_empty()
            }),
        }
    }
}

/// How wide the hand draws: by the pressure where the device reports it, else a little narrower when fast.
#[derive(Debug, Clone)]
struct HandWidth {
    is_followed: bool,
    /// Points a second, smoothed.
    speed: f32,
    last: Option<(Point, f64)>,
}

impl HandWidth {
    fn new(is_followed: bool) -> Self {
        Self {
            is_followed,
            speed: 0.0,
            last: None,
        }
    }

    /// Of the brush's diameter.
    fn factor(&mut self, event: &PointerEvent) -> f32 {
        const LIGHTEST: f32 = 0.1;
        const FASTEST: f32 = 0.75;
        /// Points a second: slower is full width, faster is no narrower.
        const SPEEDS: (f32, f32) = (800.0, 5000.0);
        if !self.is_followed {
            return 1.0;
        }
        if let Some(pressure) = event.pressure {
            return LIGHTEST + (1.0 - LIGHTEST) * pressure.clamp(0.0, 1.0);
        }
        let now = (event.point(), event.seconds);
        if let Some((point, seconds)) = self.last.replace(now) {
            let elapsed = (now.1 - seconds).max(1e-3) as f32;
            let speed = point.distance(now.0) * event.zoom / elapsed;
            self.speed += (speed - self.speed) * 0.2;
        }
        let t = ((self.speed - SPEEDS.0) / (SPEEDS.1 - SPEEDS.0)).clamp(0.0, 1.0);
        1.0 - (1.0 - FASTEST) * t * t * (3.0 - 2.0 * t)
    }
}
