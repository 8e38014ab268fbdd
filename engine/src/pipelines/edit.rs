//! A picture, or what a mask covers of it, made anew: image to image, inpainting and outpainting are one deed.
//!
//! - Without a mask it is diffusers' `KandinskyV22Img2ImgPipeline`: the picture's latents, noised as far as the
//!   strength says, are denoised under the prompt (`SDEdit`, Meng et al. 2022).
//! - With a mask on a decoder that was trained to repaint it is `KandinskyV22InpaintPipeline`.
//! - With a mask on an ordinary decoder it is differential diffusion (Levin and Fried 2023): after every step the
//!   cells that may not change yet take the picture, noised to the next step.
//!
//! Each picture's generator draws in the reference's order: the prior's noise, the decoder's, its per-step noise.

use burn::tensor::{DType, Tensor, TensorData};

use super::{
    InitialLatents, LoadedModel, OnEvent,
    conditioning::{ImageEmbeds, embed_picture, embed_tensor},
    deed::Deed,
    latent_mask::{ChangeMap, LatentMask},
    order::{Beside, Order, out_of_range},
    slerp::slerp,
};
use crate::{
    Result,
    autoencoder::AutoencoderParts,
    image::{RgbPicture, read_back},
    protocol::{GenerateRequest, Steering, Timings, chunks::MAX_BLOB_BYTES},
    samplers::{Schedule, Step},
    stitch::{self, Crop, EditPlan, EditSettings, Fill, Prepared},
};

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
/// [`text_to_image::run`](super::text_to_image::run).
pub fn run(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    input: &EditInput,
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    input.check()?;
    Order::check_prompt(request)?;
    let mut settings = model.folder().defaults().with(request)?;
    settings.size = input.plan.work_size;
    let parts = AutoencoderParts::EncoderAndDecoder;
    let mut order = Order::new(model, request, settings, latents, parts)?;
    order.keep_strength(input.settings.strength);
    let starts_at_noise = order.schedule.n_steps() == settings.n_steps as usize;
    let crop = input.crop();
    let prepared = stitch::prepare(&crop, &input.plan, &input.settings, request.seed)?;

    let beside = Beside {
        n_texts: 1,
        ..Beside::default()
    };
    let mut making = order.start(model, &[&request.prompt], beside, on_event)?;
    making.read_prompt(on_event)?;
    let mut editing = making.prepare(on_event, |model, on_event| {
        Editing::new(model, input, &prepared, on_event)
    })?;
    // The reference's decoder for repainting starts from nothing but noise.
    editing.starts_from_noise = editing.picture_channels.is_some() && starts_at_noise;
    making.pictures(&editing, on_event)
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
    source: Tensor<4>,
    mask: LatentMask,
    /// For a decoder that was trained to repaint: what it takes beside the latents.
    picture_channels: Option<Tensor<4>>,
    starts_from_noise: bool,
    /// The image embedding of the context box, where it steers too.
    context_embed: Option<Vec<f32>>,
    /// How far from there to the prompt's, from 0 to 1.
    prompt_share: f32,
}

impl<'a> Editing<'a> {
    fn new(
        model: &mut LoadedModel,
        input: &'a EditInput,
        prepared: &Prepared,
        on_event: &mut OnEvent,
    ) -> Result<Self> {
        let is_for_repainting = model.is_for_repainting();
        let steering = input.steering.unwrap_or({
            if input.mask.is_some() && !is_for_repainting {
                Steering::Blend
            } else {
                Steering::Prompt
            }
        });
        let context_embed = match steering {
            Steering::Prompt => None,
            Steering::Blend | Steering::Continue => {
                let picture = as_it_is(input, prepared)?;
                Some(embed_picture(model, &picture, on_event)?)
            }
        };
        let map = ChangeMap {
            change: &prepared.change,
            width: prepared.rgb.width as usize,
            scale: model.folder().movq_scale() as usize,
        };
        let device = model.runtime().device.clone();
        let pixels = prepared.rgb.to_tensor(&device, DType::F32);
        let source = model.movq(on_event)?.encode(pixels);
        let (mask, picture_channels) = if is_for_repainting {
            let mask = LatentMask::hard(map);
            let kept = cells_like(&source, mask.kept_after(0, 1));
            let channels = Tensor::cat(vec![source.clone() * kept.clone(), kept], 1);
            (mask, Some(channels))
        } else {
            (LatentMask::soft(map), None)
        };
        Ok(Self {
            input,
            source,
            mask,
            picture_channels,
            starts_from_noise: false,
            context_embed,
            prompt_share: match steering {
                Steering::Continue => input.settings.strength / 2.0,
                Steering::Prompt | Steering::Blend => input.settings.strength,
            },
        })
    }
}

impl Deed for Editing<'_> {
    fn embeds(&self, _picture: usize, drawn: &[ImageEmbeds]) -> Result<ImageEmbeds> {
        let embeds = drawn[0].clone();
        let Some(context) = &self.context_embed else {
            return Ok(embeds);
        };
        let device = embeds.positive.device();
        let prompt = read_back(embeds.positive)?;
        let steered = slerp(context, &prompt, self.prompt_share);
        Ok(ImageEmbeds {
            positive: embed_tensor(steered, &device),
            ..embeds
        })
    }

    fn initial_latents(
        &self,
        _picture: usize,
        schedule: &Schedule,
        noise: Tensor<4>,
    ) -> Result<Tensor<4>> {
        Ok(if self.starts_from_noise {
            schedule.initial_latents(noise)
        } else {
            schedule.first_level().mix(self.source.clone(), noise)
        })
    }

    fn unet_input(&self, latents: Tensor<4>) -> Tensor<4> {
        match &self.picture_channels {
            None => latents,
            Some(channels) => Tensor::cat(vec![latents, channels.clone()], 1),
        }
    }

    /// Puts the picture, noised to where the next step starts, into the cells that may not change yet.
    fn after_step(&self, step: &mut Step<4>, noise: &Tensor<4>) {
        let kept = self.mask.kept_after(step.index, step.n_steps);
        if kept.iter().all(|kept| *kept == 0.0) {
            return;
        }
        let kept = cells_like(&self.source, kept);
        let picture = step.level.mix(self.source.clone(), noise.clone());
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

/// # Shapes: `[1, 1, rows, columns]` for latents `[1, channels, rows, columns]`
fn cells_like(latents: &Tensor<4>, cells: Vec<f32>) -> Tensor<4> {
    let [_, _, rows, columns] = latents.dims();
    Tensor::from_data(
        TensorData::new(cells, [1, 1, rows, columns]),
        (&latents.device(), DType::F32),
    )
}
