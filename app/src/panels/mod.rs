//! What surrounds the canvas. A panel reads the `Scene`, edits only its own draft and sends commands;
//! no panel names another.

pub mod blank_sheet;
mod colour_picker;
pub mod document_tabs;
mod drop_zone;
pub mod dropping;
pub mod export_sheet;
pub mod gallery;
pub mod info;
pub mod layers;
pub mod mask_colour;
pub mod mask_question;
pub mod models_place;
pub mod palette;
pub mod prompt_bar;
pub mod reference_board;
pub mod results;
pub mod settings_sheet;
pub mod shortcuts_sheet;
pub mod side_panel;
pub mod toasts;
pub mod tool_options;
pub mod tool_strip;
pub mod top_bar;

use crate::command::Command;
use crate::scene::Scene;
use crate::theme;
use crate::widgets;

/// Parts of the window that F6 goes through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Region {
    #[default]
    Prompt,
    Side,
    TopBar,
    Tools,
}

impl Region {
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Prompt => Self::Side,
            Self::Side => Self::TopBar,
            Self::TopBar => Self::Tools,
            Self::Tools => Self::Prompt,
        }
    }

    /// The id that the region gives its first control, so that F6 finds it.
    pub fn first_control(self) -> egui::Id {
        egui::Id::unique(("first control", self as u8))
    }
}

/// Remembers a region's first control for F6.
pub fn mark_region(ui: &egui::Ui, region: Region, response: &egui::Response) {
    let id = response.id;
    ui.data_mut(|data| data.insert_temp(region.first_control(), id));
}

/// Why the gallery's folder takes no pictures, and the ways out.
fn gallery_trouble_ui(ui: &mut egui::Ui, scene: &mut Scene<'_>, reason: &str, retry: &str) {
    let error = egui::RichText::new(widgets::shown_message(reason))
        .font(theme::label())
        .color(theme::of(ui).error);
    ui.label(error);
    ui.horizontal(|ui| {
        if widgets::button(ui, retry, widgets::Loudness::Primary, None).clicked() {
            scene.send(Command::RetrySaving);
        }
        if widgets::button(ui, "Choose a folder…", widgets::Loudness::Plain, None).clicked() {
            scene.send(Command::ChooseGalleryFolder);
        }
    });
}
