//! unCLIP (Ramesh et al. 2022) as Kandinsky 2.2 has it: a prior makes an image embedding of the text, a decoder makes
//! latents of the embedding, an autoencoder pixels of the latents.

mod component_fit;
mod components;
mod conditioning;
mod folder;
mod mixing;
mod model;
mod reader;
mod repainting;

pub use folder::UnclipFolder;
use model::UnclipModel;

use super::{Family, Probe, Recognised};
use crate::{Result, model::ModelFiles, weights::ModelFolder};

const NAME: &str = "unCLIP";

#[derive(Debug)]
pub struct Unclip;

impl Family for Unclip {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> &'static str {
        "KandinskyV22CombinedPipeline and KandinskyV22Pipeline"
    }

    fn recognise(&self, probe: &Probe) -> Option<Recognised> {
        let pipeline = probe.pipeline()?;
        if folder::COMBINED_PIPELINES.contains(&pipeline) {
            Some(Recognised::Model {
                variant: "Kandinsky 2.2, combined",
            })
        } else if folder::DECODER_PIPELINES.contains(&pipeline) {
            Some(Recognised::Model {
                variant: "Kandinsky 2.2, a decoder with its prior",
            })
        } else {
            let is_prior = folder::PRIOR_PIPELINES.contains(&pipeline);
            is_prior.then_some(Recognised::Companion)
        }
    }

    fn open(&self, probe: &Probe, companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
        match probe {
            Probe::Folder { folder, .. } => {
                Ok(Box::new(UnclipFolder::open(folder.clone(), companion)?))
            }
            Probe::File(_) => Err(probe.refuse(self.reads())),
        }
    }
}
