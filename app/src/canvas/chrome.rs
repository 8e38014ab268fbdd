//! What floats over the canvas: the zoom, the keys that help now, the card of a run that failed.

use std::time::Duration;

use egui::epaint::RectShape;
use egui::{
    Align2, CornerRadius, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use super::View;
use crate::command::Command;
use crate::icons::Icon;
use crate::scene::Scene;
use crate::session::RunId;
use crate::theme;
use crate::tools::Tool;
use crate::widgets;

pub fn zoom_chip_ui(ui: &mut Ui, scene: &mut Scene<'_>, view: &View, canvas: Rect) {
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
                let percent = format!("{:.0} %", view.zoom() * 100.0);
                percent_ui(ui, &percent, view.fits())
            };
            if clicked {
                let is_fit_button = icon.is_none() && view.fits();
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

/// What takes its time says so after a moment, so that a quick one does not flash.
pub const WORKING_AFTER: Duration = Duration::from_millis(150);

/// What is being done to the mask, under the tool's options.
pub fn working_ui(ui: &mut Ui, scene: &Scene<'_>, canvas: Rect) {
    let Some((step, since)) = scene.session.documents.current().mask_work() else {
        return;
    };
    if scene.now.saturating_duration_since(since) < WORKING_AFTER {
        return;
    }
    let theme = theme::of(ui);
    let words = format!("{}…   Esc to stop", step.label());
    let galley = ui
        .painter()
        .layout_no_wrap(words.clone(), theme::label(), theme.text);
    let size = galley.size() + vec2(24.0, 14.0);
    let centre = pos2(canvas.center().x, canvas.top() + 76.0);
    let rect = Rect::from_center_size(centre, size);
    let outline = Stroke::new(1.0, theme.line);
    ui.painter().rect(
        rect,
        theme::RADIUS,
        theme.float,
        outline,
        StrokeKind::Inside,
    );
    let at = Align2::CENTER_CENTER
        .anchor_size(rect.center(), galley.size())
        .min;
    ui.painter().galley(at, galley, theme.text);
    let response = ui.interact(rect, ui.scope_id().with("working"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
}

/// A key or two, and what they do now.
type Hint = (Vec<&'static str>, &'static str);

/// Bottom left; on a ground of their own where the picture, at `picture` on the screen, is under them.
pub fn hints_ui(ui: &Ui, scene: &Scene<'_>, canvas: Rect, picture: Rect) {
    let ground = ui.painter().add(Shape::Noop);
    let end = hint_row_ui(ui, scene, canvas);
    let left_bottom = canvas.left_bottom() + vec2(12.0, -12.0);
    let row = Rect::from_min_max(left_bottom - vec2(0.0, 30.0), pos2(end, left_bottom.y));
    if row.intersects(picture) {
        let float = RectShape::filled(row, theme::RADIUS, theme::of(ui).float);
        ui.painter().set(ground, float);
    }
}

/// Where it ends.
fn hint_row_ui(ui: &Ui, scene: &Scene<'_>, canvas: Rect) -> f32 {
    let n_results = scene
        .session
        .selected()
        .map_or(0, |run| run.slots.len())
        .min(9);
    let mut pen = HintPen {
        x: canvas.left() + 22.0,
        y: canvas.bottom() - 27.0,
        room: canvas.right() - 150.0,
    };
    if n_results > 1 && scene.session.shown().is_some() {
        let last = n_results.to_string();
        pen.hint(ui, &["1", "–", &last], "results");
    }
    for (keys, words) in hints(scene) {
        if !pen.hint(ui, &keys, words) {
            break;
        }
    }
    pen.x
}

/// What the chosen tool has beside its obvious use.
fn hints(scene: &Scene<'_>) -> Vec<Hint> {
    let session = scene.session;
    let tool = session.toolbox.tool();
    let mut hints: Vec<Hint> = match tool {
        Tool::Brush | Tool::Eraser | Tool::SketchBrush => {
            vec![
                (vec!["[", "]"], "size"),
                (vec!["X"], "brush / eraser"),
                (vec!["Right-drag"], "size, hardness"),
            ]
        }
        Tool::Lasso | Tool::Wand => vec![(vec!["Alt"], "take away")],
        Tool::Rectangle => vec![(vec!["Shift"], "square"), (vec!["Alt"], "take away")],
        Tool::Ellipse => vec![(vec!["Shift"], "round"), (vec!["Alt"], "take away")],
        Tool::Polygon => vec![(vec!["Enter"], "close"), (vec!["Esc"], "drop")],
        Tool::Move => vec![(vec!["←", "→", "↑", "↓"], "nudge")],
        Tool::RotateView => vec![(vec!["Shift"], "by 15°"), (vec!["Ctrl", "0"], "upright")],
        Tool::Crop
            if session
                .toolbox
                .crop(session.document().content().frame)
                .is_some() =>
        {
            vec![
                (vec!["Enter"], "crop"),
                (vec!["Esc"], "drop"),
                (vec!["Shift"], "keep the shape"),
            ]
        }
        Tool::Pan | Tool::Zoom | Tool::Crop | Tool::Eyedropper => Vec::new(),
    };
    if tool != Tool::Pan {
        hints.push((vec!["Space"], "pan"));
    }
    if tool.is_of_mask() {
        let words = if session.mask_is_visible() {
            "hide mask"
        } else {
            "show mask"
        };
        hints.push((vec!["\\"], words));
    }
    if tool.is_of_view() {
        hints.push((vec!["S"], "star"));
        hints.push((vec!["Tab"], "panels"));
        hints.push((vec!["F"], "full screen"));
    }
    hints
}

/// Where the next hint goes.
struct HintPen {
    x: f32,
    y: f32,
    room: f32,
}

impl HintPen {
    /// Keys, and between them what is no key, with what they do; nothing where all of it has no room.
    fn hint(&mut self, ui: &Ui, keys: &[&str], words: &str) -> bool {
        let theme = theme::of(ui);
        let laid_out = |text: &str, colour| {
            ui.painter()
                .layout_no_wrap(text.to_owned(), theme::caption(), colour)
        };
        let words = laid_out(words, theme.text3);
        let keys: Vec<_> = keys
            .iter()
            .map(|key| {
                let is_key = *key != "–";
                let galley = laid_out(key, if is_key { theme.text2 } else { theme.text3 });
                let width = galley.size().x;
                let width = if is_key {
                    (width + 10.0).max(17.0)
                } else {
                    width
                };
                (is_key, galley, width)
            })
            .collect();
        let keys_width: f32 = keys.iter().map(|(_, _, width)| width + 3.0).sum();
        if self.x + keys_width + 2.0 + words.size().x > self.room {
            return false;
        }
        for (is_key, galley, width) in keys {
            let cap = Rect::from_min_size(pos2(self.x, self.y - 8.5), vec2(width, 17.0));
            if is_key {
                ui.painter().rect_filled(cap, 4, theme.cap);
            }
            let at = Align2::CENTER_CENTER.anchor_size(cap.center(), galley.size());
            ui.painter().galley(at.min, galley, theme.text2);
            self.x = cap.right() + 3.0;
        }
        let left = pos2(self.x + 2.0, self.y);
        let at = Align2::LEFT_CENTER.anchor_size(left, words.size());
        self.x = at.right() + 14.0;
        ui.painter().galley(at.min, words, theme.text3);
        true
    }
}

pub fn failed_ui(ui: &mut Ui, scene: &mut Scene<'_>, canvas: Rect, reason: &str, run: RunId) {
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
                        egui::RichText::new(widgets::shown_message(reason))
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
                        if widgets::button(ui, "Hide", widgets::Loudness::Plain, None).clicked() {
                            scene.send(Command::DismissRun(run));
                        }
                    });
                });
            });
    });
}
