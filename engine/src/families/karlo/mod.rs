//! Karlo: unCLIP (Ramesh et al. 2022) as the paper has it, in pixels. A prior makes an image embedding of the text, a decoder
//! draws 64×64 pixels of both, a network for super-resolution makes 256×256 of those.

mod enlarging;
mod folder;
mod model;
mod parts;
mod reading;

use super::{Family, Probe, Recognised};
use crate::{Result, model::ModelFiles, weights::ModelFolder};
use folder::KarloFolder;

const NAME: &str = "Karlo";
/// Pictures from text, and pictures from pictures.
const FROM_TEXT: &str = "UnCLIPPipeline";
const FROM_PICTURES: &str = "UnCLIPImageVariationPipeline";

#[derive(Debug)]
pub struct Karlo;

impl Family for Karlo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> &'static str {
        "UnCLIPPipeline and UnCLIPImageVariationPipeline"
    }

    fn recognise(&self, probe: &Probe) -> Option<Recognised> {
        let variant = match probe.pipeline()? {
            FROM_TEXT => "from text",
            FROM_PICTURES => "from pictures",
            _ => return None,
        };
        Some(Recognised::Model { variant })
    }

    fn open(&self, probe: &Probe, _companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
        match probe {
            Probe::Folder { folder, .. } => Ok(Box::new(KarloFolder::open(folder.clone())?)),
            Probe::File(_) => Err(probe.refuse(self.reads())),
        }
    }
}
