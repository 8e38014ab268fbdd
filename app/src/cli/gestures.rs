//! What `limn variations`, `blend` and `shift` share: the pictures that they are given, and how a job is run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use image::RgbImage;
use limn_engine::protocol::{BlobHash, GenerateRequest, JobId, PictureInput, Request};

use super::{
    arguments::LookingArguments,
    conversation::Conversation,
    editing,
    making::{Maker, MakingArguments},
};
use crate::{
    gallery::{PictureId, recipe::Recipe},
    import,
};

/// A picture that a command was given.
pub struct Given {
    pub input: PictureInput,
    rgba: Arc<[u8]>,
    path: PathBuf,
    /// If Limn made it.
    pub id: Option<PictureId>,
    /// What it is called: by its recipe, else its file.
    pub name: String,
}

impl Given {
    /// Opens a picture file, and makes it as small as the engine needs it.
    ///
    /// # Errors
    /// Those of [`editing::open`].
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let pixels = import::small_enough(Arc::new(editing::open(path)?), import::LOOKED_AT_PX);
        let recipe = editing::recipe_of(path);
        let rgba: Arc<[u8]> = pixels.as_raw().as_slice().into();
        let title = recipe.as_ref().map(Recipe::title);
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            input: PictureInput {
                pixels: BlobHash::of(&rgba),
                width: pixels.width(),
                height: pixels.height(),
            },
            rgba,
            path: path.to_owned(),
            id: recipe.map(|recipe| recipe.id),
            name: title
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| file_name.into_owned()),
        })
    }
}

/// A gesture: what is asked for, and what its recipes say.
pub struct Gesture<'a> {
    pub prompt: &'a str,
    pub n_pictures: u32,
    /// Every picture that the request names.
    pub given: &'a [&'a Given],
    /// Of a gesture that is about what pictures show.
    pub looking: Option<&'a LookingArguments>,
}

/// Asks the engine and saves what comes of it. `recipe` is told which picture of the job it is, from 0.
///
/// # Errors
/// Those of the job, and of saving its pictures.
pub fn run(
    arguments: &MakingArguments,
    gesture: &Gesture,
    ask: impl FnOnce(JobId, GenerateRequest) -> Request,
    recipe: impl Fn(Recipe, usize) -> Recipe,
) -> anyhow::Result<()> {
    let inputs: Vec<&Path> = gesture
        .given
        .iter()
        .map(|given| given.path.as_path())
        .collect();
    let mut maker = Maker::new(arguments, gesture.n_pictures, &inputs)?;
    let mut command = arguments.model.engine_command()?;
    if let Some(looking) = gesture.looking {
        command = looking.engine_command(command)?;
    }
    let mut conversation = Conversation::start(command)?;
    let model = conversation.model_or_first(arguments.model.model_id()?)?;
    let (request, latents) = arguments.request(model, gesture.prompt)?;
    let request = GenerateRequest {
        n_pictures: gesture.n_pictures,
        ip_adapter: gesture.looking.and_then(LookingArguments::choice),
        ..request
    };
    let mut blobs: Vec<Arc<[u8]>> = latents.into_iter().collect();
    for (index, given) in gesture.given.iter().enumerate() {
        let is_same = |other: &&Given| other.input.pixels == given.input.pixels;
        // What is named twice is sent once.
        if !gesture.given[..index].iter().any(is_same) {
            blobs.push(Arc::clone(&given.rgba));
        }
    }
    let generate = request.clone();
    let result = conversation.run(
        |job| ask(job, generate),
        blobs,
        |event| {
            maker.take(event, |plan, made| {
                let picture = &made.picture;
                let pixels = RgbImage::from_raw(picture.width, picture.height, made.pixels)
                    .context("the engine sent a picture of another size than it said")?;
                let mut recipe =
                    recipe(Recipe::new(plan, &request, picture), picture.index as usize);
                for id in gesture.given.iter().filter_map(|given| given.id) {
                    if !recipe.parents.contains(&id) {
                        recipe.parents.push(id);
                    }
                }
                Ok((pixels.into(), recipe))
            })
        },
    );
    maker.end(result)
}
