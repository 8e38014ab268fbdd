use limn_engine::PixelRect;

use super::brush::Brush;
use super::crop::{Crop, CropState};
use super::crop_rect::Aspect;
use super::hand::{Hand, Target, ToolOutcome};
use super::move_layer::{self, MoveState};
use super::overlay::Overlay;
use super::paint::PaintState;
use super::pointer::{Point, PointerEvent, PointerKind};
use super::polygon::PolygonState;
use super::select::SelectState;
use super::settings::ToolSettings;
use super::tool::Tool;
use crate::document::Document;

/// The tools, one of them chosen, and the gesture that it is in.
#[derive(Debug, Default)]
pub struct Toolbox {
    pub settings: ToolSettings,
    /// Painting goes to the selected patch's own mask, where a patch is selected.
    pub edits_patch_mask: bool,
    tool: Tool,
    /// The eraser takes from the sketch: it follows the brush that was chosen last.
    is_sketching: bool,
    state: State,
    /// Where the pointer is over the canvas.
    pointer: Option<PointerEvent>,
    last_point: Option<Point>,
}

/// The state of the chosen tool.
#[derive(Debug, Default)]
enum State {
    /// Pan, zoom and turn are the canvas's own.
    #[default]
    OfView,
    Paint(PaintState),
    Select(SelectState),
    Polygon(PolygonState),
    Move(MoveState),
    Crop(CropState),
    Eyedropper {
        is_down: bool,
    },
}

impl State {
    fn of(tool: Tool) -> Self {
        match tool {
            Tool::Pan | Tool::Zoom | Tool::RotateView => Self::OfView,
            Tool::Brush | Tool::Eraser | Tool::SketchBrush => Self::Paint(PaintState::default()),
            Tool::Lasso | Tool::Rectangle | Tool::Ellipse | Tool::Wand => {
                Self::Select(SelectState::default())
            }
            Tool::Polygon => Self::Polygon(PolygonState::default()),
            Tool::Move => Self::Move(MoveState::default()),
            Tool::Crop => Self::Crop(CropState::default()),
            Tool::Eyedropper => Self::Eyedropper { is_down: false },
        }
    }

    #[must_use]
    fn transition(self, event: &PointerEvent, hand: &mut Hand<'_>) -> Self {
        match self {
            Self::OfView => Self::OfView,
            Self::Paint(state) => Self::Paint(state.transition(event, hand)),
            Self::Select(state) => Self::Select(state.transition(event, hand)),
            Self::Polygon(state) => Self::Polygon(state.transition(event, hand)),
            Self::Move(state) => Self::Move(state.transition(event, hand)),
            Self::Crop(state) => Self::Crop(state.transition(event, hand)),
            Self::Eyedropper { is_down } => {
                let is_down = match event.kind {
                    PointerKind::Down => true,
                    PointerKind::Up | PointerKind::Cancelled => false,
                    _ => is_down,
                };
                if is_down {
                    pick(event.point(), hand);
                }
                Self::Eyedropper { is_down }
            }
        }
    }

    fn is_busy(&self) -> bool {
        match self {
            Self::OfView => false,
            Self::Paint(state) => matches!(state, PaintState::Painting(_)),
            Self::Select(state) => !matches!(state, SelectState::Ready),
            Self::Polygon(state) => state.is_drawing(),
            Self::Move(state) => matches!(state, MoveState::Dragging { .. }),
            Self::Crop(state) => state.is_busy(),
            Self::Eyedropper { is_down } => *is_down,
        }
    }
}

/// Takes the colour that is seen at a point; where nothing is, the old one stays.
fn pick(at: Point, hand: &mut Hand<'_>) {
    let (x, y) = at.pixel();
    let seen = PixelRect::new(x, y, 1, 1);
    let colours = hand.document.content().composite(seen);
    if let [[red, green, blue, alpha]] = colours[..]
        && alpha > 0
    {
        hand.settings.colour = [red, green, blue];
        hand.outcome = ToolOutcome::Picked(hand.settings.colour);
    }
}

impl Toolbox {
    pub fn tool(&self) -> Tool {
        self.tool
    }

    /// What is painted with now, or was last.
    pub fn is_sketching(&self) -> bool {
        self.is_sketching
    }

    /// Takes up a tool. A stroke on its way is finished; anything else that is not finished is dropped.
    pub fn choose(&mut self, tool: Tool, document: &mut Document) -> ToolOutcome {
        let outcome = match &self.state {
            State::Paint(_) | State::Move(_) if self.state.is_busy() => {
                self.repeat(PointerKind::Up, document)
            }
            _ => self.repeat(PointerKind::Cancelled, document),
        };
        match tool {
            Tool::Brush => self.is_sketching = false,
            Tool::SketchBrush => self.is_sketching = true,
            _ => {}
        }
        self.tool = tool;
        self.state = State::of(tool);
        outcome
    }

    /// From the brush to the eraser and back.
    pub fn swap(&mut self, document: &mut Document) -> ToolOutcome {
        let other = match (self.tool, self.is_sketching) {
            (Tool::Eraser, true) => Tool::SketchBrush,
            (Tool::Eraser, false) => Tool::Brush,
            _ => Tool::Eraser,
        };
        self.choose(other, document)
    }

    #[must_use]
    pub fn pointer(&mut self, event: &PointerEvent, document: &mut Document) -> ToolOutcome {
        self.pointer = (event.kind != PointerKind::Left).then_some(*event);
        self.apply(event, document)
    }

    /// Closes the polygon that is being drawn.
    pub fn finish(&mut self, document: &mut Document) -> ToolOutcome {
        if self.is_drawing_polygon() {
            self.repeat(PointerKind::DoubleClick, document)
        } else {
            ToolOutcome::Nothing
        }
    }

    /// Drops the gesture, and says whether there was one.
    pub fn cancel(&mut self, document: &mut Document) -> bool {
        let was_busy = self.state.is_busy();
        self.repeat(PointerKind::Cancelled, document);
        was_busy
    }

    /// For a change of document: nothing of the old one is gone on with.
    pub fn leave(&mut self, document: &mut Document) {
        self.cancel(document);
        self.state = State::of(self.tool);
        self.last_point = None;
        self.edits_patch_mask = false;
    }

    pub fn is_drawing_polygon(&self) -> bool {
        matches!(&self.state, State::Polygon(state) if state.is_drawing())
    }

    /// A gesture is on its way.
    pub fn is_busy(&self) -> bool {
        self.state.is_busy()
    }

    /// What the picture will be cropped to, while that is chosen; `frame` is the document's.
    pub fn crop(&self, frame: PixelRect) -> Option<Crop> {
        match &self.state {
            State::Crop(state) => state.crop(frame),
            _ => None,
        }
    }

    /// The picture's edges as the crop tool draws them: while it is grown, those that it will have.
    pub fn crop_frame(&self, frame: PixelRect) -> PixelRect {
        match &self.state {
            State::Crop(state) => state.rect(frame),
            _ => frame,
        }
    }

    /// Takes up the crop tool with a rectangle of this shape; without one its edges are free.
    pub fn choose_crop(&mut self, aspect: Option<Aspect>, document: &mut Document) {
        if self.tool != Tool::Crop {
            self.choose(Tool::Crop, document);
        }
        let frame = document.content().frame;
        if let State::Crop(state) = &self.state
            && !frame.is_empty()
        {
            self.state = State::Crop(state.with_aspect(aspect, frame));
        }
    }

    /// Ends the choice of what is left and says what it is.
    pub fn take_crop(&mut self, frame: PixelRect) -> Option<PixelRect> {
        let crop = self.crop(frame)?;
        self.state = State::of(self.tool);
        Some(crop.rect)
    }

    /// Moves the selected layer.
    pub fn nudge(&mut self, dx: i32, dy: i32, document: &mut Document) -> ToolOutcome {
        if self.state.is_busy() {
            return ToolOutcome::Nothing;
        }
        move_layer::nudge(document, dx, dy)
    }

    /// The brush of the chosen tool, or the one that would be chosen by its key.
    pub fn brush(&self) -> Brush {
        match self.tool {
            Tool::Eraser => self.settings.eraser,
            Tool::SketchBrush => self.settings.sketch,
            _ => self.settings.brush,
        }
    }

    pub fn step_size(&mut self, n: i32) {
        let brush = self.brush_mut();
        *brush = brush.stepped_size(n);
    }

    /// By tenths.
    pub fn step_hardness(&mut self, n: i32) {
        let brush = self.brush_mut();
        let tenths = (brush.hardness * 10.0).round() + n as f32;
        brush.hardness = (tenths / 10.0).clamp(0.0, 1.0);
    }

    /// A drag on the canvas, in points: sideways the size, up and down the hardness.
    pub fn adjust(&mut self, dx_points: f32, dy_points: f32) {
        let brush = self.brush_mut();
        brush.diameter_points += 2.0 * dx_points;
        brush.hardness -= dy_points / 200.0;
        *brush = brush.bounded();
    }

    /// What the canvas draws over the picture; `frame` is the document's.
    pub fn overlay(&self, frame: PixelRect) -> Overlay<'_> {
        match &self.state {
            State::OfView | State::Move(_) | State::Eyedropper { .. } => Overlay::Nothing,
            State::Paint(_) => self.ring(),
            State::Select(state) => state.overlay(),
            State::Polygon(state) => state.overlay(),
            State::Crop(state) => state.overlay(frame),
        }
    }

    fn ring(&self) -> Overlay<'_> {
        let Some(pointer) = self.pointer else {
            return Overlay::Nothing;
        };
        let brush = self.brush();
        let goes_straight = pointer.modifiers.shift && !self.state.is_busy();
        Overlay::Ring {
            centre: pointer.point(),
            brush,
            erases: self.tool == Tool::Eraser || pointer.modifiers.alt,
            line_from: self.last_point.filter(|_| goes_straight),
        }
    }

    fn brush_mut(&mut self) -> &mut Brush {
        match self.tool {
            Tool::Eraser => &mut self.settings.eraser,
            Tool::SketchBrush => &mut self.settings.sketch,
            _ => &mut self.settings.brush,
        }
    }

    /// Another event where the pointer was last.
    fn repeat(&mut self, kind: PointerKind, document: &mut Document) -> ToolOutcome {
        let event = PointerEvent {
            kind,
            ..self.pointer.unwrap_or_default()
        };
        self.apply(&event, document)
    }

    fn apply(&mut self, event: &PointerEvent, document: &mut Document) -> ToolOutcome {
        let needs_gesture = matches!(self.state, State::Paint(_) | State::Move(_));
        if needs_gesture && self.state.is_busy() && !document.is_in_gesture() {
            // A command in the middle of it has ended it: what was done so far is a step.
            self.state = State::of(self.tool);
        }
        let target = self.target(document);
        let mut hand = Hand {
            tool: self.tool,
            target,
            document,
            settings: &mut self.settings,
            last_point: &mut self.last_point,
            outcome: ToolOutcome::Nothing,
        };
        self.state = std::mem::take(&mut self.state).transition(event, &mut hand);
        hand.outcome
    }

    fn target(&self, document: &Document) -> Target {
        let sketches = match self.tool {
            Tool::SketchBrush => true,
            Tool::Eraser => self.is_sketching,
            _ => false,
        };
        if sketches {
            return Target::Sketch;
        }
        let selected = document.content().selected_layer();
        match selected.filter(|layer| layer.patch_mask().is_some()) {
            Some(patch) if self.edits_patch_mask => Target::PatchMask(patch.id),
            _ => Target::Mask,
        }
    }
}
