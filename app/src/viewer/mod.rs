//! Pictures looked at large, over everything else: one by itself, or two to four compared.
//!
//! - `plane` places the pictures: all lie on one plane, each fitted into the first one's rectangle, so that
//!   one view shows the same place of every one;
//! - `compare` draws them side by side, divided by a slider, or one shining through the other;
//! - `bar` is what floats around them.
//!
//! A viewer changes nothing; what it is asked to do goes out as commands.

mod bar;
mod compare;
mod plane;
#[cfg(test)]
mod tests;

use egui::{Key, Rect, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

use self::plane::Plane;
use crate::canvas::{Checkerboard, View};
use crate::command::Command;
use crate::scene::Scene;
use crate::session::{GalleryView, PictureRef, Session};
use crate::theme;

/// So many pictures can be compared.
pub const MOST_COMPARED: usize = 4;
/// Points of scrolling that zoom by *e*.
const SCROLL_POINTS: f32 = 200.0;
/// A key moves the divider and the blend by this part of the whole.
const KEY_STEP: f32 = 0.02;
const MARGIN: Vec2 = vec2(24.0, 24.0);
const BAR_HEIGHT: f32 = 52.0;
const FOOT_HEIGHT: f32 = 44.0;

/// How pictures are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Comparison {
    #[default]
    SideBySide,
    /// Left of a divider one, right of it the other.
    Divider,
    /// One shines through the other: an onion skin.
    OnionSkin,
}

impl Comparison {
    pub const ALL: [Self; 3] = [Self::SideBySide, Self::Divider, Self::OnionSkin];

    pub fn label(self) -> &'static str {
        match self {
            Self::SideBySide => "Side by side",
            Self::Divider => "Slider",
            Self::OnionSkin => "Onion skin",
        }
    }
}

/// What is looked at, and how.
#[derive(Default)]
pub struct Viewer {
    /// One, or two to [`MOST_COMPARED`].
    pictures: Vec<PictureRef>,
    comparison: Comparison,
    /// The two that divider and onion skin show.
    pair: [usize; 2],
    pub view: View,
    /// Of the plane's width, left of the divider.
    divider: f32,
    /// How much of the second picture is seen.
    blend: f32,
    checkerboard: Checkerboard,
}

impl Viewer {
    pub fn look(picture: PictureRef) -> Self {
        Self::of(vec![picture])
    }

    /// `None` for fewer than two different pictures or more than [`MOST_COMPARED`].
    pub fn compare(pictures: &[PictureRef]) -> Option<Self> {
        let mut different = Vec::new();
        for picture in pictures {
            if !different.contains(picture) {
                different.push(*picture);
            }
        }
        (2..=MOST_COMPARED)
            .contains(&different.len())
            .then(|| Self::of(different))
    }

    fn of(pictures: Vec<PictureRef>) -> Self {
        Self {
            pictures,
            pair: [0, 1],
            divider: 0.5,
            blend: 0.5,
            ..Self::default()
        }
    }

    /// The picture that commands about "the picture" mean here.
    pub fn picture(&self) -> Option<PictureRef> {
        match self.pictures.as_slice() {
            [picture] => Some(*picture),
            _ => None,
        }
    }

    pub fn pictures(&self) -> &[PictureRef] {
        &self.pictures
    }

    fn compares(&self) -> bool {
        self.pictures.len() > 1
    }

    /// Each picture has a place of its own.
    fn has_cells(&self) -> bool {
        self.compares() && self.comparison == Comparison::SideBySide
    }

    /// Goes on without a picture that went away. Whether anything is left to look at.
    #[must_use]
    pub fn forget(&mut self, gone: PictureRef, next: Option<PictureRef>) -> bool {
        if self.picture() == Some(gone) {
            self.pictures = next.into_iter().collect();
        } else {
            self.pictures.retain(|picture| *picture != gone);
        }
        self.pair = [0, 1];
        !self.pictures.is_empty()
    }

    /// To the next (`1`) or previous (`-1`) picture: of the gallery's list, or of the same run.
    pub fn step(&mut self, by: i32, session: &Session, gallery: &GalleryView) {
        let Some(picture) = self.picture() else {
            return;
        };
        let next = match picture {
            PictureRef::Gallery(id) => gallery.neighbour(id, by).map(PictureRef::Gallery),
            PictureRef::Result { run, index } => session.run(run).and_then(|slots| {
                let n_slots = slots.slots.len() as i32;
                (1..n_slots)
                    .map(|n| (index as i32 + by * n).rem_euclid(n_slots) as u32)
                    .find(|index| slots.slots[*index as usize].is_visible())
                    .map(|index| PictureRef::Result { run, index })
            }),
        };
        if let Some(next) = next {
            self.pictures = vec![next];
            self.view.fit();
        }
    }

    /// Puts a picture into the shown pair, in place of the one it is not yet.
    fn choose(&mut self, index: usize) {
        if !self.pair.contains(&index) {
            self.pair = [self.pair[0], index];
        }
    }

    fn swap(&mut self) {
        self.pair.swap(0, 1);
    }
}

/// Returns whether it stays open. `hears_keys`: nothing lies over it that takes the keyboard.
pub fn viewer_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    viewer: &mut Viewer,
    hears_keys: bool,
) -> bool {
    let theme = theme::of(ui);
    let whole = ui.max_rect();
    ui.painter().rect_filled(whole, 0, theme.canvas);
    let foot_height = if viewer.has_cells() { 0.0 } else { FOOT_HEIGHT };
    let stage = Rect::from_min_max(
        whole.min + vec2(0.0, BAR_HEIGHT),
        whole.max - vec2(0.0, foot_height),
    );
    let mut stays = true;
    if hears_keys && !ui.ctx().text_edit_focused() {
        stays = keys(ui, scene, viewer);
    }
    stage_ui(ui, scene, viewer, stage);
    let head = Rect::from_min_max(whole.min, whole.right_top() + vec2(0.0, BAR_HEIGHT));
    stays &= bar::bar_ui(ui, scene, viewer, head);
    let foot = Rect::from_min_max(whole.left_bottom() - vec2(0.0, FOOT_HEIGHT), whole.max);
    bar::foot_ui(ui, scene, viewer, foot);
    stays
}

fn stage_ui(ui: &mut Ui, scene: &mut Scene<'_>, viewer: &mut Viewer, stage: Rect) {
    let plane = Plane::of(scene, &viewer.pictures);
    let cells = if viewer.has_cells() {
        compare::cells(stage, viewer.pictures.len(), plane.size)
    } else {
        vec![stage]
    };
    let Some(first) = cells.first().copied() else {
        return;
    };
    let pixels_per_point = ui.ctx().pixels_per_point();
    let response = ui.interact(
        stage,
        ui.scope_id().with("viewer stage"),
        Sense::click_and_drag(),
    );
    let label = if viewer.compares() {
        format!(
            "{} pictures, {}",
            viewer.pictures.len(),
            viewer.comparison.label()
        )
    } else {
        "Picture".to_owned()
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
    viewer
        .view
        .settle(first, plane.rect(), pixels_per_point, MARGIN);
    if response.dragged() {
        viewer.view.pan(response.drag_delta(), pixels_per_point);
    }
    if response.double_clicked() {
        if viewer.view.fits() {
            viewer.view.actual_size();
        } else {
            viewer.view.fit();
        }
    }
    zoom_ui(ui, viewer, &response, &cells, pixels_per_point);
    compare::pictures_ui(ui, scene, viewer, &plane, &cells);
}

/// The wheel and the pinch zoom at the pointer, in whichever cell it is.
fn zoom_ui(
    ui: &Ui,
    viewer: &mut Viewer,
    response: &egui::Response,
    cells: &[Rect],
    pixels_per_point: f32,
) {
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let Some(cell) = cells.iter().find(|cell| cell.contains(pointer)) else {
        return;
    };
    let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
    let factor = pinch * (scroll.y / SCROLL_POINTS).exp();
    if (factor - 1.0).abs() > 1e-4 {
        viewer
            .view
            .zoom_at(pointer, factor, *cell, pixels_per_point);
    }
}

/// Returns whether the viewer stays open.
fn keys(ui: &Ui, scene: &mut Scene<'_>, viewer: &mut Viewer) -> bool {
    let pressed = |key| ui.input(|input| input.modifiers.is_none() && input.key_pressed(key));
    if pressed(Key::Space) {
        return false;
    }
    let by = i32::from(pressed(Key::ArrowRight)) - i32::from(pressed(Key::ArrowLeft));
    if viewer.compares() {
        let step = by as f32 * KEY_STEP;
        match viewer.comparison {
            Comparison::SideBySide => {}
            Comparison::Divider => viewer.divider = (viewer.divider + step).clamp(0.0, 1.0),
            Comparison::OnionSkin => viewer.blend = (viewer.blend + step).clamp(0.0, 1.0),
        }
        for (key, comparison) in [Key::Num1, Key::Num2, Key::Num3]
            .into_iter()
            .zip(Comparison::ALL)
        {
            if pressed(key) {
                viewer.comparison = comparison;
            }
        }
        if pressed(Key::X) {
            viewer.swap();
        }
        return true;
    }
    if by != 0 {
        viewer.step(by, scene.session, scene.gallery);
    }
    let Some(picture) = viewer.picture() else {
        return false;
    };
    if pressed(Key::Enter) {
        scene.send(Command::OpenAsDocument(picture));
        return false;
    }
    if let Some(id) = scene.session.picture_id(picture) {
        if pressed(Key::S) {
            let is_starred = scene
                .gallery
                .record(id)
                .is_some_and(|record| record.is_starred);
            let starred = !is_starred;
            scene.send(Command::StarPicture { id, starred });
        }
        if pressed(Key::Delete) {
            scene.send(Command::DeletePicture(id));
        }
    }
    true
}
