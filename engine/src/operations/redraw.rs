//! A larger picture drawn anew by a model, in tiles of the model's own size that overlap.
//!
//! The picture is resampled to its larger size; each tile's latents are noised as far as the strength says and denoised
//! under the tile's own image embedding (`SDEdit`, Meng et al. 2022): under the whole picture's, every tile becomes
//! that picture. So detail comes in that the model thinks of, where it thinks well of small parts of pictures. A model
//! of whole scenes, as Doodle is, sharpens edges at a strength of a twentieth and draws scenes of its own above.

use super::{
    FinishedPicture, LoadedModel, OnEvent, PipelineEvent, SourcePicture, upscale::larger_size,
};
use crate::{
    Error, Result,
    components::upscalers::{Tiling, in_tiles},
    generation::{PreparedRun, Strategy, out_of_range},
    image::RgbPicture,
    model::{PictureLatents, SteerBy},
    protocol::{GenerateRequest, Operation, Phase, Plan, Progress, Timings},
    resample::resized,
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
    model.check_can(Operation::Upscale)?;
    // Not-a-number is in no range.
    if !(strength > 0.0 && strength <= 1.0) {
        return Err(out_of_range("strength", &strength, "above 0 and at most 1"));
    }
    let target = larger_size(source.size(), scale)?;
    let mut settings = model.settings(request)?;
    settings.guidance_scale = request.sampling.guidance_scale.unwrap_or(1.0);
    // Of a model with a cascade too: its tiles are as large already as they are to be.
    settings.size = model.files().drawn_size(settings.size)?.size;
    let tiling = tiling(settings.size);
    let larger = resized(source.colours()?, target);
    let tiles = tiling.cut(&larger);
    let n_tiles = tiles.len() as u32;
    let request = GenerateRequest {
        n_pictures: n_tiles,
        best_of: 1,
        ..request.clone()
    };
    let mut run = PreparedRun::new(model, &request, settings, None, true)?;
    run.keep_strength(strength);

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
    let timings = draw(model, run, &tiles, &mut on_tile_event)?;

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
        chosen: None,
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
    run: PreparedRun,
    tiles: &[RgbPicture],
    on_event: &mut OnEvent,
) -> Result<Timings> {
    let steer = run.steer(SteerBy::Pictures {
        pictures: tiles,
        prompt_share: PROMPT_SHARE,
    });
    let mut generation = run.start(model, &steer, 0, on_event)?;
    let latents = generation.prepare(on_event, |model, on_event| {
        let n_tiles = tiles.len() as u32;
        let latents = tiles.iter().enumerate().map(|(i, tile)| {
            // A large picture has thousands: someone may wish to cancel.
            on_event(PipelineEvent::Progress(Progress {
                phase: Phase::Encode,
                picture: 0,
                step: i as u32,
                n_steps: n_tiles,
                seconds_left: None,
                preview: None,
            }))?;
            model.encode(tile, on_event)
        });
        latents.collect()
    })?;
    generation.pictures(&Redrawing { latents }, on_event)
}

struct Redrawing {
    /// Of each tile, in their order.
    latents: Vec<PictureLatents>,
}

impl Strategy for Redrawing {
    fn source(&self, tile: usize) -> Option<&PictureLatents> {
        self.latents.get(tile)
    }
}
