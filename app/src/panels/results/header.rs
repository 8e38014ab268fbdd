//! What the results are of, how far they are, and the small things that can be done with the one in view.

use egui::{Align, Align2, Layout, Role, Sense, Ui, WidgetInfo, vec2};

use crate::command::Command;
use crate::icons::Icon;
use crate::scene::{Scene, run_state_words};
use crate::session::{PictureRef, RunId};
use crate::theme;
use crate::widgets;

const ICON_SIDE: f32 = 24.0;
/// Two chevrons and "12 of 34".
const NEIGHBOURS_WIDTH: f32 = 108.0;

pub(super) fn header_ui(ui: &mut Ui, scene: &mut Scene<'_>, id: RunId) {
    let theme = theme::of(ui);
    let Some(run) = scene.session.run(id) else {
        return;
    };
    let state = run_state_words(run, scene);
    let (is_active, title) = (run.is_active(), run.title());
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let (here, runs) = runs_here(scene, id);
            let beside = if runs.len() > 1 {
                NEIGHBOURS_WIDTH
            } else {
                0.0
            };
            title_ui(ui, &title, ui.available_width() - beside);
            if runs.len() > 1 {
                neighbours_ui(ui, scene, here, &runs);
            }
        });
        ui.horizontal(|ui| {
            ui.set_min_height(ICON_SIDE);
            let text = egui::RichText::new(state).font(theme::label());
            ui.label(text.color(theme.text2));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                if is_active {
                    let tip = "Cancel this run; finished pictures stay";
                    if widgets::icon_button(ui, Icon::Close, tip, ICON_SIDE).clicked() {
                        scene.send(Command::CancelRun(id));
                    }
                }
                // A picture of the gallery has them beside its own buttons.
                if matches!(scene.session.shown(), Some(PictureRef::Result { .. })) {
                    icons_ui(ui, scene);
                }
            });
        });
    });
}

/// Of whatever length, in one line.
fn title_ui(ui: &mut Ui, title: &str, width: f32) {
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, ICON_SIDE), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, widgets::shown(title)));
    let job = widgets::clipped(title, theme::label_medium(), theme.text, width);
    let galley = ui.painter().layout_job(job);
    let at = Align2::LEFT_CENTER.anchor_size(rect.left_center(), galley.size());
    ui.painter().galley(at.min, galley, theme.text);
    response.on_hover_text(widgets::shown_message(title));
}

/// All results of the document, and where these are among them.
fn runs_here(scene: &Scene<'_>, id: RunId) -> (usize, Vec<RunId>) {
    let document = scene.session.documents.current_id();
    let runs = scene.session.runs.iter();
    let runs = runs.filter(|run| run.document == document);
    let runs: Vec<RunId> = runs.map(|run| run.id).collect();
    let here = runs.iter().position(|run| *run == id);
    (here.unwrap_or_default(), runs)
}

/// To the results before and after these.
fn neighbours_ui(ui: &mut Ui, scene: &mut Scene<'_>, here: usize, runs: &[RunId]) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let before = here.checked_sub(1);
        for (icon, label, to) in [
            (Icon::ChevronRight, "Later results", Some(here + 1)),
            (Icon::ChevronLeft, "Earlier results", before),
        ] {
            let to = to.and_then(|to| runs.get(to)).copied();
            let button = ui.add_enabled_ui(to.is_some(), |ui| {
                widgets::icon_button(ui, icon, label, ICON_SIDE)
            });
            if button.inner.clicked()
                && let Some(run) = to
            {
                scene.send(Command::SelectRun(run));
            }
        }
        let place = format!("{} of {}", here + 1, runs.len());
        let text = egui::RichText::new(place).font(theme::caption());
        ui.label(text.color(theme::of(ui).text3));
    });
}

/// For the picture in view, once it is saved; the last one comes first, from the right.
pub(super) fn icons_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(id) = scene.session.shown_id() else {
        return;
    };
    let record = scene.gallery.record(id);
    let is_starred = record.is_some_and(|record| record.is_starred);
    let star = if is_starred {
        Icon::StarFilled
    } else {
        Icon::Star
    };
    for (icon, command) in [
        (Icon::Trash, Command::Delete),
        (Icon::Folder, Command::ShowInFolder(id)),
        (Icon::Copy, Command::CopyPicture),
        (star, Command::ToggleStar),
    ] {
        if widgets::command_icon(ui, icon, &command, ICON_SIDE, false).clicked() {
            scene.send(command);
        }
    }
}
