//! Where an edit looks, works and writes. Cheap enough for every frame.

use serde::{Deserialize, Serialize};

use super::extend::Extension;
use super::settings::{EditSettings, ModelSize};
use crate::PixelRect;

/// Where an edit looks, works and writes. Lengths are in pixels of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditPlan {
    /// The part of the picture that the model sees.
    pub context: PixelRect,
    /// The size at which the model works on it.
    pub work_size: (u32, u32),
    /// How far the mask is grown: the middle of the soft edge.
    pub grow_px: f32,
    /// Width of the soft edge of what the model may change.
    pub feather_px: f32,
    /// Width of the soft edge of what is written back, at the outer end of the edit's reach.
    pub blend_px: f32,
    /// Where new picture is made beyond an old one: what must stay of that, whatever the soft edge.
    pub extension: Option<Extension>,
}

impl EditPlan {
    /// The same edit, as one beyond the edges of a picture that itself stays as it is.
    #[must_use]
    pub fn beyond(self, extension: Option<Extension>) -> Self {
        Self { extension, ..self }
    }

    /// How far from the mask a pixel may still change. Nothing beyond is written.
    pub fn reach_px(&self) -> f32 {
        self.grow_px + self.feather_px / 2.0
    }

    /// Pixels of the picture for each pixel that the model works on, along the axis where there are more.
    pub fn reduction(&self) -> f32 {
        let along = |context: u32, work: u32| context as f32 / work.max(1) as f32;
        along(self.context.width, self.work_size.0)
            .max(along(self.context.height, self.work_size.1))
    }
}

/// Plans an edit of the picture in `frame`.
///
/// `mask_bounds` is the smallest rectangle round what is masked; an empty one means that there is no mask and the
/// whole picture changes.
pub fn plan(
    mask_bounds: PixelRect,
    frame: PixelRect,
    settings: &EditSettings,
    model: ModelSize,
) -> EditPlan {
    let masked = mask_bounds.intersect(&frame);
    let edge = if masked.is_empty() {
        SoftEdge::default()
    } else {
        SoftEdge::new(masked, settings, model)
    };
    let (context, work_size) = if masked.is_empty() || settings.whole {
        (frame, work_size(frame.size(), model))
    } else {
        context(masked, frame, edge.reach_px(), settings, model)
    };
    EditPlan {
        context,
        work_size,
        grow_px: edge.grow_px,
        feather_px: edge.feather_px,
        blend_px: edge.blend_px,
        extension: None,
    }
}

/// The soft edge by the formulas of Krita AI Diffusion.
#[derive(Default)]
#[expect(clippy::struct_field_names, reason = "lengths name their unit")]
pub(super) struct SoftEdge {
    pub grow_px: f32,
    pub feather_px: f32,
    pub blend_px: f32,
}

impl SoftEdge {
    pub fn new(masked: PixelRect, settings: &EditSettings, model: ModelSize) -> Self {
        let strength = settings.strength.clamp(0.0, 1.0);
        let diagonal = (masked.width as f32).hypot(masked.height as f32);
        // Its feather and grow are for models of 512 px and more: half as much is as soft where all is half as large.
        let unit = (model.native().0.min(model.native().1) as f32 / 512.0).min(1.0);
        let feather_px = settings
            .feather_px
            .unwrap_or_else(|| strength * (0.1 * diagonal).max(32.0 * unit))
            .clamp(0.0, MAX_EDGE_PX);
        let grow_px = settings
            .grow_px
            .unwrap_or(4.0 * unit + feather_px / 2.0)
            .clamp(0.0, MAX_EDGE_PX);
        Self {
            grow_px,
            feather_px,
            blend_px: grow_px.midpoint(grow_px + feather_px).min(25.0),
        }
    }

    pub fn reach_px(&self) -> f32 {
        self.grow_px + self.feather_px / 2.0
    }
}

/// Wider edges than any picture needs.
pub(super) const MAX_EDGE_PX: f32 = 4096.0;

/// What the model should see of `frame` to change `masked`, and the size to work at.
fn context(
    masked: PixelRect,
    frame: PixelRect,
    reach_px: f32,
    settings: &EditSettings,
    model: ModelSize,
) -> (PixelRect, (u32, u32)) {
    let reach = reach_px.ceil();
    let (masked_width, masked_height) = (masked.width as f32, masked.height as f32);
    // What is new must fit its surroundings, so it needs to see them: a square with room, as Krita AI Diffusion has
    // it at full strength. There the edge is all that is seen below; but a model that is steered by what a picture
    // means paints a little scene of its own into so small a box, so room is left wherever much may change.
    let room = (settings.strength / 0.3).clamp(0.0, 1.0);
    // Of a picture far larger than the model's, not so much that a small mask would be lost in it.
    let longest = frame.width.max(frame.height) as f32;
    let native = model.native().0.min(model.native().1) as f32;
    let surroundings = (longest / 16.0).min(native / 4.0);
    let padding = surroundings.max(masked_width.midpoint(masked_height) / 2.0);
    let padding = reach.max(room * padding);
    let side = masked_width.max(masked_height);
    let with_room = |masked: f32| (masked + room * (side - masked) + 2.0 * padding).ceil() as u32;
    let size = (with_room(masked_width), with_room(masked_height));
    box_around(masked, size, frame, model)
}

/// A box of at least `size`, round `masked` and within the frame, with the size to work at.
///
/// It is at least as large as the model's pictures, so that small masks have their surroundings; but in a picture that
/// is hardly larger itself, half of that is enough: a mask in its corner would else get what belongs in the middle.
pub(super) fn box_around(
    masked: PixelRect,
    (width, height): (u32, u32),
    frame: PixelRect,
    model: ModelSize,
) -> (PixelRect, (u32, u32)) {
    let half = frame.width.max(frame.height) / 2;
    let least = |native: u32| native.min(half.max(native / 2));
    let mut width = width.max(least(model.native().0)).min(frame.width);
    let mut height = height.max(least(model.native().1)).min(frame.height);

    // The model's sizes are few: rather see more than be squeezed.
    let (work_width, work_height) = work_size((width, height), model);
    let proportional = |side: u32, from: u32, to: u32| {
        let side = (u64::from(side) * u64::from(to)).div_ceil(u64::from(from));
        u32::try_from(side).unwrap_or(u32::MAX)
    };
    width = width
        .max(proportional(height, work_height, work_width))
        .min(frame.width);
    height = height
        .max(proportional(width, work_width, work_height))
        .min(frame.height);
    let context = PixelRect {
        x: start(masked.x, masked.width, width, frame.x, frame.width),
        y: start(masked.y, masked.height, height, frame.y, frame.height),
        width,
        height,
    };
    (context, (work_width, work_height))
}

/// Where `length` pixels round the masked ones begin, within the frame.
fn start(masked: i32, n_masked: u32, length: u32, frame: i32, n_frame: u32) -> i32 {
    let centred = i64::from(masked) + (i64::from(n_masked) - i64::from(length)) / 2;
    let first = i64::from(frame);
    let last = first + i64::from(n_frame) - i64::from(length);
    centred.clamp(first, last) as i32
}

/// A size of the model with about the proportions of `size` and about as many pixels as its native size has.
///
/// Where the model's sizes are few, wrong proportions are the worse fault: they squeeze the picture.
pub fn work_size((width, height): (u32, u32), model: ModelSize) -> (u32, u32) {
    let stride = model.stride();
    if width == 0 || height == 0 {
        return model.native();
    }
    let (width, height) = (f64::from(width), f64::from(height));
    let native_area = f64::from(model.native().0) * f64::from(model.native().1);
    let scale = (native_area / (width * height)).sqrt() / f64::from(stride);
    // A thread of a picture gets the narrowest size that there is, and no more pixels for it.
    let stride_area = f64::from(stride) * f64::from(stride);
    let most = (native_area / stride_area)
        .floor()
        .clamp(1.0, f64::from(model.most_strides()));
    let strides = |pixels: f64| {
        let ideal = pixels * scale;
        [ideal.floor(), ideal.ceil()].map(|n| n.clamp(1.0, most) as u32)
    };
    let fault = |size: (u32, u32)| {
        let (across, down) = (f64::from(size.0), f64::from(size.1));
        let squeeze = (across * height / (down * width)).ln().abs();
        let area = across * down * stride_area;
        2.0 * squeeze + 0.5 * (area / native_area).ln().abs()
    };
    let downs = strides(height);
    let (across, down) = strides(width)
        .into_iter()
        .flat_map(|across| downs.map(|down| (across, down)))
        .min_by(|a, b| fault(*a).total_cmp(&fault(*b)))
        .unwrap_or((1, 1));
    (across * stride, down * stride)
}
