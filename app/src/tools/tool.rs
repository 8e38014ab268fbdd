/// The tools of the strip and its flyouts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Tool {
    #[default]
    Pan,
    Zoom,
    RotateView,
    Move,
    Brush,
    Eraser,
    Lasso,
    Polygon,
    Rectangle,
    Ellipse,
    Wand,
    Crop,
    SketchBrush,
    Eyedropper,
}

impl Tool {
    pub const ALL: [Self; 14] = [
        Self::Pan,
        Self::Zoom,
        Self::RotateView,
        Self::Move,
        Self::Brush,
        Self::Eraser,
        Self::Lasso,
        Self::Polygon,
        Self::Rectangle,
        Self::Ellipse,
        Self::Wand,
        Self::Crop,
        Self::SketchBrush,
        Self::Eyedropper,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::Pan => "Pan",
            Self::Zoom => "Zoom",
            Self::RotateView => "Turn the view",
            Self::Move => "Move",
            Self::Brush => "Brush",
            Self::Eraser => "Eraser",
            Self::Lasso => "Lasso",
            Self::Polygon => "Polygon",
            Self::Rectangle => "Rectangle",
            Self::Ellipse => "Ellipse",
            Self::Wand => "Wand",
            Self::Crop => "Crop or extend",
            Self::SketchBrush => "Sketch brush",
            Self::Eyedropper => "Eyedropper",
        }
    }

    /// What one does with it.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::Pan => "Drag to move the view; Space does the same for a moment",
            Self::Zoom => "Click to zoom in, with Alt to zoom out; the wheel always zooms",
            Self::RotateView => "Drag to turn the view; double-click to set it upright",
            Self::Move => "Drag the selected layer; the arrows nudge it",
            Self::Brush => "Paint where the picture may change; Alt erases, Shift draws straight",
            Self::Eraser => "Take away from the mask, or from the sketch",
            Self::Lasso => "Draw around what may change; Alt takes away",
            Self::Polygon => "Click the corners; Enter or a double-click closes it",
            Self::Rectangle => "Drag a box; Shift makes it square, Alt takes away",
            Self::Ellipse => "Drag an ellipse; Shift makes it round, Alt takes away",
            Self::Wand => "Click a colour to mask what is like it; Alt takes away",
            Self::Crop => "Drag an edge inwards to crop, outwards to make room for more picture",
            Self::SketchBrush => "Paint in colour on a layer of its own; Alt erases",
            Self::Eyedropper => "Click to take a colour from the picture",
        }
    }

    /// Moves the view; the canvas does it by itself.
    pub fn is_of_view(self) -> bool {
        matches!(self, Self::Pan | Self::Zoom | Self::RotateView)
    }

    /// Has a size and a hardness.
    pub fn is_brush(self) -> bool {
        matches!(self, Self::Brush | Self::Eraser | Self::SketchBrush)
    }

    /// Changes a mask.
    pub fn is_of_mask(self) -> bool {
        matches!(
            self,
            Self::Brush
                | Self::Eraser
                | Self::Lasso
                | Self::Polygon
                | Self::Rectangle
                | Self::Ellipse
                | Self::Wand
        )
    }
}
