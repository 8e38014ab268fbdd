//! What is on the canvas, and what a screen reader says of it.

use std::sync::Arc;

use egui::{Rect, Vec2, pos2, vec2};
use limn_engine::PixelRect;
use limn_engine::protocol::Preview;

use super::tiled::image_rect;
use crate::scene::{Scene, run_state_words};
use crate::session::{EditSnapshot, PictureRef, Run, RunId, RunState, ShownResult, SlotState};

pub enum Shown {
    Nothing,
    /// A size to keep free for a picture that is on its way, and what to say there.
    Awaited {
        size: Vec2,
        words: String,
    },
    /// A picture by itself.
    Alone {
        size: Vec2,
        picture: PictureRef,
    },
    /// The document, with what is being drawn in its box.
    Document {
        frame: PixelRect,
        preview: Option<ShownPreview>,
    },
    Failed {
        reason: String,
        run: RunId,
    },
}

/// An edit that is being denoised.
pub struct ShownPreview {
    pub picture: PictureRef,
    pub edit: Arc<EditSnapshot>,
    /// Which part of the edit is being made.
    pub tile: usize,
    pub pixels: Arc<Preview>,
    pub version: u32,
}

impl ShownPreview {
    /// The part of the document that it is about.
    pub fn context(&self) -> PixelRect {
        let tile = self.edit.tiles.get(self.tile);
        tile.map_or(self.edit.plan.context, |tile| tile.plan.context)
    }
}

impl Shown {
    pub fn now(scene: &Scene<'_>) -> Self {
        let session = scene.session;
        let frame = session.canvas_content().frame;
        match session.overlay_result() {
            Some(ShownResult::Alone { picture, size }) => Self::alone(scene, picture, size),
            Some(ShownResult::Preview {
                picture,
                edit,
                tile,
                preview,
                version,
            }) if !frame.is_empty() => Self::Document {
                frame,
                preview: Some(ShownPreview {
                    picture,
                    edit,
                    tile,
                    pixels: preview,
                    version,
                }),
            },
            _ if !frame.is_empty() => Self::Document {
                frame,
                preview: None,
            },
            _ => Self::awaited(scene),
        }
    }

    fn alone(scene: &Scene<'_>, picture: PictureRef, size: (u32, u32)) -> Self {
        let size = match picture {
            PictureRef::Result { .. } => size,
            PictureRef::Gallery(id) => scene
                .gallery
                .record(id)
                .map_or((256, 256), |record| (record.width, record.height)),
        };
        Self::Alone {
            size: vec2(size.0 as f32, size.1 as f32),
            picture,
        }
    }

    /// Nothing to look at yet: what is the shown slot or the selected run about?
    fn awaited(scene: &Scene<'_>) -> Self {
        let session = scene.session;
        if let Some(PictureRef::Result { run, index }) = session.shown()
            && let Some(run) = session.run(run)
            && let Some(SlotState::Failed(reason)) =
                run.slots.get(index as usize).map(|slot| &slot.state)
        {
            return Self::Failed {
                reason: reason.clone(),
                run: run.id,
            };
        }
        let Some(run) = session.selected() else {
            return Self::Nothing;
        };
        match &run.state {
            RunState::Failed(reason) => Self::Failed {
                reason: reason.clone(),
                run: run.id,
            },
            RunState::Waiting | RunState::Starting | RunState::Running => Self::Awaited {
                size: vec2(run.size.0 as f32, run.size.1 as f32),
                words: match run.state {
                    RunState::Running => "Drawing…".to_owned(),
                    _ => run_state_words(run, scene),
                },
            },
            _ => Self::Nothing,
        }
    }

    /// The place that the view fits, in document pixels.
    pub fn place(&self) -> Option<Rect> {
        match self {
            Self::Nothing | Self::Failed { .. } => None,
            Self::Awaited { size, .. } | Self::Alone { size, .. } => {
                Some(Rect::from_min_size(pos2(0.0, 0.0), *size))
            }
            Self::Document { frame, .. } => Some(image_rect(*frame)),
        }
    }

    pub fn label(&self, scene: &Scene<'_>) -> String {
        match self {
            Self::Nothing => "Canvas, empty".to_owned(),
            Self::Awaited { words, .. } => format!("Canvas: {words}"),
            Self::Failed { reason, .. } => format!("Canvas: {reason}"),
            Self::Alone { picture, .. } => match picture {
                PictureRef::Result { run, index } => {
                    let title = scene.session.run(*run).map(Run::title).unwrap_or_default();
                    format!("Canvas: result {}, {title}", index + 1)
                }
                PictureRef::Gallery(id) => {
                    let record = scene.gallery.record(*id);
                    let name = record.map(|record| record.name()).unwrap_or_default();
                    format!("Canvas: {name}")
                }
            },
            Self::Document { frame, preview } => document_label(scene, *frame, preview.is_some()),
        }
    }
}

fn document_label(scene: &Scene<'_>, frame: PixelRect, is_drawing: bool) -> String {
    let session = scene.session;
    let document = session.document();
    let mut label = format!(
        "Canvas: {}, {} × {} pixels",
        document.name(),
        frame.width,
        frame.height
    );
    let mask = document.content().mask_bounds();
    if !mask.is_empty() {
        label.push_str(&format!(
            ", mask of {} × {} at {}, {}",
            mask.width,
            mask.height,
            mask.x - frame.x,
            mask.y - frame.y
        ));
    }
    if let Some(PictureRef::Result { index, .. }) = session.shown() {
        let doing = if is_drawing { "drawing" } else { "with" };
        label.push_str(&format!(", {doing} result {}", index + 1));
    }
    label
}
