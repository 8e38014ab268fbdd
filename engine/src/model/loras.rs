//! The LoRAs that change a model for a job.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    LoadedModel,
    files::{self, ComponentFiles},
    weight_cache::WeightCache,
};
use crate::{
    Error, Result, families, foreign_text,
    protocol::LoraUse,
    weights::lora::{AdapterTable, LayerShapes, LoraFile, Matched},
};

/// A LoRA that was asked for, and where it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraSource {
    pub name: String,
    pub path: PathBuf,
    /// What its change is multiplied with.
    pub weight: f32,
}

/// Files and how much each counts.
#[derive(Debug, Default)]
pub struct Loras {
    /// Differs where the change differs; empty where nothing is changed.
    pub(super) key: String,
    files: Vec<(LoraFile, Matched, f32)>,
}

impl Loras {
    pub(super) fn n_files(&self) -> usize {
        self.files.len()
    }

    /// # Errors
    /// Those of [`AdapterTable::apply`].
    pub(super) fn apply(&self, component: &str, adapters: &AdapterTable) -> Result<()> {
        let files = self.files.iter();
        let files: Vec<_> = files
            .map(|(file, matched, weight)| (file, matched, *weight))
            .collect();
        adapters.apply(component, &files)
    }
}

impl LoadedModel {
    /// Changes the model by these from the next job on, and by no others. Weights in memory stay there.
    ///
    /// # Errors
    /// Those of [`LoraFile::open`]; [`Error::UnfitLora`] for a file of another kind of model.
    pub fn set_loras(&mut self, sources: &[LoraSource]) -> Result<()> {
        let key = key_of(sources);
        if self.slots.loras_key() == key {
            return Ok(());
        }
        let components = if sources.is_empty() {
            BTreeMap::new()
        } else {
            layers(&self.files().components())?
        };
        let mut uses = Vec::new();
        let mut loras = Loras {
            key,
            files: Vec::new(),
        };
        for source in sources {
            let file = LoraFile::open(&source.path)?;
            let matched = file.matched(&components);
            if matched.n_layers() == 0 || matched.reads_other_words() {
                return Err(Error::UnfitLora {
                    path: source.path.clone(),
                    reason: foreign(&file, self.files().family()),
                });
            }
            let n_unmatched = (matched.unmatched.len() + matched.unfit.len()) as u32;
            if n_unmatched > 0 {
                tracing::warn!(
                    "{n_unmatched} of the changes in {} are for layers that this model does not have",
                    foreign_text::path(&source.path)
                );
            }
            uses.push(LoraUse {
                name: source.name.clone(),
                weight: source.weight,
                hash: self.slots.cache.lora_hash(&file)?,
                n_layers: matched.n_layers() as u32,
                n_unmatched,
            });
            loras.files.push((file, matched, source.weight));
        }
        self.slots.set_loras(loras);
        self.lora_uses = uses;
        Ok(())
    }

    /// What the model is changed by now.
    pub(crate) fn lora_uses(&self) -> &[LoraUse] {
        &self.lora_uses
    }
}

impl WeightCache {
    fn lora_hash(&self, file: &LoraFile) -> Result<String> {
        self.file_hash(files::fingerprint_of(&[file.path().to_owned()]), || {
            file.sha256()
        })
    }
}

/// What a file changes of a model that is not opened.
///
/// # Errors
/// As for [`LoadedModel::set_loras`], but for a file that changes nothing.
pub fn match_lora(file: &LoraFile, components: &[ComponentFiles]) -> Result<Matched> {
    Ok(file.matched(&layers(components)?))
}

/// The layers of all components that LoRAs can change, by names and shapes; no tensor is read.
fn layers(components: &[ComponentFiles]) -> Result<BTreeMap<String, LayerShapes>> {
    let components = components.iter().map(|component| {
        let report = (component.inspect)(&component.folder)?;
        Ok((component.name.to_owned(), report.layers))
    });
    components.collect()
}

fn key_of(sources: &[LoraSource]) -> String {
    let line = |source: &LoraSource| {
        let state = files::state_of(&source.path).unwrap_or_default();
        format!("{} {state} {}\n", source.path.display(), source.weight)
    };
    sources.iter().map(line).collect()
}

/// Why a file that changes nothing here is of another model.
fn foreign(file: &LoraFile, family: &str) -> String {
    match families::describe_lora(file) {
        Some(of) => format!("it is a LoRA for {of}, and the model is one of {family}"),
        None => format!("none of its layers is one of this {family} model"),
    }
}
