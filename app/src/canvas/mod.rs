//! The picture, and moving about on it.

mod empty;
pub mod outline;
pub mod pyramid;
pub mod tile_maker;
pub mod tiled;
pub mod view;

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, Key, PointerButton, Rect, Response, Role, Sense,
    Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::command::Command;
use crate::icons::Icon;
use crate::panels::{Scene, widgets};
use crate::session::{PictureRef, RunState, SlotState};
use crate::theme::{self, Theme};
use crate::tools::Tool;

pub use view::View;

/// From this zoom on a picture's pixels are squares, unless it merely fits: a small picture is then smooth.
const CRISP_ZOOM: f32 = 4.0;
/// Around a fitting picture; below is room for the hints.
const FIT_MARGIN: Vec2 = vec2(56.0, 60.0);

/// What is under the pointer on its way over the canvas: kept between frames.
#[derive(Debug, Default)]
pub struct CanvasState {
    pub view: View,
    /// The area at the last frame, for zooming by command.
    pub area: Option<Rect>,
}

/// What the canvas has to show.
enum Shown {
    Nothing,
    /// A size to keep free for a picture that is on its way, and what to say there.
    Awaited {
        size: Vec2,
        words: String,
    },
    Picture {
        size: Vec2,
        picture: PictureRef,
    },
    Failed {
        reason: String,
        run: crate::session::RunId,
    },
}

pub fn canvas_ui(ui: &mut Ui, scene: &mut Scene<'_>, state: &mut CanvasState) {
    let theme = theme::of(ui);
    let canvas = ui.max_rect();
    state.area = Some(canvas);
    ui.painter().rect_filled(canvas, 0, theme.canvas);
    let shown = what_is_shown(scene);
    let label = canvas_label(&shown, scene);
    // Not focusable: a click on the picture must not take the keyboard away from single keys.
    let response = ui.interact(
        canvas,
        ui.scope_id().with("canvas"),
        Sense::CLICK | Sense::DRAG,
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &label));
    match &shown {
        Shown::Nothing => empty::empty_ui(ui, scene),
        Shown::Awaited { size, words } => {
            settle(ui, state, canvas, *size);
            awaited_ui(ui, state, canvas, *size, words);
        }
        Shown::Picture { size, picture } => {
            settle(ui, state, canvas, *size);
            gestures(ui, scene, state, &response, canvas);
            picture_ui(ui, scene, state, canvas, *size, *picture);
        }
        Shown::Failed { reason, run } => failed_ui(ui, scene, canvas, reason, *run),
    }
    if matches!(shown, Shown::Picture { .. }) {
        zoom_chip_ui(ui, scene, state, canvas);
    }
    if !matches!(shown, Shown::Nothing) {
        hints_ui(ui, scene, canvas);
    }
}

fn what_is_shown(scene: &Scene<'_>) -> Shown {
    let session = scene.session;
    match session.shown() {
        Some(picture @ PictureRef::Result { run, index }) => {
            let Some(run) = session.run(run) else {
                return Shown::Nothing;
            };
            let size = vec2(run.size.0 as f32, run.size.1 as f32);
            match run.slots.get(index as usize).map(|slot| &slot.state) {
                Some(SlotState::Failed(reason)) => Shown::Failed {
                    reason: reason.clone(),
                    run: run.id,
                },
                Some(SlotState::Waiting | SlotState::Cancelled | SlotState::Trashed(_)) | None => {
                    awaited(scene)
                }
                Some(_) => Shown::Picture { size, picture },
            }
        }
        Some(picture @ PictureRef::Gallery(id)) => {
            let size = scene
                .gallery
                .record(id)
                .map_or(vec2(256.0, 256.0), |record| {
                    vec2(record.width as f32, record.height as f32)
                });
            Shown::Picture { size, picture }
        }
        None => awaited(scene),
    }
}

/// Nothing to look at yet: what is the selected run about?
fn awaited(scene: &Scene<'_>) -> Shown {
    let Some(run) = scene.session.selected() else {
        return Shown::Nothing;
    };
    match &run.state {
        RunState::Failed(reason) => Shown::Failed {
            reason: reason.clone(),
            run: run.id,
        },
        RunState::Waiting | RunState::Starting | RunState::Running => Shown::Awaited {
            size: vec2(run.size.0 as f32, run.size.1 as f32),
            words: match run.state {
                RunState::Running => "Drawing…".to_owned(),
                _ => crate::panels::top_bar::run_state_words(run, scene),
            },
        },
        _ => Shown::Nothing,
    }
}

fn canvas_label(shown: &Shown, scene: &Scene<'_>) -> String {
    match shown {
        Shown::Nothing => "Canvas, empty".to_owned(),
        Shown::Awaited { words, .. } => format!("Canvas: {words}"),
        Shown::Failed { reason, .. } => format!("Canvas: {reason}"),
        Shown::Picture { picture, .. } => match picture {
            PictureRef::Result { run, index } => {
                let prompt = scene
                    .session
                    .run(*run)
                    .map_or("", |run| run.request.prompt.as_str());
                format!("Canvas: result {}, {prompt}", index + 1)
            }
            PictureRef::Gallery(id) => {
                let prompt = scene
                    .gallery
                    .record(*id)
                    .map_or("", |record| record.prompt());
                format!("Canvas: {prompt}")
            }
        },
    }
}

fn settle(ui: &Ui, state: &mut CanvasState, canvas: Rect, size: Vec2) {
    let picture = Rect::from_min_size(egui::Pos2::ZERO, size);
    state
        .view
        .settle(canvas, picture, ui.pixels_per_point(), FIT_MARGIN);
}

fn gestures(
    ui: &Ui,
    scene: &Scene<'_>,
    state: &mut CanvasState,
    response: &Response,
    canvas: Rect,
) {
    let pixels_per_point = ui.pixels_per_point();
    let in_text = ui.ctx().text_edit_focused();
    let space = !in_text && ui.input(|input| input.key_down(Key::Space));
    let pans = scene.session.toolbox.tool() == Tool::Pan || space;
    let hovered = response.hovered();
    if response.dragged_by(PointerButton::Middle)
        || (pans && response.dragged_by(PointerButton::Primary))
    {
        state.view.pan(response.drag_delta(), pixels_per_point);
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    } else if hovered {
        ui.ctx()
            .set_cursor_icon(match scene.session.toolbox.tool() {
                _ if space => CursorIcon::Grab,
                Tool::Pan => CursorIcon::Grab,
                Tool::Zoom if ui.input(|input| input.modifiers.alt) => CursorIcon::ZoomOut,
                Tool::Zoom => CursorIcon::ZoomIn,
                _ => CursorIcon::Crosshair,
            });
    }
    if scene.session.toolbox.tool() == Tool::Zoom
        && !space
        && response.clicked()
        && let Some(pointer) = response.interact_pointer_pos()
    {
        let factor = if ui.input(|input| input.modifiers.alt) {
            0.5
        } else {
            2.0
        };
        state
            .view
            .zoom_at(pointer, factor, canvas, pixels_per_point);
    }
    if response.double_clicked() && scene.session.toolbox.tool() == Tool::Pan {
        state.view.fit();
    }
    // Not under a popover that hangs over the canvas.
    if let Some(pointer) = response.hover_pos().filter(|_| hovered) {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = pinch * (scroll / 240.0).exp();
        if (factor - 1.0).abs() > 1e-4 {
            state
                .view
                .zoom_at(pointer, factor, canvas, pixels_per_point);
        }
    }
    if let Some(touch) = ui.ctx().multi_touch() {
        state.view.pan(touch.translation_delta, pixels_per_point);
    }
}

fn picture_ui(
    ui: &Ui,
    scene: &mut Scene<'_>,
    state: &CanvasState,
    canvas: Rect,
    size: Vec2,
    picture: PictureRef,
) {
    let theme = theme::of(ui);
    let pixels_per_point = ui.pixels_per_point();
    let rect = picture_rect(state, canvas, size, pixels_per_point);
    let crisp = state.view.zoom() >= CRISP_ZOOM && !state.view.fits();
    let painter = ui.painter_at(canvas);
    shadow(&painter, theme, rect);
    let is_final = scene
        .textures
        .get_full(picture, crisp)
        .map(egui::TextureHandle::id);
    let texture = is_final.or_else(|| preview_texture(ui, scene, picture));
    if let Some(texture) = texture {
        checkerboard(&painter, theme, rect.intersect(canvas));
        let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture, rect, uv, Color32::WHITE);
    } else if let Some(reason) = scene
        .textures
        .broken((picture, crate::textures::Detail::Full))
    {
        painter.rect_filled(rect, 0, theme.bg2);
        let text = format!("This picture cannot be read: {reason}");
        let job = egui::text::LayoutJob::simple(
            text,
            theme::body(),
            theme.text2,
            rect.width().max(160.0) - 24.0,
        );
        let galley = painter.layout_job(job);
        let at = Align2::CENTER_CENTER
            .anchor_size(rect.center(), galley.size())
            .min;
        painter.galley(at, galley, theme.text2);
    } else {
        painter.rect_filled(rect, 0, widgets::breathing(ui, theme));
    }
}

fn picture_rect(state: &CanvasState, canvas: Rect, size: Vec2, pixels_per_point: f32) -> Rect {
    let projection = state.view.projection(canvas, pixels_per_point);
    projection.screen_bounds(Rect::from_min_size(egui::Pos2::ZERO, size))
}

fn preview_texture(ui: &Ui, scene: &mut Scene<'_>, picture: PictureRef) -> Option<egui::TextureId> {
    let PictureRef::Result { run, index } = picture else {
        return scene
            .textures
            .get((picture, crate::textures::Detail::Thumbnail))
            .map(egui::TextureHandle::id);
    };
    let slot = scene.session.run(run)?.slots.get(index as usize)?;
    let preview = slot.preview.as_ref()?;
    scene
        .textures
        .preview(ui.ctx(), run, index, slot.preview_version, preview)
        .map(egui::TextureHandle::id)
}

fn awaited_ui(ui: &Ui, state: &CanvasState, canvas: Rect, size: Vec2, words: &str) {
    let theme = theme::of(ui);
    let rect = picture_rect(state, canvas, size, ui.pixels_per_point());
    let painter = ui.painter_at(canvas);
    shadow(&painter, theme, rect);
    painter.rect_filled(rect, 0, widgets::breathing(ui, theme));
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        words,
        theme::body(),
        theme.text2,
    );
}

fn failed_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    canvas: Rect,
    reason: &str,
    run: crate::session::RunId,
) {
    let theme = theme::of(ui);
    let size = vec2(canvas.width().min(440.0) - 32.0, 200.0);
    let card = Rect::from_center_size(canvas.center(), size);
    ui.scope_builder(egui::UiBuilder::new().max_rect(card), |ui| {
        egui::Frame::new()
            .fill(theme.error_bg)
            .stroke(Stroke::new(1.0, theme.line))
            .corner_radius(CornerRadius::same(theme::RADIUS_CARD))
            .inner_margin(20)
            .show(ui, |ui| {
                ui.vertical(|ui| {
                    ui.label(
                        egui::RichText::new("The picture was not made")
                            .font(theme::title())
                            .color(theme.text),
                    );
                    ui.label(
                        egui::RichText::new(reason)
                            .font(theme::body())
                            .color(theme.text2),
                    );
                    ui.add_space(4.0);
                    ui.horizontal(|ui| {
                        if widgets::button(ui, "Run again", widgets::Loudness::Primary, None)
                            .clicked()
                        {
                            scene.send(Command::RunAgain(run));
                        }
                        if widgets::button(ui, "Put away", widgets::Loudness::Plain, None).clicked()
                        {
                            scene.send(Command::DismissRun(run));
                        }
                    });
                });
            });
    });
}

fn shadow(painter: &egui::Painter, theme: &Theme, rect: Rect) {
    let shadow = egui::Shadow {
        offset: [0, 12],
        blur: 60,
        spread: 0,
        color: theme.shadow,
    };
    painter.add(shadow.as_shape(rect, CornerRadius::ZERO));
}

/// Grey squares of 8 points, only where they can be seen.
fn checkerboard(painter: &egui::Painter, theme: &Theme, visible: Rect) {
    const SIDE: f32 = 8.0;
    let [light, dark] = theme.checker;
    painter.rect_filled(visible, 0, light);
    if !visible.is_positive() || visible.area() > 4_000_000.0 {
        return;
    }
    let mut mesh = egui::Mesh::default();
    let columns = (visible.width() / SIDE).ceil() as usize;
    let rows = (visible.height() / SIDE).ceil() as usize;
    for row in 0..rows {
        for column in (row % 2..columns).step_by(2) {
            let min = visible.min + vec2(column as f32, row as f32) * SIDE;
            let square = Rect::from_min_size(min, Vec2::splat(SIDE)).intersect(visible);
            mesh.add_colored_rect(square, dark);
        }
    }
    painter.add(Shape::mesh(mesh));
}

fn zoom_chip_ui(ui: &mut Ui, scene: &mut Scene<'_>, state: &CanvasState, canvas: Rect) {
    let theme = theme::of(ui);
    let size = vec2(116.0, 30.0);
    let rect = Rect::from_min_size(canvas.max - size - Vec2::splat(12.0), size);
    ui.painter().rect(
        rect,
        theme::RADIUS,
        theme.float,
        Stroke::new(1.0, theme.line),
        StrokeKind::Inside,
    );
    let builder = egui::UiBuilder::new()
        .max_rect(rect.shrink(3.0))
        .layout(egui::Layout::left_to_right(egui::Align::Center));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for (icon, command) in [
            (Some(Icon::Minus), Command::ZoomOut),
            (None, Command::ZoomFit),
            (Some(Icon::Plus), Command::ZoomIn),
        ] {
            let clicked = if let Some(icon) = icon {
                widgets::command_icon(ui, icon, &command, 24.0, false).clicked()
            } else {
                let percent = format!("{:.0} %", state.view.zoom() * 100.0);
                percent_ui(ui, &percent, state.view.fits())
            };
            if clicked {
                let is_fit_button = icon.is_none() && state.view.fits();
                scene.send(if is_fit_button {
                    Command::ZoomActual
                } else {
                    command
                });
            }
        }
    });
}

/// The zoom; a click goes between fitting and 100 %.
fn percent_ui(ui: &mut Ui, percent: &str, fits: bool) -> bool {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(62.0, 24.0), Sense::click());
    let label = format!("Zoom {percent}");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    if response.hovered() {
        ui.painter().rect_filled(rect, 6, theme.bg3);
    }
    ui.painter().text(
        rect.center(),
        Align2::CENTER_CENTER,
        percent,
        theme::label(),
        theme.text2,
    );
    widgets::focus_ring(ui, &response, rect, 6);
    let tip = if fits {
        "To 100 %   Ctrl 1"
    } else {
        "Fit the picture   Ctrl 0"
    };
    response.on_hover_text(tip).clicked()
}

fn hints_ui(ui: &Ui, scene: &Scene<'_>, canvas: Rect) {
    let theme = theme::of(ui);
    let n_results = scene
        .session
        .selected()
        .map_or(0, |run| run.slots.len())
        .min(9);
    let mut hints: Vec<(Vec<String>, &str)> = Vec::new();
    if n_results > 1 {
        hints.push((vec!["1".to_owned(), n_results.to_string()], "results"));
    }
    hints.push((vec!["Space".to_owned()], "pan"));
    hints.push((vec!["S".to_owned()], "star"));
    hints.push((vec!["Tab".to_owned()], "panels"));
    hints.push((vec!["F".to_owned()], "full screen"));
    let mut x = canvas.left() + 22.0;
    let y = canvas.bottom() - 27.0;
    let room = canvas.right() - 150.0;
    for (keys, words) in hints {
        for (i, key) in keys.iter().enumerate() {
            if i > 0 {
                let dash = ui.painter().text(
                    pos2(x, y),
                    Align2::LEFT_CENTER,
                    "–",
                    theme::caption(),
                    theme.text3,
                );
                x = dash.right() + 3.0;
            }
            let galley = ui
                .painter()
                .layout_no_wrap(key.clone(), theme::caption(), theme.text2);
            let cap = Rect::from_min_size(pos2(x, y - 8.5), vec2(galley.size().x + 10.0, 17.0));
            if cap.right() > room {
                return;
            }
            ui.painter().rect_filled(cap, 4, theme.cap);
            let at = Align2::CENTER_CENTER
                .anchor_size(cap.center(), galley.size())
                .min;
            ui.painter().galley(at, galley, theme.text2);
            x = cap.right() + 3.0;
        }
        let text = ui.painter().text(
            pos2(x + 2.0, y),
            Align2::LEFT_CENTER,
            words,
            theme::caption(),
            theme.text3,
        );
        x = text.right() + 14.0;
    }
}
