//! Stable Diffusion 2.1 unCLIP: beside the words a picture's CLIP embedding steers the U-Net through the time embedding, with
//! as much noise as one likes (noise augmentation, Ramesh et al. 2022).

mod sight;
mod single_file;

use super::{
    Family, Probe, Recognised,
    latent_diffusion::{Facts, SightFacts, family_folder, single_file::recognise},
    stable_diffusion,
};
use crate::{
    Result,
    model::{ModelFiles, not_a_model},
    weights::ModelFolder,
};

const FACTS: Facts = Facts {
    family: "Stable Diffusion 2 unCLIP",
    guidance_scale: 10.0,
    side_px: 768,
    sight: Some(SightFacts {
        components: sight::components,
        open: sight::open,
    }),
    single_file: &single_file::LAYOUT,
    ..stable_diffusion::FACTS
};

/// Beside what is read here it has a prior, which makes an embedding of words.
const WITH_PRIOR: &str = "StableUnCLIPPipeline";
const NO_PRIOR: &str = "it is a StableUnCLIPPipeline, whose prior makes a picture's embedding of words, which Limn runs for Karlo and Kandinsky alone; the same model as a StableUnCLIPImg2ImgPipeline opens, and draws from words as well as from pictures";

#[derive(Debug)]
pub struct StableDiffusion2Unclip;

impl Family for StableDiffusion2Unclip {
    fn name(&self) -> &'static str {
        FACTS.family
    }

    fn reads(&self) -> &'static str {
        "StableUnCLIPImg2ImgPipeline as a folder or in a single file"
    }

    fn recognise(&self, probe: &Probe) -> Option<Recognised> {
        match probe {
            Probe::Folder { pipeline, .. } => {
                let is_own =
                    [single_file::LAYOUT.pipeline, WITH_PRIOR].contains(&pipeline.as_deref()?);
                is_own.then_some(Recognised::Model {
                    variant: single_file::LAYOUT.variant,
                })
            }
            Probe::File(file) => recognise(file, &single_file::LAYOUT),
        }
    }

    fn open(&self, probe: &Probe, _companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
        if let Probe::Folder { folder, pipeline } = probe
            && pipeline.as_deref() == Some(WITH_PRIOR)
        {
            return Err(not_a_model(folder, NO_PRIOR.to_owned()));
        }
        family_folder(&FACTS, probe)
    }
}
