//! What an edit takes of its document, and what the engine is asked.

use std::sync::Arc;

use image::RgbImage;
use limn_engine::PixelRect;
use limn_engine::protocol::{BlobHash, EditRequest, GenerateRequest, JobId, Request, Steering};
use limn_engine::stitch::{self, EditPlan, EditSettings, EditTile, Extension, Fill};
use serde::{Deserialize, Serialize};

use super::{Deed, Patch, PictureId};
use crate::document::Content;
use crate::document::tiles::TileIndex;

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
    pub(super) change: Change,
    /// The pictures of the gallery that it was made from.
    pub parents: Vec<PictureId>,
}

/// Which pixels an edit may change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    Everything,
    /// Those of the content's mask.
    Mask,
    /// The new room at the edges.
    Room(Extension),
}

/// What [`Effect::AskEdit`](super::Effect::AskEdit) asks for: what the engine needs to see of a document is put
/// together, which takes its time with a large one. Hand the result to [`Session::edit_asked`](super::Session::edit_asked).
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
            Change::Room(extension) if extension.is_room(x, y) => 255,
            Change::Room(_) => 0,
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
            steering: (self.deed == Deed::Extend).then_some(if self.tiles.len() > 1 {
                Steering::Surroundings
            } else {
                Steering::Continue
            }),
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
