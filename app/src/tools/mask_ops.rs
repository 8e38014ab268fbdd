//! The mask as a whole: everything, nothing, the other way round, wider, softer, to a file and back.

use std::io::Cursor;
use std::sync::Arc;

use image::{DynamicImage, GrayImage, ImageFormat, RgbaImage};
use limn_engine::PixelRect;
use limn_engine::stitch;

use super::mask_work::{Stop, Stopped};
use crate::document::tiles::{TILE_SIDE, Tile, TileIndex, Tiles};
use crate::document::{Content, StepName};
use crate::import::{MaskFileError, MaskReading, mask_values, mask_values_as};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaskAction {
    All,
    Clear,
    Invert,
    /// The mask from before, or from the last edit.
    Last,
    Grow {
        px: f32,
    },
    Shrink {
        px: f32,
    },
    Feather {
        px: f32,
    },
}

impl MaskAction {
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "Mask everything",
            Self::Clear => "Clear the mask",
            Self::Invert => "Invert the mask",
            Self::Last => "Use the last mask again",
            Self::Grow { .. } => "Grow the mask",
            Self::Shrink { .. } => "Shrink the mask",
            Self::Feather { .. } => "Soften the mask's edge",
        }
    }

    pub(super) fn step(self) -> StepName {
        match self {
            Self::All => StepName::MaskAll,
            Self::Clear => StepName::MaskClear,
            Self::Invert => StepName::MaskInvert,
            Self::Last => StepName::MaskLast,
            Self::Grow { .. } => StepName::MaskGrow,
            Self::Shrink { .. } => StepName::MaskShrink,
            Self::Feather { .. } => StepName::MaskFeather,
        }
    }

    /// How far it moves or softens the mask's edge.
    pub(super) fn edge_px(self) -> Option<f32> {
        match self {
            Self::Grow { px } | Self::Shrink { px } | Self::Feather { px } => Some(px),
            Self::All | Self::Clear | Self::Invert | Self::Last => None,
        }
    }
}

/// Carries an action out inside a gesture, or on a snapshot.
pub(super) fn change(
    action: MaskAction,
    content: &mut Content,
    stop: &Stop,
) -> Result<(), Stopped> {
    match action {
        MaskAction::All => content.mask = full(content.frame),
        MaskAction::Clear => clear(content),
        MaskAction::Invert => invert(&mut content.mask, content.frame, stop)?,
        MaskAction::Last => last(content),
        MaskAction::Grow { px } => change_edge(content, px, stitch::grow, stop)?,
        MaskAction::Shrink { px } => change_edge(content, px, stitch::shrink, stop)?,
        MaskAction::Feather { px } => change_edge(content, px, stitch::feather, stop)?,
    }
    stop.check()
}

/// Nothing is masked any more; what was comes back with [`MaskAction::Last`].
pub(super) fn clear(content: &mut Content) {
    if !content.mask.is_empty() {
        content.last_mask = std::mem::take(&mut content.mask);
    }
}

/// The mask and the last one change places, so that neither is lost.
fn last(content: &mut Content) {
    if !content.last_mask.is_empty() {
        std::mem::swap(&mut content.mask, &mut content.last_mask);
    }
}

/// A mask of all of `frame`. Tiles inside it are one and the same.
fn full(frame: PixelRect) -> Tiles<u8> {
    let whole: Tile<u8> = vec![u8::MAX; (TILE_SIDE * TILE_SIDE) as usize].into();
    let mut mask = Tiles::default();
    for index in TileIndex::covering(frame) {
        if frame.contains_rect(&index.rect()) {
            mask.set_tile(index, Some(Arc::clone(&whole)));
        } else {
            mask.change_rows(index.rect().intersect(&frame), |_, _, row| {
                row.fill(u8::MAX);
            });
        }
    }
    mask
}

fn invert(mask: &mut Tiles<u8>, frame: PixelRect, stop: &Stop) -> Result<(), Stopped> {
    let mut inverted = full(frame);
    let indices: Vec<TileIndex> = mask.iter().map(|(index, _)| index).collect();
    for index in indices {
        stop.check()?;
        let part = index.rect().intersect(&frame);
        let old = mask.read(part);
        inverted.change_rows(part, |_, y, row| {
            let start = (y - part.y) as usize * part.width as usize;
            for (new, old) in row.iter_mut().zip(&old[start..]) {
                *new = u8::MAX - old;
            }
        });
    }
    inverted.prune();
    *mask = inverted;
    Ok(())
}

/// Where a mask may change when its edge moves by `px`: its surroundings within the frame.
pub(super) fn changed_part(content: &Content, px: f32) -> PixelRect {
    let part = content.mask_bounds().expand(2 * reach_px(px));
    part.intersect(&content.frame)
}

fn reach_px(px: f32) -> i32 {
    px.max(0.0).ceil() as i32 + 1
}

/// Rows that are changed at a time: what a look at a stop waits for, and what it takes in memory.
const BAND_ROWS: u32 = 512;

/// Grows, shrinks or softens the mask inside the frame; the frame's own edge is not an edge of the mask.
fn change_edge(
    content: &mut Content,
    px: f32,
    change: impl Fn(&[u8], (u32, u32), f32) -> Vec<u8>,
    stop: &Stop,
) -> Result<(), Stopped> {
    let part = changed_part(content, px);
    if part.is_empty() || px <= 0.0 {
        return Ok(());
    }
    let mut mask = Tiles::default();
    for top in (part.y..part.bottom()).step_by(BAND_ROWS as usize) {
        stop.check()?;
        let band = PixelRect::new(part.x, top, part.width, BAND_ROWS).intersect(&part);
        // What lies beyond the reach has no say in the band.
        let seen = band.expand(2 * reach_px(px)).intersect(&part);
        let changed = change(&content.mask.read(seen), seen.size(), px);
        let first = (band.y - seen.y) as usize * seen.width as usize;
        mask.write(band, &changed[first..]);
    }
    mask.prune();
    content.mask = mask;
    Ok(())
}

/// The mask inside the frame as a grey PNG with 8 bits: white may change.
pub fn encode_png(content: &Content) -> image::ImageResult<Vec<u8>> {
    let (width, height) = content.frame.size();
    let pixels = content.mask.read(content.frame);
    let mut png = Vec::new();
    let mask = GrayImage::from_raw(width, height, pixels).unwrap_or_default();
    DynamicImage::from(mask).write_to(&mut Cursor::new(&mut png), ImageFormat::Png)?;
    Ok(png)
}

/// A mask for `frame` from a picture of the same size, as [`mask_values`] reads it.
///
/// # Errors
/// Those of [`mask_values`].
pub fn of_picture(picture: &RgbaImage, frame: PixelRect) -> Result<Tiles<u8>, MaskFileError> {
    mask_values(picture, frame).map(|values| of_values(&values, frame))
}

/// As [`of_picture`], by the user's word on what is meant.
///
/// # Errors
/// Those of [`mask_values_as`].
pub fn of_picture_as(
    picture: &RgbaImage,
    frame: PixelRect,
    reading: MaskReading,
) -> Result<Tiles<u8>, MaskFileError> {
    mask_values_as(picture, frame, reading).map(|values| of_values(&values, frame))
}

fn of_values(values: &[u8], frame: PixelRect) -> Tiles<u8> {
    let mut mask = Tiles::default();
    mask.write(frame, values);
    mask.prune();
    mask
}
