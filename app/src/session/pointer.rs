//! The pointer over the canvas: what lies over the document gives way, then the tool works on the document.

use limn_engine::stitch::{self, Margins};

use super::{Keep, PictureRef, Session};
use limn_engine::PixelRect;

use crate::document::StepName;
use crate::tools::{PointerEvent, PointerKind, Tool, ToolOutcome};

impl Session {
    /// Call before a tool begins to work: a picture that only lies over the document is kept first, so that
    /// what is painted on is what was seen; an edit's result goes back to its tile.
    pub fn make_way(&mut self) -> Keep {
        let is_alone = match self.shown() {
            None => {
                self.documents.current_mut().sees_before = None;
                return Keep::Nothing;
            }
            Some(PictureRef::Gallery(_)) => true,
            Some(PictureRef::Result { run, .. }) => {
                self.run(run).is_some_and(|run| run.edit().is_none())
            }
        };
        if is_alone {
            return self.keep();
        }
        self.documents.current_mut().look_at_document();
        Keep::Nothing
    }

    /// Hands an event to the tool.
    pub fn pointer(&mut self, event: &PointerEvent) -> ToolOutcome {
        if event.kind == PointerKind::Down && self.toolbox.tool() == Tool::SketchBrush {
            self.make_paper();
        }
        let document = &mut self.documents.current_mut().document;
        self.toolbox.pointer(event, document)
    }

    /// Grows the current document's frame, as a step.
    pub fn extend(&mut self, margins: Margins) -> bool {
        let frame = stitch::extend(self.document().content().frame, margins).frame;
        self.document_mut()
            .change(StepName::Extend, |content| content.extend_frame(frame))
    }

    /// Shows only `frame` of the current document from now on, as a step; where it holds all that was seen, it grows.
    pub fn crop(&mut self, frame: PixelRect) -> bool {
        let is_larger = frame.contains_rect(&self.document().content().frame);
        let step = if is_larger {
            StepName::Extend
        } else {
            StepName::Crop
        };
        self.documents.current_mut().look_at_document();
        self.document_mut()
            .change(step, |content| content.crop_frame(frame))
    }

    /// Something to sketch on where there is no picture: an empty frame of the size that pictures will have.
    fn make_paper(&mut self) {
        if !self.document().content().frame.is_empty() {
            return;
        }
        let own_size = self.current_model().map(|model| model.default_size);
        let size = self.documents.current().draft.size.or(own_size);
        let (width, height) = size.unwrap_or((512, 512));
        let frame = PixelRect::from_size(width, height);
        self.document_mut()
            .change(StepName::Extend, |content| content.frame = frame);
    }
}
