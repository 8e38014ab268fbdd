//! The unCLIP family in the Kandinsky 2.2 format of diffusers: where its parts lie.

use std::{fmt::Write, path::Path};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Defaults, ModelCard};
use crate::{
    Error, Result, foreign_text,
    protocol::{ModelId, ModelInfo},
    schedules::SchedulerConfig,
    weights::ModelFolder,
};

/// Configs and cards are small; whatever is larger is neither.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
const CARD_NAME: &str = "limn.json";
/// Of pictures that a model makes.
pub(crate) const MAX_SIDE_PX: u32 = 8_192;
const COMBINED_PIPELINES: [&str; 3] = [
    "KandinskyV22CombinedPipeline",
    "KandinskyV22Img2ImgCombinedPipeline",
    "KandinskyV22InpaintCombinedPipeline",
];
const DECODER_PIPELINES: [&str; 3] = [
    "KandinskyV22Pipeline",
    "KandinskyV22Img2ImgPipeline",
    "KandinskyV22InpaintPipeline",
];
const PRIOR_PIPELINES: [&str; 2] = [
    "KandinskyV22PriorPipeline",
    "KandinskyV22PriorEmb2EmbPipeline",
];

/// A part of an unCLIP model that has weights, in the order in which a picture needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    TextEncoder,
    Prior,
    ImageEncoder,
    Unet,
    Movq,
}

impl Component {
    pub const ALL: [Self; 5] = [
        Self::TextEncoder,
        Self::Prior,
        Self::ImageEncoder,
        Self::Unet,
        Self::Movq,
    ];

    /// As diffusers calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::TextEncoder => "text_encoder",
            Self::Prior => "prior",
            Self::ImageEncoder => "image_encoder",
            Self::Unet => "unet",
            Self::Movq => "movq",
        }
    }

    fn is_of_prior(self) -> bool {
        matches!(self, Self::TextEncoder | Self::Prior | Self::ImageEncoder)
    }
}

/// An unCLIP model: one combined folder, or a decoder's and a prior's.
#[derive(Debug, Clone)]
pub struct UnclipFolder {
    decoder: ModelFolder,
    prior: PriorPlace,
    card: ModelCard,
    defaults: Defaults,
    scheduler: SchedulerConfig,
    prior_scheduler: SchedulerConfig,
    movq_scale: u32,
    unet_multiple: u32,
}

/// Where the prior pipeline's parts are.
#[derive(Debug, Clone)]
enum PriorPlace {
    /// Beside the decoder's, under names with `prior_` before them.
    Combined,
    Own(ModelFolder),
}

impl UnclipFolder {
    /// Reads the configs and checks that every part is there; weights are not opened.
    ///
    /// A decoder without `prior` finds one in a folder inside it or beside it.
    ///
    /// # Errors
    /// [`Error::NotAModel`] with the reason; [`Error::Io`].
    pub fn open(root: ModelFolder, prior: Option<ModelFolder>) -> Result<Self> {
        let class = pipeline_class(&root)?;
        let prior = if COMBINED_PIPELINES.contains(&class.as_str()) {
            PriorPlace::Combined
        } else if DECODER_PIPELINES.contains(&class.as_str()) {
            PriorPlace::Own(find_prior(&root, prior)?)
        } else {
            let reason = if PRIOR_PIPELINES.contains(&class.as_str()) {
                "it is the prior of a model; open the decoder's folder, with this one as its prior"
                    .to_owned()
            } else {
                format!(
                    "its pipeline is {class}, and Limn reads KandinskyV22CombinedPipeline and KandinskyV22Pipeline"
                )
            };
            return Err(not_a_model(&root, reason));
        };
        let scheduler = read_scheduler(&root.subfolder("scheduler"))?;
        scheduler.sampler()?;
        let prior_scheduler = read_scheduler(&prior.part(&root, "scheduler"))?;
        prior_scheduler.check_is_unclip()?;
        let card = read_card(&root)?;
        let mut folder = Self {
            defaults: Defaults::new(&card, &scheduler, &prior_scheduler).map_err(|error| {
                not_a_model(&root, format!("its defaults do not work: {error}"))
            })?,
            card,
            scheduler,
            prior_scheduler,
            movq_scale: total_halving(&root.subfolder("movq"))?,
            unet_multiple: total_halving(&root.subfolder("unet"))?,
            decoder: root,
            prior,
        };
        folder.check_parts()?;
        folder.check_sizes()?;
        Ok(folder)
    }

    /// What the card says must fit the model; what nobody says is made to fit.
    fn check_sizes(&mut self) -> Result<()> {
        /// Kandinsky 2.2 steps by 64; beyond this a model has hardly a size.
        const MAX_STRIDE_PX: u32 = 1_024;
        let stride = self.stride();
        if stride > MAX_STRIDE_PX {
            let reason = format!("its sizes step by {stride} px, above {MAX_STRIDE_PX}");
            return Err(not_a_model(&self.decoder, reason));
        }
        let (width, height) = self.defaults.size;
        if self.card.size.is_some() {
            self.check_size(width, height)
                .map_err(|error| not_a_model(&self.decoder, format!("{CARD_NAME}: {error}")))?;
        } else {
            self.defaults.size = (self.nearest_side(width), self.nearest_side(height));
        }
        Ok(())
    }

    fn check_parts(&self) -> Result<()> {
        for component in Component::ALL {
            let part = self.component(component);
            if !part.has("config.json") {
                let reason = format!("its folder has no {}", component.name());
                return Err(not_a_model(&self.decoder, reason));
            }
        }
        Ok(())
    }

    /// The folder of a component: its config and weights.
    pub fn component(&self, component: Component) -> ModelFolder {
        if component.is_of_prior() {
            self.prior.part(&self.decoder, component.name())
        } else {
            self.decoder.subfolder(component.name())
        }
    }

    /// The folder of the text encoder's vocabulary.
    pub fn tokenizer(&self) -> ModelFolder {
        self.prior.part(&self.decoder, "tokenizer")
    }

    /// The folder that says how pictures are prepared for the image encoder.
    pub fn image_processor(&self) -> ModelFolder {
        self.prior.part(&self.decoder, "image_processor")
    }

    /// The decoder's.
    pub fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    pub fn prior_scheduler(&self) -> &SchedulerConfig {
        &self.prior_scheduler
    }

    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The folder itself; of a model in two, the decoder's.
    pub(super) fn root(&self) -> &ModelFolder {
        &self.decoder
    }

    /// For messages.
    pub fn path(&self) -> std::path::PathBuf {
        self.decoder.path("")
    }

    /// The name that people see: the card's, else the folder's.
    pub fn name(&self) -> String {
        self.card.name.clone().unwrap_or_else(|| {
            let path = self.path();
            let name = path.file_name().unwrap_or(path.as_os_str());
            foreign_text::name(name.to_string_lossy()).to_string()
        })
    }

    pub fn defaults(&self) -> Defaults {
        self.defaults
    }

    /// Picture pixels per latent cell, along one side.
    pub fn movq_scale(&self) -> u32 {
        self.movq_scale
    }

    /// Sizes step by this many pixels.
    ///
    /// The reference rounds the latents of a picture to whole multiples of the autoencoder's scale; the
    /// U-Net halves them once for each of its levels.
    pub fn stride(&self) -> u32 {
        self.movq_scale * self.movq_scale.max(self.unet_multiple)
    }

    /// # Errors
    /// [`Error::UnsupportedSize`], naming the nearest size that fits.
    pub fn check_size(&self, width: u32, height: u32) -> Result<()> {
        let stride = self.stride();
        let (nearest_width, nearest_height) = (self.nearest_side(width), self.nearest_side(height));
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
    fn nearest_side(&self, side: u32) -> u32 {
        let stride = self.stride();
        let side = side.clamp(stride, MAX_SIDE_PX - MAX_SIDE_PX % stride);
        (side + stride / 2) / stride * stride
    }

    /// Bytes of all weights' files.
    ///
    /// # Errors
    /// When a component's weights are missing or are no safetensors.
    pub fn weights_bytes(&self) -> Result<u64> {
        Component::ALL
            .into_iter()
            .map(|component| Ok(self.component(component).weights(false)?.n_bytes()))
            .sum()
    }

    /// What the window and the command line show of it.
    ///
    /// # Errors
    /// When a component's weights are missing or are no safetensors.
    pub fn info(&self, id: ModelId) -> Result<ModelInfo> {
        let defaults = self.defaults();
        let (width, height) = defaults.size;
        Ok(ModelInfo {
            id,
            name: self.name(),
            family: "unCLIP".to_owned(),
            description: self
                .card
                .description
                .clone()
                .unwrap_or_else(|| format!("Draws what you describe, at {width}×{height}.")),
            bytes: self.weights_bytes()?,
            stride: self.stride(),
            default_size: defaults.size,
            defaults: defaults.sampling(),
            vocabulary: self.card.vocabulary.clone().map(Into::into),
            examples: self.card.examples.clone(),
            deeds: self.deeds(),
        })
    }

    /// SHA-256 over a component's weights, in hexadecimal. Reads them whole.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn component_hash(&self, component: Component) -> Result<String> {
        self.component(component).weights(false)?.sha256()
    }

    /// Tells whether the files of a component are still the ones that a value was kept for, without reading
    /// them; `None` for files inside the binary, which a build decides.
    pub fn fingerprint(&self, component: Component) -> Option<String> {
        let ModelFolder::Disk(folder) = self.component(component) else {
            return None;
        };
        let mut lines: Vec<String> = std::fs::read_dir(&folder)
            .ok()?
            .flatten()
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                let modified = metadata.modified().ok()?;
                let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
                let name = entry.file_name();
                Some(format!(
                    "{} {} {}",
                    name.to_string_lossy(),
                    metadata.len(),
                    since.as_nanos()
                ))
            })
            .collect();
        lines.sort();
        let folder = folder.canonicalize().ok()?;
        Some(sha256_hex(
            format!("{}\n{}", folder.display(), lines.join("\n")).as_bytes(),
        ))
    }
}

impl PriorPlace {
    fn part(&self, decoder: &ModelFolder, name: &str) -> ModelFolder {
        match self {
            Self::Combined => decoder.subfolder(&format!("prior_{name}")),
            Self::Own(folder) => folder.subfolder(name),
        }
    }
}

/// Whether the folder holds a prior's pipeline and nothing else.
pub(super) fn is_prior(folder: &ModelFolder) -> bool {
    pipeline_class(folder).is_ok_and(|class| PRIOR_PIPELINES.contains(&class.as_str()))
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(bytes) {
        // Writing to a string never fails.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn pipeline_class(folder: &ModelFolder) -> Result<String> {
    #[derive(Deserialize)]
    struct ModelIndex {
        #[serde(rename = "_class_name")]
        class_name: String,
    }

    const NAME: &str = "model_index.json";
    if !folder.has(NAME) {
        return Err(not_a_model(folder, format!("the folder has no {NAME}")));
    }
    let index: ModelIndex = serde_json::from_slice(&folder.read(NAME, MAX_CONFIG_BYTES)?)
        .map_err(|error| not_a_model(folder, format!("{NAME} cannot be read ({error})")))?;
    Ok(index.class_name)
}

fn find_prior(decoder: &ModelFolder, named: Option<ModelFolder>) -> Result<ModelFolder> {
    if let Some(prior) = named {
        if is_prior(&prior) {
            return Ok(prior);
        }
        let reason = "it is not the folder of a prior (KandinskyV22PriorPipeline)".to_owned();
        return Err(not_a_model(&prior, reason));
    }
    let ModelFolder::Disk(path) = decoder else {
        return Err(missing_prior(decoder));
    };
    let inside = subfolders(path);
    let beside = path.parent().map(subfolders).unwrap_or_default();
    inside
        .into_iter()
        .chain(beside)
        .find(is_prior)
        .ok_or_else(|| missing_prior(decoder))
}

fn missing_prior(decoder: &ModelFolder) -> Error {
    let reason = "it is a decoder, and its prior is neither inside nor beside it: put the prior's folder there, or name it with --prior";
    not_a_model(decoder, reason.to_owned())
}

/// In a fixed order, so that the same folder is found every time.
fn subfolders(path: &Path) -> Vec<ModelFolder> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    paths.into_iter().map(ModelFolder::Disk).collect()
}

fn read_scheduler(folder: &ModelFolder) -> Result<SchedulerConfig> {
    const NAME: &str = "scheduler_config.json";
    let json = folder.read(NAME, MAX_CONFIG_BYTES)?;
    SchedulerConfig::from_json(&json, &folder.path(NAME))
}

/// How many times smaller a network's innermost level is: every level but the first halves.
fn total_halving(folder: &ModelFolder) -> Result<u32> {
    #[derive(Deserialize)]
    struct Levels {
        block_out_channels: Vec<u32>,
    }

    const MAX_LEVELS: usize = 8;
    let json = folder.read("config.json", MAX_CONFIG_BYTES)?;
    let Levels { block_out_channels } = serde_json::from_slice(&json)
        .map_err(|error| not_a_model(folder, format!("config.json cannot be read ({error})")))?;
    let n_levels = block_out_channels.len();
    if !(1..=MAX_LEVELS).contains(&n_levels) {
        return Err(not_a_model(
            folder,
            format!("its network has {n_levels} levels"),
        ));
    }
    Ok(1 << (n_levels - 1))
}

fn read_card(folder: &ModelFolder) -> Result<ModelCard> {
    if !folder.has(CARD_NAME) {
        return Ok(ModelCard::default());
    }
    let json = folder.read(CARD_NAME, MAX_CONFIG_BYTES)?;
    ModelCard::from_json(&json)
        .map_err(|reason| not_a_model(folder, format!("{CARD_NAME} cannot be read ({reason})")))
}

fn not_a_model(folder: &ModelFolder, reason: String) -> Error {
    Error::NotAModel {
        path: folder.path(""),
        reason,
    }
}
