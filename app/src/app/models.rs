//! The library of models: what is put into it, and what lies there and cannot be read.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use egui::Context;
use limn_engine::catalogue::{Catalogue, LoraReport, lora_folder};
use limn_engine::prompt_language::styles;
use limn_engine::protocol::Request;

use super::{App, DialogAnswer, carry_out};
use crate::command::ModelsCommand;
use crate::panels::models_place::{LoraRow, Unreadable};
use crate::panels::toasts::Tone;
use crate::panels::widgets;
use crate::session::Effect;

/// What came of putting a model into the library: its name there, or why it was refused.
pub(super) type Added = Result<String, String>;

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
        self.toasts.say(Tone::Plain, "Adding the model…", now);
        self.look_for_styles(ctx);
        let library = self.folders.models.clone();
        self.in_dialog_thread(ctx, move || {
            let added = paths.iter().map(|path| add(&library, path)).collect();
            Some(DialogAnswer::ModelsAdded(added))
        });
    }

    pub(super) fn models_added(&mut self, ctx: &Context, added: Vec<Added>, now: Instant) {
        self.library.is_adding = false;
        for added in added {
            match added {
                Ok(name) => {
                    self.toasts
                        .say(Tone::Good, format!("Added to your models: {name}"), now);
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
        let library = self.folders.models.clone();
        self.in_dialog_thread(ctx, move || {
            let catalogue = Catalogue {
                library: Some(library),
                ..Catalogue::default()
            };
            let unreadable = catalogue.unreadable().into_iter();
            let unreadable = unreadable.map(|(path, error)| Unreadable {
                name: name_of(&path),
                reason: error.to_string(),
            });
            let loras = catalogue.installed_loras().into_iter().flatten();
            Some(DialogAnswer::Library {
                unreadable: unreadable.collect(),
                loras: loras.map(|lora| row(&lora)).collect(),
            })
        });
    }

    /// Reads the list of styles, where there is one.
    pub(super) fn look_for_styles(&mut self, ctx: &Context) {
        let path = self.folders.styles();
        self.in_dialog_thread(ctx, move || {
            /// Thousands of styles are a megabyte.
            const MAX_BYTES: u64 = 16 << 20;
            let is_small = path.metadata().is_ok_and(|file| file.len() <= MAX_BYTES);
            if !is_small {
                return None;
            }
            let bytes = std::fs::read(&path).ok()?;
            Some(match styles::read_csv(&bytes) {
                Ok(styles) => DialogAnswer::Styles(styles),
                Err(reason) => DialogAnswer::Failed(format!(
                    "The styles cannot be read: {reason}: {}",
                    path.display()
                )),
            })
        });
    }
}

/// As the place shows it.
fn row(lora: &LoraReport) -> LoraRow {
    let made_for = lora.made_for.map(|made_for| format!(" · for {made_for}"));
    LoraRow {
        name: lora.name.clone(),
        facts: format!(
            "{}{} · {}",
            lora.kinds.join(" and "),
            made_for.unwrap_or_default(),
            widgets::bytes(lora.bytes)
        ),
    }
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// Puts a model into the library, after a look at whether it is one.
fn add(library: &Path, source: &Path) -> Added {
    let folder = if Catalogue::is_lora(source) {
        lora_folder(library)
    } else {
        Catalogue::check(source).map_err(|error| format!("Not added: {error}"))?;
        library.to_owned()
    };
    place(&folder, source).map_err(|error| {
        format!(
            "Not added, the folder of models cannot be written ({error}): {}",
            folder.display()
        )
    })
}

/// Under a name that is free.
fn place(library: &Path, source: &Path) -> io::Result<String> {
    std::fs::create_dir_all(library)?;
    let source = source.canonicalize()?;
    if source.parent() == Some(&*library.canonicalize()?) {
        return Ok(name_of(&source));
    }
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let ending = source.extension().map(|ending| ending.to_string_lossy());
    let ending = ending.map_or(String::new(), |ending| format!(".{ending}"));
    let mut name = format!("{stem}{ending}");
    let mut number = 1;
    while library.join(&name).symlink_metadata().is_ok() {
        number += 1;
        name = format!("{stem}-{number}{ending}");
    }
    link_or_copy(&source, library, &name)?;
    Ok(name)
}

/// A model of many gigabytes stays where it is if the system lets anyone make links; else it is copied, under a hidden
/// name until all of it is there.
fn link_or_copy(source: &Path, library: &Path, name: &str) -> io::Result<()> {
    let target = library.join(name);
    if link(source, &target).is_ok() {
        return Ok(());
    }
    let unfinished = library.join(format!(".{name}.part"));
    let copied = copy(source, &unfinished).and_then(|()| std::fs::rename(&unfinished, &target));
    if copied.is_err() {
        let _ = std::fs::remove_dir_all(&unfinished);
        let _ = std::fs::remove_file(&unfinished);
    }
    copied
}

#[cfg(unix)]
fn link(source: &Path, target: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(source, target)
}

#[cfg(windows)]
fn link(source: &Path, target: &Path) -> io::Result<()> {
    if source.is_dir() {
        std::os::windows::fs::symlink_dir(source, target)
    } else {
        std::os::windows::fs::symlink_file(source, target)
    }
}

fn copy(source: &Path, target: &Path) -> io::Result<()> {
    if !source.is_dir() {
        return std::fs::copy(source, target).map(drop);
    }
    std::fs::create_dir_all(target)?;
    for entry in std::fs::read_dir(source)? {
        let entry = entry?;
        copy(&entry.path(), &target.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_model_is_linked_under_a_free_name_and_one_that_is_there_stays() {
        let home = tempfile::tempdir().unwrap();
        let (library, source) = (home.path().join("models"), home.path().join("fine.v2"));
        std::fs::create_dir_all(source.join("unet")).unwrap();
        std::fs::write(source.join("unet/config.json"), "{}").unwrap();
        assert_eq!(place(&library, &source).unwrap(), "fine.v2");
        assert_eq!(place(&library, &source).unwrap(), "fine-2.v2");
        assert!(library.join("fine-2.v2/unet/config.json").is_file());
        let inside = library.join("own");
        std::fs::create_dir_all(&inside).unwrap();
        assert_eq!(place(&library, &inside).unwrap(), "own");
        assert_eq!(std::fs::read_dir(&library).unwrap().count(), 3);
    }

    #[test]
    fn a_copy_has_all_folders_and_files() {
        let home = tempfile::tempdir().unwrap();
        let source = home.path().join("source");
        std::fs::create_dir_all(source.join("a/b")).unwrap();
        std::fs::write(source.join("a/b/c"), "1").unwrap();
        let target = home.path().join("target");
        copy(&source, &target).unwrap();
        assert_eq!(std::fs::read_to_string(target.join("a/b/c")).unwrap(), "1");
    }

    #[test]
    fn what_is_no_model_is_refused_with_the_reason_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let (library, source) = (home.path().join("models"), home.path().join("holiday"));
        std::fs::create_dir_all(&source).unwrap();
        let refused = add(&library, &source).unwrap_err();
        assert!(refused.starts_with("Not added: "), "{refused}");
        assert!(!library.exists());
    }
}
