//! The gallery: a place of its own with boards, filters and details, and a strip beside the canvas. Both draw
//! the same list by the same grid, and share what is chosen.

mod band;
mod details;
mod dragged;
mod filters;
mod grid;
mod headings;
mod layout;
mod menu;
mod scroll_bar;
pub mod search;
mod sheets;
mod shelves;
mod tile;

use egui::{Frame, Id, Margin, Panel, Pos2, Ui, vec2};

use super::{Region, gallery_trouble_ui, mark_region};
use crate::command::{Command, GalleryCommand, Step};
use crate::gallery::Query;
use crate::scene::Scene;
use crate::session::{GalleryState, PictureId, Place};
use crate::theme;
use crate::widgets::{self, Loudness};

pub use super::widgets::pictures;
pub use dragged::{dragged_ui, drop_on_canvas_ui, drop_on_prompt_ui, drop_on_reference_board_ui};
use grid::Grid;
pub use grid::GridKind;
pub use sheets::{Asked, sheets_ui};

/// Tiles of the strip, four in a row of the usual side panel.
const STRIP_SIDE: f32 = 68.0;
const SHELVES_WIDTH: f32 = 196.0;
const DETAILS_WIDTH: f32 = 288.0;
/// In a narrower window the details would leave no room for pictures.
const LEAST_WIDTH_WITH_DETAILS: f32 = theme::NARROW_WINDOW;
/// Below this width what says how the list looks is behind one button.
const LEAST_WIDTH_UNFOLDED: f32 = 720.0;

/// The user's draft in the gallery: what is being typed, and where the grids are.
#[derive(Debug, Default)]
pub struct GalleryPanel {
    /// The search as it is being typed.
    words: String,
    place: Grid,
    strip: Grid,
    shelves: shelves::Draft,
    details: details::Draft,
    /// What is being asked in a sheet.
    pub asked: Option<Asked>,
    /// Pictures in view of which nothing is known yet.
    unknown: Vec<PictureId>,
}

impl GalleryPanel {
    /// Pictures that were in view since the last call and of which nothing is known.
    pub fn take_unknown(&mut self) -> Vec<PictureId> {
        std::mem::take(&mut self.unknown)
    }

    /// Where the cursor goes in the grid of the place that is shown.
    pub fn step(&self, place: Place, from: Option<usize>, step: Step) -> Option<usize> {
        match place {
            Place::Gallery => self.place.step(from, step),
            _ => self.strip.step(from, step),
        }
    }

    /// Whether a point is over the pictures of the grid in this place, as it was drawn last.
    pub fn is_under(&self, point: Pos2, place: Place) -> bool {
        match place {
            Place::Gallery => self.place.is_under(point),
            _ => self.strip.is_under(point),
        }
    }

    /// Scrolls both grids to a picture of the list.
    pub fn reveal(&mut self, index: usize) {
        self.place.reveal(index);
        self.strip.reveal(index);
    }

    /// Another query has another beginning.
    pub fn scroll_to_top(&mut self) {
        self.place.set_offset(0.0);
        self.strip.set_offset(0.0);
    }

    /// The search is what the query says, where it was set elsewhere.
    pub fn show_words(&mut self, words: &str) {
        if self.words.trim() != words.trim() {
            words.clone_into(&mut self.words);
        }
    }
}

/// Under the results, beside the canvas.
pub fn gallery_strip_ui(ui: &mut Ui, scene: &mut Scene<'_>, panel: &mut GalleryPanel) {
    ui.add_space(4.0);
    widgets::section(ui, "Gallery", &count_words(scene));
    search::search_ui(
        ui,
        scene,
        &mut panel.words,
        Id::unique("gallery strip search"),
    );
    filters::chips_ui(ui, scene);
    if is_empty_ui(ui, scene) {
        return;
    }
    let shape = (STRIP_SIDE, 6.0);
    let unknown = grid::grid_ui(ui, scene, &mut panel.strip, GridKind::Strip, shape);
    panel.unknown.extend(unknown);
}

/// The gallery's own place.
pub fn gallery_place_ui(ui: &mut Ui, scene: &mut Scene<'_>, panel: &mut GalleryPanel) {
    let side = |margin| Frame::new().fill(theme::of(ui).bg1).inner_margin(margin);
    let (left, right) = (side(Margin::symmetric(10, 14)), side(Margin::same(14)));
    Panel::left("gallery shelves")
        .exact_size(SHELVES_WIDTH)
        .resizable(false)
        .frame(left)
        .show(ui, |ui| shelves::shelves_ui(ui, scene, &mut panel.shelves));
    let has_room = ui.available_width() + SHELVES_WIDTH >= LEAST_WIDTH_WITH_DETAILS;
    if scene.settings.gallery.shows_details && has_room {
        Panel::right("gallery details")
            .exact_size(DETAILS_WIDTH)
            .resizable(false)
            .frame(right)
            .show(ui, |ui| details::details_ui(ui, scene, &mut panel.details));
        panel.unknown.extend(details::unknown(scene));
    }
    let middle = Frame::new()
        .fill(theme::of(ui).bg0)
        .inner_margin(Margin::symmetric(16, 14));
    egui::CentralPanel::default()
        .frame(middle)
        .show(ui, |ui| middle_ui(ui, scene, panel));
}

fn middle_ui(ui: &mut Ui, scene: &mut Scene<'_>, panel: &mut GalleryPanel) {
    ui.visuals_mut().panel_fill = theme::of(ui).bg0;
    ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
    top_ui(ui, scene, panel);
    filters::chips_ui(ui, scene);
    import_ui(ui, scene);
    trash_ui(ui, scene);
    if is_empty_ui(ui, scene) {
        return;
    }
    let shape = (scene.settings.gallery.tile_side, 8.0);
    let unknown = grid::grid_ui(ui, scene, &mut panel.place, GridKind::Place, shape);
    panel.unknown.extend(unknown);
}

/// The search, and how the list looks.
fn top_ui(ui: &mut Ui, scene: &mut Scene<'_>, panel: &mut GalleryPanel) {
    ui.horizontal(|ui| {
        let is_folded = ui.available_width() < LEAST_WIDTH_UNFOLDED;
        let beside = if is_folded { 330.0 } else { 600.0 };
        let width = (ui.available_width() - beside).clamp(140.0, 420.0);
        ui.allocate_ui(vec2(width, 34.0), |ui| {
            let search = search::search_ui(ui, scene, &mut panel.words, search::place_id());
            mark_region(ui, Region::Prompt, &search);
        });
        filters::filter_button_ui(ui, scene);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if is_folded {
                filters::folded_look_ui(ui, scene);
            } else {
                filters::look_ui(ui, scene);
            }
            let count = egui::RichText::new(chosen_words(scene))
                .font(theme::label())
                .color(theme::of(ui).text3);
            ui.add(egui::Label::new(count).truncate());
        });
    });
}

/// How many pictures there are, or match.
fn count_words(scene: &Scene<'_>) -> String {
    let n = scene.gallery.entries().len();
    match &scene.gallery.state {
        GalleryState::Opening => "opening…".to_owned(),
        GalleryState::Failed(_) => "not open".to_owned(),
        GalleryState::Ready if scene.gallery.is_searching() => {
            let overview = &scene.gallery.overview;
            let total = if scene.gallery.query.in_trash {
                overview.n_trashed
            } else {
                overview.n_pictures
            };
            format!("{} of {}", widgets::count(n), widgets::count(total.max(n)))
        }
        GalleryState::Ready => pictures(n),
    }
}

fn chosen_words(scene: &Scene<'_>) -> String {
    let n_listed = widgets::count(scene.gallery.entries().len());
    match scene.gallery.selection.len() {
        0 => count_words(scene),
        n => format!("{} of {n_listed} chosen", widgets::count(n)),
    }
}

/// Says why there is nothing to show, and what can be done. Whether there is nothing.
fn is_empty_ui(ui: &mut Ui, scene: &mut Scene<'_>) -> bool {
    if let GalleryState::Failed(reason) = &scene.gallery.state {
        let reason = reason.clone();
        gallery_trouble_ui(ui, scene, &reason, "Try again");
        return true;
    }
    if !scene.gallery.entries().is_empty() {
        return false;
    }
    let query = &scene.gallery.query;
    let has_words = !query.words.trim().is_empty();
    let text = match &scene.gallery.state {
        GalleryState::Opening => "Opening the gallery…",
        _ if has_words && scene.gallery.is_searching => "Searching…",
        _ if has_words => "Nothing found. Fewer or other words find more.",
        _ if query.in_trash => "The trash is empty.",
        _ if filters::has_filters(query) => {
            "No picture is like that. Take a filter away to see more."
        }
        _ if query.is_starred => "No picture has a star yet. Press S on one that you like.",
        _ if query.board.is_some() => "Nothing is on this board yet. Drag pictures onto it.",
        _ => "Every finished picture is kept here. Drop a folder of pictures to bring them in.",
    };
    widgets::remark(ui, text);
    let is_ready = scene.gallery.state == GalleryState::Ready && !scene.gallery.is_searching;
    if is_ready && (has_words || filters::has_filters(query)) {
        let all = Query {
            words: String::new(),
            ..filters::without_filters(query)
        };
        if widgets::button(ui, "Show all again", Loudness::Plain, None).clicked() {
            scene.send(Command::Gallery(GalleryCommand::List(Box::new(all))));
        }
    }
    true
}

/// What can be done with the whole trash.
fn trash_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    if !scene.gallery.query.in_trash || scene.gallery.entries().is_empty() {
        return;
    }
    ui.horizontal(|ui| {
        widgets::remark(
            ui,
            "These pictures stay here until you delete them for good.",
        );
        let empty = GalleryCommand::AskEmptyTrash;
        if widgets::button(ui, &empty.label(), Loudness::Plain, None).clicked() {
            scene.send(Command::Gallery(empty));
        }
    });
}

/// How far an import is.
fn import_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(import) = scene.gallery.import else {
        return;
    };
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        let text = match import.n_files {
            0 => "Looking for pictures…".to_owned(),
            n => format!(
                "Bringing in {} of {}",
                widgets::count(import.n_done),
                pictures(n)
            ),
        };
        let text = egui::RichText::new(text).font(theme::label());
        ui.label(text.color(theme.text2));
        let (rect, _) = ui.allocate_exact_size(vec2(180.0, 6.0), egui::Sense::hover());
        let part = import.n_done as f32 / import.n_files.max(1) as f32;
        widgets::progress_bar(ui, rect, part, theme.bg3, theme.accent);
        let stop = Command::Gallery(GalleryCommand::CancelImport);
        if widgets::button(ui, "Stop", Loudness::Quiet, None)
            .on_hover_text("What has come in stays")
            .clicked()
        {
            scene.send(stop);
        }
    });
}

#[cfg(test)]
mod tests;
