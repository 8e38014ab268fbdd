//! Stable Diffusion 1.5 (Rombach et al. 2022): a text encoder's tokens steer a U-Net on the latents of an autoencoder.

mod component_fit;
mod components;
mod folder;
mod model;

pub use folder::StableDiffusionFolder;
use model::StableDiffusionModel;

use super::{Family, Probe, Recognised};
use crate::{Result, model::ModelFiles, weights::ModelFolder};

const NAME: &str = "Stable Diffusion";

/// Their folders hold the same components.
const PIPELINES: [&str; 3] = [
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
    "StableDiffusionInpaintPipeline",
];

#[derive(Debug)]
pub struct StableDiffusion;

impl Family for StableDiffusion {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> &'static str {
        "StableDiffusionPipeline"
    }

    fn recognise(&self, probe: &Probe) -> Option<Recognised> {
        let is_own = PIPELINES.contains(&probe.pipeline()?);
        is_own.then_some(Recognised::Model { variant: "1.5" })
    }

    fn open(&self, probe: &Probe, _companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
        match probe {
            Probe::Folder { folder, .. } => {
                Ok(Box::new(StableDiffusionFolder::open(folder.clone())?))
            }
            Probe::File(_) => Err(probe.refuse(self.reads())),
        }
    }
}
