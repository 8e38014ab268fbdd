//! Edits: what a run takes of its document, and what of it is seen on the canvas.

use std::sync::Arc;

use image::RgbImage;
use limn_engine::PixelRect;
use limn_engine::protocol::{
    BlobHash, EditRequest, GenerateRequest, JobId, ModelInfo, Preview, Request, Steering,
};
use limn_engine::stitch::{
    self, EditPlan, EditSettings, EditTile, Extension, Fill, Margins, ModelSize,
};

use super::{Deed, OpenDocument, Patch, PictureId, PictureRef, Problem, Session, SlotState};
use crate::document::tiles::TileIndex;
use crate::document::{Content, LayerKind};

/// What an edit was asked about: nothing that is done to the document later changes it.
#[derive(Debug)]
pub struct EditSnapshot {
    pub deed: Deed,
    pub settings: EditSettings,
    /// Of the whole edit: its context holds all that may change.
    pub plan: EditPlan,
    /// In their order. One, with the plan of the whole, where the edit is made at once.
    pub tiles: Vec<EditTile>,
    /// The document as it was; its tiles are shared.
    pub content: Content,
    change: Change,
    /// The pictures of the gallery that it was made from.
    pub parents: Vec<PictureId>,
}

/// Which pixels an edit may change.
#[derive(Debug)]
enum Change {
    Everything,
    /// Those of the content's mask.
    Mask,
    /// The new room at the edges.
    Room(Extension),
}

/// What [`Effect::AskEdit`](super::Effect::AskEdit) asks for: what the engine needs to see of a document is put
/// together, which takes its time with a large one. Hand the result to [`Session::edit_asked`].
#[derive(Debug, Clone)]
pub struct EditJob {
    pub(super) id: JobId,
    pub(super) snapshot: Arc<EditSnapshot>,
    pub(super) tile: usize,
    /// What the tiles before have made.
    pub(super) done: Option<Arc<Patch>>,
    pub(super) generate: GenerateRequest,
}

/// The request for the engine, and what goes ahead of it.
#[derive(Debug)]
pub struct EditAsked {
    pub(super) id: JobId,
    pub(super) request: Request,
    pub(super) blobs: Vec<Arc<[u8]>>,
}

/// A job is what it is by its number.
impl PartialEq for EditJob {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl EditJob {
    /// Takes its time.
    pub fn carry_out(self) -> EditAsked {
        let done = self.done.as_deref();
        let (request, blobs) = self.snapshot.request(self.tile, done, self.generate);
        EditAsked {
            id: self.id,
            request: Request::Edit {
                job: self.id,
                request,
            },
            blobs,
        }
    }
}

/// What lies over the document on the canvas. A finished result of an edit does not: it is in
/// [`Session::canvas_content`].
#[derive(Debug, Clone)]
pub enum ShownResult {
    /// A picture by itself; of the document nothing is seen.
    Alone {
        picture: PictureRef,
        size: (u32, u32),
    },
    /// An edit that is being denoised: what the engine foresees of a tile's context box.
    Preview {
        picture: PictureRef,
        edit: Arc<EditSnapshot>,
        tile: usize,
        preview: Arc<Preview>,
        version: u32,
    },
}

impl EditSnapshot {
    /// The document as it was, with a result over it; on white where it is transparent.
    pub(super) fn whole(&self, patch: &Patch) -> RgbImage {
        let frame = self.content.frame;
        let mut whole = RgbImage::new(frame.width, frame.height);
        for index in TileIndex::covering(frame) {
            let part = index.rect().intersect(&frame);
            let mut pixels = self.content.composite(part);
            patch.lay_over(part, &mut pixels);
            let rows = pixels.chunks_exact(part.width as usize);
            for (y, row) in (part.y - frame.y..).zip(rows) {
                for (x, pixel) in (part.x - frame.x..).zip(row) {
                    let [red, green, blue, alpha] = *pixel;
                    let on_white = match alpha {
                        255 => *pixel,
                        _ => stitch::over([255; 4], [red, green, blue], alpha),
                    };
                    let [red, green, blue, _] = on_white;
                    whole.put_pixel(x as u32, y as u32, image::Rgb([red, green, blue]));
                }
            }
        }
        whole
    }

    /// Whether the pixel of the document may change by a tile; more than nothing is yes.
    pub fn changes(&self, tile: usize, x: i32, y: i32) -> u8 {
        let is_its = self
            .tiles
            .get(tile)
            .is_some_and(|tile| tile.part.contains(x, y));
        match &self.change {
            Change::Everything => 255,
            _ if !is_its => 0,
            Change::Mask => self.content.mask.pixel(x, y),
            Change::Room(extension) => {
                let is_room = extension.frame.contains(x, y) && !extension.kept.contains(x, y);
                if is_room { 255 } else { 0 }
            }
        }
    }

    /// The request for one tile and what is sent ahead of it.
    pub(super) fn request(
        &self,
        tile: usize,
        done: Option<&Patch>,
        generate: GenerateRequest,
    ) -> (EditRequest, Vec<Arc<[u8]>>) {
        let plan = &self.tiles[tile].plan;
        let mask: Option<Arc<[u8]>> = self.mask(tile).map(Into::into);
        let mut pixels = self.content.composite(plan.context);
        if let Some(done) = done {
            done.lay_over(plan.context, &mut pixels);
        }
        self.clear_coming(tile, &mut pixels);
        let image: Arc<[u8]> = pixels.into_flattened().into();
        let request = EditRequest {
            generate,
            settings: self.settings.clone(),
            plan: plan.clone(),
            steering: (self.deed == Deed::Extend).then_some(Steering::Continue),
            image: BlobHash::of(&image),
            mask: mask.as_deref().map(BlobHash::of),
        };
        (request, [Some(image), mask].into_iter().flatten().collect())
    }

    /// One byte for each pixel of the tile's context; `None`: everything may change.
    fn mask(&self, tile: usize) -> Option<Vec<u8>> {
        let EditTile { part, plan } = &self.tiles[tile];
        let mut mask = self.masked(plan.context)?;
        if !part.contains_rect(&plan.context) {
            let rows = mask.chunks_exact_mut(plan.context.width as usize);
            for (y, row) in (plan.context.y..).zip(rows) {
                for (x, value) in (plan.context.x..).zip(row) {
                    if !part.contains(x, y) {
                        *value = 0;
                    }
                }
            }
        }
        Some(mask)
    }

    fn masked(&self, rect: PixelRect) -> Option<Vec<u8>> {
        match &self.change {
            Change::Everything => None,
            Change::Mask => Some(self.content.mask.read(rect)),
            Change::Room(extension) => Some(extension.mask(rect)),
        }
    }

    /// Where nothing of what was there is to shine through, what a later tile paints is not seen by this one: it is
    /// transparent, and so filled from its surroundings.
    fn clear_coming(&self, tile: usize, pixels: &mut [[u8; 4]]) {
        let context = self.tiles[tile].plan.context;
        if self.tiles.len() < 2 || self.settings.fill == Fill::Keep {
            return;
        }
        let Some(masked) = self.masked(context) else {
            return;
        };
        let mut is_coming = vec![false; pixels.len()];
        let mut mark = |tiles: &[EditTile], is_so: bool| {
            let parts = tiles.iter().map(|tile| tile.part.intersect(&context));
            for part in parts.filter(|part| !part.is_empty()) {
                for y in part.y..part.bottom() {
                    let start = (y - context.y) as usize * context.width as usize
                        + (part.x - context.x) as usize;
                    is_coming[start..start + part.width as usize].fill(is_so);
                }
            }
        };
        mark(&self.tiles[tile + 1..], true);
        mark(&self.tiles[..=tile], false);
        for ((pixel, is_coming), masked) in pixels.iter_mut().zip(is_coming).zip(masked) {
            if is_coming && masked > 127 {
                pixel[3] = 0;
            }
        }
    }
}

/// What the next edit comes to, said before it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct EditOutlook {
    pub plan: EditPlan,
    /// The tiles of the model's own size that it would take.
    pub tiles: Vec<EditTile>,
    pub in_tiles: bool,
    /// More than the engine can be sent at once.
    pub is_too_large: bool,
}

impl EditOutlook {
    /// Whether the model draws it much smaller than it is shown.
    pub fn is_coarse(&self) -> bool {
        /// Below this the loss is hardly seen.
        const COARSE: f32 = 1.4;
        self.plan.reduction() > COARSE
    }
}

/// Pixels of a picture that go to the engine at once, four bytes each.
pub const MAX_EDIT_PIXELS: u64 = limn_engine::protocol::chunks::MAX_BLOB_BYTES / 4;

impl Session {
    /// Where the next edit would look, work and write; `None` where the button makes new pictures.
    pub fn edit_plan(&self) -> Option<EditPlan> {
        let (area, settings, model) = self.next_edit()?;
        Some(plan_of(&area, &settings, model))
    }

    /// As [`Self::edit_plan`], with what the user should know before.
    pub fn edit_outlook(&self) -> Option<EditOutlook> {
        let (area, settings, model) = self.next_edit()?;
        let plan = plan_of(&area, &settings, model);
        let current = self.documents.current();
        // A whole picture is changed in one piece, or it would fall into as many pictures.
        let tiles = match self.deed() {
            Deed::FillMask | Deed::Extend => {
                tiles_of(&area, &settings, model, current.document.content())
            }
            _ => Vec::new(),
        };
        let in_tiles = current.choices.in_tiles && tiles.len() > 1;
        Some(EditOutlook {
            is_too_large: plan.context.n_pixels() > MAX_EDIT_PIXELS && !in_tiles,
            plan,
            tiles,
            in_tiles,
        })
    }

    fn next_edit(&self) -> Option<(Area, EditSettings, &ModelInfo)> {
        let (current, model) = (self.documents.current(), self.current_model()?);
        let deed = self.deed();
        let area = area(current, deed)?;
        Some((area, current.choices.settings(deed), model))
    }

    /// Takes what an edit needs of the current document.
    ///
    /// # Errors
    /// What to tell the user beside the prompt.
    pub fn take_snapshot(&self, deed: Deed) -> Result<EditSnapshot, Problem> {
        let Some(model) = self.current_model() else {
            return Err("There is no model to draw with yet: see Models.".into());
        };
        let current = self.documents.current();
        let Some(area) = area(current, deed) else {
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
        let settings = current.choices.settings(deed);
        let content = current.document.content().clone();
        let mut plan = plan_of(&area, &settings, model);
        let mut tiles = Vec::new();
        if current.choices.in_tiles && matches!(deed, Deed::FillMask | Deed::Extend) {
            tiles = tiles_of(&area, &settings, model, &content);
            if deed == Deed::FillMask {
                tiles.retain(|tile| content.mask.has_any(tile.part));
            }
        }
        if tiles.len() > 1 {
            let contexts = tiles.iter().map(|tile| tile.plan.context);
            plan = EditPlan {
                context: contexts.fold(PixelRect::default(), |all, one| all.union(&one)),
                ..tiles[0].plan.clone()
            };
        } else {
            let part = plan.context;
            tiles = vec![EditTile {
                part,
                plan: plan.clone(),
            }];
        }
        if tiles[0].plan.context.n_pixels() > MAX_EDIT_PIXELS {
            return Err(too_large(deed).into());
        }
        Ok(EditSnapshot {
            deed,
            settings,
            plan,
            tiles,
            parents: current.parents(),
            change: match (deed, area.extension) {
                (Deed::FillMask, _) => Change::Mask,
                (_, Some(extension)) => Change::Room(extension),
                _ => Change::Everything,
            },
            content,
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
            edit: Arc::clone(edit),
            tile: slot.n_tiles_done,
            preview: slot.preview.clone()?,
            version: slot.preview_version,
        })
    }
}

/// What to do about an edit of more pixels than the engine can be sent.
pub fn too_large(deed: Deed) -> &'static str {
    match deed {
        Deed::FillMask | Deed::Extend => {
            "This is too large to be looked at at once: fill it in tiles, or a part at a time."
        }
        _ => "This picture is too large to be changed as a whole: mask a part of it.",
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
    stitch::plan(area.mask_bounds, area.frame, settings, size_of(model))
}

/// Without those in which surely nothing is masked.
fn tiles_of(
    area: &Area,
    settings: &EditSettings,
    model: &ModelInfo,
    content: &Content,
) -> Vec<EditTile> {
    if area.mask_bounds.is_empty() {
        return Vec::new();
    }
    let mut tiles = stitch::tiles(area.mask_bounds, area.frame, settings, size_of(model));
    tiles.retain(|tile| match &area.extension {
        Some(extension) => !extension.kept.contains_rect(&tile.part),
        None => TileIndex::covering(tile.part).any(|index| content.mask.tile(index).is_some()),
    });
    tiles
}

fn size_of(model: &ModelInfo) -> ModelSize {
    ModelSize {
        native: model.default_size,
        stride: model.stride,
    }
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
