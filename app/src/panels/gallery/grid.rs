//! A grid of the gallery's pictures that behaves alike with 10 and with 100,000: only rows in view are looked
//! at, the scroll bar is exact, and what was in view stays there when the shape or the list changes.

use std::ops::Range;

use egui::{Id, Pos2, Rect, Role, Sense, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2};

use super::band::{Band, band_ui, ground_ui};
use super::layout::{GridLayout, GridShape};
use super::{headings, scroll_bar, tile};
use crate::command::Step;
use crate::scene::Scene;
use crate::session::{Grouping, PictureId};
use crate::textures::Detail;
use crate::theme;
use crate::widgets;

/// Beyond this many tiles in view nothing is fetched ahead: the textures would not fit.
const MOST_AHEAD: usize = 250;

/// Where the grid is, which decides what a click means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridKind {
    /// The gallery's own place: a click chooses.
    Place,
    /// Beside the canvas: a click shows the picture there.
    Strip,
}

impl GridKind {
    /// What has the keyboard focus while the grid has it.
    pub fn cursor_id(self) -> Id {
        Id::unique(("gallery cursor", self == Self::Strip))
    }
}

/// What a grid keeps between frames.
#[derive(Debug)]
pub struct Grid {
    pub(super) layout: GridLayout,
    made_for: Option<(u64, Grouping, GridShape)>,
    /// How far the view is scrolled, in points.
    pub(super) offset: f64,
    /// What stays where it is when the layout changes: a picture of the first row in view, its place in the
    /// list, and how much of its row is above the view.
    anchor: Option<(PictureId, usize, f64)>,
    /// A picture to scroll to.
    reveal: Option<usize>,
    pub(super) band: Option<Band>,
    view_height: f64,
    /// Where the tiles were drawn.
    view: Rect,
    in_view: Range<usize>,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            layout: GridLayout::default(),
            made_for: None,
            offset: 0.0,
            anchor: None,
            reveal: None,
            band: None,
            view_height: 0.0,
            view: Rect::ZERO,
            in_view: 0..0,
        }
    }
}

impl Grid {
    /// Where the cursor goes from a picture of the list.
    pub fn step(&self, from: Option<usize>, step: Step) -> Option<usize> {
        if self.layout.n_pictures() == 0 {
            return None;
        }
        Some(match from {
            Some(from) => self.layout.step(from, step, self.view_height),
            None if step == Step::Last => self.layout.n_pictures() - 1,
            None => self.in_view.start,
        })
    }

    /// Scrolls to a picture as far as needed.
    pub fn reveal(&mut self, index: usize) {
        self.reveal = Some(index);
    }

    pub fn is_under(&self, point: Pos2) -> bool {
        self.view.contains(point)
    }

    /// The places of the pictures that were drawn last.
    #[cfg(test)]
    pub fn in_view(&self) -> Range<usize> {
        self.in_view.clone()
    }

    #[cfg(test)]
    pub fn offset(&self) -> f64 {
        self.offset
    }

    pub fn set_offset(&mut self, offset: f64) {
        self.offset = offset;
    }

    #[cfg(test)]
    pub fn n_columns(&self) -> usize {
        self.layout.n_columns()
    }

    #[cfg(test)]
    pub fn n_sections(&self) -> usize {
        self.layout.sections().len()
    }

    /// Where a picture's tile was drawn, or would have been.
    #[cfg(test)]
    pub fn tile(&self, index: usize) -> Rect {
        let (left, top) = self.layout.place(index);
        let min = self.view.min + vec2(left, (top - self.offset) as f32);
        Rect::from_min_size(min, Vec2::splat(self.layout.side()))
    }

    fn relayout(&mut self, scene: &Scene<'_>, shape: GridShape) {
        let grouping = scene.gallery.effective_grouping();
        let list = scene.gallery.list();
        let made_for = (list, grouping, shape);
        if self.made_for == Some(made_for) {
            return;
        }
        let same_list = self.made_for.is_some_and(|(old, ..)| old == list);
        let sections = match self.made_for {
            Some((_, old, _)) if same_list && old == grouping => self.layout.sections().to_vec(),
            _ => headings::sections(scene.gallery.entries(), grouping),
        };
        self.layout = GridLayout::new(sections, shape);
        self.made_for = Some(made_for);
        // At the top the newest is to be seen when it comes; elsewhere nothing moves.
        let Some((id, index, part)) = self.anchor.filter(|_| self.offset > 0.0) else {
            return;
        };
        let index = if same_list {
            Some(index)
        } else {
            scene.gallery.position(id)
        };
        if let Some(index) = index {
            let (_, top) = self.layout.place(index);
            self.offset = top + part * f64::from(self.layout.side());
        }
    }

    fn scroll(&mut self, ui: &Ui, rect: Rect) {
        self.view_height = f64::from(rect.height());
        if ui.rect_contains_pointer(rect) {
            let wheel = ui.input_mut(|input| std::mem::take(&mut input.smooth_scroll_delta));
            self.offset -= f64::from(wheel.y);
        }
        if let Some(index) = self.reveal.take().filter(|i| *i < self.layout.n_pictures()) {
            let (_, top) = self.layout.place(index);
            let heading = f64::from(self.heading());
            let bottom = top + f64::from(self.layout.side());
            self.offset = self
                .offset
                .min(top - heading)
                .max(bottom - self.view_height);
        }
        self.clamp();
    }

    pub(super) fn clamp(&mut self) {
        let most = (self.layout.height() - self.view_height).max(0.0);
        self.offset = self.offset.clamp(0.0, most);
    }

    fn heading(&self) -> f32 {
        self.made_for.map_or(0.0, |(_, _, shape)| shape.heading)
    }

    fn remember_anchor(&mut self, scene: &Scene<'_>) {
        let first = self.in_view.start;
        self.anchor = scene.gallery.entries().get(first).map(|entry| {
            let (_, top) = self.layout.place(first);
            let part = (self.offset - top) / f64::from(self.layout.side());
            (entry.id, first, part)
        });
    }
}

/// Draws the grid in what is left of `ui`. Returns the pictures in view of which nothing is known yet.
pub fn grid_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    grid: &mut Grid,
    kind: GridKind,
    (wanted_side, gap): (f32, f32),
) -> Vec<PictureId> {
    let rect = ui.available_rect_before_wrap();
    let (rect, _) = ui.allocate_exact_size(rect.size().max(Vec2::splat(1.0)), Sense::hover());
    let (view, bar) = match kind {
        GridKind::Place => rect.split_left_right_at_x(rect.right() - scroll_bar::WIDTH),
        // Beside the canvas the panel's margin has room for it.
        GridKind::Strip => (rect, rect.translate(vec2(rect.width(), 0.0))),
    };
    let bar = Rect::from_min_size(
        bar.min + vec2(2.0, 0.0),
        vec2(scroll_bar::WIDTH - 2.0, rect.height()),
    );
    let shape = GridShape {
        width: view.width(),
        wanted_side,
        gap,
        heading: headings::height(scene.gallery.effective_grouping()),
    };
    grid.view = view;
    grid.relayout(scene, shape);
    grid.scroll(ui, rect);
    let builder = UiBuilder::new().max_rect(view).id_salt(kind.cursor_id());
    let mut child = ui.new_child(builder);
    // Rings around tiles at the edge stay whole.
    child.set_clip_rect(view.expand2(vec2(3.0, 0.0)).intersect(ui.clip_rect()));
    let ground = ground_ui(&child, scene, grid, kind, view);
    grid.in_view = grid
        .layout
        .between(grid.offset, grid.offset + grid.view_height);
    let mut unknown = tiles_ui(&mut child, scene, grid, kind, view);
    focus_ui(&child, scene, grid, kind, view);
    unknown.extend(headings::headings_ui(
        &child,
        scene,
        &grid.layout,
        grid.offset,
        view,
    ));
    if let Some(band) = grid.band {
        band_ui(&child, scene, grid, band, &ground, view);
    }
    let size = (grid.layout.height(), grid.view_height);
    if let Some(offset) = scroll_bar::scroll_bar_ui(ui, bar, kind.cursor_id(), grid.offset, size) {
        grid.offset = offset;
        grid.clamp();
        ui.ctx().request_repaint();
    }
    grid.remember_anchor(scene);
    unknown
}

fn tiles_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    grid: &Grid,
    kind: GridKind,
    view: Rect,
) -> Vec<PictureId> {
    let side = grid.layout.side();
    let detail = if side * ui.ctx().pixels_per_point() <= crate::textures::SMALL_SIDE_PX as f32 {
        Detail::Small
    } else {
        Detail::Thumbnail
    };
    let mut unknown = Vec::new();
    for index in grid.in_view.clone() {
        let Some(entry) = scene.gallery.entries().get(index).copied() else {
            break;
        };
        let (left, top) = grid.layout.place(index);
        let min = pos2(view.left() + left, view.top() + (top - grid.offset) as f32);
        let tile = tile::Tile {
            index,
            id: entry.id,
            is_starred: entry.is_starred,
            rect: Rect::from_min_size(min, Vec2::splat(side)),
            detail,
            kind,
        };
        if !tile::tile_ui(ui, scene, &tile) {
            unknown.push(entry.id);
        }
    }
    fetch_ahead(scene, grid, detail);
    unknown
}

/// What has the keyboard focus while the grid has it: a frame around the tile at the cursor. The arrows then
/// move within the grid, not from it to its neighbours.
fn focus_ui(ui: &Ui, scene: &Scene<'_>, grid: &Grid, kind: GridKind, view: Rect) {
    let n = grid.layout.n_pictures();
    if n == 0 {
        return;
    }
    let cursor = scene.gallery.selection.cursor();
    let cursor = cursor.unwrap_or(grid.in_view.start).min(n - 1);
    let (left, top) = grid.layout.place(cursor);
    let min = pos2(view.left() + left, view.top() + (top - grid.offset) as f32);
    let tile = Rect::from_min_size(min, Vec2::splat(grid.layout.side()));
    // The focus stays with the grid while its cursor is out of view.
    let rect = if view.intersects(tile) { tile } else { view };
    let id = kind.cursor_id();
    let focus = ui.interact(rect, id, Sense::focusable_noninteractive());
    focus.widget_info(|| {
        let id = scene.gallery.entries().get(cursor).map(|entry| entry.id);
        let record = id.and_then(|id| scene.gallery.record(id));
        let name = record.map_or(String::new(), |record| widgets::shown(&record.name()));
        let label = format!("Gallery, {} of {n}: {name}", cursor + 1);
        WidgetInfo::labeled(Role::Group, true, label)
    });
    widgets::focus_ring(ui, &focus, rect, theme::RADIUS);
    let filter = egui::EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..Default::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
}

/// The half page above and below, after all that is in view.
fn fetch_ahead(scene: &mut Scene<'_>, grid: &Grid, detail: Detail) {
    if grid.in_view.len() > MOST_AHEAD {
        return;
    }
    let (top, bottom) = (grid.offset, grid.offset + grid.view_height);
    let half = grid.view_height / 2.0;
    let below = grid.layout.between(bottom, bottom + half);
    for index in below.chain(grid.layout.between(top - half, top)) {
        if let Some(entry) = scene.gallery.entries().get(index) {
            let picture = crate::session::PictureRef::Gallery(entry.id);
            scene.textures.get((picture, detail));
        }
    }
}
