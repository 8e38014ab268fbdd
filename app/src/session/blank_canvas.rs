//! A canvas with nothing on it, to sketch on and to fill.

use std::ops::RangeInclusive;

use super::{Kept, Session};
use crate::document::StepName;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlankCanvas {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Red, green and blue in sRGB; `None` is transparent.
    pub background: Option<[u8; 3]>,
}

impl BlankCanvas {
    /// Of width and height alike: smaller ones have no use, larger ones no document takes.
    pub const SIDES: RangeInclusive<u32> = 16..=16_384;

    #[must_use]
    fn bounded(self) -> Self {
        let bounded = |side: u32| side.clamp(*Self::SIDES.start(), *Self::SIDES.end());
        Self {
            size: (bounded(self.size.0), bounded(self.size.1)),
            ..self
        }
    }
}

impl Session {
    /// A blank canvas in the current document where that has nothing in it, else in a document of its own.
    pub fn open_blank_canvas(&mut self, canvas: BlankCanvas) -> Kept {
        let canvas = canvas.bounded();
        let was_blank = self.documents.current().is_blank();
        let open = self.document_for_picture();
        open.document.change(StepName::BlankCanvas, |content| {
            content.set_blank_canvas(canvas.size, canvas.background);
        });
        open.look_at_document();
        if was_blank {
            Kept::Base
        } else {
            Kept::OwnDocument
        }
    }
}
