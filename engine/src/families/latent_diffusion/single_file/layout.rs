//! What a family says of its single files, and such a file as the folder that diffusers would have saved.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Part, Scope, UNetShape,
    autoencoder::autoencoder,
    clip::clip,
    clip_files, few_steps, lone_parts,
    open_clip::{Layers, open_clip},
};
use crate::{
    Error, Result,
    families::{FileProbe, Recognised},
    samplers::Sampler,
    weights::{FileFacts, ModelFolder, SeenFolder, TensorFiles, Views},
};

/// A family's single files.
#[derive(Debug)]
pub(in crate::families) struct Layout {
    /// The class in `model_index.json` of such a folder.
    pub pipeline: &'static str,
    pub is_own: fn(&FileProbe, &UNetShape) -> bool,
    /// Of its family's models, as people call it.
    pub variant: &'static str,
    pub text_encoders: &'static [TextPart],
    /// What else it has, where that is in the file.
    pub more: fn(&TensorFiles) -> More,
    /// How many heads the attention of a level of this width has: no shape tells.
    pub heads: fn(usize) -> usize,
    /// What else the U-Net's config says.
    pub unet_entries: fn(&UNetShape) -> Value,
    /// What latents are multiplied with for the denoiser.
    pub scaling_factor: f64,
    /// What such a model predicts, or why it is none that Limn runs.
    pub prediction: fn(&FileProbe, &UNetShape) -> Result<Prediction, String>,
    pub recipe: fn(&Prediction) -> Recipe,
}

/// Further parts of a file, and what else a folder of such a model has.
#[derive(Debug, Default)]
pub(in crate::families) struct More {
    /// By their folders; `None` for one that must be there and is not.
    pub parts: Vec<(&'static str, Option<Part>)>,
    /// By their paths in the folder.
    pub texts: Vec<(&'static str, Value)>,
    /// In sentences.
    pub notes: Vec<String>,
}

/// Of a model that is its text encoders, U-Net and autoencoder.
pub(in crate::families) fn nothing_more(_: &TensorFiles) -> More {
    More::default()
}

/// A text encoder in a file.
#[derive(Debug)]
pub(in crate::families) struct TextPart {
    pub component: &'static str,
    pub tokenizer: &'static str,
    /// What fills up short prompts.
    pub pad_token: &'static str,
    pub naming: Naming,
    /// What may stand before its names; the first that is there counts.
    pub prefixes: &'static [&'static str],
}

/// In whose names a text encoder is.
#[derive(Debug, Clone, Copy)]
pub(in crate::families) enum Naming {
    Clip,
    OpenClip(Layers),
}

/// What a denoiser predicts, and how that is known.
#[derive(Debug, Clone)]
pub(in crate::families) struct Prediction {
    pub is_velocity: bool,
    /// Whether its schedule ends in pure noise.
    pub ends_in_noise: bool,
    /// In a sentence, where it is not the usual.
    pub reason: Option<String>,
}

/// What models of a family are mostly drawn with: a single file brings no recipe.
pub(in crate::families) struct Recipe {
    pub side_px: u32,
    pub n_steps: u32,
    pub guidance_scale: f32,
    pub sampler: Sampler,
}

/// The usual.
pub(in crate::families) fn epsilon() -> Prediction {
    Prediction {
        is_velocity: false,
        ends_in_noise: false,
        reason: None,
    }
}

/// What the file says that it predicts.
pub(in crate::families) fn told_prediction(file: &FileProbe) -> Option<Prediction> {
    let is_velocity = match file.metadata("modelspec.prediction_type")? {
        "v" | "v_prediction" => true,
        "epsilon" => false,
        _ => return None,
    };
    Some(Prediction {
        is_velocity,
        reason: is_velocity.then(|| "It predicts velocity, as the file says.".to_owned()),
        ..epsilon()
    })
}

pub(in crate::families) fn recognise(file: &FileProbe, layout: &Layout) -> Option<Recognised> {
    let (_, shape) = UNetShape::find(file.files())?;
    (layout.is_own)(file, &shape).then_some(Recognised::Model {
        variant: layout.variant,
    })
}

/// The file as the folder that `save_pretrained` would have written of it. What else is in it is counted.
///
/// # Errors
/// [`Error::NotAModel`] naming what is missing where the file has a U-Net and not all else.
pub(in crate::families::latent_diffusion) fn folder(
    file: &FileProbe,
    layout: &Layout,
    family: &str,
) -> Result<ModelFolder> {
    let files = file.files();
    let not_a_model = |reason: String| Error::NotAModel {
        path: file.path().to_owned(),
        reason,
    };
    let Some((scope, shape)) = UNetShape::find(files) else {
        return Err(not_a_model("it has no U-Net".to_owned()));
    };
    let prediction = (layout.prediction)(file, &shape).map_err(not_a_model)?;
    let More {
        parts: more,
        texts,
        notes,
    } = (layout.more)(files);
    let mut parts = parts(layout, files, &scope, &shape);
    parts.extend(more);
    let missing = parts.iter().filter(|(_, part)| part.is_none());
    let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        return Err(not_a_model(format!(
            "it has a U-Net of {family} and no {}: {}",
            missing.join(" and no "),
            lone_parts::PAIRING
        )));
    }
    let parts = parts
        .into_iter()
        .filter_map(|(name, part)| Some((name, part?)));
    let parts: Vec<(&str, Part)> = parts.collect();

    let mut folder = SeenFolder::new(file.paths().to_vec());
    let mut facts = facts(file, layout, &shape, &prediction);
    facts.unread = unread(files, parts.iter().map(|(_, part)| &part.views));
    facts.notes.extend(notes);
    folder.set_facts(facts);
    for (name, text) in texts {
        add_json(&mut folder, name, &text);
    }
    folder.add_beside("limn.json", file.card_path());
    add_json(&mut folder, "limn.json", &card(file, layout, &prediction));
    let index = json!({ "_class_name": layout.pipeline });
    add_json(&mut folder, "model_index.json", &index);
    add_json(
        &mut folder,
        "scheduler/scheduler_config.json",
        &scheduler(&prediction),
    );
    for text in layout.text_encoders {
        clip_files::add_tokenizer(&mut folder, text.tokenizer, text.pad_token);
    }
    for (name, part) in parts {
        add_json(&mut folder, format!("{name}/config.json"), &part.config);
        folder.add_weights(name, part.views);
    }
    Ok(folder.into_folder())
}

/// The components in the order in which a picture needs them; `None` for one that is not there.
fn parts(
    layout: &Layout,
    files: &TensorFiles,
    scope: &Scope,
    shape: &UNetShape,
) -> Vec<(&'static str, Option<Part>)> {
    let text = layout.text_encoders.iter().map(|text| {
        let part = match text.naming {
            Naming::Clip => clip(files, text.prefixes),
            Naming::OpenClip(layers) => open_clip(files, text.prefixes, layers),
        };
        (text.component, part)
    });
    let unet = shape.part(scope, layout.heads, &(layout.unet_entries)(shape));
    let vae = autoencoder(files, layout.scaling_factor);
    text.chain([("unet", Some(unet)), ("vae", vae)]).collect()
}

fn add_json(folder: &mut SeenFolder, name: impl Into<String>, value: &Value) {
    folder.add_text(name, value.to_string().into_bytes());
}

/// diffusers' config of the schedule that all these models were trained with.
fn scheduler(prediction: &Prediction) -> Value {
    let prediction_type = if prediction.is_velocity {
        "v_prediction"
    } else {
        "epsilon"
    };
    let spacing = if prediction.ends_in_noise {
        "trailing"
    } else {
        "leading"
    };
    json!({
        "_class_name": "DDIMScheduler",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "steps_offset": 1,
        "set_alpha_to_one": false,
        "clip_sample": false,
        "prediction_type": prediction_type,
        "rescale_betas_zero_snr": prediction.ends_in_noise,
        "timestep_spacing": spacing,
    })
}

/// What `limn.json` would say; one beside the file counts more.
fn card(file: &FileProbe, layout: &Layout, prediction: &Prediction) -> Value {
    let recipe = (layout.recipe)(prediction);
    let size = trained_size(file).unwrap_or((recipe.side_px, recipe.side_px));
    json!({
        "size": size,
        "steps": recipe.n_steps,
        "guidance_scale": recipe.guidance_scale,
        "sampler": recipe.sampler,
    })
}

fn facts(
    file: &FileProbe,
    layout: &Layout,
    shape: &UNetShape,
    prediction: &Prediction,
) -> FileFacts {
    let recipe = (layout.recipe)(prediction);
    let mut variant = layout.variant.to_owned();
    if prediction.is_velocity {
        variant += ", predicting velocity";
    }
    if prediction.ends_in_noise {
        variant += " to pure noise";
    }
    if shape.in_channels == 9 {
        variant += ", for inpainting (9 channels)";
    }
    let size = match trained_size(file) {
        Some((width, height)) => {
            format!("{width}×{height}, for the file says that it was trained so.")
        }
        None => format!(
            "{0}×{0}, which such models were trained with.",
            recipe.side_px
        ),
    };
    let steps = format!(
        "{} steps of {} with a guidance of {}: a single file brings no scheduler, and this is what such models are mostly drawn with.",
        recipe.n_steps,
        recipe.sampler.info().label,
        recipe.guidance_scale
    );
    let notes = [
        Some(size),
        Some(steps),
        prediction.reason.clone(),
        few_steps::note(file),
    ];
    FileFacts {
        variant: Some(variant),
        unread: Vec::new(),
        notes: notes.into_iter().flatten().collect(),
    }
}

/// The size that a file says it was trained for, as `1024x1024` or `512`.
fn trained_size(file: &FileProbe) -> Option<(u32, u32)> {
    const SIDES: std::ops::RangeInclusive<u32> = 64..=4_096;
    let words = file.metadata("modelspec.resolution")?.trim();
    let (width, height) = words.split_once('x').unwrap_or((words, words));
    let side = |words: &str| words.parse().ok().filter(|side| SIDES.contains(side));
    Some((side(width)?, side(height)?))
}

/// What of the files is in none of the parts, in words: averaged copies, and the rest.
fn unread<'a>(
    files: &TensorFiles,
    parts: impl Iterator<Item = &'a Views>,
) -> Vec<(&'static str, usize)> {
    const AVERAGED: &str = "model_ema.";
    let read: BTreeSet<&str> = parts
        .flat_map(|views| views.keys().map(String::as_str))
        .collect();
    let rest = files.names().filter(|name| !read.contains(name));
    let (averaged, others): (Vec<&str>, Vec<&str>) =
        rest.partition(|name| name.starts_with(AVERAGED));
    [
        ("averaged copies (EMA)", averaged.len()),
        ("of no part of the model", others.len()),
    ]
    .into_iter()
    .filter(|(_, n)| *n > 0)
    .collect()
}
