//! A larger picture drawn anew by a model, in tiles of the model's own size that overlap.
//!
//! The picture is resampled to its larger size; each tile's latents are noised as far as the strength says and denoised
//! under the tile's own image embedding (`SDEdit`, Meng et al. 2022): under the whole picture's, every tile becomes
//! that picture. So detail comes in that the model thinks of, where it thinks well of small parts of pictures. A model
//! of whole scenes, as Doodle is, sharpens edges at a strength of a twentieth and draws scenes of its own above.

use burn::tensor::{DType, Tensor};

use super::{
    FinishedPicture, LoadedModel, OnEvent, PipelineEvent, SourcePicture,
    conditioning::{ImageEmbeds, embed_picture},
    deed::Deed,
    gesture::NegativeSide,
    order::{Beside, Order, out_of_range},
    slerp::slerp,
    upscale::{larger_size, resized},
};
use crate::{
    Error, Result,
    autoencoder::AutoencoderParts,
    image::{RgbPicture, read_back},
    protocol::{GenerateRequest, Phase, Plan, Progress, Timings},
    samplers::Schedule,
    upscaler::{Tiling, in_tiles},
};

/// How far a prompt draws the embedding to its own, as in variations.
const PROMPT_SHARE: f32 = 0.5;

/// Makes one picture larger and draws it anew.
///
/// Of `request` the number of pictures and the initial noise are not read; its size is the tiles'. Each tile has a
/// seed of its own, the first the request's. Without a wish nothing is guided: guidance makes of each tile more than
/// it is.
///
/// # Errors
/// Those of [`larger_size`]; a strength out of range; else as [`variations::run`](super::variations::run).
pub fn run(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    strength: f32,
    (source, scale): (&SourcePicture, u32),
    on_event: &mut OnEvent,
) -> Result<Timings> {
    model.check_makes_pictures()?;
    // Not-a-number is in no range.
    if !(strength > 0.0 && strength <= 1.0) {
        return Err(out_of_range("strength", &strength, "above 0 and at most 1"));
    }
    let target = larger_size(source.size(), scale)?;
    let mut settings = model.folder().defaults().with(request)?;
    settings.guidance_scale = request.sampling.guidance_scale.unwrap_or(1.0);
    let tiling = tiling(settings.size);
    let larger = resized(source.colours()?, target);
    let tiles = tiling.cut(&larger);
    let n_tiles = tiles.len() as u32;
    let request = GenerateRequest {
        n_pictures: n_tiles,
        best_of: 1,
        ..request.clone()
    };
    let parts = AutoencoderParts::EncoderAndDecoder;
    let mut order = Order::new(model, &request, settings, None, parts)?;
    order.keep_strength(strength);

    let mut drawn = Vec::new();
    let mut on_tile_event = |event| match event {
        PipelineEvent::Planned(plan) => on_event(PipelineEvent::Planned(Plan {
            width: target.0,
            height: target.1,
            ..plan
        })),
        PipelineEvent::Progress(progress) => {
            on_event(PipelineEvent::Progress(of_whole(progress, n_tiles)))
        }
        PipelineEvent::Picture(tile) => {
            drawn.push(tile);
            Ok(())
        }
        loading @ PipelineEvent::Loading { .. } => on_event(loading),
    };
    let timings = draw(model, order, &tiles, &mut on_tile_event)?;

    let mut drawn = drawn.into_iter();
    let joined = in_tiles(&larger, &tiling, |_| {
        let FinishedPicture {
            width, height, rgb, ..
        } = drawn
            .next()
            .ok_or_else(|| Error::Bug("a tile was not drawn".to_owned()))?;
        Ok(RgbPicture { width, height, rgb }.to_planes())
    })?;
    on_event(PipelineEvent::Picture(FinishedPicture {
        index: 0,
        seed: request.seed,
        width: joined.width,
        height: joined.height,
        rgb: joined.rgb,
        score: None,
        patch_mask: None,
    }))?;
    Ok(timings)
}

/// An eighth of a tile on each side is there for what the tile beside it shows too.
fn tiling((width, height): (u32, u32)) -> Tiling {
    let size = [width as usize, height as usize];
    Tiling {
        scale: 1,
        longest_px: size,
        multiple: size,
        start_multiple: 1,
        margin_px: size[0].min(size[1]) / 8,
    }
}

/// The progress of one tile as that of the whole picture.
fn of_whole(progress: Progress, n_tiles: u32) -> Progress {
    let Progress {
        phase,
        picture,
        step,
        n_steps,
        ..
    } = progress;
    let (step, n_steps) = match phase {
        Phase::Step => (picture * n_steps + step, n_tiles * n_steps),
        Phase::Decode => (picture + 1, n_tiles),
        _ => {
            return Progress {
                picture: 0,
                ..progress
            };
        }
    };
    Progress {
        phase: Phase::Upscale,
        picture: 0,
        step,
        n_steps,
        preview: None,
        ..progress
    }
}

/// Draws every tile; they come as pictures, in their order.
fn draw(
    model: &mut LoadedModel,
    order: Order,
    tiles: &[RgbPicture],
    on_event: &mut OnEvent,
) -> Result<Timings> {
    let request = order.request;
    let has_prompt = !request.prompt.trim().is_empty();
    let prompt = has_prompt.then_some(request.prompt.as_str());
    let negative = request.negative_prompt.as_deref();
    let texts: Vec<&str> = prompt.into_iter().chain(negative).collect();
    let beside = Beside {
        n_texts: texts.len() as u32,
        ..Beside::default()
    };
    let mut making = order.start(model, &texts, beside, on_event)?;
    if let Some(prompt) = prompt {
        let text = making.read_text(prompt, None, on_event)?;
        making.texts.push(text);
    }
    let negative = NegativeSide::read(&mut making, on_event)?;
    let redrawing = making.prepare(on_event, |model, on_event| {
        let device = model.runtime().device.clone();
        // A large picture has thousands: someone may wish to cancel.
        let n_tiles = tiles.len() as u32;
        let tell = |step: usize, on_event: &mut OnEvent| {
            on_event(PipelineEvent::Progress(Progress {
                phase: Phase::Encode,
                picture: 0,
                step: step as u32,
                n_steps: 2 * n_tiles,
                seconds_left: None,
                preview: None,
            }))
        };
        // One part of the model for all, then the other: where memory is short one gives way to the other.
        let mut embeds = Vec::new();
        for (i, tile) in tiles.iter().enumerate() {
            tell(i, on_event)?;
            embeds.push(embed_picture(model, tile, on_event)?);
        }
        let mut latents = Vec::new();
        for (i, tile) in tiles.iter().enumerate() {
            tell(tiles.len() + i, on_event)?;
            let pixels = tile.to_tensor(&device, DType::F32);
            latents.push(model.movq(on_event)?.encode(pixels));
        }
        Ok(Redrawing {
            embeds,
            latents,
            has_prompt,
            negative,
        })
    })?;
    making.pictures(&redrawing, on_event)
}

struct Redrawing {
    /// Of each tile, in their order.
    embeds: Vec<Vec<f32>>,
    latents: Vec<Tensor<4>>,
    has_prompt: bool,
    negative: NegativeSide,
}

impl Deed for Redrawing {
    fn embeds(&self, tile: usize, drawn: &[ImageEmbeds]) -> Result<ImageEmbeds> {
        let own = &self.embeds[tile];
        let embed = if self.has_prompt {
            let prompt = read_back(drawn[0].positive.clone())?;
            slerp(own, &prompt, PROMPT_SHARE)
        } else {
            own.clone()
        };
        Ok(self.negative.beside(embed, drawn))
    }

    fn initial_latents(
        &self,
        tile: usize,
        schedule: &Schedule,
        noise: Tensor<4>,
    ) -> Result<Tensor<4>> {
        let latents = self.latents[tile].clone();
        Ok(schedule.first_level().mix(latents, noise))
    }
}
