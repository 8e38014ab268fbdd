//! One picture of a grid: its thumbnail, or what stands in for it, and what can be done to it by mouse.

use egui::epaint::RectShape;
use egui::{
    Align2, Color32, CornerRadius, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

use super::grid::GridKind;
use super::menu;
use crate::command::{Command, GalleryCommand};
use crate::gallery::{Mark, Record};
use crate::icons::{self, Icon};
use crate::scene::DraggedPictures;
use crate::scene::Scene;
use crate::session::{Choose, PictureId, PictureRef};
use crate::textures::Detail;
use crate::theme;
use crate::widgets;

/// Smaller tiles have no room for words.
const LEAST_CAPTION_WIDTH: f32 = 120.0;

pub struct Tile {
    /// Its place in the list.
    pub index: usize,
    pub id: PictureId,
    /// As the list says; the picture's own facts are newer.
    pub is_starred: bool,
    pub rect: Rect,
    pub detail: Detail,
    pub kind: GridKind,
}

/// Returns whether the facts of the picture are known and not old.
pub fn tile_ui(ui: &mut Ui, scene: &mut Scene<'_>, tile: &Tile) -> bool {
    let record = scene.gallery.record(tile.id).cloned();
    let is_chosen = scene.gallery.selection.is_chosen(tile.index);
    // Tab goes to the grid as a whole: see `grid::focus_ui`.
    let sense = Sense::CLICK | Sense::DRAG;
    let response = ui.interact(tile.rect, tile.kind.cursor_id().with(tile.id), sense);
    response.widget_info(|| {
        let label = label(record.as_deref());
        WidgetInfo::selected(Role::ListItem, true, is_chosen, label)
    });
    picture_ui(ui, scene, tile, record.as_deref());
    let is_shown = tile.kind == GridKind::Strip && scene.session.shown_id() == Some(tile.id);
    let is_starred = record
        .as_ref()
        .map_or(tile.is_starred, |record| record.is_starred);
    if is_starred {
        star_ui(ui, tile.rect);
    }
    frame_ui(ui, tile, &response, is_chosen, is_shown);
    if let Some(record) = record.as_deref() {
        words_ui(ui, scene, tile, &response, record);
    }
    events(ui, scene, tile, &response, is_chosen);
    scene.gallery.is_fresh(tile.id)
}

fn label(record: Option<&Record>) -> String {
    let Some(record) = record else {
        return "Picture".to_owned();
    };
    let mut label = match record.name().as_str() {
        "" => "Picture".to_owned(),
        name => format!("Picture: {}", widgets::shown(name)),
    };
    if let Some(problem) = &record.problem {
        let problem = widgets::shown(problem);
        label.push_str(&format!(", cannot be shown: {problem}"));
    }
    label
}

fn picture_ui(ui: &Ui, scene: &mut Scene<'_>, tile: &Tile, record: Option<&Record>) {
    let theme = theme::of(ui);
    let picture = PictureRef::Gallery(tile.id);
    let (rect, radius) = (tile.rect, theme::RADIUS);
    if let Some(texture) = scene.textures.get((picture, tile.detail)) {
        let texture = texture.clone();
        ui.painter().rect_filled(rect, radius, theme.bg2);
        return widgets::contain(ui, rect, radius, &texture);
    }
    let other = match tile.detail {
        Detail::Small => Detail::Thumbnail,
        _ => Detail::Small,
    };
    if let Some(texture) = scene.textures.get_if_here((picture, other)) {
        let texture = texture.clone();
        ui.painter().rect_filled(rect, radius, theme.bg2);
        return widgets::contain(ui, rect, radius, &texture);
    }
    let gallery = scene.gallery;
    let id_at = |index: usize| gallery.entries().get(index).map(|entry| entry.id);
    let at = (tile.index, tile.id);
    let average = scene.textures.average(ui.ctx(), gallery.list(), at, id_at);
    if let Some((texture, part)) = average {
        ui.painter().rect_filled(rect, radius, theme.bg2);
        // Averages are square; the picture comes in its own shape where that is known.
        let shape = record.map_or(rect, |record| {
            widgets::contained(vec2(record.width as f32, record.height as f32), rect)
        });
        let shape = RectShape::filled(shape, CornerRadius::same(radius), Color32::WHITE);
        ui.painter()
            .add(Shape::Rect(shape.with_texture(texture, part)));
        return;
    }
    ui.painter().rect_filled(rect, radius, theme.bg3);
    let is_broken = scene.textures.broken((picture, tile.detail)).is_some();
    if is_broken || record.is_some_and(|record| record.problem.is_some()) {
        let side = (rect.width() * 0.3).clamp(12.0, 28.0);
        icons::paint(ui.painter(), rect, side, Icon::Warning, theme.text2);
    }
}

fn star_ui(ui: &Ui, rect: Rect) {
    let theme = theme::of(ui);
    let corner = Rect::from_center_size(rect.right_top() + vec2(-13.0, 13.0), vec2(14.0, 14.0));
    ui.painter()
        .circle_filled(corner.center(), 9.0, theme.groove);
    icons::paint(ui.painter(), corner, 12.0, Icon::StarFilled, theme.bar);
}

fn frame_ui(ui: &Ui, tile: &Tile, response: &Response, is_chosen: bool, is_shown: bool) {
    let theme = theme::of(ui);
    let (rect, radius) = (tile.rect, theme::RADIUS);
    let ring = |stroke| {
        ui.painter()
            .rect_stroke(rect, radius, stroke, StrokeKind::Inside);
    };
    if is_chosen && tile.kind == GridKind::Place {
        ring(Stroke::new(3.0, theme.accent));
        let mark = Rect::from_center_size(rect.left_top() + vec2(15.0, 15.0), vec2(14.0, 14.0));
        ui.painter().circle_filled(mark.center(), 9.0, theme.accent);
        icons::paint(ui.painter(), mark, 13.0, Icon::Check, theme.on_accent);
    } else if is_chosen || is_shown {
        ring(Stroke::new(2.0, theme.accent));
    } else if response.hovered() {
        ring(Stroke::new(1.0, theme.border));
    }
}

/// What the pointer learns of a picture: its title at the foot, or beside it where there is no room.
fn words_ui(ui: &Ui, scene: &mut Scene<'_>, tile: &Tile, response: &Response, record: &Record) {
    let is_wide = tile.rect.width() > LEAST_CAPTION_WIDTH;
    let title = record.name();
    if let Some(problem) = &record.problem {
        let text = format!("This picture cannot be shown: {problem}");
        response
            .clone()
            .on_hover_text(widgets::shown_message(&text));
    } else if !is_wide && !title.is_empty() {
        response
            .clone()
            .on_hover_text(widgets::shown_message(&title));
    }
    if is_wide && ui.rect_contains_pointer(tile.rect) {
        if !title.is_empty() {
            caption_ui(ui, tile.rect, &title);
        }
        if tile.kind == GridKind::Place && !scene.gallery.query.in_trash {
            star_button_ui(ui, scene, tile, record);
        }
    }
}

/// A star to click in the corner, for as long as the pointer is over the picture.
fn star_button_ui(ui: &Ui, scene: &mut Scene<'_>, tile: &Tile, record: &Record) {
    let theme = theme::of(ui);
    let corner = Rect::from_min_size(tile.rect.right_top() + vec2(-28.0, 2.0), vec2(26.0, 26.0));
    let star = ui.interact(corner, tile.kind.cursor_id().with("star"), Sense::CLICK);
    let mark = Mark::Star(!record.is_starred);
    let command = GalleryCommand::Mark {
        pictures: vec![tile.id],
        mark,
    };
    star.widget_info(|| WidgetInfo::labeled(Role::Button, true, command.label()));
    let icon = if record.is_starred {
        Icon::StarFilled
    } else {
        Icon::Star
    };
    let centre =
        Rect::from_center_size(tile.rect.right_top() + vec2(-13.0, 13.0), vec2(14.0, 14.0));
    ui.painter()
        .circle_filled(centre.center(), 10.0, theme.groove);
    icons::paint(ui.painter(), centre, 13.0, icon, theme.bar);
    if star.clicked() {
        scene.send(Command::Gallery(command));
    }
}

/// The prompt over the foot of a large thumbnail.
fn caption_ui(ui: &Ui, rect: Rect, title: &str) {
    let theme = theme::of(ui);
    let foot = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 30.0), rect.max);
    let radius = CornerRadius {
        nw: 0,
        ne: 0,
        sw: theme::RADIUS,
        se: theme::RADIUS,
    };
    ui.painter().rect_filled(foot, radius, theme.groove);
    let job = widgets::clipped(title, theme::caption(), theme.bar, rect.width() - 20.0);
    let galley = ui.painter().layout_job(job);
    let at = Align2::LEFT_CENTER
        .anchor_size(foot.left_center() + vec2(10.0, 0.0), galley.size())
        .min;
    ui.painter().galley(at, galley, theme.bar);
}

fn events(ui: &Ui, scene: &mut Scene<'_>, tile: &Tile, response: &Response, is_chosen: bool) {
    let picture = PictureRef::Gallery(tile.id);
    let modifiers = ui.input(|input| input.modifiers);
    let choose = |how| {
        Command::Gallery(GalleryCommand::Choose {
            picture: tile.id,
            how,
        })
    };
    if response.double_clicked() && !scene.gallery.query.in_trash {
        scene.send(Command::OpenAsDocument(picture));
    } else if response.clicked() {
        let how = match (modifiers.shift, modifiers.command) {
            (true, _) => Choose::Through,
            (_, true) => Choose::Toggle,
            _ => Choose::Only,
        };
        scene.send(choose(how));
        if how == Choose::Only && tile.kind == GridKind::Strip {
            scene.send(Command::Show(picture));
        }
    }
    if response.secondary_clicked() && !is_chosen {
        scene.send(choose(Choose::Only));
    }
    if response.drag_started() && !scene.gallery.query.in_trash {
        let ids = if is_chosen {
            scene.gallery.meant()
        } else {
            vec![tile.id]
        };
        let dragged = ids.into_iter().map(PictureRef::Gallery).collect();
        egui::DragAndDrop::set_payload(ui.ctx(), DraggedPictures(dragged));
    }
    response.context_menu(|ui| menu::menu_ui(ui, scene, tile.id));
}
