//! The library of models: what is put into it, and what lies there and cannot be read.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use egui::Context;
use limn_engine::catalogue::{Catalogue, LoraReport, SharedFolder};
use limn_engine::prompt_language::styles;
use limn_engine::protocol::{LoraChoice, ModelId, Request};

use super::{App, DialogAnswer, carry_out};
use crate::command::{Command, ModelsCommand};
use crate::files::read_named;
use crate::model_library::{
    Added, AddedFile, RemoveTo, Transfer, add, is_own, name_of, refresh_shared, remove, share,
    unshare,
};
use crate::panels::models_place::{ModelPlace, Shared, Unreadable};
use crate::panels::toasts::Tone;
use crate::session::{Effect, InstalledLora, LoraMatch, LoraStanding, MOST_LORAS, Place};
use crate::widgets;

const ADDING: &str = "Adding the model…";

impl App {
    pub(super) fn carry_out_models(&mut self, ctx: &Context, command: ModelsCommand, now: Instant) {
        match command {
            ModelsCommand::ChooseFolder => self.choose_model(ctx, |dialog| {
                dialog.set_title("Add a model’s folder").pick_folder()
            }),
            ModelsCommand::ChooseFile => self.choose_model(ctx, |dialog| {
                let dialog = dialog.set_title("Add a model’s file");
                dialog
                    .add_filter("safetensors", &["safetensors"])
                    .pick_file()
            }),
            ModelsCommand::Add(paths) => self.add_models(ctx, paths, now),
            ModelsCommand::OpenFolder => {
                let folder = self.folders.models.clone();
                // Before the first model there is none; where it cannot be made, opening says why.
                let _ = std::fs::create_dir_all(&folder);
                self.open_in_file_manager(ctx, folder);
            }
            ModelsCommand::Refresh => self.look_into_library(ctx),
            ModelsCommand::Use(name) => self.use_added_model(&name, now),
            ModelsCommand::UseLora(name) => self.use_lora(name, now),
            ModelsCommand::ShowFiles(model) => self.show_model_files(ctx, &model),
            ModelsCommand::Remove(model) => self.remove_model(ctx, model),
            ModelsCommand::ChooseShared => self.in_dialog_thread(ctx, || {
                let dialog =
                    rfd::FileDialog::new().set_title("Share another program’s folder of models");
                carry_out::ask(
                    || dialog.pick_folder(),
                    |path| Some(DialogAnswer::ShareModels(path)),
                )
            }),
            ModelsCommand::Share(folder) => self.share_models(ctx, folder),
            ModelsCommand::Unshare(folder) => {
                let library = self.folders.models.clone();
                let unshared = unshare(&library, &folder);
                if let Err(error) = unshared {
                    self.toasts
                        .say(Tone::Bad, format!("Still shared: {error}"), now);
                }
                self.look_into_library(ctx);
            }
            ModelsCommand::Find(link) => self.downloads.ask(&link, self.hub()),
            ModelsCommand::Get(id) => self.downloads.get(id, self.hub()),
            ModelsCommand::Pause(id) => self.downloads.pause(id),
            ModelsCommand::Forget(id) => self.downloads.forget(id),
            ModelsCommand::SetOffline(offline) => self.set_offline(offline),
        }
    }

    fn choose_model(
        &self,
        ctx: &Context,
        choose: impl FnOnce(rfd::FileDialog) -> Option<PathBuf> + Send + 'static,
    ) {
        self.in_dialog_thread(ctx, move || {
            let dialog = rfd::FileDialog::new();
            carry_out::ask(|| choose(dialog), |path| Some(DialogAnswer::AddModel(path)))
        });
    }

    /// Links or copies them, off the window's thread.
    pub(super) fn add_models(&mut self, ctx: &Context, paths: Vec<PathBuf>, now: Instant) {
        self.library.is_adding = true;
        self.toasts.say(Tone::Plain, ADDING, now);
        self.look_for_styles(ctx);
        let library = self.folders.models.clone();
        self.in_dialog_thread(ctx, move || {
            let added = paths
                .iter()
                .map(|path| add(&library, path, &Transfer::Link))
                .collect();
            Some(DialogAnswer::ModelsAdded(added))
        });
    }

    fn show_model_files(&self, ctx: &Context, model: &ModelId) {
        if let Some(place) = self.library.places.get(&model.0) {
            let folder = if place.path.is_dir() {
                Some(place.path.as_path())
            } else {
                place.path.parent()
            };
            if let Some(folder) = folder {
                self.open_in_file_manager(ctx, folder.to_owned());
            }
        }
    }

    /// The engine lets go of it when another model is chosen; on some systems it holds the files until then.
    fn remove_model(&mut self, ctx: &Context, model: ModelId) {
        let is_current = self
            .session
            .current_model()
            .is_some_and(|current| current.id == model);
        if is_current
            && let Some(other) = self.session.models.iter().find(|other| other.id != model)
        {
            self.set_model(other.id.clone());
        }
        let library = self.folders.models.clone();
        self.in_dialog_thread(ctx, move || {
            let removed = remove(&library, &model.0, RemoveTo::Trash);
            let removed = removed
                .map(|path| name_of(&path))
                .map_err(|error| error.to_string());
            Some(DialogAnswer::ModelRemoved(removed))
        });
    }

    pub(super) fn model_removed(
        &mut self,
        ctx: &Context,
        removed: Result<String, String>,
        now: Instant,
    ) {
        match removed {
            Ok(name) => self
                .toasts
                .say(Tone::Good, format!("In the trash now: {name}"), now),
            Err(reason) => self
                .toasts
                .say(Tone::Bad, format!("Not removed: {reason}"), now),
        }
        self.look_into_library(ctx);
    }

    /// Looks whose folder it is, off the window's thread.
    pub(super) fn share_models(&self, ctx: &Context, folder: PathBuf) {
        let library = self.folders.models.clone();
        self.in_dialog_thread(ctx, move || {
            let shared = share(&library, &folder).map_err(|error| error.to_string());
            Some(DialogAnswer::ModelsShared(shared))
        });
    }

    pub(super) fn models_shared(
        &mut self,
        ctx: &Context,
        shared: Result<SharedFolder, String>,
        now: Instant,
    ) {
        match shared {
            Ok(shared) => {
                let text = format!("Its models are read where they lie: {}", shared.program);
                self.toasts.say(Tone::Good, text, now);
            }
            Err(reason) => self
                .toasts
                .say(Tone::Bad, format!("Not shared: {reason}"), now),
        }
        self.look_into_library(ctx);
    }

    pub(super) fn models_added(&mut self, ctx: &Context, added: Vec<Added>, now: Instant) {
        self.library.is_adding = false;
        self.toasts.withdraw(ADDING);
        for added in added {
            match added {
                Ok(AddedFile {
                    file_name,
                    is_ip_adapter: true,
                    ..
                }) => {
                    let text = format!("Models of its kind look at pictures through {file_name}");
                    self.toasts.say(Tone::Good, text, now);
                }
                Ok(AddedFile {
                    file_name, lora, ..
                }) => {
                    let (text, using) = match lora {
                        Some(lora) => {
                            let text = format!("Added to your LoRAs: {lora}");
                            (text, ModelsCommand::UseLora(lora))
                        }
                        None => {
                            let text = format!("Added to your models: {file_name}");
                            (text, ModelsCommand::Use(file_name))
                        }
                    };
                    let using = Command::Models(using);
                    self.toasts.offer(Tone::Good, text, "Use it", using, now);
                }
                Err(reason) => self.toasts.say(Tone::Bad, reason, now),
            }
        }
        self.look_into_library(ctx);
    }

    /// Asks the engine which models there are now, and looks for what it will not have taken.
    pub(super) fn look_into_library(&mut self, ctx: &Context) {
        let requests = [Request::ListModels, Request::ListUpscalers];
        self.carry_out_effects(requests.into_iter().map(Effect::Ask).collect());
        self.look_for_library(ctx);
    }

    /// Looks what lies in the library beside the models that the engine lists.
    pub(super) fn look_for_library(&self, ctx: &Context) {
        let library = self.folders.models.clone();
        self.in_dialog_thread(ctx, move || {
            let shared = refresh_shared(&library).folders.into_iter();
            let shared = shared.map(|folder| Shared {
                is_there: folder.path.is_dir(),
                folder,
            });
            let shared = shared.collect();
            let catalogue = Catalogue {
                library: Some(library.clone()),
                ..Catalogue::default()
            };
            let places = catalogue.paths().into_iter();
            let places = places.map(|(id, path)| {
                let place = ModelPlace {
                    is_own: is_own(&library, &path),
                    path,
                };
                (id, place)
            });
            let places = places.collect();
            let unreadable = catalogue.unreadable().into_iter();
            let unreadable = unreadable.map(|(path, error)| Unreadable {
                name: name_of(&path),
                reason: error.to_string(),
            });
            let mut unreadable: Vec<Unreadable> = unreadable.collect();
            let mut loras = Vec::new();
            for (name, lora) in catalogue.installed_loras() {
                match lora {
                    Ok(lora) => loras.push(installed(&lora)),
                    Err(error) => unreadable.push(Unreadable {
                        name,
                        reason: error.to_string(),
                    }),
                }
            }
            Some(DialogAnswer::Library {
                unreadable,
                loras,
                shared,
                places,
            })
        });
    }

    /// Looks which LoRAs fit the chosen model, once for each model.
    pub(super) fn look_for_lora_fits(&mut self, ctx: &Context) {
        let Some(model) = self.session.current_model().map(|model| model.id.clone()) else {
            return;
        };
        if !self.session.loras.ask(&model) {
            return;
        }
        let library = self.folders.models.clone();
        self.in_dialog_thread(ctx, move || {
            let fits = lora_fits(library, &model);
            Some(DialogAnswer::LoraFits { model, fits })
        });
    }

    /// Chooses a model that was just added, by the name of its folder or file.
    fn use_added_model(&mut self, file_name: &str, now: Instant) {
        let stem = file_name.strip_suffix(".safetensors").unwrap_or(file_name);
        let mut models = self.session.models.iter();
        let model = models.find(|model| model.id.0 == stem || model.id.0 == file_name);
        match model.map(|model| model.id.clone()) {
            Some(id) => {
                self.set_model(id);
                self.session.place = Place::Canvas;
            }
            None => {
                let text = "It draws no pictures by itself: see Models for what it is.";
                self.toasts.say(Tone::Plain, text, now);
            }
        }
    }

    /// Puts a LoRA into the list of the document in front.
    fn use_lora(&mut self, name: String, now: Instant) {
        self.session.place = Place::Canvas;
        let model = self.session.current_model();
        let standing = model.map(|model| self.session.loras.standing(&name, &model.id));
        if let (Some(LoraStanding::Other(made_for)), Some(model)) = (standing, model) {
            let made_for = made_for.as_deref().unwrap_or("other models");
            let text = format!(
                "“{name}” is made for {made_for} and does not fit {}: choose such a model first.",
                model.name
            );
            self.toasts.say(Tone::Plain, text, now);
            return;
        }
        let loras = &mut self.session.draft_mut().loras;
        let is_there = loras.iter().any(|lora| lora.name == name);
        if !is_there && loras.len() < MOST_LORAS {
            loras.push(LoraChoice { name, weight: 1.0 });
        }
    }

    /// Reads the list of styles, where there is one.
    pub(super) fn look_for_styles(&mut self, ctx: &Context) {
        let path = self.folders.styles();
        self.in_dialog_thread(ctx, move || {
            /// Thousands of styles are a megabyte.
            const MAX_BYTES: u64 = 16 << 20;
            let styles = match read_named(&path, MAX_BYTES) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                Err(error) => Err(error.to_string()),
                Ok(bytes) => styles::read_csv(&bytes),
            };
            Some(match styles {
                Ok(styles) => DialogAnswer::Styles(styles),
                Err(reason) => DialogAnswer::Failed(format!(
                    "The styles cannot be read: {reason}: {}",
                    path.display()
                )),
            })
        });
    }
}

/// What each LoRA of the library changes of a model, which is not opened for it.
fn lora_fits(library: PathBuf, id: &ModelId) -> BTreeMap<String, LoraMatch> {
    let catalogue = Catalogue {
        library: Some(library),
        ..Catalogue::default()
    };
    let Ok(model) = catalogue.open(id) else {
        return BTreeMap::new();
    };
    let (name, components) = (model.name(), model.components());
    let loras = catalogue.installed_loras().into_iter();
    let loras = loras.filter_map(|(_, lora)| lora.ok());
    let fits = loras.filter_map(|lora| {
        let path = Path::new(&lora.path);
        let report = Catalogue::inspect_lora(path, Some((&name, &components))).ok()?;
        let fit = report.fit?;
        let fit = LoraMatch {
            is_usable: fit.is_usable,
            n_layers: fit.n_layers,
            n_unmatched: fit.unmatched.len() + fit.unfit.len(),
        };
        Some((lora.name, fit))
    });
    fits.collect()
}

/// As the window shows it.
fn installed(lora: &LoraReport) -> InstalledLora {
    let made_for = lora.made_for.map(|made_for| format!(" · for {made_for}"));
    InstalledLora {
        name: lora.name.clone(),
        made_for: lora.made_for.map(str::to_owned),
        facts: format!(
            "{}{} · {}",
            lora.kinds.join(" and "),
            made_for.unwrap_or_default(),
            widgets::bytes(lora.bytes)
        ),
    }
}
