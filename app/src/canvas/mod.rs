//! The canvas: the document or a picture by itself, the mask over it, what an edit will look at, and the
//! tools' traces.
//!
//! - `view` places the document on the screen, at any zoom and rotation, and `projection` maps points both ways;
//! - `tiled` draws the document from textures that `tile_maker` makes in a thread of its own, from the
//!   levels of a `pyramid`;
//! - `mask_overlay`, `context_box` and `tool_overlay` draw over it, `chrome` around it;
//! - `input` turns what hands do into [`Command::Pointer`](crate::command::Command::Pointer) and views, and
//!   `cursor` shows it.
//!
//! Nothing here changes a document.

mod changed_area;
mod chrome;
mod context_box;
mod cursor;
mod empty;
mod input;
mod mask_overlay;
mod menu;
mod outline;
mod picture;
mod projection;
mod pyramid;
mod shown;
#[cfg(test)]
mod tests;
mod tile_maker;
mod tiled;
mod tool_overlay;
mod view;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use egui::{Painter, Rect, Role, Sense, Ui, Vec2, WidgetInfo, vec2};
use limn_engine::PixelRect;

use self::changed_area::ChangedArea;
use self::context_box::PreviewTexture;
use self::input::{Hands, Place};
use self::mask_overlay::MaskOverlay;
use self::shown::{Shown, ShownPreview};
use self::tile_maker::{Plane, ShownMask, Snapshot};
use self::tiled::{Sight, TiledDocument};
use self::tool_overlay::Easel;
use crate::document::{Content, DocumentId};
use crate::scene::Scene;
use crate::session::PictureRef;
use crate::theme;
use crate::tools::Tool;
use crate::widgets;

pub use chrome::WORKING_AFTER;
pub use picture::{Checkerboard, remark, shrunk_words};
pub use projection::Projection;
pub use view::View;

/// Whether a picture's pixels are squares at a zoom, in screen pixels for each of them: enlarged smoothly it would
/// show what is not in it.
pub fn is_crisp(zoom: f32) -> bool {
    /// A picture that fills its place may be off by rounding.
    const ALL_BUT_ACTUAL: f32 = 1.001;
    zoom > ALL_BUT_ACTUAL
}

/// Around a fitting picture; below is room for the hints, above for the tool's options and the box's words.
const FIT_MARGIN: Vec2 = vec2(56.0, 76.0);

/// What the canvas remembers from frame to frame.
#[derive(Default)]
pub struct CanvasState {
    /// Of the document in front.
    pub view: View,
    /// The area at the last frame, for zooming by command.
    pub area: Option<Rect>,
    document: Option<DocumentId>,
    /// Of the documents behind.
    views: HashMap<DocumentId, View>,
    hands: Hands,
    tiled: Option<TiledDocument>,
    /// What the tiles were made from.
    drawn: Option<(DocumentId, u64)>,
    mask: MaskOverlay,
    changed: ChangedArea,
    preview: PreviewTexture,
    checkerboard: Checkerboard,
}

impl CanvasState {
    /// Every document is looked at in its own way.
    fn turn_to(&mut self, document: DocumentId) {
        if self.document == Some(document) {
            return;
        }
        if let Some(before) = self.document.replace(document) {
            self.views.insert(before, self.view);
        }
        self.view = self.views.remove(&document).unwrap_or_default();
    }
}

pub fn canvas_ui(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut CanvasState) {
    let theme = theme::of(ui);
    let canvas = ui.max_rect();
    state.area = Some(canvas);
    state.turn_to(scene.session.document().id());
    ui.painter().rect_filled(canvas, 0, theme.canvas);
    let shown = Shown::now(scene);
    let label = shown.label(scene);
    // Not focusable: a click on the picture must not take the keyboard away from single keys.
    let response = ui.interact(
        canvas,
        ui.scope_id().with("canvas"),
        Sense::CLICK | Sense::DRAG,
    );
    response
        .widget_info(|| WidgetInfo::labeled(Role::Canvas, true, widgets::shown_message(&label)));
    let pixels_per_point = ui.pixels_per_point();
    if let Some(picture) = shown.place() {
        let place = Place {
            canvas,
            pixels_per_point,
            response: &response,
            takes_tools: takes_tools(&shown, scene),
        };
        let view = &mut state.view;
        view.settle(canvas, picture, pixels_per_point, FIT_MARGIN);
        state.hands.take(ui, scene, view, &place);
        view.settle(canvas, picture, pixels_per_point, FIT_MARGIN);
        if response.hovered() || state.hands.is_busy() {
            cursor::show(ui, scene, &place, state.hands.gesture());
        }
    }
    shown_ui(ui, scene, state, canvas, &shown);
    if matches!(shown, Shown::Nothing) {
        return;
    }
    let projection = state.view.projection(canvas, pixels_per_point);
    let picture = shown
        .place()
        .map_or(Rect::NOTHING, |place| projection.screen_bounds(place));
    chrome::hints_ui(ui, scene, canvas, picture);
    chrome::working_ui(ui, scene, canvas);
    match shown {
        Shown::Nothing | Shown::Awaited { .. } | Shown::Failed { .. } => {}
        Shown::Alone { .. } | Shown::Document { .. } => {
            chrome::zoom_chip_ui(ui, scene, &state.view, canvas);
            response.context_menu(|ui| menu::menu_ui(ui, scene));
        }
    }
}

/// Tools work on the document; on a picture by itself only where it can become the document.
fn takes_tools(shown: &Shown, scene: &Scene<'_>) -> bool {
    match shown {
        Shown::Document { .. } => true,
        Shown::Alone { .. } => scene.session.document().content().frame.is_empty(),
        _ => false,
    }
}

fn shown_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    state: &mut CanvasState,
    canvas: Rect,
    shown: &Shown,
) {
    let painter = ui.painter_at(canvas);
    let projection = state.view.projection(canvas, ui.pixels_per_point());
    let is_crisp = is_crisp(state.view.zoom());
    let place = shown.place().unwrap_or(Rect::NOTHING);
    match shown {
        Shown::Nothing => empty::empty_ui(ui, scene),
        Shown::Awaited { words, .. } => {
            picture::awaited_ui(ui, &painter, &projection, place, words);
        }
        Shown::Failed { reason, run } => chrome::failed_ui(ui, scene, canvas, reason, *run),
        Shown::Alone { picture, .. } => {
            let picture = (*picture, is_crisp);
            let checkerboard = &mut state.checkerboard;
            picture::alone_ui(
                ui,
                &painter,
                scene,
                checkerboard,
                &projection,
                place,
                picture,
            );
            if let Some(words) = picture::shrunk_words(scene.textures, picture.0, state.view.zoom())
            {
                picture::remark(&painter, theme::of(ui), canvas, &words);
            }
            let frame = PixelRect::default();
            traces_ui(ui, scene, state, &painter, &projection, frame);
        }
        Shown::Document { frame, preview } => {
            let sight = Sight {
                projection: &projection,
                zoom: state.view.zoom(),
                clip: canvas,
                frame: *frame,
                is_crisp,
            };
            document_ui(ui, scene, state, &painter, &sight, preview.as_ref());
            traces_ui(ui, scene, state, &painter, &projection, *frame);
        }
    }
}

/// The document, and over it what is being drawn, the mask, and the box that the next edit looks at.
fn document_ui(
    ui: &Ui,
    scene: &Scene<'_>,
    state: &mut CanvasState,
    painter: &Painter,
    sight: &Sight<'_>,
    preview: Option<&ShownPreview>,
) {
    let theme = theme::of(ui);
    let session = scene.session;
    let content = session.canvas_content();
    let tiled = state
        .tiled
        .get_or_insert_with(|| TiledDocument::start(ui.ctx()));
    let mask = shown_mask(scene);
    let drawn = (session.document().id(), fingerprint(content, mask));
    if state.drawn != Some(drawn) {
        state.drawn = Some(drawn);
        tiled.show(Snapshot {
            document: drawn.0,
            content: content.clone(),
            mask,
        });
    }
    tiled.begin_frame(ui.ctx(), sight);
    let frame = tiled::image_rect(sight.frame);
    picture::shadow(painter, theme, sight.projection, frame);
    let corners = sight.projection.corners(frame);
    state.checkerboard.paint(painter, theme, corners);
    tiled.paint(painter, sight, Plane::Picture, egui::Color32::WHITE);
    match preview {
        Some(preview) => state.preview.paint(painter, sight.projection, preview),
        None => state.preview.clear(),
    }
    // While a result is looked at, the mask it came from would hide it.
    let is_seen = session.mask_is_visible() && !is_result_shown(scene);
    if is_seen {
        let tint = theme::mask_tint(scene.settings.mask_colour);
        state.mask.paint(painter, theme, tiled, sight, tint);
    }
    let coming = match mask {
        ShownMask::Selection if is_seen => session.coming_fill(),
        _ => Vec::new(),
    };
    if coming.is_empty() || content.mask.is_empty() {
        state.changed.clear();
    } else {
        let document = (session.document().id(), content);
        let changed = &mut state.changed;
        changed.paint(painter, theme, sight, document, &coming);
    }
    let boxed = match preview {
        Some(preview) => running_box(scene, preview),
        None if is_result_shown(scene) || session.toolbox.tool() == Tool::Crop => None,
        None => coming_box(scene, painter, sight),
    };
    if let Some((context, words)) = boxed {
        context_box::paint(painter, theme, sight.projection, context, &words);
    }
}

/// What the next edit looks at; of one in tiles their parts too.
fn coming_box(
    scene: &Scene<'_>,
    painter: &Painter,
    sight: &Sight<'_>,
) -> Option<(PixelRect, String)> {
    let session = scene.session;
    if !session.documents.current().choices.in_tiles {
        let plan = session.edit_plan()?;
        return Some((plan.context, context_box::words(&plan, sight.frame)));
    }
    let outlook = session.edit_outlook()?;
    if !outlook.in_tiles {
        let words = context_box::words(&outlook.plan, sight.frame);
        return Some((outlook.plan.context, words));
    }
    let theme = theme::of_ctx(painter.ctx());
    context_box::paint_tiles(painter, theme, sight.projection, &outlook.tiles);
    let first = &outlook.tiles.first()?.plan;
    let words = format!(
        "{} tiles, each {}",
        outlook.tiles.len(),
        context_box::words(first, sight.frame)
    );
    let contexts = outlook.tiles.iter().map(|tile| tile.plan.context);
    let all = contexts.fold(PixelRect::default(), |all, one| all.union(&one));
    Some((all, words))
}

/// The box of the run that is being drawn.
fn running_box(scene: &Scene<'_>, preview: &ShownPreview) -> Option<(PixelRect, String)> {
    let PictureRef::Result { run, .. } = preview.picture else {
        return None;
    };
    let edit = scene.session.run(run)?.edit()?;
    let tile = edit.tiles.get(preview.tile)?;
    let mut words = context_box::words(&tile.plan, edit.content.frame);
    if edit.tiles.len() > 1 {
        words = format!("tile {} of {}: {words}", preview.tile + 1, edit.tiles.len());
    }
    Some((tile.plan.context, words))
}

fn is_result_shown(scene: &Scene<'_>) -> bool {
    matches!(scene.session.shown(), Some(PictureRef::Result { .. }))
}

/// The selected patch's own mask while that is painted on, else what the next edit may change.
fn shown_mask(scene: &Scene<'_>) -> ShownMask {
    let selected = scene.session.document().content().selected_layer();
    let patch = selected.filter(|layer| layer.patch_mask().is_some());
    match patch {
        Some(patch) if scene.session.toolbox.edits_patch_mask => ShownMask::Patch(patch.id),
        _ => ShownMask::Selection,
    }
}

/// What the tools draw over everything.
fn traces_ui(
    ui: &Ui,
    scene: &Scene<'_>,
    state: &mut CanvasState,
    painter: &Painter,
    projection: &Projection,
    frame: PixelRect,
) {
    let easel = Easel {
        painter,
        theme: theme::of(ui),
        projection,
        frame,
    };
    let overlay = scene.session.toolbox.overlay(frame);
    tool_overlay::paint(&easel, &mut state.checkerboard, &overlay);
    if scene.session.toolbox.tool() == Tool::Eyedropper {
        tool_overlay::swatch_ui(ui, scene, &easel);
    }
}

/// Differs when something else is to be drawn.
fn fingerprint(content: &Content, mask: ShownMask) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.frame.hash(&mut hasher);
    content.mask.revision().hash(&mut hasher);
    if let ShownMask::Patch(id) = mask {
        id.hash(&mut hasher);
    }
    for layer in &content.layers {
        layer.id.hash(&mut hasher);
        (layer.is_visible, layer.opacity.to_bits(), layer.offset).hash(&mut hasher);
        layer.blend.hash(&mut hasher);
        layer.pixels().revision().hash(&mut hasher);
        layer
            .patch_mask()
            .map(crate::document::tiles::Tiles::revision)
            .hash(&mut hasher);
    }
    hasher.finish()
}
