//! A picture, or what a mask covers of it, made anew: image to image, inpainting and outpainting are one operation here.
//!
//! - Without a mask the picture's latents, noised as far as the strength says, are denoised under the prompt
//!   (`SDEdit`, Meng et al. 2022).
//! - With a mask on a denoiser that was trained to repaint, that takes the mask and the masked picture too.
//! - With a mask on an ordinary denoiser it is differential diffusion (Levin and Fried 2023): after every step the
//!   cells that may not change yet take the picture, noised to the next step.
//!
//! Each picture's generator draws in the reference's order.

use std::borrow::Cow;

use burn::tensor::Tensor;

use super::{InitialLatents, LoadedModel, OnEvent, image_conditioned};
use crate::{
    PixelRect, Result,
    generation::{LatentMask, PreparedRun, Strategy, out_of_range},
    image::{RgbPicture, cells_like},
    model::{ChangeMap, DrawnSize, PictureLatents, Repainting, SteerBy},
    noise::Generator,
    protocol::{Feature, GenerateRequest, Operation, Steering, Timings, chunks::MAX_BLOB_BYTES},
    samplers::{Schedule, Step},
    stitch::{self, Crop, EditPlan, EditSettings, Extension, Fill, Prepared},
};

/// How much of the way to the prompt's embedding what is painted beyond an edge is steered, at full strength. Half of it
/// paints the prompt's subject once more.
const CONTINUED_SHARE: f32 = 0.25;

/// What an edit works on, beside the request for pictures.
#[derive(Debug, Clone)]
pub struct EditInput {
    pub settings: EditSettings,
    pub plan: EditPlan,
    /// As [`EditRequest::steering`](crate::protocol::EditRequest::steering).
    pub steering: Option<Steering>,
    /// RGBA of `plan.context`, straight alpha.
    pub image: Vec<u8>,
    /// One byte for each pixel of `plan.context`, 255 where it may change.
    pub mask: Option<Vec<u8>>,
}

/// Makes the pictures of `request`, one by one and in order, each as a patch of `input.plan.context`.
///
/// The size to work at is the plan's, whatever the request says.
///
/// # Errors
/// Faults of the request and the input before anything is computed, an empty mask among them; else as
/// [`generate::run`](super::generate::run).
pub fn run(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    input: &EditInput,
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    input.check()?;
    model.check_can(input.operation())?;
    PreparedRun::check_prompt(request)?;
    let mut settings = model.settings(request)?;
    settings.size = input.plan.work_size;
    let mut run = PreparedRun::new(model, request, settings, latents, true)?;
    run.keep_strength(input.settings.strength);
    let starts_at_noise = run.schedule.n_steps() == settings.n_steps as usize;
    let crop = input.crop();
    let prepared = stitch::prepare(&crop, &input.plan, &input.settings, request.seed)?;

    let steering = input.steering(model);
    let surroundings = match steering {
        Steering::Prompt => None,
        Steering::Continue if input.plan.extension.is_some() => Some(beside_the_edge(input)?),
        Steering::Blend | Steering::Continue | Steering::Surroundings => {
            Some(as_it_is(input, &prepared)?)
        }
    };
    let strength = input.settings.strength;
    let steer = run.steer(match &surroundings {
        None => SteerBy::Prompt,
        Some(surroundings) => SteerBy::Place {
            surroundings,
            prompt_share: match steering {
                Steering::Surroundings => 0.0,
                Steering::Continue => strength * CONTINUED_SHARE,
                Steering::Prompt | Steering::Blend => strength,
            },
        },
    });
    let drawn = run.drawn;
    let mut generation = run.start(model, &steer, 0, on_event)?;
    let mut editing = generation.prepare(on_event, |model, on_event| {
        Editing::new(model, input, &prepared, drawn, on_event)
    })?;
    // The reference's pipelines for repainting start from nothing but noise. What fills the mask is to shine through, and
    // so it does where there are no channels for it.
    let is_filled = input.settings.fill != Fill::Keep;
    let repaints = editing.repainting.is_some() || (input.mask.is_some() && !is_filled);
    editing.starts_from_noise = repaints && starts_at_noise;
    generation.pictures(&editing, on_event)
}

impl EditInput {
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for numbers that no edit has. The bytes are [`stitch::prepare`]'s to check.
    fn check(&self) -> Result<()> {
        /// Beyond what [`stitch::plan`] ever gives.
        const MAX_EDGE_PX: f32 = 8_192.0;
        let Self { settings, plan, .. } = self;
        let strength = settings.strength;
        // Not-a-number is in no range.
        if !(strength > 0.0 && strength <= 1.0) {
            return Err(out_of_range("strength", &strength, "above 0 and at most 1"));
        }
        for (name, length) in [
            ("grow", plan.grow_px),
            ("feather", plan.feather_px),
            ("blend", plan.blend_px),
        ] {
            if !(0.0..=MAX_EDGE_PX).contains(&length) {
                let allowed = format!("0 to {MAX_EDGE_PX} px");
                return Err(out_of_range(name, &length, allowed));
            }
        }
        // No more could have come in one blob.
        let most = MAX_BLOB_BYTES / 4;
        let n_pixels = plan.context.n_pixels();
        if n_pixels > most {
            let allowed = format!("at most {most} pixels large");
            return Err(out_of_range("the context box", &n_pixels, allowed));
        }
        Ok(())
    }

    fn operation(&self) -> Operation {
        if self.plan.extension.is_some() {
            Operation::Outpaint
        } else if self.mask.is_some() {
            Operation::Inpaint
        } else {
            Operation::ImageToImage
        }
    }

    /// What was asked for, else what suits the model.
    fn steering(&self, model: &LoadedModel) -> Steering {
        if !model.looks_at_pictures() {
            return Steering::Prompt;
        }
        let features = model.files().features();
        let blends = self.mask.is_some() && !features.contains(&Feature::RepaintingChannels);
        self.steering.unwrap_or(if blends {
            Steering::Blend
        } else {
            Steering::Prompt
        })
    }

    fn crop(&self) -> Crop<'_> {
        Crop {
            size: self.plan.context.size(),
            rgba: &self.image,
            mask: self.mask.as_deref(),
        }
    }
}

/// What an edit adds to the making of every picture.
struct Editing<'a> {
    input: &'a EditInput,
    /// The latents of the picture, filled under the mask. `[1, channels, rows, columns]`
    source: PictureLatents,
    mask: LatentMask,
    /// For a denoiser that was trained to repaint: what it takes beside the latents.
    repainting: Option<Repainting>,
    starts_from_noise: bool,
}

impl<'a> Editing<'a> {
    fn new(
        model: &mut LoadedModel,
        input: &'a EditInput,
        prepared: &Prepared,
        drawn: DrawnSize,
        on_event: &mut OnEvent,
    ) -> Result<Self> {
        let map = ChangeMap {
            change: &prepared.change,
            width: prepared.rgb.width as usize,
            scale: (model.latent_scale() * drawn.scale) as usize,
        };
        let seen = if drawn.n_passes == 0 {
            Cow::Borrowed(&prepared.rgb)
        } else {
            Cow::Owned(image_conditioned::resized(&prepared.rgb, drawn.size))
        };
        let source = model.encode(&seen, on_event)?;
        let repainting = model.repainting((&seen, &source), map, on_event)?;
        let mask = match &repainting {
            Some(repainting) => LatentMask::Hard(repainting.kept.clone()),
            None => LatentMask::soft(map),
        };
        Ok(Self {
            input,
            source,
            mask,
            repainting,
            starts_from_noise: false,
        })
    }
}

impl Strategy for Editing<'_> {
    /// None, and so no draw of it, where nothing comes of it.
    fn source(&self, _picture: usize) -> Option<&PictureLatents> {
        let is_used = !self.starts_from_noise || self.mask.holds_any();
        is_used.then_some(&self.source)
    }

    fn initial_latents(
        &self,
        _picture: usize,
        schedule: &Schedule,
        source: Option<&Tensor<4>>,
        noise: Tensor<4>,
    ) -> Result<Tensor<4>> {
        Ok(match source {
            Some(source) if !self.starts_from_noise => {
                schedule.first_level().mix(source.clone(), noise)
            }
            _ => schedule.initial_latents(noise),
        })
    }

    fn further_channels(&self, generator: &mut Generator) -> Option<Tensor<4>> {
        let repainting = self.repainting.as_ref()?;
        Some((repainting.channels)(repainting.known.draw(generator)))
    }

    /// Puts the picture, noised to where the next step starts, into the cells that may not change yet.
    fn after_step(&self, step: &mut Step<4>, source: Option<&Tensor<4>>, noise: &Tensor<4>) {
        let kept = self.mask.kept_after(step.index, step.n_steps);
        let Some(source) = source.filter(|_| kept.iter().any(|kept| *kept != 0.0)) else {
            return;
        };
        let kept = cells_like(source, kept);
        let picture = step.level.mix(source.clone(), noise.clone());
        let free = kept.clone().neg() + 1.0;
        *step.latents = kept * picture + free * step.latents.clone();
    }

    /// The patch and its mask, in pixels of the context box.
    fn deliver(&self, decoded: RgbPicture) -> Result<(RgbPicture, Option<Vec<u8>>)> {
        let EditInput { plan, settings, .. } = self.input;
        let patch = stitch::finish(&self.input.crop(), plan, settings, &decoded)?;
        let (width, height) = patch.size;
        let picture = RgbPicture {
            width,
            height,
            rgb: patch.rgb,
        };
        Ok((picture, Some(patch.mask)))
    }
}

/// The context box as one sees it: of a filled hole the embedding would tell little.
fn as_it_is(input: &EditInput, prepared: &Prepared) -> Result<RgbPicture> {
    if input.settings.fill == Fill::Keep {
        return Ok(prepared.rgb.clone());
    }
    let settings = EditSettings {
        fill: Fill::Keep,
        ..input.settings.clone()
    };
    // The seed is the grain's, and there is none.
    Ok(stitch::prepare(&input.crop(), &input.plan, &settings, 0)?.rgb)
}

/// What lies beside the edges that grew: the context box without the depth of the picture, over which its rim goes on.
fn beside_the_edge(input: &EditInput) -> Result<RgbPicture> {
    let context = input.plan.context;
    let extension = input.plan.extension.as_ref();
    let depth = extension.map_or(PixelRect::default(), Extension::depth);
    let depth = depth.intersect(&context).translate(-context.x, -context.y);
    let mut image = input.image.clone();
    let rows = image.chunks_exact_mut(4 * context.width as usize);
    for row in rows.skip(depth.y as usize).take(depth.height as usize) {
        let pixels = row.as_chunks_mut::<4>().0.iter_mut();
        for [_, _, _, alpha] in pixels.skip(depth.x as usize).take(depth.width as usize) {
            *alpha = 0;
        }
    }
    let crop = Crop {
        rgba: &image,
        ..input.crop()
    };
    let settings = EditSettings {
        fill: Fill::Keep,
        ..input.settings.clone()
    };
    // The seed is the grain's, and there is none.
    Ok(stitch::prepare(&crop, &input.plan, &settings, 0)?.rgb)
}
