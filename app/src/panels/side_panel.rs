//! The right side: results with their gallery, and facts of the picture shown.

use egui::{ScrollArea, Ui, vec2};

use super::gallery::{self, GalleryPanel};
use super::results::ResultsPanel;
use super::{Region, Scene, info, layers, results, widgets};
use crate::command::Command;
use crate::session::SideTab;

pub fn side_panel_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    results: &mut ResultsPanel,
    gallery: &mut GalleryPanel,
) {
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
    });
    match scene.session.side_tab {
        SideTab::Results => {
            results::results_ui(ui, scene, results);
            gallery::gallery_strip_ui(ui, scene, gallery);
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
