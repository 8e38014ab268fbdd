//! IP-Adapters: where they and their image encoders lie, and what is told of one.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    Catalogue,
    files::{find, name_of, safetensors_in},
};
use crate::{
    Error, Result,
    components::ip_adapter::{IpAdapter, IpAdapterConfig, ProjectionConfig},
    families, foreign_text,
    model::{IpAdapterSource, ModelFiles, is_safetensors},
    protocol::{Feature, IpAdapterChoice},
    regular_file::read_named,
    weights::{LoadReport, ModelFolder, SeenFolder, Target, TensorFile, TensorFiles},
};

/// A card names a file and little more.
const MAX_CARD_BYTES: u64 = 64 << 10;

/// The folder of IP-Adapters and of their image encoders that goes with a library of models: `ip_adapters` beside it.
pub fn ip_adapter_folder(library: &Path) -> PathBuf {
    library.with_file_name("ip_adapters")
}

/// What is in an IP-Adapter's file.
#[derive(Debug, Clone, Serialize)]
pub struct IpAdapterReport {
    /// As requests name it: the file's name without its ending.
    pub name: String,
    pub path: String,
    pub bytes: u64,
    /// Whether it looks at all parts of a picture (“plus”), and not at its embedding alone.
    pub is_plus: bool,
    /// Context tokens of one picture.
    pub n_tokens: usize,
    /// Layers of the U-Net that look at pictures through it.
    pub n_layers: usize,
    /// As people call the models and the encoder that it was made for, where that can be told.
    pub made_for: Option<&'static str>,
    pub encoder_kind: Option<&'static str>,
    /// Where an encoder lies that fits it.
    pub encoder: Option<String>,
    /// A model that was named with it, and whether it fits that.
    pub fit: Option<(String, bool)>,
    pub report: LoadReport,
}

/// An adapter's file, opened; no tensor has been read.
struct Opened {
    path: PathBuf,
    folder: ModelFolder,
    config: IpAdapterConfig,
    n_bytes: u64,
}

impl Opened {
    /// # Errors
    /// Those of [`TensorFiles::open`]; [`Error::UnfitIpAdapter`] for a file that is none that Limn reads.
    fn open(path: &Path) -> Result<Self> {
        let files = TensorFiles::open(&[TensorFile::Disk(path.to_owned())])?;
        files.check_packing()?;
        let config = IpAdapterConfig::read(&files).map_err(|reason| unfit(path, reason))?;
        let mut folder = SeenFolder::new(vec![path.to_owned()]);
        let own = files.names();
        let own = own.map(|name| (name.to_owned(), vec![Target::whole(name)]));
        folder.add_weights("", own.collect());
        Ok(Self {
            path: path.to_owned(),
            folder: folder.into_folder(),
            config,
            n_bytes: files.n_bytes(),
        })
    }

    /// Which of the encoders in these places fits.
    fn encoder(&self, places: &[PathBuf]) -> Option<ModelFolder> {
        let width = self.config.feature_width();
        let fits = |path: &PathBuf| {
            let (folder, [embed, hidden]) = vision_encoder(path)?;
            let own = if self.config.looks_at_parts() {
                hidden
            } else {
                embed
            };
            (own == width).then_some(folder)
        };
        self.named_encoder()
            .into_iter()
            .chain(places.iter().flat_map(|place| entries(place)))
            .find_map(|path| fits(&path))
    }

    /// What a card beside the file names: `NAME.limn.json` with `parts`.
    fn named_encoder(&self) -> Option<PathBuf> {
        #[derive(Deserialize)]
        struct Card {
            parts: Vec<String>,
        }
        let card = self.path.with_extension("limn.json");
        let Card { parts } =
            serde_json::from_slice(&read_named(&card, MAX_CARD_BYTES).ok()?).ok()?;
        let part = parts.into_iter().next()?;
        // Within the same folder.
        let is_plain = Path::new(&part)
            .file_name()
            .is_some_and(|name| name == part.as_str());
        is_plain.then(|| self.path.with_file_name(part))
    }

    fn without_encoder(&self) -> Error {
        let kind = encoder_kind(&self.config).unwrap_or("CLIP vision");
        let what = if self.config.looks_at_parts() {
            "hidden states"
        } else {
            "embeddings"
        };
        unfit(
            &self.path,
            format!(
                "there is no image encoder for it ({kind}, whose {what} are {} wide): put its folder or its .safetensors file beside it",
                self.config.feature_width()
            ),
        )
    }
}

fn unfit(path: &Path, reason: String) -> Error {
    Error::UnfitIpAdapter {
        path: path.to_owned(),
        reason,
    }
}

impl Catalogue {
    /// The adapter that a request names, or the first that fits the model; `None` where none does, or the model takes
    /// none.
    ///
    /// # Errors
    /// [`Error::UnknownIpAdapter`] naming the folder; [`Error::UnfitIpAdapter`] for a named one that was made for other
    /// models or has no encoder; [`Error::OutOfRange`] for a scale that is no number.
    pub fn ip_adapter(
        &self,
        choice: Option<&IpAdapterChoice>,
        model: &dyn ModelFiles,
    ) -> Result<Option<IpAdapterSource>> {
        let Some(choice) = choice else {
            if !model.features().contains(&Feature::IpAdapters) {
                return Ok(None);
            }
            let mut paths = self.ip_adapter_paths().into_iter();
            return Ok(paths.find_map(|path| {
                let opened = Opened::open(&path).ok()?;
                model.fits_ip_adapter(&opened.config).then_some(())?;
                self.source(opened, 1.0).ok()
            }));
        };
        // Not-a-number is in no range.
        if !(0.0..=10.0).contains(&choice.scale) {
            return Err(Error::OutOfRange {
                name: "scale of an IP-Adapter",
                value: choice.scale.to_string(),
                allowed: "0 to 10".to_owned(),
            });
        }
        let paths = self.ip_adapter_paths();
        let path = find(&paths, &choice.name).ok_or_else(|| Error::UnknownIpAdapter {
            name: choice.name.clone(),
            folder: self.own_ip_adapters().unwrap_or_default(),
        })?;
        let opened = Opened::open(&path)?;
        if !model.fits_ip_adapter(&opened.config) {
            let made_for = made_for(&opened.config);
            return Err(unfit(
                &path,
                format!(
                    "it was made for {}, and the model is one of {}",
                    made_for.unwrap_or("other models"),
                    model.family()
                ),
            ));
        }
        self.source(opened, choice.scale).map(Some)
    }

    fn source(&self, opened: Opened, scale: f32) -> Result<IpAdapterSource> {
        let Some(encoder) = opened.encoder(&self.encoder_places(&opened.path)) else {
            return Err(opened.without_encoder());
        };
        Ok(IpAdapterSource {
            name: name_of(&opened.path),
            adapter: opened.folder,
            config: opened.config,
            encoder,
            scale,
        })
    }

    fn own_ip_adapters(&self) -> Option<PathBuf> {
        self.library.as_deref().map(ip_adapter_folder)
    }

    /// Those that were named first.
    fn ip_adapter_paths(&self) -> Vec<PathBuf> {
        let own = self.own_ip_adapters().into_iter();
        let own = own.flat_map(|folder| safetensors_in(&folder));
        let own = own.filter(|path| Self::is_ip_adapter(path));
        self.ip_adapters.iter().cloned().chain(own).collect()
    }

    /// Beside the adapter, beside the others, and where another program keeps them.
    fn encoder_places(&self, adapter: &Path) -> Vec<PathBuf> {
        let own = adapter.parent().map(Path::to_owned);
        let elsewhere = self.library.as_deref();
        let elsewhere = elsewhere.map(|library| library.with_file_name("clip_vision"));
        own.into_iter()
            .chain(self.own_ip_adapters())
            .chain(elsewhere)
            .collect()
    }

    /// What is told of an adapter's file, and whether it fits a model.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn inspect_ip_adapter(
        &self,
        path: &Path,
        model: Option<&dyn ModelFiles>,
    ) -> Result<IpAdapterReport> {
        let opened = Opened::open(path)?;
        let encoder = opened.encoder(&self.encoder_places(path));
        let config = &opened.config;
        Ok(IpAdapterReport {
            name: foreign_text::name(name_of(path)).to_string(),
            path: path.display().to_string(),
            bytes: opened.n_bytes,
            is_plus: config.looks_at_parts(),
            n_tokens: config.n_tokens(),
            n_layers: config.layers.len(),
            made_for: made_for(config),
            encoder_kind: encoder_kind(config),
            encoder: encoder.map(|folder| folder.path("").display().to_string()),
            fit: model.map(|model| (model.name(), model.fits_ip_adapter(config))),
            report: IpAdapter::inspect(&opened.folder)?,
        })
    }

    /// What is told of each adapter that can be read, and whether it fits a model.
    pub fn installed_ip_adapters(&self, model: &dyn ModelFiles) -> Vec<IpAdapterReport> {
        let paths = self.ip_adapter_paths().into_iter();
        let reports = paths.filter_map(|path| self.inspect_ip_adapter(&path, Some(model)).ok());
        reports.collect()
    }

    /// Whether a file is an IP-Adapter, if not one that can be used.
    pub fn is_ip_adapter(path: &Path) -> bool {
        let file = || TensorFiles::open(&[TensorFile::Disk(path.to_owned())]);
        is_safetensors(path)
            && path.is_file()
            && file().is_ok_and(|files| IpAdapterConfig::is_in(&files))
    }
}

/// The models whose words are so wide.
fn made_for(config: &IpAdapterConfig) -> Option<&'static str> {
    match config.context_width {
        768 => Some("Stable Diffusion 1.5"),
        1024 => Some("Stable Diffusion 2"),
        2048 => Some("Stable Diffusion XL"),
        _ => None,
    }
}

fn encoder_kind(config: &IpAdapterConfig) -> Option<&'static str> {
    match (&config.projection, config.feature_width()) {
        (ProjectionConfig::Linear { .. }, 1024) | (ProjectionConfig::Resampler(_), 1280) => {
            Some("CLIP ViT-H/14")
        }
        (ProjectionConfig::Linear { .. }, 1280) | (ProjectionConfig::Resampler(_), 1664) => {
            Some("CLIP ViT-bigG/14")
        }
        (ProjectionConfig::Linear { .. }, 768) | (ProjectionConfig::Resampler(_), 1024) => {
            Some("CLIP ViT-L/14")
        }
        _ => None,
    }
}

/// A place's folders and files by name.
fn entries(place: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// A CLIP vision encoder, as a folder or a file, with the widths of its embeddings and of its hidden states.
fn vision_encoder(path: &Path) -> Option<(ModelFolder, [usize; 2])> {
    let folder = if path.is_dir() {
        let folder = ModelFolder::Disk(path.to_owned());
        folder.has("config.json").then_some(folder)
    } else if is_safetensors(path) {
        families::vision_encoder(path)
    } else {
        None
    }?;
    let [embed, hidden] = *folder
        .weights(true)
        .ok()?
        .shape("visual_projection.weight")?
    else {
        return None;
    };
    Some((folder, [embed, hidden]))
}
