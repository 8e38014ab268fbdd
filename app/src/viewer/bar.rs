//! What floats around the pictures: how they are compared above, what they are below.

use std::sync::Arc;

use egui::{Align, Label, Layout, Rect, Ui, UiBuilder, vec2};

use super::{Comparison, Viewer};
use crate::command::Command;
use crate::gallery::{Recipe, Record};
use crate::icons::Icon;
use crate::scene::Scene;
use crate::session::PictureRef;
use crate::theme;
use crate::widgets;

/// Returns whether the viewer stays open.
pub fn bar_ui(ui: &mut Ui, scene: &mut Scene<'_>, viewer: &mut Viewer, place: Rect) -> bool {
    let mut stays = true;
    let inner = place.shrink2(vec2(14.0, 8.0));
    let left = UiBuilder::new()
        .max_rect(inner)
        .layout(Layout::left_to_right(Align::Center));
    ui.scope_builder(left, |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        if viewer.compares() {
            comparison_ui(ui, viewer);
        } else if let Some(picture) = viewer.picture() {
            title_ui(ui, scene, picture, inner.width() * 0.6);
        }
    });
    let right = UiBuilder::new()
        .max_rect(inner)
        .layout(Layout::right_to_left(Align::Center));
    ui.scope_builder(right, |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        stays &= !widgets::icon_button(ui, Icon::Close, "Close the viewer   Esc", 30.0).clicked();
        let full_screen = widgets::icon_button(ui, Icon::Panels, "Full screen   F11", 30.0);
        if full_screen.clicked() {
            scene.send(Command::FullScreen);
        }
        zoom_ui(ui, scene, viewer);
        if let Some(picture) = viewer.picture() {
            stays &= picture_actions_ui(ui, scene, picture);
        }
    });
    stays
}

fn comparison_ui(ui: &mut Ui, viewer: &mut Viewer) {
    for (index, comparison) in Comparison::ALL.into_iter().enumerate() {
        let is_chosen = viewer.comparison == comparison;
        let response = widgets::tab(ui, comparison.label(), is_chosen);
        let tip = format!("{}   {}", comparison.label(), index + 1);
        if response.on_hover_text(tip).clicked() {
            viewer.comparison = comparison;
        }
    }
    if viewer.comparison == Comparison::SideBySide {
        return;
    }
    ui.add_space(12.0);
    if viewer.pictures.len() > 2 {
        for index in 0..viewer.pictures.len() {
            let is_shown = viewer.pair.contains(&index);
            let label = format!("Picture {}", index + 1);
            let name = (index + 1).to_string();
            if widgets::pill(ui, &name, &label, is_shown).clicked() {
                viewer.choose(index);
            }
        }
    }
    if widgets::icon_button(ui, Icon::Again, "Swap the two   X", 28.0).clicked() {
        viewer.swap();
    }
    let (value, name) = match viewer.comparison {
        Comparison::OnionSkin => (&mut viewer.blend, "How much of the second picture is seen"),
        _ => (&mut viewer.divider, "Where the pictures meet"),
    };
    widgets::slider(ui, name, value, 0.0..=1.0, false);
}

fn title_ui(ui: &mut Ui, scene: &Scene<'_>, picture: PictureRef, width: f32) {
    let theme = theme::of(ui);
    let title = title_of(scene, picture);
    ui.label(widgets::clipped(&title, theme::body(), theme.text, width))
        .on_hover_text(widgets::shown_message(&title));
}

fn zoom_ui(ui: &mut Ui, scene: &mut Scene<'_>, viewer: &Viewer) {
    ui.add_space(8.0);
    if widgets::command_icon(ui, Icon::Plus, &Command::ZoomIn, 28.0, false).clicked() {
        scene.send(Command::ZoomIn);
    }
    let percent = format!("{:.0} %", viewer.view.zoom() * 100.0);
    let label = format!("Zoom {percent}");
    if widgets::pill(ui, &percent, &label, false).clicked() {
        let command = if viewer.view.fits() {
            Command::ZoomActual
        } else {
            Command::ZoomFit
        };
        scene.send(command);
    }
    if widgets::command_icon(ui, Icon::Minus, &Command::ZoomOut, 28.0, false).clicked() {
        scene.send(Command::ZoomOut);
    }
    ui.add_space(8.0);
}

/// Returns whether the viewer stays open.
fn picture_actions_ui(ui: &mut Ui, scene: &mut Scene<'_>, picture: PictureRef) -> bool {
    let mut stays = true;
    let Some(id) = scene.session.picture_id(picture) else {
        return stays;
    };
    if widgets::icon_button(ui, Icon::Trash, "Move to the trash   Delete", 30.0).clicked() {
        scene.send(Command::DeletePicture(id));
    }
    let is_starred = scene
        .gallery
        .record(id)
        .is_some_and(|record| record.is_starred);
    let (icon, label) = if is_starred {
        (Icon::StarFilled, "Remove the star   S")
    } else {
        (Icon::Star, "Star   S")
    };
    if widgets::icon_button(ui, icon, label, 30.0).clicked() {
        let starred = !is_starred;
        scene.send(Command::StarPicture { id, starred });
    }
    if widgets::icon_button(ui, Icon::Picture, "Open on the canvas   ↵", 30.0).clicked() {
        scene.send(Command::OpenAsDocument(picture));
        stays = false;
    }
    stays
}

/// What the picture is, or the two that lie over each other.
pub fn foot_ui(ui: &mut Ui, scene: &Scene<'_>, viewer: &Viewer, place: Rect) {
    if let Some(picture) = viewer.picture() {
        let job = widgets::clipped(
            &facts_of(scene, picture),
            theme::label(),
            theme::of(ui).text2,
            place.width() - 28.0,
        );
        ui.put(place, Label::new(job));
    } else if viewer.comparison != Comparison::SideBySide {
        let [left, right] = viewer.pair.map(|index| viewer.pictures.get(index).copied());
        let (middle, ends) = (place.center().x, [left, right]);
        let halves = [place.with_max_x(middle), place.with_min_x(middle)];
        for (picture, half) in ends.into_iter().zip(halves) {
            if let Some(picture) = picture {
                caption_ui(ui, scene, picture, half);
            }
        }
    }
}

/// What a picture is, under it.
pub fn caption_ui(ui: &mut Ui, scene: &Scene<'_>, picture: PictureRef, place: Rect) {
    let mut words = title_of(scene, picture);
    let facts = facts_of(scene, picture);
    if !facts.is_empty() {
        words = format!("{words} · {facts}");
    }
    let colour = theme::of(ui).text2;
    let job = widgets::clipped(&words, theme::label(), colour, place.width() - 28.0);
    ui.put(place, Label::new(job))
        .on_hover_text(widgets::shown_message(&words));
}

fn title_of(scene: &Scene<'_>, picture: PictureRef) -> String {
    let title = match record_of(scene, picture) {
        Some(record) => Some(record.name()),
        None => scene.recipe(picture).map(Recipe::title),
    };
    title
        .filter(|title| !title.is_empty())
        .unwrap_or_else(|| "Picture".to_owned())
}

fn facts_of(scene: &Scene<'_>, picture: PictureRef) -> String {
    match (scene.recipe(picture), record_of(scene, picture)) {
        (Some(recipe), _) => format!(
            "{} × {} px · seed {} · {}",
            recipe.width, recipe.height, recipe.seed, recipe.model
        ),
        (None, Some(record)) if record.width > 0 => {
            format!("{} × {} px", record.width, record.height)
        }
        (None, _) => String::new(),
    }
}

/// What the gallery knows of it: the user's own title, and the file's name of what Limn has not made.
fn record_of<'a>(scene: &'a Scene<'_>, picture: PictureRef) -> Option<&'a Record> {
    let id = scene.session.picture_id(picture)?;
    scene.gallery.record(id).map(Arc::as_ref)
}
