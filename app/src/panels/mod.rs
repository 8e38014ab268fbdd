//! What surrounds the canvas. A panel reads the [`Scene`], edits only its own draft and sends commands;
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
pub mod widgets;

use std::time::Instant;

use crate::command::Command;
use crate::gallery::Recipe;
use crate::layer_pictures::LayerPictures;
use crate::session::{self, GalleryView, PictureId, PictureRef, Session, Usable};
use crate::settings::Settings;
use crate::textures::Textures;
use crate::theme;

/// What panels see of everything, and how they answer.
pub struct Scene<'a> {
    pub session: &'a Session,
    pub gallery: &'a GalleryView,
    pub settings: &'a Settings,
    pub textures: &'a mut Textures,
    pub layer_pictures: &'a mut LayerPictures,
    pub commands: &'a mut Vec<Command>,
    pub now: Instant,
}

impl Scene<'_> {
    pub fn send(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// How a picture was made, where Limn made it and that is known.
    pub fn recipe(&self, picture: PictureRef) -> Option<&Recipe> {
        session::recipe_of(self.session, self.gallery, picture)
    }

    /// What of a picture can be used again; of one that is not known yet nothing can.
    pub fn usable(&self, picture: PictureRef) -> Usable {
        Usable::of(self.session, self.gallery, picture).unwrap_or_default()
    }
}

/// Pictures that are dragged, to a board, the canvas or another panel: egui's payload.
#[derive(Debug, Clone, PartialEq)]
pub struct DraggedPictures(pub Vec<PictureRef>);

impl DraggedPictures {
    /// Those that are in the gallery.
    pub fn saved(&self, scene: &Scene<'_>) -> Vec<PictureId> {
        let ids = self.0.iter();
        ids.filter_map(|picture| scene.session.picture_id(*picture))
            .collect()
    }
}

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

/// What a device is, in a line.
pub fn device_words(device: &limn_engine::protocol::DeviceInfo) -> String {
    use limn_engine::protocol::SelfTest;
    let mut parts = Vec::new();
    if device.is_gpu {
        parts.push(format!("GPU through {}", device.backend));
    } else {
        parts.push("CPU".to_owned());
    }
    if let Some(bytes) = device.memory_bytes {
        parts.push(widgets::bytes(bytes));
    }
    match &device.self_test {
        SelfTest::NotRun => parts.push("tested at its first use".to_owned()),
        SelfTest::Passed { rung } => parts.push(format!("tested, runs {rung}")),
        SelfTest::Failed { reason } => parts.push(format!("failed its test: {reason}")),
        SelfTest::NotNeeded => {}
    }
    parts.join(" · ")
}
