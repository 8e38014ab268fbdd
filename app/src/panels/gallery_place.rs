//! The gallery: a strip in the side panel and a place of its own, both drawing only what is in view.

use egui::{
    Align2, Id, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo, pos2,
    vec2,
};

use super::widgets::{self, Loudness};
use super::{Scene, gallery_trouble_ui, prompt_bar, results};
use crate::command::Command;
use crate::icons::{self, Icon};
use crate::session::{GalleryState, PictureId, PictureRef};
use crate::textures::Detail;
use crate::theme;

/// The search as it is being typed.
#[derive(Debug, Default)]
pub struct GalleryPanel {
    pub words: String,
}

pub fn gallery_strip_ui(ui: &mut Ui, scene: &mut Scene<'_>, panel: &mut GalleryPanel) {
    ui.add_space(4.0);
    widgets::section(ui, "Gallery", &count_words(scene));
    search_ui(ui, scene, panel, "gallery strip search");
    let n_columns = 4;
    grid_ui(ui, scene, "gallery strip", n_columns, 6.0);
}

pub fn gallery_place_ui(ui: &mut Ui, scene: &mut Scene<'_>, panel: &mut GalleryPanel) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        ui.label(
            egui::RichText::new("Gallery")
                .font(theme::heading())
                .color(theme.text),
        );
        ui.label(
            egui::RichText::new(count_words(scene))
                .font(theme::label())
                .color(theme.text3),
        );
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if widgets::button(ui, "Open folder", Loudness::Plain, None).clicked() {
                scene.send(Command::OpenFolder);
            }
            let only = scene.gallery.only_starred;
            let star = if only { Icon::StarFilled } else { Icon::Star };
            let label = Command::OnlyStarred(!only).label();
            if widgets::icon_toggle(ui, star, &label, 31.0, only).clicked() {
                scene.send(Command::OnlyStarred(!only));
            }
            ui.allocate_ui(vec2(320.0, 34.0), |ui| {
                search_ui(ui, scene, panel, "gallery search");
            });
        });
    });
    ui.add_space(8.0);
    let n_columns = (ui.available_width() / 190.0).floor().max(2.0) as usize;
    grid_ui(ui, scene, "gallery place", n_columns, 10.0);
}

fn count_words(scene: &Scene<'_>) -> String {
    let n = scene.gallery.ids.len();
    match &scene.gallery.state {
        GalleryState::Opening => "opening…".to_owned(),
        GalleryState::Failed(_) => "not open".to_owned(),
        GalleryState::Ready if scene.gallery.is_searching() => {
            format!(
                "{} of {}",
                widgets::count(n),
                widgets::count(scene.gallery.total)
            )
        }
        GalleryState::Ready if n == 1 => "1 picture".to_owned(),
        GalleryState::Ready => format!("{} pictures", widgets::count(n)),
    }
}

fn search_ui(ui: &mut Ui, scene: &mut Scene<'_>, panel: &mut GalleryPanel, id: &str) {
    let theme = theme::of(ui);
    let hint = egui::RichText::new("Search by words, e.g. “boat night”").color(theme.text3);
    let field = TextEdit::singleline(&mut panel.words)
        .id(Id::unique(id))
        .hint_text(hint)
        .margin(egui::Margin::symmetric(10, 8))
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    prompt_bar::name_text_field(&response, "Search the gallery", &panel.words);
    if response.changed() {
        scene.send(Command::SearchGallery(panel.words.clone()));
    }
}

fn grid_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: &str, n_columns: usize, gap: f32) {
    if let GalleryState::Failed(reason) = &scene.gallery.state {
        let reason = reason.clone();
        gallery_trouble_ui(ui, scene, &reason, "Try again");
        return;
    }
    let n = scene.gallery.ids.len();
    if n == 0 {
        let text = match (&scene.gallery.state, scene.gallery.is_searching()) {
            (GalleryState::Opening, _) => "Opening the gallery…",
            (_, true) => "Nothing found. Fewer words find more.",
            (_, false) => "Every finished picture is kept here.",
        };
        widgets::remark(ui, text);
        return;
    }
    let width = ui.available_width();
    let side = (width - gap * (n_columns - 1) as f32) / n_columns as f32;
    let n_rows = n.div_ceil(n_columns);
    ui.spacing_mut().item_spacing.y = gap;
    ScrollArea::vertical()
        .id_salt(id)
        .auto_shrink([false, false])
        .show_rows(ui, side, n_rows, |ui, rows| {
            for row in rows {
                let (strip, _) = ui.allocate_exact_size(vec2(width, side), Sense::hover());
                for column in 0..n_columns {
                    let index = row * n_columns + column;
                    let Some(picture) = scene.gallery.ids.get(index).copied() else {
                        break;
                    };
                    let min = pos2(strip.left() + column as f32 * (side + gap), strip.top());
                    thumbnail_ui(
                        ui,
                        scene,
                        picture,
                        Rect::from_min_size(min, vec2(side, side)),
                    );
                }
            }
        });
}

fn thumbnail_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: PictureId, rect: Rect) {
    let theme = theme::of(ui);
    let picture = PictureRef::Gallery(id);
    let response = ui.interact(
        rect,
        Id::unique(("thumbnail", ui.scope_id(), id)),
        Sense::click(),
    );
    let record = scene.gallery.record(id);
    let prompt = record.map_or(String::new(), |record| record.prompt().to_owned());
    let is_starred = record.is_some_and(|record| record.is_starred);
    let is_shown = scene.session.shown_id() == Some(id);
    let label = if prompt.is_empty() {
        "Picture".to_owned()
    } else {
        format!("Picture: {prompt}")
    };
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, is_shown, &label));
    ui.painter().rect_filled(rect, theme::RADIUS, theme.bg3);
    let key = (picture, Detail::Thumbnail);
    if let Some(texture) = scene.textures.get(key).cloned() {
        widgets::cover(ui, rect, theme::RADIUS, &texture, 1.0);
    } else if scene.textures.broken(key).is_some() {
        icons::paint(ui.painter(), rect, 19.0, Icon::Warning, theme.text2);
    }
    if is_starred {
        let corner = Rect::from_center_size(rect.right_top() + vec2(-13.0, 13.0), vec2(14.0, 14.0));
        ui.painter()
            .circle_filled(corner.center(), 9.0, theme.groove);
        icons::paint(ui.painter(), corner, 12.0, Icon::StarFilled, theme.bar);
    }
    if is_shown {
        ui.painter().rect_stroke(
            rect,
            theme::RADIUS,
            Stroke::new(2.0, theme.accent),
            StrokeKind::Inside,
        );
    } else if response.hovered() {
        ui.painter().rect_stroke(
            rect,
            theme::RADIUS,
            Stroke::new(1.0, theme.border),
            StrokeKind::Inside,
        );
        if rect.width() > 120.0 && !prompt.is_empty() {
            caption_ui(ui, rect, &prompt);
        }
    }
    widgets::focus_ring(ui, &response, rect, theme::RADIUS);
    if response.double_clicked() {
        scene.send(Command::OpenAsDocument(picture));
    } else if response.clicked() {
        scene.send(Command::Show(picture));
    }
    if response.has_focus() && ui.input(|input| input.key_pressed(egui::Key::Delete)) {
        scene.send(Command::DeletePicture(id));
    }
    response.context_menu(|ui| results::picture_menu_ui(ui, scene, picture));
    if rect.width() <= 120.0 && !prompt.is_empty() {
        response.on_hover_text(prompt);
    }
}

/// The prompt over the foot of a large thumbnail.
fn caption_ui(ui: &Ui, rect: Rect, prompt: &str) {
    let theme = theme::of(ui);
    let foot = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 30.0), rect.max);
    let radius = egui::CornerRadius {
        nw: 0,
        ne: 0,
        sw: theme::RADIUS,
        se: theme::RADIUS,
    };
    ui.painter().rect_filled(foot, radius, theme.groove);
    let job = widgets::clipped(prompt, theme::caption(), theme.bar, rect.width() - 20.0);
    let galley = ui.painter().layout_job(job);
    let at = Align2::LEFT_CENTER
        .anchor_size(foot.left_center() + vec2(10.0, 0.0), galley.size())
        .min;
    ui.painter().galley(at, galley, theme.bar);
}
