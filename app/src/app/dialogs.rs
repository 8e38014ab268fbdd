//! Native dialogs run on threads of their own; here their answers come in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use egui::Context;

use super::App;
use super::carry_out::MaskQuestion;
use super::documents::Opening;
use super::export_copy::CopyOrder;
use super::opened::Opened;
use crate::document::DocumentId;
use crate::document::tiles::Tiles;
use crate::gallery::export_many::{ExportOrder, ExportReport};
use crate::gallery::handle;
use crate::model_library::Added;
use crate::panels::models_place::{ModelPlace, Shared, Unreadable};
use crate::panels::toasts::Tone;
use crate::session::{InstalledIpAdapter, InstalledLora, LoraMatch};
use crate::tools::MaskWork;
use limn_engine::catalogue::SharedFolder;
use limn_engine::prompt_language::styles::Style;
use limn_engine::protocol::ModelId;

/// What native dialogs answer, from their own thread.
pub(super) enum DialogAnswer {
    GalleryFolder(PathBuf),
    ExportCopy(Box<CopyOrder>),
    CopyExported(PathBuf),
    ExportMany(Box<ExportOrder>),
    /// So many pictures of an export are done.
    Exported(usize),
    ExportedMany(Box<ExportReport>),
    Mask {
        document: DocumentId,
        mask: Tiles<u8>,
    },
    /// What of a picture is meant as a mask.
    AskMask(Box<MaskQuestion>),
    Open(PathBuf),
    /// A folder whose pictures are to come into the gallery.
    Import(PathBuf),
    SaveTo {
        document: DocumentId,
        path: PathBuf,
        keeps_history: bool,
    },
    Imported {
        path: PathBuf,
        picture: Opened,
        opening: Opening,
    },
    AddModel(PathBuf),
    ModelsAdded(Vec<Added>),
    /// What lies in the library of models and cannot be read.
    Library {
        unreadable: Vec<Unreadable>,
        loras: Vec<InstalledLora>,
        /// What other programs have.
        shared: Vec<Shared>,
        /// Where models lie, by their ids.
        places: BTreeMap<String, ModelPlace>,
    },
    /// The name of what is in the trash now.
    ModelRemoved(Result<String, String>),
    ShareModels(PathBuf),
    ModelsShared(Result<SharedFolder, String>),
    /// How the LoRAs there fit a model.
    LoraFits {
        model: ModelId,
        fits: BTreeMap<String, LoraMatch>,
    },
    /// Which IP-Adapters there fit a model.
    IpAdapters {
        model: ModelId,
        fitting: Vec<InstalledIpAdapter>,
    },
    Styles(Vec<Style>),
    Failed(String),
}

impl App {
    pub(super) fn drain_dialogs(&mut self, ctx: &Context, now: Instant) {
        while let Ok(answer) = self.from_dialogs.try_recv() {
            match answer {
                DialogAnswer::GalleryFolder(folder) => self.use_gallery_folder(ctx, folder),
                DialogAnswer::ExportCopy(order) => self.export_copy(ctx, *order, now),
                DialogAnswer::CopyExported(path) => self.copy_exported(path, now),
                DialogAnswer::ExportMany(order) => self.export_many(ctx, *order, now),
                DialogAnswer::Exported(n_done) => self.exported(n_done),
                DialogAnswer::ExportedMany(report) => self.exported_many(&report, now),
                DialogAnswer::Mask { document, mask } => {
                    let work = MaskWork::load(mask);
                    let effects = self.session.change_mask(document, work, now);
                    self.carry_out_effects(effects);
                }
                DialogAnswer::AskMask(question) => self.asked_mask = Some(*question),
                DialogAnswer::Import(folder) => {
                    self.tell_gallery(handle::Command::Import(vec![folder]));
                }
                DialogAnswer::Open(path) => self.open_path(ctx, path, Opening::Document),
                DialogAnswer::SaveTo {
                    document,
                    path,
                    keeps_history,
                } => self.save_to(document, path, keeps_history),
                DialogAnswer::Imported {
                    path,
                    picture,
                    opening,
                } => self.show_opened_picture(&path, picture, opening, now),
                DialogAnswer::AddModel(path) => self.add_models(ctx, vec![path], now),
                DialogAnswer::ModelsAdded(added) => self.models_added(ctx, added, now),
                DialogAnswer::ModelRemoved(removed) => self.model_removed(ctx, removed, now),
                DialogAnswer::ShareModels(folder) => self.share_models(ctx, folder),
                DialogAnswer::ModelsShared(shared) => self.models_shared(ctx, shared, now),
                DialogAnswer::Library {
                    unreadable,
                    loras,
                    shared,
                    places,
                } => {
                    self.library.places = places;
                    self.library.unreadable = unreadable;
                    self.library.shared = shared;
                    self.session.loras.set_installed(loras);
                    self.session.ip_adapters.ask_again();
                }
                DialogAnswer::LoraFits { model, fits } => {
                    self.session.loras.set_fits(model, fits);
                }
                DialogAnswer::IpAdapters { model, fitting } => {
                    self.session.ip_adapters.set_fitting(model, fitting);
                }
                DialogAnswer::Styles(styles) => self.session.styles = styles,
                DialogAnswer::Failed(message) => self.toasts.say(Tone::Bad, message, now),
            }
        }
    }
}
