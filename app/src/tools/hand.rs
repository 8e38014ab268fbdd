//! What a tool has at hand while it handles an event.

use limn_engine::PixelRect;
use limn_engine::stitch::Margins;

use super::mask_work::{MaskDeed, MaskWork};
use super::pointer::Point;
use super::settings::ToolSettings;
use super::tool::Tool;
use crate::document::tiles::Tiles;
use crate::document::{Content, Document, LayerId};

/// What came of an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum ToolOutcome {
    #[default]
    Nothing,
    /// The document looks different; its gesture goes on, or was undone.
    Changed,
    /// A gesture is finished and is a step now.
    Committed,
    /// The gesture asks for more than a frame has time for; nothing is changed yet.
    Work(Box<MaskWork>),
    /// The eyedropper took this colour; it is in the settings already.
    Picked([u8; 3]),
    /// The frame is to grow by this much.
    Extend(Margins),
    /// The frame is to be this.
    Crop(PixelRect),
    /// The tool needs a picture, and there is none yet.
    NoPicture,
    /// The tool needs a layer to be selected.
    NoLayer,
}

/// What is painted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Mask,
    /// Where the kept result of this layer shows.
    PatchMask(LayerId),
    Sketch,
}

pub(super) struct Hand<'a> {
    pub tool: Tool,
    pub target: Target,
    pub document: &'a mut Document,
    pub settings: &'a mut ToolSettings,
    /// Where the last stroke ended: Shift goes on from there.
    pub last_point: &'a mut Option<Point>,
    pub outcome: ToolOutcome,
}

impl Hand<'_> {
    pub fn frame(&self) -> PixelRect {
        self.document.content().frame
    }

    /// False, and the outcome says so, where there is no picture to work on.
    pub fn has_picture(&mut self) -> bool {
        let has_picture = !self.frame().is_empty();
        if !has_picture {
            self.outcome = ToolOutcome::NoPicture;
        }
        has_picture
    }

    /// Changes the mask, or the patch's mask, as one step: at once, or as work to be done elsewhere.
    pub fn change_mask(&mut self, deed: MaskDeed) {
        let target = self.target;
        let work = MaskWork { target, deed };
        self.outcome = if !work.is_quick(self.document.content()) {
            ToolOutcome::Work(Box::new(work))
        } else if work.carry_out(self.document) {
            ToolOutcome::Committed
        } else {
            ToolOutcome::Nothing
        };
    }

    pub fn commit(&mut self) {
        self.outcome = if self.document.commit() {
            ToolOutcome::Committed
        } else {
            ToolOutcome::Nothing
        };
    }

    pub fn roll_back(&mut self) {
        self.document.roll_back();
        self.outcome = ToolOutcome::Changed;
    }
}

/// The mask that is meant, and its offset in the document.
pub(super) fn mask_mut(
    content: &mut Content,
    target: Target,
) -> Option<(&mut Tiles<u8>, (i32, i32))> {
    match target {
        Target::Mask | Target::Sketch => Some((&mut content.mask, (0, 0))),
        Target::PatchMask(id) => {
            let layer = content.layer_mut(id)?;
            let offset = layer.offset;
            Some((layer.patch_mask_mut()?, offset))
        }
    }
}
