//! Which models are there, and where.
//!
//! A folder is believed by what is in it, not by its name: [`families`] tell whether it is one of theirs.

mod belongings;
mod files;
mod ip_adapters;
mod loras;
mod refused;
mod shared;
mod upscalers;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use belongings::Belongings;
pub use ip_adapters::{IpAdapterReport, ip_adapter_folder};
pub use loras::{LoraReport, lora_folder};
pub use shared::{SharedFolder, SharedFolders};
pub use upscalers::{UpscalerFile, UpscalerReport};

pub use crate::model::{ComponentReport, ModelCard, ModelReport, PreviewMap};
use crate::{
    Error, Result,
    families::{self, Probe, Recognised, Shard},
    foreign_text,
    model::{ModelFiles, PromptFolders, is_safetensors},
    protocol::{Feature, ModelId, ModelInfo},
    weights::{EmbeddedFile, ModelFolder},
};

include!(concat!(env!("OUT_DIR"), "/doodle.rs"));

/// The id of the model inside the binary.
pub const BUILT_IN_ID: &str = "doodle";

/// Where models may be.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Model folders outside any library.
    pub folders: Vec<PathBuf>,
    /// The prior's folder, for a decoder folder among `folders`.
    pub prior: Option<PathBuf>,
    /// The library: every model folder directly inside is one, and what its list of shared folders says.
    pub library: Option<PathBuf>,
    /// LoRAs outside the library's own folder of them.
    pub loras: Vec<PathBuf>,
    /// IP-Adapters outside the library's own folder of them.
    pub ip_adapters: Vec<PathBuf>,
}

impl Catalogue {
    /// Every model that can be opened: the built-in one first, then named folders, then the library by name.
    ///
    /// What cannot be opened is logged; asking for it by id says why.
    pub fn models(&self) -> Vec<ModelInfo> {
        self.models_one_by_one(|| {})
    }

    /// As [`Self::models`]; `on_model` is called after each that was looked at, which takes a while on a slow disk.
    pub fn models_one_by_one(&self, on_model: impl Fn()) -> Vec<ModelInfo> {
        self.opened(|id, folder| {
            let info = folder.info(ModelId(id.to_owned()));
            on_model();
            let mut info = info?;
            if let Ok(Some(_)) = self.ip_adapter(None, folder.as_ref()) {
                info.features.push(Feature::ImageEmbeddings);
            }
            Ok(info)
        })
    }

    /// What `read` makes of every model that can be opened, in their order. What cannot be is logged.
    fn opened<T>(&self, read: impl Fn(&str, Box<dyn ModelFiles>) -> Result<T>) -> Vec<T> {
        let mut ids: Vec<_> = self.places().into_iter().collect();
        ids.sort_by_key(|(_, place)| place.rank());
        ids.into_iter()
            .filter_map(|(id, place)| {
                let opened = self.open_place(&place);
                opened
                    .and_then(|folder| read(&id, folder))
                    .inspect_err(|error| {
                        tracing::warn!("{} is not served: {error}", foreign_text::name(&id));
                    })
                    .ok()
            })
            .collect()
    }

    /// # Errors
    /// [`Error::UnknownModel`] with the valid ids; whatever is wrong with the folder.
    pub fn open(&self, id: &ModelId) -> Result<Box<dyn ModelFiles>> {
        // Exactly this folder, whatever others of its name there are.
        if let Some(path) = self.folders.iter().find(|path| *path == Path::new(&id.0)) {
            return self.open_place(&Place::Named(0, path.clone()));
        }
        let places = self.places();
        match places.get(&id.0) {
            Some(place) => self.open_place(place),
            None => Err(Error::UnknownModel {
                name: id.0.clone(),
                valid: places.into_keys().collect(),
            }),
        }
    }

    /// Where each model of the library and of shared folders lies, by its id.
    pub fn paths(&self) -> BTreeMap<String, PathBuf> {
        let places = self.places().into_iter();
        let paths = places.filter_map(|(id, place)| match place {
            Place::Library(path) => Some((id, path)),
            Place::BuiltIn | Place::Named(..) => None,
        });
        paths.collect()
    }

    /// The folders `embeddings` and `wildcards`, beside the library of models.
    pub fn prompt_folders(&self) -> PromptFolders {
        let beside = |name| Some(self.library.as_ref()?.with_file_name(name));
        PromptFolders {
            embeddings: beside("embeddings"),
            wildcards: beside("wildcards"),
        }
    }

    fn open_place(&self, place: &Place) -> Result<Box<dyn ModelFiles>> {
        if let Place::Named(_, path) | Place::Library(path) = place {
            check_kind(path)?;
        }
        if let Place::Named(_, path) | Place::Library(path) = place
            && let Some(parts) = Probe::parts(path)
        {
            return families::open(&parts?, None);
        }
        let (folder, companion) = match place {
            Place::Named(_, path) | Place::Library(path) if path.is_file() => {
                return open_file(path);
            }
            Place::BuiltIn => (ModelFolder::embedded(DOODLE_FILES), None),
            Place::Named(_, path) => {
                let prior = self.prior.clone().map(ModelFolder::Disk);
                (ModelFolder::Disk(path.clone()), prior)
            }
            Place::Library(path) => (ModelFolder::Disk(path.clone()), None),
        };
        families::open(&Probe::folder(folder), companion)
    }

    /// Every place under its id: the folder's own name, with a number where two share it.
    fn places(&self) -> BTreeMap<String, Place> {
        let mut places = BTreeMap::new();
        if !DOODLE_FILES.is_empty() {
            places.insert(BUILT_IN_ID.to_owned(), Place::BuiltIn);
        }
        let named = self.folders.iter().enumerate();
        let named = named.filter(|(_, path)| !path.is_file() || is_model_file(path));
        let named = named.map(|(rank, path)| Place::Named(rank, path.clone()));
        let library = self.library.iter().flat_map(|library| {
            let entries = std::fs::read_dir(library).into_iter().flatten().flatten();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.sort();
            paths.retain(|path| {
                if is_hidden(path) {
                    false
                } else if path.is_dir() {
                    !is_companion(path)
                } else {
                    is_model_file(path)
                }
            });
            paths.into_iter().map(Place::Library)
        });
        let shared = self.shared();
        let found = shared
            .models()
            .into_iter()
            .filter(|path| path.is_dir() || is_model_file(path));
        for place in named.chain(library).chain(found.map(Place::Library)) {
            let (Place::Named(_, path) | Place::Library(path)) = &place else {
                continue;
            };
            let id = unique_id(&folder_name(path), |id| places.contains_key(id));
            places.insert(id, place);
        }
        for (name, path) in shared.named() {
            let id = unique_id(name, |id| places.contains_key(id));
            places.insert(id, Place::Library(path.clone()));
        }
        places
    }

    /// What other programs have.
    fn shared(&self) -> SharedFolders {
        self.library
            .as_deref()
            .map(SharedFolders::of)
            .unwrap_or_default()
    }
}

#[derive(Debug, Clone)]
enum Place {
    BuiltIn,
    /// In the order in which they were named.
    Named(usize, PathBuf),
    Library(PathBuf),
}

impl Place {
    fn rank(&self) -> (usize, usize) {
        match self {
            Self::BuiltIn => (0, 0),
            Self::Named(rank, _) => (1, *rank),
            Self::Library(_) => (2, 0),
        }
    }
}

/// # Errors
/// For what is neither a folder nor a regular file, so that nobody is told what is missing in it: a pipe, a device, a
/// link that leads nowhere.
fn check_kind(path: &Path) -> Result<()> {
    let metadata = std::fs::metadata(path).map_err(|cause| Error::io(path, cause))?;
    if metadata.is_file() || metadata.is_dir() {
        return Ok(());
    }
    Err(Error::NotAModel {
        path: path.to_owned(),
        reason: "it is neither a folder nor a regular file".to_owned(),
    })
}

fn open_file(path: &Path) -> Result<Box<dyn ModelFiles>> {
    let probe = Probe::file(path)?;
    if families::recognise(&probe).is_none() && upscalers::is_known(path) {
        return Err(Error::NotAModel {
            path: path.to_owned(),
            reason: "it is an upscaler, which draws nothing: use it with `limn upscale`".to_owned(),
        });
    }
    families::open(&probe, None)
}

/// Whether a family reads it. What cannot be read at all is none.
fn is_model_file(path: &Path) -> bool {
    is_safetensors(path)
        && path.is_file()
        && !is_later_shard(path)
        && Probe::file(path).is_ok_and(|probe| families::recognise(&probe).is_some())
}

/// As what is still on its way into the library is.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with('.')
}

/// Whether a file goes on with what another begins.
fn is_later_shard(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Shard::parse(&name).is_some_and(|shard| shard.number > 1)
}

/// Whether it is a part that belongs to the model beside it, and none alone.
fn is_companion(path: &Path) -> bool {
    let probe = Probe::folder(ModelFolder::Disk(path.to_owned()));
    matches!(
        families::recognise(&probe),
        Some((_, Recognised::Companion))
    )
}

/// The name as it may be shown, with a number where it is taken.
fn unique_id(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let name = foreign_text::name(name).to_string();
    let mut id = name.clone();
    let mut number = 1;
    while is_taken(&id) {
        number += 1;
        id = format!("{name}-{number}");
    }
    id
}

fn folder_name(path: &Path) -> String {
    // A link to a file has the name that people know; a folder may be said as `.`.
    let name = if path.is_file() {
        path.file_stem().map(ToOwned::to_owned)
    } else {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        path.file_name().map(ToOwned::to_owned)
    };
    let name = name.unwrap_or_else(|| path.as_os_str().to_owned());
    name.to_string_lossy().into_owned()
}
