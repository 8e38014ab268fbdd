//! One picture of a run, from an empty tile to a file in the gallery.

use std::sync::Arc;

use image::RgbImage;
use limn_engine::protocol::Preview;

use super::{EditSnapshot, Patch, PictureId};
use crate::gallery::Recipe;

/// One picture of a run.
#[derive(Debug)]
pub struct Slot {
    pub seed: u64,
    pub state: SlotState,
    /// The newest preview, and a number that changes with it.
    pub preview: Option<Arc<Preview>>,
    pub preview_version: u32,
    /// The finished pixels, kept at hand as long as there is room: see [`super::Session`]'s queue.
    pub(super) picture: Option<Arc<RgbImage>>,
    /// Of an edit, what it puts over its document, or what is done of that; kept at hand likewise.
    pub(super) patch: Option<Arc<Patch>>,
    /// Tiles of the edit that are in the patch.
    pub n_tiles_done: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SlotState {
    Waiting,
    /// From 0 to 1.
    Drawing(f32),
    /// Finished by the engine, not yet on the disk.
    Saving(Arc<Made>),
    Saved(Arc<Recipe>),
    /// The disk refused it; it lives here only.
    Unsaved {
        made: Arc<Made>,
        reason: String,
    },
    Failed(String),
    Cancelled,
    /// Limn ended before it was made.
    Interrupted,
    /// Was saved, then went to the trash.
    Trashed(Arc<Recipe>),
    /// Was saved, and the gallery has it no longer.
    Gone,
}

/// A picture as it came from the engine, with how it was made.
#[derive(Debug)]
pub struct Made {
    pub pixels: MadePixels,
    pub recipe: Arc<Recipe>,
}

#[derive(Debug, Clone)]
pub enum MadePixels {
    Picture(Arc<RgbImage>),
    /// The whole picture is the patch over what the run was asked about.
    Edit {
        snapshot: Arc<EditSnapshot>,
        patch: Arc<Patch>,
    },
}

impl PartialEq for Made {
    fn eq(&self, other: &Self) -> bool {
        self.recipe.id == other.recipe.id
    }
}

impl Made {
    /// The whole picture where the engine made it so.
    pub fn picture(&self) -> Option<Arc<RgbImage>> {
        match &self.pixels {
            MadePixels::Picture(pixels) => Some(Arc::clone(pixels)),
            MadePixels::Edit { .. } => None,
        }
    }

    /// The whole picture as the gallery keeps it. Of an edit it is put together here, which takes its time
    /// with a large document: never in `ui`.
    pub fn whole(&self) -> Arc<RgbImage> {
        match &self.pixels {
            MadePixels::Picture(pixels) => Arc::clone(pixels),
            MadePixels::Edit { snapshot, patch } => Arc::new(snapshot.whole(patch)),
        }
    }
}

impl Slot {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            state: SlotState::Waiting,
            preview: None,
            preview_version: 0,
            picture: None,
            patch: None,
            n_tiles_done: 0,
        }
    }

    /// Whether there is anything to look at.
    pub fn is_visible(&self) -> bool {
        match self.state {
            SlotState::Saved(_) | SlotState::Saving(_) | SlotState::Unsaved { .. } => true,
            SlotState::Drawing(_) => self.preview.is_some() || self.patch.is_some(),
            _ => false,
        }
    }

    pub fn saved_id(&self) -> Option<PictureId> {
        match &self.state {
            SlotState::Saved(recipe) => Some(recipe.id),
            _ => None,
        }
    }

    /// How it was made, once it is.
    pub fn recipe(&self) -> Option<&Arc<Recipe>> {
        match &self.state {
            SlotState::Saving(made) | SlotState::Unsaved { made, .. } => Some(&made.recipe),
            SlotState::Saved(recipe) => Some(recipe),
            _ => None,
        }
    }

    /// The pixels of a picture that stands by itself, while they are at hand.
    pub fn pixels(&self) -> Option<&Arc<RgbImage>> {
        self.picture.as_ref()
    }

    /// What is at hand only for convenience, in bytes: the gallery has it too.
    pub(super) fn spare_bytes(&self) -> usize {
        let is_saved = matches!(self.state, SlotState::Saved(_) | SlotState::Trashed(_));
        let picture = self.picture.as_ref().map_or(0, |picture| picture.len());
        let patch = self.patch.as_ref().map_or(0, |patch| patch.n_bytes());
        if is_saved { picture + patch } else { 0 }
    }

    /// It was not made, and can be asked for again.
    pub(super) fn is_lost(&self) -> bool {
        matches!(
            self.state,
            SlotState::Failed(_) | SlotState::Cancelled | SlotState::Interrupted
        )
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, SlotState::Waiting | SlotState::Drawing(_))
    }
}
