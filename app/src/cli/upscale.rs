use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use image::{DynamicImage, RgbImage, RgbaImage};
use limn_engine::{
    operations::upscale,
    protocol::{
        BlobHash, Compute, GenerateRequest, ModelId, Picture, PictureInput, Plan, Request,
        Sampling, UpscaleRequest, Upscaler,
    },
};
use serde_json::json;

use super::{
    arguments::{ComputeArguments, model_path},
    conversation::{Conversation, Finished, JobEvent},
    editing,
    making::{random_seed, tell_end},
    output,
    progress::Reporter,
    target::Target,
};
use crate::{
    engine_link::EngineCommand,
    gallery::{UpscaleFacts, picture_file, recipe::Recipe},
    marking, upscaled,
};

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Arguments {
    /// The picture to make larger: PNG, JPEG, WebP, TIFF, PSD, OpenRaster and more
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// How many times wider and higher: 2, 4 or 8
    #[arg(long, value_name = "N", default_value_t = 4)]
    scale: u32,
    /// An upscaler's name, or its file; without one the best there is for this picture. With --diffusion a model that draws
    #[arg(long, value_name = "NAME|PATH", conflicts_with = "resample")]
    model: Option<String>,
    /// Arithmetic alone: nothing is made up
    #[arg(long, conflicts_with = "diffusion")]
    resample: bool,
    /// Draw the larger picture anew, tile by tile, with a model that draws
    #[arg(long)]
    diffusion: bool,
    #[command(flatten)]
    redrawing: Redrawing,
    #[command(flatten)]
    compute: ComputeArguments,
    /// A PNG file, or a folder for a file named by its id
    #[arg(long, value_name = "FILE|DIR")]
    out: PathBuf,
    /// Let --out replace the picture that is read
    #[arg(long)]
    force: bool,
    /// One JSON object per event on standard output
    #[arg(long)]
    json: bool,
}

/// How the larger picture is drawn anew.
#[derive(Debug, clap::Args)]
struct Redrawing {
    /// How much may change, above 0 and at most 1
    #[arg(long, value_name = "S", requires = "diffusion", default_value_t = 0.1)]
    strength: f32,
    /// What the picture shows; without, only the picture itself says
    #[arg(long, value_name = "TEXT", requires = "diffusion", default_value = "")]
    prompt: String,
    /// Denoising steps, of which the strength's share is taken
    #[arg(long, value_name = "N", requires = "diffusion")]
    steps: Option<u32>,
    /// The first tile's seed; the next ones count up. Random without
    #[arg(long, value_name = "N", requires = "diffusion")]
    seed: Option<u64>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let target = Target::new(&arguments.out, 1)?;
    if !arguments.force {
        target.spare(&[&arguments.image])?;
    }
    let source = editing::open(&arguments.image)?;
    upscale::larger_size(source.dimensions(), arguments.scale)?;
    let mut conversation = Conversation::start(arguments.engine_command()?)?;
    let order = Order {
        source: &source,
        origin: Origin::of(&arguments.image),
        scale: arguments.scale,
        upscaler: arguments.upscaler(&mut conversation)?,
        compute: arguments.compute.compute(),
    };
    let reporter = RefCell::new(Reporter::new(arguments.json, 1));
    let mut elsewhere = None;
    let result = order.run(
        &mut conversation,
        |event| reporter.borrow_mut().tell(event),
        |larger| {
            let saved = target.save(0, &larger.pixels, &larger.recipe)?;
            let path = &saved.path;
            if arguments.json {
                output::json(&json!({
                    "event": "picture",
                    "path": path.to_string_lossy(),
                    "upscaler": larger.upscaler,
                    "width": larger.pixels.width(),
                    "height": larger.pixels.height(),
                }));
            } else {
                reporter.borrow().note(&path.display().to_string());
            }
            elsewhere = saved.trouble.map(|trouble| (trouble, saved.path));
            Ok(())
        },
    );
    reporter.into_inner().finish();
    tell_end(&result?, arguments.json)?;
    match elsewhere {
        None => Ok(()),
        Some((trouble, path)) => bail!(
            "the picture could not be saved where it was to go ({trouble}); it is kept here: {}",
            path.display()
        ),
    }
}

/// One picture to make larger.
pub struct Order<'a> {
    pub source: &'a RgbaImage,
    pub origin: Origin,
    pub scale: u32,
    /// `None` is the best there is for this picture.
    pub upscaler: Option<Upscaler>,
    pub compute: Compute,
}

/// What came of it.
pub struct Larger {
    /// As transparent as the source was.
    pub pixels: DynamicImage,
    pub recipe: Recipe,
    /// The upscaler's name.
    pub upscaler: String,
}

impl Order<'_> {
    /// Asks the engine; `take` gets the picture as soon as it is there.
    ///
    /// # Errors
    /// Those of [`Conversation::run`] and of `take`.
    pub fn run(
        &self,
        conversation: &mut Conversation,
        mut on_event: impl FnMut(&JobEvent),
        mut take: impl FnMut(Larger) -> anyhow::Result<()>,
    ) -> anyhow::Result<Finished> {
        let rgba: Arc<[u8]> = self.source.as_raw().as_slice().into();
        let request = UpscaleRequest {
            source: PictureInput {
                pixels: BlobHash::of(&rgba),
                width: self.source.width(),
                height: self.source.height(),
            },
            scale: self.scale,
            upscaler: self.upscaler.clone(),
            compute: self.compute.clone(),
            drawn_by: self
                .origin
                .recipe
                .as_ref()
                .map(|recipe| recipe.model.clone()),
        };
        let mut plan = None;
        let asked = request.clone();
        let ask = |job| Request::Upscale {
            job,
            request: asked,
        };
        conversation.run(ask, vec![rgba], |event| {
            on_event(&event);
            match event {
                JobEvent::Started(started) => plan = Some(started),
                JobEvent::Picture(made) => {
                    let plan = plan.as_ref().context("a picture came before its plan")?;
                    let recipe = self.origin.recipe_of(plan, &request, &made.picture);
                    let (width, height) = (made.picture.width, made.picture.height);
                    let larger = RgbImage::from_raw(width, height, made.pixels)
                        .filter(|larger| larger.dimensions() == (plan.width, plan.height))
                        .context("the engine sent a picture of another size than it said")?;
                    take(Larger {
                        pixels: upscaled::with_alpha(larger, self.source),
                        recipe,
                        upscaler: plan.model_name.clone(),
                    })?;
                }
                _ => {}
            }
            Ok(())
        })
    }
}

impl Arguments {
    fn upscaler(&self, conversation: &mut Conversation) -> anyhow::Result<Option<Upscaler>> {
        let id = self.model.as_deref().map(model_id).transpose()?;
        if self.diffusion {
            let Redrawing {
                strength,
                prompt,
                steps,
                seed,
            } = &self.redrawing;
            let generate = GenerateRequest {
                prompt: prompt.clone(),
                seed: seed.unwrap_or_else(random_seed),
                sampling: Sampling {
                    n_steps: *steps,
                    ..Sampling::default()
                },
                ..GenerateRequest::blank(conversation.model_or_first(id)?, self.compute.compute())
            };
            return Ok(Some(Upscaler::Diffusion {
                generate,
                strength: *strength,
            }));
        }
        Ok(match id {
            _ if self.resample => Some(Upscaler::Resample),
            Some(id) => Some(Upscaler::File(id)),
            None => None,
        })
    }

    /// The engine to start, told of the upscaler if that is a path.
    fn engine_command(&self) -> anyhow::Result<EngineCommand> {
        let command = EngineCommand::from_environment()?;
        let path = self.model.as_deref().map_or(Ok(None), model_path)?;
        Ok(match path {
            Some(path) => command.with_model(&path),
            None => command,
        })
    }
}

/// As the engine knows it: a path is absolute.
fn model_id(model: &str) -> anyhow::Result<ModelId> {
    let path = model_path(model)?;
    let path = path.map(|path| path.to_string_lossy().into_owned());
    Ok(ModelId(path.unwrap_or_else(|| model.to_owned())))
}

/// How the smaller picture came to be, as far as its file tells.
pub struct Origin {
    recipe: Option<Recipe>,
    is_of_ai: bool,
    file_name: String,
}

impl Origin {
    pub fn of(path: &Path) -> Self {
        let header = std::fs::read(path)
            .ok()
            .and_then(|file| picture_file::read_header(&file).ok());
        let xmp = header.as_ref().and_then(|header| header.xmp.as_deref());
        let source_type = xmp.and_then(marking::source_type);
        let file_name = path.file_name().unwrap_or_default();
        Self {
            is_of_ai: source_type == Some(marking::TRAINED_ALGORITHMIC_MEDIA),
            recipe: header.and_then(|header| header.recipe),
            file_name: file_name.to_string_lossy().into_owned(),
        }
    }

    fn recipe_of(&self, plan: &Plan, request: &UpscaleRequest, picture: &Picture) -> Recipe {
        let facts = UpscaleFacts {
            scale: request.scale,
            upscaler: plan.model_name.clone(),
            upscaler_hash: Some(plan.model_hash.clone()).filter(|hash| !hash.is_empty()),
            of_ai: self.is_of_ai,
            of: Some(match &self.recipe {
                Some(recipe) => recipe.title(),
                None => self.file_name.clone(),
            }),
        };
        let generate = match &request.upscaler {
            Some(Upscaler::Diffusion { generate, .. }) => generate.clone(),
            _ => GenerateRequest::blank(ModelId(plan.model_name.clone()), request.compute.clone()),
        };
        Recipe::new(plan, &generate, picture).upscaled(self.recipe.as_ref(), facts)
    }
}
