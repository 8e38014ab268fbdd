//! Keep: a result becomes part of a document. And what the canvas shows as if it had.

use image::{RgbImage, RgbaImage};
use limn_engine::PixelRect;

use super::{OpenDocument, Patch, PictureId, PictureRef, Place, Run, RunId, Session};
use crate::document::{
    Content, DocumentId, KeptResult, Layer, Original, PatchSource, StepName, title,
};

const LAYER_NAME_WORDS: usize = 6;
const LAYER_NAME_CHARS: usize = 80;

/// What became of [`Session::keep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Done(Kept),
    /// The pixels are in the gallery: open the picture, then say [`Session::open_picture`].
    Fetch(PictureId),
    /// It is still being made, or never was.
    NotMade,
    /// Of an edit so long ago that only the whole picture is left, in the gallery.
    OnlyInGallery,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// As the picture of a document that had none.
    Base,
    /// In a document of its own: the one in front has a picture.
    OwnDocument,
    Patch,
    /// In place of another result of its run.
    Swapped,
}

/// The content as the canvas shows it, where that is not the document's own.
pub(super) struct Staged {
    of: StageKey,
    content: Content,
}

/// Document and version, the result shown in it with what is done of it, the run that is hidden.
type StageKey = (
    DocumentId,
    u64,
    Option<(PictureRef, Option<u64>)>,
    Option<RunId>,
);

impl Session {
    /// Keeps what is shown.
    pub fn keep(&mut self) -> Keep {
        match self.shown() {
            None => Keep::Nothing,
            Some(PictureRef::Gallery(id)) => Keep::Fetch(id),
            Some(PictureRef::Result { run, index }) => {
                let Some(run) = self.runs.iter().find(|known| known.id == run) else {
                    return Keep::Nothing;
                };
                if run.edit().is_some() {
                    self.keep_patch(run.id, index)
                } else {
                    self.keep_picture(run.id, index)
                }
            }
        }
    }

    /// A picture of the gallery or of a file becomes a document: the current one where it is blank.
    pub fn open_picture(
        &mut self,
        name: &str,
        pixels: &RgbaImage,
        source: Option<PictureId>,
        original: Option<Original>,
    ) -> Kept {
        let size = pixels.dimensions();
        let colours = pixels.as_raw().as_chunks::<4>().0;
        let frame = PixelRect::from_size(size.0, size.1);
        let layer = Layer::picture(name, frame, colours).from_file(original);
        self.open_layers(name, size, vec![layer], source)
    }

    /// As [`Self::open_picture`], of a picture in layers, the lowest first.
    pub fn open_layers(
        &mut self,
        name: &str,
        size: (u32, u32),
        layers: Vec<Layer>,
        source: Option<PictureId>,
    ) -> Kept {
        let was_blank = self.documents.current().is_blank();
        let open = self.document_for_picture();
        open.document.change(StepName::OpenPicture, |content| {
            content.set_base_layers(size, layers);
        });
        open.document.name_after_prompt(name);
        open.source = source;
        open.look_at_document();
        if was_blank {
            Kept::Base
        } else {
            Kept::OwnDocument
        }
    }

    /// The patch of a run that is in the current document, if it is kept.
    pub fn kept_index(&self, run: &Run) -> Option<u32> {
        let content = self.documents.get(run.document)?.document.content();
        let layer = content.patch_of_run(run.uuid)?;
        let crate::document::LayerKind::Patch { source, .. } = &layer.kind else {
            return None;
        };
        let is_it = |slot: &super::Slot| {
            slot.recipe()
                .is_some_and(|recipe| recipe.id == source.picture)
        };
        run.slots.iter().position(is_it).map(|index| index as u32)
    }

    /// Whether a result is part of a document that is open: as a patch, or as the picture that it began with.
    pub fn is_kept(&self, run: &Run, index: u32) -> bool {
        let slot = run.slots.get(index as usize);
        let id = slot.and_then(|slot| Some(slot.recipe()?.id));
        let began_with = |open: &OpenDocument| id.is_some() && open.source == id;
        self.kept_index(run) == Some(index) || self.documents.iter().any(began_with)
    }

    /// Whether the picture has changed, where the run looked at it, since it was asked for. What was kept of
    /// the run itself is no change.
    pub fn is_of_older_state(&self, run: &Run) -> bool {
        let (Some(edit), Some(open)) = (run.edit(), self.documents.get(run.document)) else {
            return false;
        };
        let mut now = open.document.content().clone();
        if let Some(id) = now.patch_of_run(run.uuid).map(|layer| layer.id) {
            now.layers.retain(|layer| layer.id != id);
        }
        let changed = now.changed_tiles(&edit.content);
        let sees = |tile: &crate::document::tiles::TileIndex| {
            !tile.rect().intersect(&edit.plan.context).is_empty()
        };
        changed.picture.iter().any(sees)
    }

    /// What to draw of the current document: with the patch of the result that is shown, as keeping it would
    /// have it, or without the patch of the run before which the picture is seen.
    pub fn canvas_content(&self) -> &Content {
        match &self.staged {
            Some(staged) if staged.of == self.stage_key() => &staged.content,
            _ => self.documents.current().document.content(),
        }
    }

    /// Call after every change and before drawing.
    pub fn refresh(&mut self) {
        if self.place == Place::Canvas {
            self.documents.current_mut().has_news = false;
        }
        let current = self.documents.current();
        let key = self.stage_key();
        if self.staged.as_ref().is_some_and(|staged| staged.of == key) {
            return;
        }
        let content = match (current.shown, current.sees_before) {
            (Some(PictureRef::Result { run, index }), _) => self.content_with(run, index),
            (None, Some(run)) => self.content_without(run),
            _ => None,
        };
        self.staged = content.map(|content| Staged { of: key, content });
    }

    fn stage_key(&self) -> StageKey {
        let open = self.documents.current();
        let shown = open.shown.map(|picture| {
            let patch = match picture {
                PictureRef::Result { run, index } => {
                    let slot = self.run(run).and_then(|run| run.slots.get(index as usize));
                    slot.and_then(|slot| slot.patch.as_ref())
                }
                PictureRef::Gallery(_) => None,
            };
            (picture, patch.map(|patch| patch.pixels.revision()))
        });
        let (id, version) = (open.document.id(), open.document.version());
        (id, version, shown, open.sees_before)
    }

    fn content_with(&self, run: RunId, index: u32) -> Option<Content> {
        let run = self.run(run)?;
        let slot = run.slots.get(index as usize)?;
        let patch = slot.patch.as_ref().filter(|_| slot.is_visible())?;
        let mut content = self.documents.get(run.document)?.document.content().clone();
        lay_patch(&mut content, run, index, patch)?;
        Some(content)
    }

    fn content_without(&self, run: RunId) -> Option<Content> {
        let run = self.run(run)?;
        let mut content = self.documents.get(run.document)?.document.content().clone();
        let patch = content.patch_of_run(run.uuid)?.id;
        content.layer_mut(patch)?.is_visible = false;
        Some(content)
    }

    fn keep_picture(&mut self, run: RunId, index: u32) -> Keep {
        let Some((run, slot)) = self
            .run(run)
            .and_then(|run| Some((run, run.slots.get(index as usize)?)))
        else {
            return Keep::Nothing;
        };
        let Some(id) = slot.recipe().map(|recipe| recipe.id) else {
            return Keep::NotMade;
        };
        let (name, pixels) = (run.title(), slot.pixels().cloned());
        match pixels {
            Some(pixels) => {
                let (request, is_of_words) = (run.request.clone(), run.gesture().is_none());
                let kept = self.open_picture(&name, &opaque(&pixels), Some(id), None);
                if kept == Kept::OwnDocument && is_of_words {
                    self.draft_mut().like(&request);
                }
                Keep::Done(kept)
            }
            None => Keep::Fetch(id),
        }
    }

    fn keep_patch(&mut self, run: RunId, index: u32) -> Keep {
        let Some((run, slot)) = self
            .runs
            .iter()
            .find(|known| known.id == run)
            .and_then(|run| Some((run, run.slots.get(index as usize)?)))
        else {
            return Keep::Nothing;
        };
        if slot.recipe().is_none() {
            return Keep::NotMade;
        }
        let Some(patch) = &slot.patch else {
            return Keep::OnlyInGallery;
        };
        let Some(open) = self.documents.get_mut(run.document) else {
            return Keep::Nothing;
        };
        let swaps = open.document.content().patch_of_run(run.uuid).is_some();
        let step = if swaps {
            StepName::SwapResult
        } else {
            StepName::KeepResult
        };
        open.document.change(step, |content| {
            lay_patch(content, run, index, patch);
            put_mask_by(content);
            content.selected = content.patch_of_run(run.uuid).map(|patch| patch.id);
        });
        // The brush goes on painting the mask of the picture until the user turns to that of the patch.
        self.toolbox.edits_patch_mask = false;
        open.look_at_document();
        Keep::Done(if swaps { Kept::Swapped } else { Kept::Patch })
    }
}

impl OpenDocument {
    /// Takes what lies over the document away.
    pub fn look_at_document(&mut self) {
        self.shown = None;
        self.sees_before = None;
        self.follows = false;
    }
}

/// Lays a result where its run looked: above all that the run saw, below what was painted since.
fn lay_patch(content: &mut Content, run: &Run, index: u32, patch: &Patch) -> Option<()> {
    let edit = run.edit()?;
    // One in the making has no name yet, and is only looked at.
    let recipe = run.slots.get(index as usize)?.recipe();
    let picture = recipe.map_or_else(PictureId::new, |recipe| recipe.id);
    let selected = content.selected;
    let is_new = content.patch_of_run(run.uuid).is_none();
    let seen = |layer: &crate::document::Layer| edit.content.layer(layer.id).is_some();
    let above = content
        .layers
        .iter()
        .rposition(seen)
        .map_or(0, |top| top + 1);
    let id = content.keep_result(&KeptResult {
        source: PatchSource {
            run: run.uuid,
            picture,
        },
        name: &title(&run.request.prompt, LAYER_NAME_WORDS, LAYER_NAME_CHARS),
        pixels: &patch.pixels,
        mask: &patch.mask,
    });
    if is_new {
        content.move_layer(id, above);
    }
    // What is only looked at selects nothing.
    content.selected = selected;
    Some(())
}

/// The mask has done its work. It can be had again as the last mask.
fn put_mask_by(content: &mut Content) {
    if !content.mask.is_empty() {
        content.last_mask = std::mem::take(&mut content.mask);
    }
}

fn opaque(rgb: &RgbImage) -> RgbaImage {
    let mut rgba = RgbaImage::new(rgb.width(), rgb.height());
    for (to, from) in rgba.pixels_mut().zip(rgb.pixels()) {
        let [red, green, blue] = from.0;
        to.0 = [red, green, blue, 255];
    }
    rgba
}
