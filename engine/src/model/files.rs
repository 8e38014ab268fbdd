//! A model's files, known without reading a tensor: what every family tells of its own.

use std::{
    fmt::Debug,
    path::{Path, PathBuf},
};

use burn::tensor::DType;
use sha2::{Digest, Sha256};

use super::{
    ComponentReport, DrawnSize, FamilyModel, ModelCard, ModelReport, Runtime, Settings,
    cascade::{UPSCALER, UPSCALER_WEIGHTS},
    diffusers_folder::{CARD_NAME, not_a_model},
};
use crate::{
    Error, Result,
    components::ip_adapter::IpAdapterConfig,
    foreign_text,
    protocol::{Feature, ModelId, ModelInfo, Operation, SettingInfo},
    weights::{FileFacts, LoadReport, ModelFolder, TensorFiles},
};

/// Of pictures that a model makes.
pub(crate) const MAX_SIDE_PX: u32 = 8_192;

/// A model whose configs were read and whose parts are all there; its weights are not opened.
pub trait ModelFiles: Debug {
    /// As people call its family.
    fn family(&self) -> &'static str;

    /// The folder that stands for the model in messages, and in which its upscaler may lie.
    fn root(&self) -> &ModelFolder;

    fn card(&self) -> &ModelCard;

    /// The card's, else the family's; the size is what is delivered. They work: opening the model has tried them.
    fn settings(&self) -> Settings;

    /// The sizes that the model itself draws step by this many pixels.
    fn stride(&self) -> u32;

    /// In the order in which a picture needs them.
    fn components(&self) -> Vec<ComponentFiles>;

    /// What it can be asked for; nothing where its configs say nothing sensible.
    fn operations(&self) -> Vec<Operation>;

    fn features(&self) -> Vec<Feature>;

    /// Whether an IP-Adapter was made for such a model.
    fn fits_ip_adapter(&self, _adapter: &IpAdapterConfig) -> bool {
        false
    }

    /// The settings that the model has, as they are shown.
    fn setting_infos(&self, settings: &Settings) -> Vec<SettingInfo>;

    /// Reads and checks the configs of all components and the vocabulary; no weights.
    ///
    /// # Errors
    /// [`Error::NotAModel`] when a config is none of this family's or the components are from different models;
    /// [`Error::Io`].
    fn open(self: Box<Self>, runtime: &Runtime) -> Result<Box<dyn FamilyModel>>;

    /// What [`Self::open`] does, for nothing: what it refuses no picture can be drawn with.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    fn check(self: Box<Self>) -> Result<()> {
        self.open(&Runtime::for_nothing()).map(drop)
    }

    /// For messages.
    fn path(&self) -> PathBuf {
        self.root().path("")
    }

    /// The name that people see: the card's, else the folder's.
    fn name(&self) -> String {
        self.card().name.clone().unwrap_or_else(|| {
            let path = self.path();
            let has_parts = !self.card().parts.is_empty();
            let name = match self.root() {
                ModelFolder::Seen { .. } if has_parts => path.parent().and_then(Path::file_name),
                ModelFolder::Seen { .. } => path.file_stem(),
                ModelFolder::Disk(_) | ModelFolder::Embedded { .. } => path.file_name(),
            };
            let name = name.unwrap_or(path.as_os_str());
            foreign_text::name(name.to_string_lossy()).to_string()
        })
    }

    /// The sizes that it delivers step by this many pixels.
    fn size_step(&self) -> u32 {
        let scale = self
            .card()
            .cascade
            .as_ref()
            .map_or(1, |cascade| cascade.scale);
        self.stride() * scale
    }

    /// What the model itself draws for a picture of `size`.
    ///
    /// # Errors
    /// [`Error::UnsupportedSize`], naming the nearest size that fits.
    fn drawn_size(&self, size: (u32, u32)) -> Result<DrawnSize> {
        drawn_size(self.card(), size, self.stride())
    }

    /// Bytes of all weights' files.
    ///
    /// # Errors
    /// When a component's weights are missing or are no safetensors.
    fn weights_bytes(&self) -> Result<u64> {
        let components = self.components().into_iter();
        components
            .map(|component| Ok(component.folder.weights(false)?.n_bytes()))
            .sum()
    }

    /// The folder of the tokenizer that reads its prompts in chunks, if that is how it reads them.
    fn tokenizer(&self) -> Option<ModelFolder> {
        None
    }

    /// What else is to be known of it, as where its own scheduler is not here.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// What the window and the command line show of it.
    ///
    /// # Errors
    /// When a component's weights are missing or are no safetensors.
    fn info(&self, id: ModelId) -> Result<ModelInfo> {
        let settings = self.settings();
        let (width, height) = settings.size;
        let card = self.card();
        Ok(ModelInfo {
            id,
            name: self.name(),
            family: self.family().to_owned(),
            description: card
                .description
                .clone()
                .unwrap_or_else(|| format!("Draws what you describe, at {width}×{height}.")),
            bytes: self.weights_bytes()?,
            stride: self.size_step(),
            default_size: settings.size,
            defaults: settings.sampling(),
            vocabulary: card.vocabulary.clone().map(Into::into),
            examples: card.examples.clone(),
            operations: self.operations(),
            features: self.features(),
            settings: self.setting_infos(&settings),
            native_sizes: match &card.cascade {
                Some(cascade) => cascade.sizes().collect(),
                None => vec![settings.size],
            },
        })
    }

    /// Compares every component's files with its config. Their faults are told in the report.
    fn inspect(&self) -> ModelReport {
        let settings = self.settings();
        let Settings { size, sampler, .. } = settings;
        let FileFacts {
            variant,
            unread,
            notes,
        } = self.root().facts();
        let components = self.components();
        let components: Vec<_> = components.iter().map(ComponentFiles::report).collect();
        let reports = components
            .iter()
            .filter_map(|component| component.report.as_ref());
        let can = self.operations().into_iter().map(Operation::label);
        let embeds = self.features().contains(&Feature::Embeddings);
        let can = can.chain(embeds.then_some("embed")).map(str::to_owned);
        ModelReport {
            name: self.name(),
            family: self.family().to_owned(),
            path: self.path().display().to_string(),
            bytes: components.iter().map(|component| component.bytes).sum(),
            n_parameters: reports.map(|report| report.n_parameters).sum(),
            default_size: size,
            stride: self.size_step(),
            sampler: sampler.to_string(),
            variant,
            recipe: settings.sampling(),
            notes: notes.into_iter().chain(self.notes()).collect(),
            unread: unread
                .into_iter()
                .map(|(what, n)| (what.to_owned(), n))
                .collect(),
            abilities: if components.iter().all(ComponentReport::fits) {
                can.collect()
            } else {
                Vec::new()
            },
            components,
        }
    }
}

/// The size that a model delivers where nobody says: its card's, which must fit, or what fits best.
///
/// # Errors
/// [`Error::NotAModel`] for sizes that step by too much, and for sizes in a card that do not fit.
pub(crate) fn default_size(
    root: &ModelFolder,
    card: &ModelCard,
    family_size: (u32, u32),
    stride: u32,
) -> Result<(u32, u32)> {
    /// Models step by up to 64; beyond this a model has hardly a size.
    const MAX_STRIDE_PX: u32 = 1_024;
    if stride > MAX_STRIDE_PX {
        let reason = format!("its sizes step by {stride} px, above {MAX_STRIDE_PX}");
        return Err(not_a_model(root, reason));
    }
    let Some(size) = card.size else {
        let (width, height) = family_size;
        return Ok((nearest_side(width, stride), nearest_side(height, stride)));
    };
    let misfit = |error| not_a_model(root, format!("{CARD_NAME}: {error}"));
    check_size(size, stride).map_err(misfit)?;
    let Some(cascade) = &card.cascade else {
        return Ok(size);
    };
    if !root.subfolder(UPSCALER).has(UPSCALER_WEIGHTS) {
        let reason =
            format!("{CARD_NAME} has a cascade, and there is no {UPSCALER}/{UPSCALER_WEIGHTS}");
        return Err(not_a_model(root, reason));
    }
    let step = cascade
        .scale
        .checked_pow(cascade.most_passes(size))
        .and_then(|scale| stride.checked_mul(scale));
    if step.is_none_or(|step| step > MAX_SIDE_PX) {
        let reason = format!("{CARD_NAME}: its cascade steps by more than {MAX_SIDE_PX} px");
        return Err(not_a_model(root, reason));
    }
    for size in cascade.sizes() {
        drawn_size(card, size, stride).map_err(misfit)?;
    }
    Ok(cascade.size)
}

fn drawn_size(card: &ModelCard, size: (u32, u32), stride: u32) -> Result<DrawnSize> {
    let (Some(cascade), Some(own)) = (&card.cascade, card.size) else {
        check_size(size, stride)?;
        return Ok(DrawnSize::as_delivered(size));
    };
    let n_passes = cascade.n_passes(own, size);
    // There are no more passes than `default_size` has tried.
    let scale = cascade.scale.pow(n_passes);
    check_size(size, stride * scale)?;
    Ok(DrawnSize {
        size: (size.0 / scale, size.1 / scale),
        n_passes,
        scale,
    })
}

fn check_size((width, height): (u32, u32), stride: u32) -> Result<()> {
    let (nearest_width, nearest_height) =
        (nearest_side(width, stride), nearest_side(height, stride));
    if (width, height) == (nearest_width, nearest_height) {
        return Ok(());
    }
    Err(Error::UnsupportedSize {
        width,
        height,
        stride,
        nearest_width,
        nearest_height,
    })
}

/// A whole number of strides, of which at least one fits.
fn nearest_side(side: u32, stride: u32) -> u32 {
    let side = side.clamp(stride, MAX_SIDE_PX - MAX_SIDE_PX % stride);
    (side + stride / 2) / stride * stride
}

/// A component's files, and what a family says of it.
#[derive(Debug, Clone)]
pub struct ComponentFiles {
    /// As the reference library calls it: a folder's name.
    pub name: &'static str,
    pub folder: ModelFolder,
    /// What is given up first when memory is short has the lowest: the later in a job, the longer it stays.
    pub stays: u8,
    pub inspect: fn(&ModelFolder) -> Result<LoadReport>,
}

impl ComponentFiles {
    /// The component in the folder of its name.
    pub fn in_folder(
        root: &ModelFolder,
        name: &'static str,
        stays: u8,
        inspect: fn(&ModelFolder) -> Result<LoadReport>,
    ) -> Self {
        Self {
            name,
            folder: root.subfolder(name),
            stays,
            inspect,
        }
    }

    /// Bytes that the tensors in the files that are read take where they run in `dtype`, with or without
    /// [layers' weights in half precision](crate::weights::LoadOptions::keeps_half).
    ///
    /// # Errors
    /// When the weights are missing or are no safetensors.
    pub fn bytes_in(
        &self,
        dtype: DType,
        keeps_half: bool,
        is_read: impl Fn(&str) -> bool,
    ) -> Result<u64> {
        let files = self.folder.weights(dtype != DType::F32)?;
        Ok(files.bytes_in(dtype, keeps_half, is_read))
    }

    /// Tells whether the files are still the ones that a value was kept for, without reading them; `None` for files
    /// inside the binary, which a build decides.
    pub fn fingerprint(&self) -> Option<String> {
        match &self.folder {
            ModelFolder::Disk(folder) => {
                let entries = std::fs::read_dir(folder).ok()?.flatten();
                let files: Vec<_> = entries.map(|entry| entry.path()).collect();
                fingerprint(folder, &files)
            }
            ModelFolder::Seen { folder, .. } => fingerprint_of(folder.paths()),
            ModelFolder::Embedded { .. } => None,
        }
    }

    fn report(&self) -> ComponentReport {
        let files = self.folder.weights(false).ok();
        let (report, fault) = match (self.inspect)(&self.folder) {
            Ok(report) => (Some(report), None),
            Err(error) => (None, Some(error.to_string())),
        };
        ComponentReport {
            name: self.name.to_owned(),
            bytes: files.as_ref().map_or(0, TensorFiles::n_bytes),
            dtypes: files.as_ref().map(TensorFiles::dtypes).unwrap_or_default(),
            report,
            fault,
        }
    }
}

/// Of files without a folder of their own.
pub(super) fn fingerprint_of(files: &[PathBuf]) -> Option<String> {
    fingerprint(files.first()?, files)
}

fn fingerprint(place: &Path, files: &[PathBuf]) -> Option<String> {
    let mut lines: Vec<String> = files.iter().filter_map(|path| state_of(path)).collect();
    lines.sort();
    let place = place.canonicalize().ok()?;
    Some(sha256_hex(
        format!("{}\n{}", place.display(), lines.join("\n")).as_bytes(),
    ))
}

/// Whether a file is named as weights that Limn opens are.
pub(crate) fn is_safetensors(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"))
}

/// A file's name, size and time of change. Of a link, the file that it leads to.
pub(super) fn state_of(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    let name = path.file_name()?.to_string_lossy();
    Some(format!("{name} {} {}", metadata.len(), since.as_nanos()))
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    let mut hex = String::new();
    for byte in Sha256::digest(bytes) {
        // Writing to a string never fails.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
