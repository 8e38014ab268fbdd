//! The open documents as tabs.

use egui::{
    Align2, Color32, Id, Mesh, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind,
    TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use crate::command::Command;
use crate::document::DocumentId;
use crate::icons::Icon;
use crate::scene::Scene;
use crate::session::Place;
use crate::theme;
use crate::widgets;

const MAX_NAME_WIDTH: f32 = 132.0;
const CLOSE_SIDE: f32 = 20.0;
const FADE_WIDTH: f32 = 22.0;

pub fn document_tabs_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let room = ui.available_width() - 40.0;
    let scrolled = ScrollArea::horizontal()
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
            let mut front = None;
            let start = ui.cursor().left();
            for id in ids {
                let tab = tab_ui(ui, scene, id);
                if id == current {
                    front = Some(tab);
                }
            }
            let width = ui.min_rect().right() - start;
            let is_news = is_news(ui, (current, width as i32, room as i32));
            if let Some(front) = front.filter(|_| is_news) {
                // Clear of where the tabs fade, and at once.
                let place = front.rect.expand2(vec2(FADE_WIDTH, 0.0));
                ui.scroll_to_rect_animation(place, None, egui::style::ScrollAnimation::none());
            }
        });
    let (shown, whole) = (scrolled.inner_rect, scrolled.content_size.x);
    let left = scrolled.state.clamped_offset().x;
    if left > 0.5 {
        fade_ui(ui, shown, Side::Left);
    }
    if whole - left > shown.width() + 0.5 {
        fade_ui(ui, shown, Side::Right);
    }
    if widgets::command_icon(ui, Icon::Plus, &Command::NewDocument, 28.0, false).clicked() {
        scene.send(Command::NewDocument);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Where tabs go on out of sight they fade into the bar, rather than end in the middle of a letter.
fn fade_ui(ui: &Ui, shown: Rect, side: Side) {
    let bar = theme::of(ui).bg1;
    let width = FADE_WIDTH.min(shown.width());
    let (rect, [from, to]) = match side {
        Side::Left => (
            shown.with_max_x(shown.left() + width),
            [bar, Color32::TRANSPARENT],
        ),
        Side::Right => (
            shown.with_min_x(shown.right() - width),
            [Color32::TRANSPARENT, bar],
        ),
    };
    let mut mesh = Mesh::default();
    for (x, colour) in [(rect.left(), from), (rect.right(), to)] {
        mesh.colored_vertex(pos2(x, rect.top()), colour);
        mesh.colored_vertex(pos2(x, rect.bottom()), colour);
    }
    mesh.add_triangle(0, 1, 2);
    mesh.add_triangle(1, 2, 3);
    ui.painter().add(mesh);
}

/// Whether another document is in front than in the last frame, or the tabs are of other widths or have other room:
/// only then they scroll by themselves.
fn is_news(ui: &Ui, now: (DocumentId, i32, i32)) -> bool {
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
    if let Some(field) = name_field_ui(ui, scene, id) {
        return field;
    }
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
    if is_current {
        current_frame_ui(ui, rect, is_in_front);
    }
    if response.clicked() {
        scene.send(Command::SelectDocument(id));
    }
    if response.middle_clicked() {
        scene.send(Command::CloseDocument(id));
    }
    if response.double_clicked() {
        begin_naming(ui, id, &name);
    }
    menu_ui(&response, scene, id, &name);
    response.on_hover_text("Double-click to rename")
}

/// Round the tab of the document that is open, and under it a line: the one in front is told by more than a shade.
fn current_frame_ui(ui: &Ui, rect: Rect, is_in_front: bool) {
    let theme = theme::of(ui);
    let line = Stroke::new(
        1.0,
        if is_in_front {
            theme.border
        } else {
            theme.line
        },
    );
    ui.painter()
        .rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
    let colour = if is_in_front {
        theme.accent
    } else {
        theme.text3
    };
    let under = Rect::from_min_max(
        pos2(rect.left() + 10.0, rect.bottom() - 2.0),
        pos2(rect.right() - 10.0, rect.bottom()),
    );
    ui.painter().rect_filled(under, 1.0, colour);
}

fn menu_ui(response: &Response, scene: &mut Scene<'_>, id: DocumentId, name: &str) {
    response.context_menu(|ui| {
        ui.set_min_width(180.0);
        let width = ui.available_width();
        if widgets::menu_row_ui(ui, "Rename…", None, false, width).clicked() {
            begin_naming(ui, id, name);
            ui.close();
        }
        let close = Command::CloseDocument(id);
        if widgets::menu_row_ui(ui, &close.label(), None, false, width).clicked() {
            scene.send(close);
            ui.close();
        }
    });
}

fn naming_id(document: DocumentId) -> Id {
    Id::unique(("name of document", document))
}

fn begin_naming(ui: &Ui, document: DocumentId, name: &str) {
    ui.data_mut(|data| data.insert_temp(naming_id(document), name.to_owned()));
}

/// While a document is renamed, the field in the place of its tab. An empty name follows the prompt.
fn name_field_ui(ui: &mut Ui, scene: &mut Scene<'_>, document: DocumentId) -> Option<Response> {
    let id = naming_id(document);
    let mut name: String = ui.data(|data| data.get_temp(id))?;
    let field = TextEdit::singleline(&mut name)
        .id(id.with("field"))
        .font(theme::label_medium())
        .char_limit(200)
        .desired_width(MAX_NAME_WIDTH);
    let response = ui.add(field);
    widgets::name_text_field(&response, "Name of the document", &name);
    if response.lost_focus() {
        ui.data_mut(|data| data.remove_temp::<String>(id));
        if !ui.input(|input| input.key_pressed(egui::Key::Escape)) {
            scene.send(Command::RenameDocument { document, name });
        }
    } else {
        ui.data_mut(|data| data.insert_temp(id, name));
        response.request_focus();
    }
    Some(response)
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
