//! The tools through the toolbox, as the window uses them.

mod cropping;
mod painting;
mod selecting;
mod states;

use limn_engine::PixelRect;

use super::pointer::{PointerEvent, PointerKind, PointerModifiers};
use super::{Brush, Tool, ToolOutcome, Toolbox};
use crate::document::{Document, Layer, StepName};

/// Points of the screen for each pixel.
const ZOOM: f32 = 4.0;
const FRAME: PixelRect = PixelRect::from_size(64, 48);

/// A document with a picture, and a toolbox over it.
struct Bench {
    document: Document,
    toolbox: Toolbox,
    modifiers: PointerModifiers,
    seconds: f64,
}

impl Bench {
    /// Left half blue, right half orange.
    fn new(tool: Tool) -> Self {
        let pixels: Vec<_> = (0..FRAME.n_pixels())
            .map(|i| {
                if i % u64::from(FRAME.width) < 32 {
                    [20, 40, 200, 255]
                } else {
                    [240, 140, 20, 255]
                }
            })
            .collect();
        let mut document = Document::new();
        document.change(StepName::OpenPicture, |content| {
            content.frame = FRAME;
            content.add_layer(Layer::picture("Picture", FRAME, &pixels));
        });
        let mut bench = Self {
            document,
            toolbox: Toolbox::default(),
            modifiers: PointerModifiers::default(),
            seconds: 0.0,
        };
        bench.toolbox.settings.width_follows_hand = false;
        bench.set_brush(9.0, 1.0, 1.0);
        bench.choose(tool);
        bench
    }

    /// Without a picture.
    fn empty(tool: Tool) -> Self {
        let mut bench = Self::new(tool);
        bench.document = Document::new();
        bench
    }

    fn choose(&mut self, tool: Tool) -> ToolOutcome {
        self.toolbox.choose(tool, &mut self.document)
    }

    fn set_brush(&mut self, diameter_px: f32, hardness: f32, opacity: f32) {
        let brush = Brush {
            diameter_points: diameter_px * ZOOM,
            hardness,
            opacity,
        };
        let settings = &mut self.toolbox.settings;
        (settings.brush, settings.eraser, settings.sketch) = (brush, brush, brush);
    }

    fn event(&mut self, kind: PointerKind, (x, y): (f32, f32)) -> ToolOutcome {
        self.pressed(kind, (x, y), None)
    }

    fn pressed(
        &mut self,
        kind: PointerKind,
        position: (f32, f32),
        pressure: Option<f32>,
    ) -> ToolOutcome {
        self.seconds += 0.01;
        let event = PointerEvent {
            position,
            kind,
            pressure,
            modifiers: self.modifiers,
            seconds: self.seconds,
            zoom: ZOOM,
        };
        self.toolbox.pointer(&event, &mut self.document)
    }

    /// A press, moves and a release; what came of the release.
    fn drag(&mut self, points: &[(f32, f32)]) -> ToolOutcome {
        self.event(PointerKind::Down, points[0]);
        for point in &points[1..] {
            self.event(PointerKind::Moved, *point);
        }
        self.event(PointerKind::Up, points[points.len() - 1])
    }

    fn click(&mut self, point: (f32, f32)) -> ToolOutcome {
        self.drag(&[point])
    }

    fn mask(&self, x: i32, y: i32) -> u8 {
        self.document.content().mask.pixel(x, y)
    }

    fn mask_row(&self, y: i32) -> Vec<u8> {
        let row = PixelRect::new(0, y, FRAME.width, 1);
        self.document.content().mask.read(row)
    }

    fn whole_mask(&self) -> Vec<u8> {
        self.document.content().mask.read(FRAME)
    }

    fn bounds(&self) -> PixelRect {
        self.document.content().mask.bounds(|value| value > 0)
    }
}

/// The mask after one stroke of a hard brush 9 px wide.
fn drag_brush(points: &[(f32, f32)]) -> Bench {
    let mut bench = Bench::new(Tool::Brush);
    bench.drag(points);
    bench
}
