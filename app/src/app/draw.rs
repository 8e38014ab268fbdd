//! Lays the panels out and lets them draw.

use std::time::Instant;

use egui::{Frame, Margin, Panel, Ui, UiBuilder};

use super::App;
use crate::canvas::{self, CanvasState};
use crate::panels::gallery;
use crate::panels::prompt_bar::{self, PromptBar};
use crate::panels::side_panel::SidePanel;
use crate::panels::{
    blank_sheet, dropping, export_sheet, mask_question, models_place, palette, reference_board,
    settings_sheet, shortcuts_sheet, side_panel, toasts, tool_options, tool_strip, top_bar,
};
use crate::scene::Scene;
use crate::session::{Draft, Place};
use crate::theme;
use crate::viewer;

impl App {
    pub(super) fn draw(&mut self, ui: &mut Ui) {
        // The prompt bar edits the draft of the document in front while everything else only reads.
        let mut draft = self.session.lend_draft();
        let mut commands = Vec::new();
        let mut scene = Scene {
            session: &self.session,
            gallery: &self.gallery_view,
            settings: &self.settings,
            textures: &mut self.textures,
            layer_pictures: &mut self.layer_pictures,
            commands: &mut commands,
            now: Instant::now(),
        };
        let middle = if let Some(viewer) = &mut self.viewer {
            let hears_keys =
                !self.palette.is_open && !self.settings_are_open && !self.shortcuts_are_open;
            let shown = egui::CentralPanel::no_frame().show(ui, |ui| {
                viewer::viewer_ui(ui, &mut scene, viewer, hears_keys)
            });
            if !shown.inner {
                self.viewer = None;
            }
            shown.response.rect
        } else {
            if self.panels_are_shown {
                Panel::top("top bar")
                    .exact_size(theme::TOP_BAR_HEIGHT)
                    .resizable(false)
                    .frame(bar(ui, Margin::symmetric(14, 0)))
                    .show(ui, |ui| top_bar::top_bar_ui(ui, &mut scene));
            }
            match self.session.place {
                Place::Canvas => {
                    let mut place = CanvasPlace {
                        panels_are_shown: self.panels_are_shown,
                        side: SidePanel {
                            is_open: &mut self.side_is_open,
                            results: &mut self.results_panel,
                            gallery: &mut self.gallery_panel,
                        },
                        bar: &mut self.bar,
                        draft: &mut draft,
                        canvas: &mut self.canvas,
                    };
                    canvas_place_ui(ui, &mut scene, &mut place)
                }
                Place::Gallery => {
                    let rect = ui.available_rect_before_wrap();
                    gallery::gallery_place_ui(ui, &mut scene, &mut self.gallery_panel);
                    rect
                }
                Place::Models => {
                    let (library, rows) = (&mut self.library, self.downloads.rows());
                    place_ui(ui, |ui| {
                        models_place::models_place_ui(ui, &mut scene, library, rows);
                    })
                }
            }
        };
        toasts::toasts_ui(ui, &mut scene, &self.toasts, middle);
        if self.settings_are_open {
            let folder = self
                .settings
                .gallery_folder(&self.folders)
                .display()
                .to_string();
            self.settings_are_open = !settings_sheet::settings_sheet_ui(ui, &mut scene, &folder);
        }
        export_sheet::export_sheet_ui(ui, &mut scene, &mut self.export_sheet);
        if let Some(exporting) = &self.exporting {
            export_sheet::export_progress_ui(ui, &mut scene, exporting.progress);
        }
        blank_sheet::blank_sheet_ui(ui, &mut scene, &mut self.blank_sheet);
        dropping::drop_sheet_ui(ui, &mut scene, &self.dropped);
        dropping::drop_hint_ui(ui, &scene);
        let asked = self
            .asked_mask
            .as_ref()
            .map(|question| question.name.as_str());
        mask_question::mask_question_ui(ui, &mut scene, asked);
        gallery::sheets_ui(ui, &mut scene, &mut self.gallery_panel.asked);
        gallery::dragged_ui(ui, &mut scene);
        shortcuts_sheet::shortcuts_sheet_ui(ui, &mut self.shortcuts_are_open);
        palette::palette_ui(ui, &mut scene, &mut self.palette);
        self.session.return_draft(draft);
        if self.layer_pictures.are_wanted() {
            // They are asked for in `logic` too.
            ui.ctx().request_repaint();
        }
        if !commands.is_empty() {
            // They are carried out in `logic` of the next frame, which must come at once.
            self.commands.extend(commands);
            ui.ctx().request_repaint();
        }
    }
}

/// What the panels around the canvas keep between frames.
struct CanvasPlace<'a> {
    panels_are_shown: bool,
    side: SidePanel<'a>,
    bar: &'a mut PromptBar,
    draft: &'a mut Draft,
    canvas: &'a mut CanvasState,
}

/// Returns where the canvas is.
fn canvas_place_ui(ui: &mut Ui, scene: &mut Scene<'_>, place: &mut CanvasPlace<'_>) -> egui::Rect {
    if place.panels_are_shown {
        Panel::left("tools")
            .exact_size(theme::TOOL_STRIP_WIDTH)
            .resizable(false)
            .frame(bar(ui, Margin::symmetric(0, 10)))
            .show(ui, |ui| tool_strip::tool_strip_ui(ui, scene));
        let (width, margin) = place.side.width_and_margin(ui);
        Panel::right("side")
            .exact_size(width)
            .resizable(false)
            .frame(bar(ui, margin))
            .show(ui, |ui| {
                side_panel::side_panel_ui(ui, scene, &mut place.side);
            });
    }
    if !scene.session.documents.current().pinned.is_empty() {
        Panel::left("pinned")
            .exact_size(reference_board::WIDTH)
            .resizable(false)
            .frame(bar(ui, Margin::same(8)))
            .show(ui, |ui| {
                let board = ui.max_rect();
                reference_board::reference_board_ui(ui, scene);
                gallery::drop_on_reference_board_ui(ui, scene, board);
            });
    }
    Panel::bottom("prompt")
        .resizable(false)
        .frame(bar(ui, Margin::symmetric(18, 14)))
        .show(ui, |ui| {
            let bar = ui.max_rect();
            prompt_bar::prompt_bar_ui(ui, scene, place.bar, place.draft);
            gallery::drop_on_prompt_ui(ui, scene, bar);
        });
    let shown = egui::CentralPanel::no_frame().show(ui, |ui| {
        let canvas = ui.max_rect();
        canvas::canvas_ui(ui, scene, place.canvas);
        tool_options::tool_options_ui(ui, scene, canvas);
        gallery::drop_on_canvas_ui(ui, scene, canvas);
    });
    shown.response.rect
}

fn bar(ui: &Ui, margin: Margin) -> Frame {
    Frame::new().fill(theme::of(ui).bg1).inner_margin(margin)
}

/// A column in the middle, with its scroll bar at the edge of the window.
fn place_ui(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) -> egui::Rect {
    const COLUMN: f32 = 680.0;
    let frame = Frame::new()
        .fill(theme::of(ui).bg0)
        .inner_margin(Margin::same(24));
    let shown = egui::CentralPanel::default().frame(frame).show(ui, |ui| {
        let place = ui.available_rect_before_wrap();
        let beside = ((place.width() - COLUMN) / 2.0).max(0.0);
        let column = place.with_min_x(place.left() + beside);
        ui.scope_builder(UiBuilder::new().max_rect(column), contents);
    });
    shown.response.rect
}
