//! LoRAs: where they lie, and what is told of one.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    Catalogue,
    files::{find, name_of, safetensors_in},
};
use crate::{
    Error, Result, families, foreign_text,
    model::{ComponentFiles, LoraSource, is_safetensors, match_lora},
    protocol::LoraChoice,
    weights::lora::LoraFile,
};

/// The folder of LoRAs that goes with a library of models: `loras` beside it.
pub fn lora_folder(library: &Path) -> PathBuf {
    library.with_file_name("loras")
}

/// What is in a LoRA's file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoraReport {
    /// As requests name it: the file's name without its ending.
    pub name: String,
    pub path: String,
    pub bytes: u64,
    /// As people call them: LoRA, LoHa …
    pub kinds: Vec<&'static str>,
    /// Changes in it, each of one layer.
    pub n_layers: usize,
    /// The models that it was made for, where that can be told.
    pub made_for: Option<&'static str>,
    /// What its trainer says that it should be called.
    pub title: Option<String>,
    /// What it changes of a model that was named with it.
    pub fit: Option<LoraFit>,
}

/// How a LoRA fits a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoraFit {
    pub model: String,
    /// Whether jobs of the model take it.
    pub is_usable: bool,
    pub n_layers: usize,
    /// Names in the file for which the model has no layer.
    pub unmatched: Vec<String>,
    /// Names of layers whose weights have other shapes.
    pub unfit: Vec<String>,
}

impl LoraReport {
    fn read(path: &Path) -> Result<(Self, LoraFile)> {
        let file = LoraFile::open(path)?;
        let title = ["modelspec.title", "ss_output_name"];
        let title = title.into_iter().find_map(|key| file.metadata(key));
        let report = Self {
            name: name_of(path),
            path: path.display().to_string(),
            bytes: file.n_bytes(),
            kinds: file.kinds(),
            n_layers: file.n_layers(),
            made_for: families::describe_lora(&file),
            title: title.map(|title| foreign_text::name(title).to_string()),
            fit: None,
        };
        Ok((report, file))
    }
}

impl Catalogue {
    /// Where the LoRAs lie that a request names.
    ///
    /// # Errors
    /// [`Error::UnknownLora`] naming the folder; [`Error::OutOfRange`] for a weight that is no number.
    pub fn loras(&self, choices: &[LoraChoice]) -> Result<Vec<LoraSource>> {
        choices.iter().map(|choice| self.lora(choice)).collect()
    }

    fn lora(&self, choice: &LoraChoice) -> Result<LoraSource> {
        if !choice.weight.is_finite() {
            return Err(Error::OutOfRange {
                name: "weight of a LoRA",
                value: choice.weight.to_string(),
                allowed: "any number".to_owned(),
            });
        }
        let folder = self.library.as_deref().map(lora_folder);
        let mut named = self.loras.iter();
        let named = named.find(|path| name_of(path) == choice.name);
        let path = match named {
            Some(path) => Some(path.clone()),
            None => find(&self.lora_paths(), &choice.name),
        };
        match path {
            Some(path) => Ok(LoraSource {
                name: name_of(&path),
                path,
                weight: choice.weight,
            }),
            None => Err(Error::UnknownLora {
                name: choice.name.clone(),
                folder: folder.unwrap_or_default(),
            }),
        }
    }

    /// What is told of a LoRA's file, and of how it fits the components of a model.
    ///
    /// # Errors
    /// Those of [`LoraFile::open`]; when the model's files cannot be read.
    pub fn inspect_lora(
        path: &Path,
        model: Option<(&str, &[ComponentFiles])>,
    ) -> Result<LoraReport> {
        let (mut report, file) = LoraReport::read(path)?;
        if let Some((name, components)) = model {
            let matched = match_lora(&file, components)?;
            report.fit = Some(LoraFit {
                model: name.to_owned(),
                is_usable: matched.n_layers() > 0 && !matched.reads_other_words(),
                n_layers: matched.n_layers(),
                unmatched: matched.unmatched,
                unfit: matched.unfit,
            });
        }
        Ok(report)
    }

    /// Whether a file is a LoRA that can be used.
    pub fn is_lora(path: &Path) -> bool {
        is_safetensors(path) && path.is_file() && LoraFile::open(path).is_ok()
    }

    /// Those in the folder beside the library, then those of other programs.
    fn lora_paths(&self) -> Vec<PathBuf> {
        let folder = self.library.as_deref().map(lora_folder);
        let own = folder.map(|folder| safetensors_in(&folder));
        let mut paths = own.unwrap_or_default();
        paths.extend(self.shared().loras());
        paths
    }

    /// The files in the folder of LoRAs beside the library and in those of other programs, by name; those that cannot
    /// be read with why.
    pub fn installed_loras(&self) -> Vec<(String, Result<LoraReport>)> {
        self.lora_paths()
            .iter()
            .map(|path| {
                let file_name = path.file_name().unwrap_or(path.as_os_str());
                let report = LoraReport::read(path).map(|(report, _)| report);
                (file_name.to_string_lossy().into_owned(), report)
            })
            .collect()
    }
}
