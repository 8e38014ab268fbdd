//! Edits: what the next one comes to, and what of a run is seen on the canvas.

use std::sync::Arc;

use limn_engine::PixelRect;
use limn_engine::protocol::{ModelInfo, Preview};
use limn_engine::stitch::{self, EditPlan, EditSettings, EditTile, Extension, ModelSize};

use super::edit_snapshot::Change;
use super::{Deed, EditSnapshot, OpenDocument, PictureId, PictureRef, Problem, Session, SlotState};
use crate::document::tiles::TileIndex;
use crate::document::{Content, LayerKind};
use crate::edit_limits::{self, TooLarge};
use crate::tools::crop_rect::margins_around;

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

/// What the next edit comes to, said before it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct EditOutlook {
    pub plan: EditPlan,
    /// The tiles of the model's own size that it would take, where that is a choice.
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
        let mut outlook = EditOutlook {
            is_too_large: plan.context.n_pixels() > edit_limits::MAX_EDIT_PIXELS,
            plan,
            tiles: Vec::new(),
            in_tiles: false,
        };
        // A whole picture is changed in one piece, or it would fall into as many pictures.
        if has_tiles(self.deed()) && (outlook.is_coarse() || current.choices.in_tiles) {
            outlook.tiles = tiles_of(&area, &settings, model, current.document.content());
            outlook.in_tiles = current.choices.in_tiles && outlook.tiles.len() > 1;
            outlook.is_too_large &= !outlook.in_tiles;
        }
        Some(outlook)
    }

    /// The parts that the next edit of the mask would change, each with its plan; none where it fills no mask.
    pub fn coming_fill(&self) -> Vec<EditTile> {
        if self.deed() != Deed::FillMask {
            return Vec::new();
        }
        match self.edit_outlook() {
            Some(outlook) if outlook.in_tiles => outlook.tiles,
            Some(outlook) => vec![EditTile {
                part: outlook.plan.context,
                plan: outlook.plan,
            }],
            None => Vec::new(),
        }
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
        if current.choices.in_tiles && has_tiles(deed) {
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
        match edit_limits::check(tiles[0].plan.context, content.frame) {
            Ok(()) => {}
            Err(TooLarge::AtOnce { .. }) => return Err(too_large(deed).into()),
            Err(error @ TooLarge::Memory { .. }) => return Err(error.to_string().as_str().into()),
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

/// Whether a deed can be done part by part.
fn has_tiles(deed: Deed) -> bool {
    matches!(deed, Deed::FillMask | Deed::Extend)
}

/// What to do about an edit of more pixels than the engine can be sent.
pub fn too_large(deed: Deed) -> &'static str {
    match deed {
        Deed::FillMask | Deed::Extend => {
            "This is too large to be drawn in one go: fill it in tiles, or a part at a time."
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
            let extension = stitch::extend(covered, margins_around(covered, frame))
                .blending_inward(current.choices.blend_inward_px);
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
    stitch::plan(area.mask_bounds, area.frame, settings, size_of(model)).beyond(area.extension)
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
    for tile in &mut tiles {
        tile.plan.extension = area.extension;
    }
    tiles.retain(|tile| match &area.extension {
        Some(extension) => !extension.original.contains_rect(&tile.part),
        None => TileIndex::covering(tile.part).any(|index| content.mask.tile(index).is_some()),
    });
    tiles
}

fn size_of(model: &ModelInfo) -> ModelSize {
    ModelSize::new(model.default_size, model.stride)
}
