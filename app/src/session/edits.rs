//! Edits: what a run takes of its document, and what of it is seen on the canvas.

use std::sync::Arc;

use image::RgbImage;
use limn_engine::PixelRect;
use limn_engine::protocol::{BlobHash, EditRequest, GenerateRequest, ModelInfo, Preview, Steering};
use limn_engine::stitch::{self, EditPlan, EditSettings, Extension, Margins, ModelSize};

use super::{Deed, OpenDocument, Patch, PictureId, PictureRef, Problem, Session, SlotState};
use crate::document::{Content, LayerKind};

/// What an edit was asked about: nothing that is done to the document later changes it.
#[derive(Debug)]
pub struct EditSnapshot {
    pub deed: Deed,
    pub settings: EditSettings,
    pub plan: EditPlan,
    /// The document as it was; its tiles are shared.
    pub content: Content,
    /// RGBA of `plan.context`, row by row.
    pub image: Arc<[u8]>,
    /// One byte for each pixel of `plan.context`; `None`: everything may change.
    pub mask: Option<Arc<[u8]>>,
    /// The pictures of the gallery that it was made from.
    pub parents: Vec<PictureId>,
}

/// What lies over the document on the canvas. A finished result of an edit does not: it is in
/// [`Session::canvas_content`].
#[derive(Debug, Clone, PartialEq)]
pub enum ShownResult {
    /// A picture by itself; of the document nothing is seen.
    Alone {
        picture: PictureRef,
        size: (u32, u32),
    },
    /// An edit that is being denoised: what the engine foresees of the context box.
    Preview {
        picture: PictureRef,
        context: PixelRect,
        mask: Option<Arc<[u8]>>,
        preview: Arc<Preview>,
        version: u32,
    },
}

impl EditSnapshot {
    /// The document as it was, with a result over it; on white where it is transparent.
    pub(super) fn whole(&self, patch: &Patch) -> RgbImage {
        let (frame, context) = (self.content.frame, self.plan.context);
        let mut pixels = self.content.composite(frame);
        for y in context.y..context.bottom() {
            for x in context.x..context.right() {
                let from =
                    (y - context.y) as usize * context.width as usize + (x - context.x) as usize;
                let to = (y - frame.y) as usize * frame.width as usize + (x - frame.x) as usize;
                let [red, green, blue] = patch.rgb.as_chunks::<3>().0[from];
                pixels[to] = stitch::over(pixels[to], [red, green, blue], patch.mask[from]);
            }
        }
        let mut whole = RgbImage::new(frame.width, frame.height);
        for (to, [red, green, blue, alpha]) in whole.pixels_mut().zip(pixels) {
            to.0 = match alpha {
                255 => [red, green, blue],
                _ => {
                    let [red, green, blue, _] = stitch::over([255; 4], [red, green, blue], alpha);
                    [red, green, blue]
                }
            };
        }
        whole
    }

    /// The request and what is sent ahead of it.
    pub(super) fn request(&self, generate: GenerateRequest) -> (EditRequest, Vec<Arc<[u8]>>) {
        let request = EditRequest {
            generate,
            settings: self.settings.clone(),
            plan: self.plan.clone(),
            steering: (self.deed == Deed::Extend).then_some(Steering::Continue),
            image: BlobHash::of(&self.image),
            mask: self.mask.as_deref().map(BlobHash::of),
        };
        let blobs = [Some(&self.image), self.mask.as_ref()];
        (request, blobs.into_iter().flatten().cloned().collect())
    }
}

impl Session {
    /// Where the next edit would look, work and write; `None` where the button makes new pictures.
    pub fn edit_plan(&self) -> Option<EditPlan> {
        let (current, model) = (self.documents.current(), self.current_model()?);
        let deed = self.deed();
        let area = area(current, deed)?;
        Some(plan_of(&area, &current.choices.settings(deed), model))
    }

    /// Takes what an edit needs of the current document.
    ///
    /// # Errors
    /// What to tell the user beside the prompt.
    pub fn take_snapshot(&self, deed: Deed) -> Result<EditSnapshot, Problem> {
        let Some(model) = self.current_model() else {
            return Err("There is no model to draw with yet: see Models.".into());
        };
        let Some(area) = area(self.documents.current(), deed) else {
            return Err("There is no picture to change yet.".into());
        };
        if deed == Deed::FillMask && area.mask_bounds.is_empty() {
            return Err(Problem {
                text: "The mask is empty: paint over what to change.".to_owned(),
                instead: Some(Deed::ChangePicture),
            });
        }
        if deed == Deed::Extend && area.mask_bounds.is_empty() {
            return Err("Nothing is empty: drag an edge with the extend tool first.".into());
        }
        let current = self.documents.current();
        let settings = current.choices.settings(deed);
        let plan = plan_of(&area, &settings, model);
        let content = current.document.content().clone();
        let image = content.composite(plan.context).into_flattened();
        let mask = match (deed, &area.extension) {
            (Deed::FillMask, _) => Some(content.mask.read(plan.context)),
            (_, Some(extension)) => Some(extension.mask(plan.context)),
            _ => None,
        };
        Ok(EditSnapshot {
            deed,
            settings,
            plan,
            parents: current.parents(),
            content,
            image: image.into(),
            mask: mask.map(Into::into),
        })
    }

    /// What lies over the current document.
    pub fn overlay_result(&self) -> Option<ShownResult> {
        let picture = self.shown()?;
        let PictureRef::Result { run, index } = picture else {
            // The gallery knows its size.
            let size = (0, 0);
            return Some(ShownResult::Alone { picture, size });
        };
        let run = self.run(run)?;
        let slot = run.slots.get(index as usize)?;
        let Some(edit) = run.edit() else {
            let size = run.size;
            let is_seen = slot.is_visible();
            return is_seen.then_some(ShownResult::Alone { picture, size });
        };
        let SlotState::Drawing(_) = slot.state else {
            return None;
        };
        Some(ShownResult::Preview {
            picture,
            context: edit.plan.context,
            mask: edit.mask.clone(),
            preview: slot.preview.clone()?,
            version: slot.preview_version,
        })
    }
}

impl OpenDocument {
    /// The pictures of the gallery that it shows, the latest last.
    pub fn parents(&self) -> Vec<PictureId> {
        let patches = self.document.content().layers.iter().filter_map(|layer| {
            let LayerKind::Patch { source, .. } = &layer.kind else {
                return None;
            };
            layer.shows().then_some(source.picture)
        });
        let mut parents: Vec<PictureId> = self.source.into_iter().chain(patches).collect();
        parents.dedup();
        parents
    }
}

/// What of a document an edit is about.
struct Area {
    frame: PixelRect,
    mask_bounds: PixelRect,
    extension: Option<Extension>,
}

/// `None` where there is nothing to edit.
fn area(current: &OpenDocument, deed: Deed) -> Option<Area> {
    let content = current.document.content();
    let frame = content.frame;
    if frame.is_empty() {
        return None;
    }
    let (mask_bounds, extension) = match deed {
        Deed::NewPictures | Deed::Variations | Deed::Mix | Deed::Turn | Deed::Upscale => {
            return None;
        }
        Deed::ChangePicture => (PixelRect::default(), None),
        Deed::FillMask => (content.mask_bounds(), None),
        Deed::Extend => {
            let covered = current.covered();
            if covered.is_empty() {
                return None;
            }
            let extension = stitch::extend(covered, margins_around(covered, frame));
            (extension.mask_bounds(), Some(extension))
        }
    };
    Some(Area {
        frame,
        mask_bounds,
        extension,
    })
}

fn plan_of(area: &Area, settings: &EditSettings, model: &ModelInfo) -> EditPlan {
    let size = ModelSize {
        native: model.default_size,
        stride: model.stride,
    };
    stitch::plan(area.mask_bounds, area.frame, settings, size)
}

/// How far `outer` reaches beyond `inner`.
fn margins_around(inner: PixelRect, outer: PixelRect) -> Margins {
    let beyond = |by: i32| by.max(0) as u32;
    Margins {
        left: beyond(inner.x - outer.x),
        top: beyond(inner.y - outer.y),
        right: beyond(outer.right() - inner.right()),
        bottom: beyond(outer.bottom() - inner.bottom()),
    }
}
