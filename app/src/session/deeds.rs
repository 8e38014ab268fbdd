//! What the button does: decided from the document unless the user chooses, with the settings of edits.

use limn_engine::protocol::Operation;
use limn_engine::stitch::{EditSettings, Fill};
use serde::{Deserialize, Serialize};

use super::Session;
use crate::document::{Content, StepName};

/// What a run does to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    NewPictures,
    FillMask,
    ChangePicture,
    Extend,
    /// Pictures like another.
    Variations,
    /// Between several pictures or words.
    Mix,
    /// From what one text says into what another says.
    Turn,
    Upscale,
}

impl Deed {
    /// What the button can be set to. The others are done at once, from a picture.
    pub const CHOICES: [Self; 6] = [
        Self::NewPictures,
        Self::FillMask,
        Self::ChangePicture,
        Self::Extend,
        Self::Mix,
        Self::Turn,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::NewPictures => "New pictures",
            Self::FillMask => "Fill mask",
            Self::ChangePicture => "Change picture",
            Self::Extend => "Extend",
            Self::Variations => "Variations",
            Self::Mix => "Mix",
            Self::Turn => "Turn … into …",
            Self::Upscale => "Upscale",
        }
    }

    pub fn remark(self) -> &'static str {
        match self {
            Self::NewPictures => "From the words alone",
            Self::FillMask => "Only what the mask covers changes",
            Self::ChangePicture => "The whole picture, as far as “How much to change” allows",
            Self::Extend => "Fills what is empty at the edges",
            Self::Variations => "Pictures like this one",
            Self::Mix => "Pictures between two to four pictures or words",
            Self::Turn => {
                "The picture changed from what one word says to another, as from “day” to “night”"
            }
            Self::Upscale => "The same picture, larger",
        }
    }

    /// What is asked of the engine, in the field's words.
    pub fn operation(self) -> Operation {
        match self {
            Self::NewPictures => Operation::Generate,
            Self::FillMask => Operation::Inpaint,
            Self::ChangePicture => Operation::ImageToImage,
            Self::Extend => Operation::Outpaint,
            Self::Variations => Operation::Variations,
            Self::Mix => Operation::Blend,
            Self::Turn => Operation::Shift,
            Self::Upscale => Operation::Upscale,
        }
    }

    /// Whether it changes the picture that is there.
    pub fn is_edit(self) -> bool {
        matches!(self, Self::FillMask | Self::ChangePicture | Self::Extend)
    }

    /// Whether it is put together in the prompt bar, in the place of the prompt.
    pub fn has_tray(self) -> bool {
        matches!(self, Self::Mix | Self::Turn)
    }
}

/// So far new picture may blend into the old one at its edges.
const MOST_BLEND_INWARD_PX: u32 = 4;

/// How the next edit of a document is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EditChoices {
    /// What the user chose, and what was suggested then: the choice holds until the suggestion changes.
    #[serde(skip)]
    pub(super) chosen: Option<(Deed, Deed)>,
    /// How much may change, from 0 to 1, under a mask and of a whole picture.
    pub fill_strength: f32,
    pub change_strength: f32,
    /// `None` is what suits the strength.
    pub fill: Option<Fill>,
    pub grow_px: Option<f32>,
    pub feather_px: Option<f32>,
    /// Looks at the whole picture rather than the surroundings of the mask.
    pub whole: bool,
    pub match_colours: bool,
    /// A mask larger than the model is filled in tiles of the model's size, one after the other.
    pub in_tiles: bool,
    /// How far new picture beyond the edges may blend into the old one.
    pub blend_inward_px: u32,
}

impl Default for EditChoices {
    fn default() -> Self {
        Self {
            chosen: None,
            fill_strength: 1.0,
            change_strength: 0.6,
            fill: None,
            grow_px: None,
            feather_px: None,
            whole: false,
            match_colours: true,
            in_tiles: false,
            blend_inward_px: 0,
        }
    }
}

impl EditChoices {
    /// As they were written down: numbers that nobody can choose are as usual.
    #[must_use]
    pub fn within_bounds(self) -> Self {
        const MOST_PX: f32 = 4096.0;
        let part = |value: f32, usual: f32| {
            if value.is_finite() {
                value.clamp(0.0, 1.0)
            } else {
                usual
            }
        };
        let length = |px: Option<f32>| px.filter(|px| (0.0..=MOST_PX).contains(px));
        let usual = Self::default();
        Self {
            fill_strength: part(self.fill_strength, usual.fill_strength),
            change_strength: part(self.change_strength, usual.change_strength),
            grow_px: length(self.grow_px),
            feather_px: length(self.feather_px),
            blend_inward_px: self.blend_inward_px.min(MOST_BLEND_INWARD_PX),
            ..self
        }
    }

    /// How much `deed` changes; `None` where that is no question.
    pub fn strength(&self, deed: Deed) -> Option<f32> {
        match deed {
            Deed::FillMask => Some(self.fill_strength),
            Deed::ChangePicture => Some(self.change_strength),
            _ => None,
        }
    }

    #[must_use]
    pub fn with_strength(mut self, deed: Deed, strength: f32) -> Self {
        match deed {
            Deed::FillMask => self.fill_strength = strength,
            Deed::ChangePicture => self.change_strength = strength,
            _ => {}
        }
        self
    }

    /// The same deed as strongly and in as many tiles, all else as it usually is.
    #[must_use]
    pub fn usual(&self) -> Self {
        Self {
            chosen: self.chosen,
            fill_strength: self.fill_strength,
            change_strength: self.change_strength,
            in_tiles: self.in_tiles,
            ..Self::default()
        }
    }

    /// What is put together in the place of the prompt, if anything is.
    pub fn tray(&self) -> Option<Deed> {
        let (chosen, _) = self.chosen?;
        chosen.has_tray().then_some(chosen)
    }

    /// Opens what is put together in the place of the prompt.
    pub fn open_tray(&mut self, tray: Deed) {
        if tray.has_tray() {
            self.chosen = Some((tray, tray));
        }
    }

    /// Whether anything but the strength is not as usual.
    pub fn are_special(&self) -> bool {
        *self != self.usual()
    }

    pub fn settings(&self, deed: Deed) -> EditSettings {
        let strength = self.strength(deed).unwrap_or(1.0);
        let usual = EditSettings::for_strength(strength);
        EditSettings {
            grow_px: self.grow_px,
            feather_px: self.feather_px,
            fill: self.fill.unwrap_or(usual.fill),
            whole: self.whole || deed == Deed::ChangePicture,
            match_colours: self.match_colours,
            ..usual
        }
    }
}

impl Session {
    /// What the button does now.
    pub fn deed(&self) -> Deed {
        let suggested = self.suggested_deed();
        match self.documents.current().choices.chosen {
            // What is being put together stays until it is put away.
            Some((chosen, _)) if chosen.has_tray() => chosen,
            Some((chosen, when)) if when == suggested && self.can_do(chosen) => chosen,
            _ => suggested,
        }
    }

    /// The user's word on what the button does.
    pub fn choose_deed(&mut self, deed: Deed) {
        let suggested = self.suggested_deed();
        self.documents.current_mut().choices.chosen = Some((deed, suggested));
    }

    /// Back to the prompt from what is put together in its place.
    pub fn leave_tray(&mut self) {
        if self.deed().has_tray() {
            self.documents.current_mut().choices.chosen = None;
        }
    }

    /// Whether a deed makes sense here; an empty mask can be filled later, so it can be chosen.
    pub fn can_do(&self, deed: Deed) -> bool {
        let current = self.documents.current();
        match deed {
            Deed::NewPictures | Deed::Mix => true,
            Deed::FillMask => !current.document.content().frame.is_empty(),
            Deed::ChangePicture | Deed::Turn | Deed::Variations | Deed::Upscale => {
                !current.document.content().frame.is_empty() || current.shown.is_some()
            }
            Deed::Extend => current.has_empty_edge(),
        }
    }

    fn suggested_deed(&self) -> Deed {
        let current = self.documents.current();
        let content = current.document.content();
        if content.frame.is_empty() {
            Deed::NewPictures
        } else if current.document.next_undo() == Some(StepName::Extend) && current.has_empty_edge()
        {
            Deed::Extend
        } else if !content.mask_bounds().is_empty() {
            Deed::FillMask
        } else if current.has_empty_edge() && current.is_extended() {
            Deed::Extend
        } else if sketch_is_on_top(content) {
            Deed::ChangePicture
        } else {
            Deed::NewPictures
        }
    }
}

/// Whether the uppermost layer with anything on it is paint: the picture as it is then is meant as a sketch.
fn sketch_is_on_top(content: &Content) -> bool {
    let seen = content.layers.iter().rev();
    let mut seen = seen.filter(|layer| layer.shows() && !layer.pixels().is_empty());
    seen.next().is_some_and(crate::document::Layer::is_sketch)
}
