//! Stable Diffusion 2.x: as its first version, with `OpenCLIP`'s text encoder, whose folder ends at the penultimate layer,
//! with as many heads as fit a level, and where the scheduler says so trained to predict velocity.

mod single_file;

use super::{
    Family, Probe, Recognised,
    latent_diffusion::{Facts, family_folder, single_file::recognise},
    stable_diffusion,
};
use crate::{Result, model::ModelFiles, weights::ModelFolder};

static FACTS: Facts = Facts {
    family: "Stable Diffusion 2",
    side_px: 768,
    single_file: &single_file::LAYOUT,
    ..stable_diffusion::FACTS
};

#[derive(Debug)]
pub struct StableDiffusion2;

impl Family for StableDiffusion2 {
    fn name(&self) -> &'static str {
        FACTS.family
    }

    fn reads(&self) -> &'static str {
        "StableDiffusionPipeline as a folder or in a single file"
    }

    fn recognise(&self, probe: &Probe) -> Option<Recognised> {
        match probe {
            Probe::Folder { .. } => {
                let is_own = stable_diffusion::version(probe)? == 2;
                is_own.then_some(Recognised::Model { variant: "2.x" })
            }
            Probe::File(file) => recognise(file, &single_file::LAYOUT),
        }
    }

    fn open(&self, probe: &Probe, _companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
        family_folder(&FACTS, probe)
    }
}
