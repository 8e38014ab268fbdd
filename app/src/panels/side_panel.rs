//! The right side: results with their gallery, layers, and facts of the picture shown. In a narrow window only its tabs
//! stay, until one is opened.

use egui::{Align, Layout, Margin, ScrollArea, Ui, vec2};

use super::gallery::{self, GalleryPanel};
use super::results::ResultsPanel;
use super::{Region, info, layers, results};
use crate::command::Command;
use crate::icons::Icon;
use crate::scene::Scene;
use crate::session::SideTab;
use crate::theme;
use crate::widgets;

const TAB_SIDE: f32 = 38.0;

/// What the side keeps between frames.
pub struct SidePanel<'a> {
    /// In a narrow window; in a wider one it is always open.
    pub is_open: &'a mut bool,
    pub results: &'a mut ResultsPanel,
    pub gallery: &'a mut GalleryPanel,
}

impl SidePanel<'_> {
    fn is_folded(&self, ui: &Ui) -> bool {
        theme::is_narrow(ui.ctx()) && !*self.is_open
    }

    /// In points.
    pub fn width_and_margin(&self, ui: &Ui) -> (f32, Margin) {
        if self.is_folded(ui) {
            return (theme::SIDE_TABS_WIDTH, Margin::symmetric(0, 10));
        }
        let width = if theme::is_narrow(ui.ctx()) {
            theme::NARROW_SIDE_PANEL_WIDTH
        } else {
            theme::SIDE_PANEL_WIDTH
        };
        let margin = Margin {
            left: 14,
            right: 14,
            top: 10,
            bottom: 0,
        };
        (width, margin)
    }
}

pub fn side_panel_ui(ui: &mut Ui, scene: &mut Scene<'_>, side: &mut SidePanel<'_>) {
    if side.is_folded(ui) {
        return folded_ui(ui, scene);
    }
    ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for tab in SideTab::ALL {
            let response = widgets::tab(ui, tab.label(), scene.session.side_tab == tab);
            if tab == SideTab::Results {
                super::mark_region(ui, Region::Side, &response);
            }
            if response.clicked() {
                scene.send(Command::SideTab(tab));
            }
        }
        if theme::is_narrow(ui.ctx()) {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widgets::icon_button(ui, Icon::ChevronRight, "Fold this panel", 28.0).clicked() {
                    *side.is_open = false;
                }
            });
        }
    });
    match scene.session.side_tab {
        SideTab::Results => {
            results::results_ui(ui, scene, side.results);
            gallery::gallery_strip_ui(ui, scene, side.gallery);
        }
        SideTab::Layers => {
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| layers::layers_ui(ui, scene));
        }
        SideTab::Info => {
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| info::info_ui(ui, scene));
        }
    }
}

/// The tabs alone, and what the run draws; a click on a tab opens the panel.
fn folded_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        for tab in SideTab::ALL {
            let icon = match tab {
                SideTab::Results => Icon::Picture,
                SideTab::Layers => Icon::Layers,
                SideTab::Info => Icon::Info,
            };
            let response = widgets::icon_button(ui, icon, tab.label(), TAB_SIDE);
            if tab == SideTab::Results {
                super::mark_region(ui, Region::Side, &response);
            }
            if response.clicked() {
                scene.send(Command::SideTab(tab));
            }
        }
        ui.add_space(10.0);
        results::folded_results_ui(ui, scene, TAB_SIDE);
    });
}
