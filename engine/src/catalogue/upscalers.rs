//! Upscalers: single files in the library or named, and those that lie in a model's folder for its own pictures.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Catalogue, unique_id};
use crate::{
    Error, Result,
    components::upscalers::{Upscaler, UpscalerConfig},
    foreign_text,
    model::{ModelFiles, UPSCALER, UPSCALER_WEIGHTS, is_safetensors},
    protocol::{ModelId, UpscalerInfo},
    weights::{LoadReport, TensorFile, TensorFiles},
};

/// An upscaler's file, opened and known; no tensor has been read.
#[derive(Debug)]
pub struct UpscalerFile {
    pub id: ModelId,
    pub name: String,
    /// The model whose pictures it was made for, by name.
    pub made_for: Option<String>,
    pub files: TensorFiles,
    pub config: UpscalerConfig,
}

/// What is in an upscaler's file.
#[derive(Debug, Clone, Serialize)]
pub struct UpscalerReport {
    pub name: String,
    pub family: String,
    pub path: String,
    pub scale: u32,
    pub bytes: u64,
    /// The dtypes in the file, with how many numbers each has.
    pub dtypes: BTreeMap<String, u64>,
    pub report: LoadReport,
}

impl Catalogue {
    /// Every upscaler that can be opened: those of models first, then named files, then the library by name.
    ///
    /// What cannot be opened is logged; asking for it by id says why.
    pub fn upscalers(&self) -> Vec<UpscalerFile> {
        let places = self.upscaler_places().into_iter();
        places
            .filter_map(|(id, place)| {
                let opened = place.open(&id);
                opened
                    .inspect_err(|error| {
                        tracing::warn!("{} is not served: {error}", foreign_text::name(&id));
                    })
                    .ok()
            })
            .collect()
    }

    /// # Errors
    /// [`Error::UnknownModel`] with the valid ids; [`Error::NotAModel`] for a file that holds no upscaler; those of
    /// [`TensorFiles::open`].
    pub fn open_upscaler(&self, id: &ModelId) -> Result<UpscalerFile> {
        // Exactly this file, whatever others of its name there are.
        if let Some(path) = self.folders.iter().find(|path| *path == Path::new(&id.0)) {
            return Place::File(path.clone()).open(&id.0);
        }
        let places = self.upscaler_places();
        match places.iter().find(|(name, _)| *name == id.0) {
            Some((id, place)) => place.open(id),
            None => Err(Error::UnknownModel {
                name: id.0.clone(),
                valid: places.into_iter().map(|(id, _)| id).collect(),
            }),
        }
    }

    /// What suits a picture best: the upscaler made for the model that drew it, else the first that is for any.
    pub fn best_upscaler(&self, drawn_by: Option<&str>) -> Option<UpscalerFile> {
        let rank = |upscaler: &UpscalerFile| match upscaler.made_for.as_deref() {
            Some(model) if Some(model) == drawn_by => 0,
            None => 1,
            Some(_) => 2,
        };
        let upscalers = self.upscalers().into_iter();
        upscalers
            .filter(|upscaler| rank(upscaler) < 2)
            .min_by_key(rank)
    }

    fn upscaler_places(&self) -> Vec<(String, Place)> {
        let mut places: Vec<(String, Place)> = Vec::new();
        let of_models = self.opened(|id, folder| {
            let has_one = folder.root().subfolder(UPSCALER).has(UPSCALER_WEIGHTS);
            Ok(has_one.then(|| (format!("{id}-{UPSCALER}"), Place::OfModel(folder))))
        });
        places.extend(of_models.into_iter().flatten());
        let named = self.folders.iter().filter(|path| path.is_file()).cloned();
        let library = self.library.iter().flat_map(|library| {
            let entries = std::fs::read_dir(library).into_iter().flatten().flatten();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.sort();
            paths.retain(|path| is_upscaler(path));
            paths
        });
        let shared = self
            .shared()
            .upscalers()
            .into_iter()
            .filter(|path| is_upscaler(path));
        for path in named.chain(library).chain(shared) {
            let stem = path.file_stem().unwrap_or(path.as_os_str());
            let id = unique_id(&stem.to_string_lossy(), |id| {
                places.iter().any(|(taken, _)| *taken == id)
            });
            places.push((id, Place::File(path)));
        }
        places
    }
}

enum Place {
    OfModel(Box<dyn ModelFiles>),
    File(PathBuf),
}

impl Place {
    fn open(&self, id: &str) -> Result<UpscalerFile> {
        let (files, name, made_for) = match self {
            Self::OfModel(model) => {
                let folder = model.root().subfolder(UPSCALER);
                let name = model.name();
                (
                    folder.weights(false)?,
                    format!("{name} upscaler"),
                    Some(name),
                )
            }
            Self::File(path) => {
                let files = TensorFiles::open(&[TensorFile::Disk(path.clone())])?;
                let stem = path.file_stem().unwrap_or(path.as_os_str());
                (
                    files,
                    foreign_text::name(stem.to_string_lossy()).to_string(),
                    None,
                )
            }
        };
        let (config, files) = UpscalerConfig::require(files)?;
        Ok(UpscalerFile {
            id: ModelId(id.to_owned()),
            name,
            made_for,
            files,
            config,
        })
    }
}

/// Whether a single file is an upscaler that can be opened.
pub(super) fn check(path: &Path) -> Result<()> {
    Place::File(path.to_owned()).open("").map(drop)
}

/// Whether a file holds an upscaler that can be used.
pub(super) fn is_known(path: &Path) -> bool {
    let opened = TensorFiles::open(&[TensorFile::Disk(path.to_owned())]);
    opened.is_ok_and(|files| matches!(UpscalerConfig::detect(files), Ok(Some(_))))
}

/// Whether a file holds an upscaler. One that is meant to be one and is damaged counts: asking for it says why.
fn is_upscaler(path: &Path) -> bool {
    is_safetensors(path)
        && path.is_file()
        && match TensorFiles::open(&[TensorFile::Disk(path.to_owned())]) {
            Ok(files) => !matches!(UpscalerConfig::detect(files), Ok(None)),
            Err(_) => true,
        }
}

impl UpscalerFile {
    pub fn info(&self) -> UpscalerInfo {
        UpscalerInfo {
            id: self.id.clone(),
            name: self.name.clone(),
            family: self.config.family().to_owned(),
            scale: self.config.scale() as u32,
            bytes: self.files.n_bytes(),
            made_for: self.made_for.clone(),
        }
    }

    /// Compares the file with its architecture. Faults are told in the report.
    ///
    /// # Errors
    /// When the file cannot hold such a network at all.
    pub fn inspect(&self) -> Result<UpscalerReport> {
        Ok(UpscalerReport {
            name: self.name.clone(),
            family: self.config.family().to_owned(),
            path: self.files.path().display().to_string(),
            scale: self.config.scale() as u32,
            bytes: self.files.n_bytes(),
            dtypes: self.files.dtypes(),
            report: Upscaler::inspect(&self.files, self.config)?,
        })
    }
}
