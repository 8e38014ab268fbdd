//! The open documents as tabs.

use egui::{
    Align2, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::{Scene, widgets};
use crate::command::Command;
use crate::document::DocumentId;
use crate::icons::Icon;
use crate::session::Place;
use crate::theme;

const MAX_NAME_WIDTH: f32 = 132.0;
const CLOSE_SIDE: f32 = 20.0;

pub fn document_tabs_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let room = ui.available_width() - 40.0;
    ScrollArea::horizontal()
        .id_salt("document tabs")
        .max_width(room.max(0.0))
        .auto_shrink([true, true])
        .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden)
        .show(ui, |ui| {
            let ids: Vec<DocumentId> = scene
                .session
                .documents
                .iter()
                .map(|open| open.document.id())
                .collect();
            let current = scene.session.documents.current_id();
            let is_news = is_news(ui, (current, ids.len(), room as i32));
            for id in ids {
                let tab = tab_ui(ui, scene, id);
                if is_news && id == current {
                    tab.scroll_to_me(None);
                }
            }
        });
    if widgets::command_icon(ui, Icon::Plus, &Command::NewDocument, 28.0, false).clicked() {
        scene.send(Command::NewDocument);
    }
}

/// Whether another document is in front than in the last frame, or the tabs have other room: only then they scroll by
/// themselves.
fn is_news(ui: &Ui, now: (DocumentId, usize, i32)) -> bool {
    let id = egui::Id::unique("document tabs as they were");
    ui.data_mut(|data| {
        let was = data.get_temp(id);
        data.insert_temp(id, now);
        was != Some(now)
    })
}

fn tab_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: DocumentId) -> Response {
    let theme = theme::of(ui);
    let Some(open) = scene.session.documents.get(id) else {
        return ui.allocate_response(egui::Vec2::ZERO, Sense::hover());
    };
    let has_news = open.has_news;
    let (name, is_modified) = (open.document.name(), open.document.is_modified());
    let is_current = scene.session.documents.current_id() == id;
    let is_in_front = is_current && scene.session.place == Place::Canvas;
    let runs = scene.session.active_runs();
    let is_busy = runs.filter(|run| run.document == id).count() > 0;
    let text = widgets::clipped(name, theme::label_medium(), theme.text, MAX_NAME_WIDTH);
    let galley = ui.painter().layout_job(text);
    let size = vec2(galley.size().x + 24.0 + CLOSE_SIDE, 29.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = widgets::shown(name);
    let label = match (is_modified, is_busy) {
        (_, true) => format!("Document {name}, being drawn"),
        _ if has_news => format!("Document {name}, has new results"),
        (true, false) => format!("Document {name}, not saved"),
        (false, false) => format!("Document {name}"),
    };
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, is_in_front, &label));
    let hovered = response.contains_pointer();
    if is_in_front {
        ui.painter().rect_filled(rect, theme::RADIUS, theme.bg3);
    } else if hovered || is_current {
        ui.painter().rect_filled(rect, theme::RADIUS, theme.bg2);
    }
    let colour = if is_in_front || hovered {
        theme.text
    } else {
        theme.text2
    };
    let at = Align2::LEFT_CENTER.anchor_size(rect.left_center() + vec2(10.0, 0.0), galley.size());
    ui.painter()
        .galley_with_override_text_color(at.min, galley, colour);
    widgets::focus_ring(ui, &response, rect, theme::RADIUS);
    let end = Rect::from_center_size(
        pos2(rect.right() - CLOSE_SIDE / 2.0 - 5.0, rect.center().y),
        vec2(CLOSE_SIDE, CLOSE_SIDE),
    );
    if hovered || (is_in_front && !is_modified && !is_busy) {
        close_ui(ui, scene, id, &name, end);
    } else if is_modified || is_busy || has_news {
        // The dot fills the ✕'s place until the pointer comes.
        let colour = if is_busy {
            theme.accent
        } else if has_news {
            theme.ok
        } else {
            theme.text2
        };
        ui.painter().circle_filled(end.center(), 3.5, colour);
    }
    if is_current && !is_in_front {
        let line = Stroke::new(1.0, theme.line);
        ui.painter()
            .rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
    }
    if response.clicked() {
        scene.send(Command::SelectDocument(id));
    }
    if response.middle_clicked() {
        scene.send(Command::CloseDocument(id));
    }
    response
}

fn close_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: DocumentId, name: &str, rect: Rect) {
    let builder = egui::UiBuilder::new()
        .max_rect(rect)
        .id_salt(("close document", id));
    let mut close_ui = ui.new_child(builder);
    let label = format!("Close “{name}”");
    if widgets::icon_button(&mut close_ui, Icon::Close, &label, CLOSE_SIDE).clicked() {
        scene.send(Command::CloseDocument(id));
    }
}
