//! The families of models, one folder each.
//!
//! A family knows its files, its components and their configs, how prompts and pictures become conditioning, how
//! latents become pixels, its schedule, defaults, settings and cost. It tells the rest by implementing [`Family`] here
//! and [`ModelFiles`] and [`FamilyModel`](crate::model::FamilyModel). A new one is a folder beside `unclip` and a line
//! in [`FAMILIES`].

mod denoiser_kind;
mod embeddings;
mod guided_unet;
pub mod karlo;
pub mod latent_diffusion;
mod prior_drawing;
mod probe;
pub mod stable_diffusion;
pub mod stable_diffusion_2;
pub mod stable_diffusion_2_unclip;
pub mod stable_diffusion_xl;
pub mod unclip;

use std::{fmt::Debug, path::Path};

pub use probe::{FileProbe, Probe};
pub(crate) use probe::{Shard, shards};

use crate::{
    Result,
    model::ModelFiles,
    weights::{ModelFolder, lora::LoraFile},
};

/// The registry.
pub static FAMILIES: [&dyn Family; 6] = [
    &unclip::Unclip,
    &stable_diffusion::StableDiffusion,
    &stable_diffusion_2::StableDiffusion2,
    &stable_diffusion_2_unclip::StableDiffusion2Unclip,
    &stable_diffusion_xl::StableDiffusionXl,
    &karlo::Karlo,
];

pub trait Family: Debug + Sync {
    /// As people call it.
    fn name(&self) -> &'static str;

    /// What it reads, in words for a message, as in `KandinskyV22Pipeline folders`.
    fn reads(&self) -> &'static str;

    /// Whether a folder or file is one of its models, told by what is in it.
    fn recognise(&self, probe: &Probe) -> Option<Recognised>;

    /// Reads the configs and checks that every part is there; weights are not opened.
    ///
    /// `companion` is a folder that was named with the model, where its family has models in two folders.
    ///
    /// # Errors
    /// [`Error::NotAModel`](crate::Error::NotAModel) with the reason; [`Error::Io`](crate::Error::Io).
    fn open(&self, probe: &Probe, companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>>;
}

/// What a family makes of a folder or file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// One of its models, of this variant.
    Model { variant: &'static str },
    /// A part of a model, and no model alone: it belongs to the one beside it.
    Companion,
}

/// Which family reads it.
pub fn recognise(probe: &Probe) -> Option<(&'static dyn Family, Recognised)> {
    FAMILIES
        .into_iter()
        .find_map(|family| Some((family, family.recognise(probe)?)))
}

/// Which models a LoRA was made for, in words, where that can be told.
pub fn describe_lora(file: &LoraFile) -> Option<&'static str> {
    latent_diffusion::single_file::describe_lora(file)
}

/// A file with a CLIP vision encoder in it, as the folder that transformers would have saved of that.
pub fn vision_encoder(path: &Path) -> Option<ModelFolder> {
    latent_diffusion::single_file::vision_encoder_file(path)
}

/// # Errors
/// [`Error::NotAModel`](crate::Error::NotAModel) where no family reads it, with what is there and what could be; those of the family.
pub fn open(probe: &Probe, companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
    if let Probe::File(file) = probe {
        file.files().check_packing()?;
    }
    match recognise(probe) {
        Some((family, _)) => family.open(probe, companion),
        None => {
            let mut reads: Vec<&str> = FAMILIES.iter().map(|family| family.reads()).collect();
            reads.dedup();
            Err(probe.refuse(&reads.join(", ")))
        }
    }
}
