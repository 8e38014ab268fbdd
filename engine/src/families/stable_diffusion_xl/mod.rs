//! Stable Diffusion XL (Podell et al. 2023): the tokens of two text encoders, and beside the timestep what the second says
//! of the whole text and how large the picture is to look.

mod single_file;
mod words;

use serde_json::{Map, Value};

use super::{
    Family, Probe, Recognised,
    latent_diffusion::{Facts, LatentFolder, family_folder, single_file::recognise},
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
    sight: None,
    open_words: words::open,
    single_file: &single_file::LAYOUT,
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
        "StableDiffusionXLPipeline as a folder or in a single file"
    }

    fn recognise(&self, probe: &Probe) -> Option<Recognised> {
        match probe {
            Probe::Folder { pipeline, .. } => {
                let is_own = PIPELINES.contains(&pipeline.as_deref()?);
                is_own.then_some(Recognised::Model { variant: "XL" })
            }
            Probe::File(file) => recognise(file, &single_file::LAYOUT),
        }
    }

    fn open(&self, probe: &Probe, _companion: Option<ModelFolder>) -> Result<Box<dyn ModelFiles>> {
        if let Probe::Folder { folder, .. } = probe {
            refuse_refiner(folder)?;
        }
        family_folder(&FACTS, probe)
    }
}

const REFINER: &str = "it is the refiner of Stable Diffusion XL, which only finishes pictures of the base model; open the base model";

/// The model that only finishes pictures has the pipeline of image to image, and no first text encoder.
fn refuse_refiner(folder: &ModelFolder) -> Result<()> {
    let index: Map<String, Value> = folder.read_json("model_index.json")?;
    let entry = index.get(words::FIRST).and_then(Value::as_array);
    let has_none = entry.is_some_and(|entry| entry.iter().all(Value::is_null));
    let is_scored = index.get("requires_aesthetics_score") == Some(&Value::Bool(true));
    if has_none || is_scored {
        return Err(not_a_model(folder, REFINER.to_owned()));
    }
    Ok(())
}
