//! Stable Diffusion XL (Podell et al. 2023): the tokens of two text encoders, and beside the timestep what the second says
//! of the whole text and how large the picture is to look.

mod words;

use serde_json::{Map, Value};

use super::{
    Family, Probe, Recognised,
    latent_diffusion::{Facts, LatentFolder, family_folder},
};
use crate::{
    Result,
    model::{ModelFiles, not_a_model},
    weights::ModelFolder,
};

/// Their folders hold the same components.
const PIPELINES: [&str; 3] = [
    "StableDiffusionXLPipeline",
    "StableDiffusionXLImg2ImgPipeline",
    "StableDiffusionXLInpaintPipeline",
];

const FACTS: Facts = Facts {
    family: "Stable Diffusion XL",
    text_encoders: &[words::FIRST, words::SECOND],
    guidance_scale: 5.0,
    side_px: 1024,
    upcasts_autoencoder: true,
    open_words: words::open,
};

#[derive(Debug)]
pub struct StableDiffusionXl;

impl StableDiffusionXl {
    /// # Errors
    /// [`Error::NotAModel`](crate::Error::NotAModel) with the reason; [`Error::Io`](crate::Error::Io).
    pub fn open_folder(folder: ModelFolder) -> Result<LatentFolder> {
        LatentFolder::open(&FACTS, folder)
    }
}

impl Family for StableDiffusionXl {
    fn name(&self) -> &'static str {
        FACTS.family
    }

    fn reads(&self) -> &'static str {
        "StableDiffusionXLPipeline"
    }

    fn recognise(&self, probe: &Probe) -> Option<Recognised> {
        let is_own = PIPELINES.contains(&probe.pipeline()?);
        is_own.then_some(Recognised::Model { variant: "XL" })
    }

    fn open(&self, probe: &Probe, _companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
        if let Probe::Folder { folder, .. } = probe {
            refuse_refiner(folder)?;
        }
        family_folder(&FACTS, probe, self.reads())
    }
}

/// The model that only finishes pictures has the pipeline of image to image, and no first text encoder.
fn refuse_refiner(folder: &ModelFolder) -> Result<()> {
    let index: Map<String, Value> = folder.read_json("model_index.json")?;
    let entry = index.get(words::FIRST).and_then(Value::as_array);
    let has_none = entry.is_some_and(|entry| entry.iter().all(Value::is_null));
    let is_scored = index.get("requires_aesthetics_score") == Some(&Value::Bool(true));
    if has_none || is_scored {
        let reason = "it is the refiner of Stable Diffusion XL, which only finishes pictures of the base model; open the base model";
        return Err(not_a_model(folder, reason.to_owned()));
    }
    Ok(())
}
