//! Stable Diffusion 2.1 unCLIP: beside the words a picture's CLIP embedding steers the U-Net through the time embedding, with
//! as much noise as one likes (noise augmentation, Ramesh et al. 2022).

mod sight;

use super::{
    Family, Probe, Recognised,
    latent_diffusion::{Facts, SightFacts, family_folder},
    stable_diffusion,
};
use crate::{Result, model::ModelFiles, weights::ModelFolder};

const FACTS: Facts = Facts {
    family: "Stable Diffusion 2 unCLIP",
    guidance_scale: 10.0,
    side_px: 768,
    sight: Some(SightFacts {
        components: sight::components,
        open: sight::open,
    }),
    ..stable_diffusion::FACTS
};

#[derive(Debug)]
pub struct StableDiffusion2Unclip;

impl Family for StableDiffusion2Unclip {
    fn name(&self) -> &'static str {
        FACTS.family
    }

    fn reads(&self) -> &'static str {
        "StableUnCLIPImg2ImgPipeline"
    }

    fn recognise(&self, probe: &Probe) -> Option<Recognised> {
        let is_own = probe.pipeline()? == self.reads();
        is_own.then_some(Recognised::Model {
            variant: "2.1 unCLIP",
        })
    }

    fn open(&self, probe: &Probe, _companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
        family_folder(&FACTS, probe)
    }
}
