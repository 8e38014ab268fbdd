//! Stable Diffusion 1.x (Rombach et al. 2022): a text encoder's tokens steer a U-Net on the latents of an autoencoder.

mod single_file;
mod words;

use super::{
    Family, Probe, Recognised,
    latent_diffusion::{Facts, LatentFolder, family_folder, single_file::recognise},
};
use crate::{Result, model::ModelFiles, weights::ModelFolder};

/// Their folders hold the same components.
const PIPELINES: [&str; 3] = [
    "StableDiffusionPipeline",
    "StableDiffusionImg2ImgPipeline",
    "StableDiffusionInpaintPipeline",
];

pub(super) const FACTS: Facts = Facts {
    family: "Stable Diffusion",
    text_encoders: &["text_encoder"],
    guidance_scale: 7.5,
    side_px: 512,
    upcasts_autoencoder: false,
    sight: None,
    open_words: words::open,
    single_file: &single_file::LAYOUT,
};

/// Whether a folder is of one of the pipelines with one text encoder, and of version 2.
///
/// Both versions have the same pipelines; from the second on transformers are entered by linear layers.
pub(super) fn version(probe: &Probe) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Unet {
        #[serde(default)]
        use_linear_projection: bool,
    }

    let Probe::Folder { folder, .. } = probe else {
        return None;
    };
    if !PIPELINES.contains(&probe.pipeline()?) {
        return None;
    }
    let unet = folder.subfolder("unet").read_json("config.json");
    let is_second = unet.is_ok_and(|unet: Unet| unet.use_linear_projection);
    Some(if is_second { 2 } else { 1 })
}

#[derive(Debug)]
pub struct StableDiffusion;

impl StableDiffusion {
    /// # Errors
    /// [`Error::NotAModel`](crate::Error::NotAModel) with the reason; [`Error::Io`](crate::Error::Io).
    pub fn open_folder(folder: ModelFolder) -> Result<LatentFolder> {
        LatentFolder::open(&FACTS, folder)
    }
}

impl Family for StableDiffusion {
    fn name(&self) -> &'static str {
        FACTS.family
    }

    fn reads(&self) -> &'static str {
        "StableDiffusionPipeline as a folder or in a single file"
    }

    fn recognise(&self, probe: &Probe) -> Option<Recognised> {
        match probe {
            Probe::Folder { .. } => {
                (version(probe)? == 1).then_some(Recognised::Model { variant: "1.5" })
            }
            Probe::File(file) => recognise(file, &single_file::LAYOUT),
        }
    }

    fn open(&self, probe: &Probe, _companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
        family_folder(&FACTS, probe)
    }
}
