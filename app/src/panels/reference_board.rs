//! Pictures pinned beside the canvas, to look at while working.

use egui::{
    Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use crate::command::Command;
use crate::icons::Icon;
use crate::scene::Scene;
use crate::session::{PictureId, PictureRef};
use crate::textures::Detail;
use crate::theme;
use crate::widgets;

pub const WIDTH: f32 = 148.0;

pub fn reference_board_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.spacing_mut().item_spacing.y = 8.0;
    let pinned = scene.session.documents.current().pinned.clone();
    ScrollArea::vertical()
        .id_salt("reference board")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for picture in pinned {
                pin_ui(ui, scene, picture);
            }
        });
}

fn pin_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: PictureId) {
    let theme = theme::of(ui);
    let picture = PictureRef::Gallery(id);
    let width = ui.available_width();
    let record = scene.gallery.record(id);
    let shape = record.map_or(1.0, |record| {
        record.height as f32 / record.width.max(1) as f32
    });
    let size = vec2(width, width * shape.clamp(0.25, 4.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = record.map(|record| record.name()).unwrap_or_default();
    let label = format!("Pinned picture: {}", widgets::shown(&name));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
    ui.painter().rect_filled(rect, theme::RADIUS, theme.bg3);
    if let Some(texture) = scene.textures.get((picture, Detail::Thumbnail)).cloned() {
        widgets::contain(ui, rect, theme::RADIUS, &texture);
    }
    if response.contains_pointer() {
        let line = Stroke::new(1.0, theme.border);
        ui.painter()
            .rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
        unpin_ui(ui, scene, id, rect);
    }
    widgets::focus_ring(ui, &response, rect, theme::RADIUS);
    if response.clicked() {
        scene.send(Command::Show(picture));
    }
}

fn unpin_ui(ui: &mut Ui, scene: &mut Scene<'_>, picture: PictureId, rect: Rect) {
    let corner = Rect::from_min_size(
        pos2(rect.right() - 28.0, rect.top() + 4.0),
        vec2(24.0, 24.0),
    );
    ui.painter().rect_filled(corner, 6, theme::of(ui).float);
    let builder = UiBuilder::new()
        .max_rect(corner)
        .id_salt(("unpin", picture));
    let command = Command::Pin {
        picture,
        pinned: false,
    };
    let mut corner_ui = ui.new_child(builder);
    if widgets::icon_button(&mut corner_ui, Icon::Close, &command.label(), 24.0).clicked() {
        scene.send(command);
    }
}
