//! What folders that diffusers writes have in common, whatever the family.

use serde::Deserialize;

use super::{ComponentFiles, ModelCard, Settings, files::default_size};
use crate::{Error, Result, schedules::SchedulerConfig, weights::ModelFolder};

/// Configs and cards are small; whatever is larger is neither.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
pub(crate) const CARD_NAME: &str = "limn.json";
pub(crate) const MODEL_INDEX: &str = "model_index.json";

/// The class that `model_index.json` names.
///
/// # Errors
/// [`Error::NotAModel`] where there is none.
pub(crate) fn pipeline_class(folder: &ModelFolder) -> Result<String> {
    #[derive(Deserialize)]
    struct ModelIndex {
        #[serde(rename = "_class_name")]
        class_name: String,
    }

    if !folder.has(MODEL_INDEX) {
        return Err(not_a_model(
            folder,
            format!("the folder has no {MODEL_INDEX}"),
        ));
    }
    let index: ModelIndex = serde_json::from_slice(&folder.read(MODEL_INDEX, MAX_CONFIG_BYTES)?)
        .map_err(|error| not_a_model(folder, format!("{MODEL_INDEX} cannot be read ({error})")))?;
    Ok(index.class_name)
}

pub(crate) fn read_scheduler(folder: &ModelFolder) -> Result<SchedulerConfig> {
    const NAME: &str = "scheduler_config.json";
    let json = folder.read(NAME, MAX_CONFIG_BYTES)?;
    SchedulerConfig::from_json(&json, &folder.path(NAME))
}

/// How many times smaller a network's innermost level is: every level but the first halves.
pub(crate) fn total_halving(folder: &ModelFolder) -> Result<u32> {
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

/// A diffusers pipeline's folder: what is read of it whatever its family.
#[derive(Debug, Clone)]
pub(crate) struct PipelineFolder {
    pub root: ModelFolder,
    pub card: ModelCard,
    /// The denoiser's.
    pub scheduler: SchedulerConfig,
    /// Picture pixels per latent cell, along one side.
    pub latent_scale: u32,
    /// Latents' sides are whole multiples of this.
    pub latent_multiple: u32,
}

impl PipelineFolder {
    /// `autoencoder` is the name of its folder.
    ///
    /// # Errors
    /// [`Error::NotAModel`] for a scheduler, a card or configs that cannot be read; [`Error::Io`].
    pub fn read(root: ModelFolder, autoencoder: &str) -> Result<Self> {
        Ok(Self {
            scheduler: read_scheduler(&root.subfolder("scheduler"))?,
            card: read_card(&root)?,
            latent_scale: total_halving(&root.subfolder(autoencoder))?,
            latent_multiple: total_halving(&root.subfolder("unet"))?,
            root,
        })
    }

    /// The defaults as the family has them, with a size that fits.
    ///
    /// # Errors
    /// [`Error::NotAModel`] for `settings` that are none, and for a card's size that does not fit.
    pub fn checked(&self, settings: Result<Settings>, stride: u32) -> Result<Settings> {
        let settings = settings.map_err(|error| {
            not_a_model(&self.root, format!("its defaults do not work: {error}"))
        })?;
        Ok(Settings {
            size: default_size(&self.root, &self.card, settings.size, stride)?,
            ..settings
        })
    }
}

/// # Errors
/// [`Error::NotAModel`] naming a component that `root` has no folder of.
pub(crate) fn check_parts(root: &ModelFolder, components: &[ComponentFiles]) -> Result<()> {
    let missing = components
        .iter()
        .find(|component| !component.folder.has("config.json"));
    match missing {
        None => Ok(()),
        Some(ComponentFiles { name, .. }) => {
            Err(not_a_model(root, format!("its folder has no {name}")))
        }
    }
}

pub(crate) fn read_card(folder: &ModelFolder) -> Result<ModelCard> {
    if !folder.has(CARD_NAME) {
        return Ok(ModelCard::default());
    }
    let json = folder.read(CARD_NAME, MAX_CONFIG_BYTES)?;
    ModelCard::from_json(&json).map_err(|reason| Error::NotAModel {
        path: folder.path(CARD_NAME),
        reason: format!("{CARD_NAME} cannot be read ({reason})"),
    })
}

pub(crate) fn not_a_model(folder: &ModelFolder, reason: String) -> Error {
    Error::NotAModel {
        path: folder.path(""),
        reason,
    }
}
