//! The noise that a picture could have been made from: DDIM walked backwards (Song et al. 2021; Ramesh et al. 2022,
//! section 3, for manipulating pictures).
//!
//! Without guidance and without fresh noise, so that the same walk forwards gives the picture back.

use std::time::Instant;

use burn::tensor::Tensor;

use super::{
    OnEvent, conditioned_unet::ConditionedUnet, conditioning::ImageEmbeds,
    conditioning::embed_tensor, making::Making,
};
use crate::{
    Error, Result,
    catalogue::Defaults,
    image::read_back,
    protocol::{BlobHash, Phase},
    samplers::{Sampler, Schedule, ddim_inversion},
    schedules::SchedulerConfig,
};

/// With fewer the way back leads elsewhere.
const LEAST_STEPS: u32 = 50;
/// Under guidance the way back leads elsewhere too.
const GUIDANCE_SCALE: f32 = 1.0;

/// The settings for a job that starts from pictures' own noise, whatever sampler was wished for.
pub(super) fn settings(wished: Defaults, scheduler: &SchedulerConfig) -> Defaults {
    let most = scheduler.n_train_timesteps as u32;
    Defaults {
        sampler: Sampler::Ddim,
        n_steps: wished.n_steps.max(LEAST_STEPS.min(most)),
        ..wished
    }
}

/// How far a job has come with its pictures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub index: u32,
    pub n_pictures: u32,
}

/// The noise's numbers in row order. What is known from a job before is not computed again.
///
/// # Shapes: latents `[1, channels, rows, columns]`, `embed` of the embedding width
///
/// # Errors
/// Those of reading the U-Net's weights; when the device fails; what `on_event` returns.
pub(super) fn invert(
    making: &mut Making,
    latents: Tensor<4>,
    embed: &[f32],
    turn: Turn,
    on_event: &mut OnEvent,
) -> Result<Vec<f32>> {
    let n_steps = making.order.schedule.n_steps() as u32;
    let key = key(&read_back(latents.clone())?, embed, n_steps);
    if let Some(noise) = making.model.known_noise(key) {
        making.clock.skip_invert_steps(n_steps);
        let done = (turn.index + 1) * n_steps;
        let total = turn.n_pictures * n_steps;
        making
            .clock
            .report(Phase::Invert, 0, (done, total), None, on_event)?;
        return Ok(noise);
    }
    let noise = read_back(walk_back(making, latents, embed, turn, on_event)?)?;
    making.model.keep_noise(key, noise.clone());
    Ok(noise)
}

fn key(latents: &[f32], embed: &[f32], n_steps: u32) -> BlobHash {
    let numbers = latents.iter().chain(embed);
    let bytes = numbers.flat_map(|number| number.to_le_bytes());
    BlobHash::of(&bytes.chain(n_steps.to_le_bytes()).collect::<Vec<u8>>())
}

/// # Shapes: latents and result `[1, channels, rows, columns]`
fn walk_back(
    making: &mut Making,
    latents: Tensor<4>,
    embed: &[f32],
    turn: Turn,
    on_event: &mut OnEvent,
) -> Result<Tensor<4>> {
    let start = Instant::now();
    let Schedule::Ddim(schedule) = making.order.schedule.clone() else {
        return Err(Error::Bug("only DDIM can be walked backwards".to_owned()));
    };
    let [_, channels, _, _] = latents.dims();
    let embed = embed_tensor(embed.to_vec(), &latents.device());
    let embeds = ImageEmbeds {
        positive: embed.clone(),
        // Not asked for without guidance.
        negative: embed,
    };
    let unet = making.model.unet(on_event)?;
    let unet = ConditionedUnet::new(unet, embeds, GUIDANCE_SCALE, channels);
    let n_steps = schedule.timesteps.len() as u32;
    let clock = &mut making.clock;
    let mut step_start = Instant::now();
    let noise = ddim_inversion(
        |latents, timestep| Ok(unet.predict(latents, timestep)),
        latents,
        &schedule,
        |n_done, latents| {
            // Reading one number back makes a device do the step before it is called done.
            read_back(latents.clone().slice([0..1, 0..1, 0..1, 0..1]))?;
            clock.end_invert_step(std::mem::replace(&mut step_start, Instant::now()));
            let done = turn.index * n_steps + n_done as u32;
            let total = turn.n_pictures * n_steps;
            clock.report(Phase::Invert, 0, (done, total), None, on_event)
        },
    )?;
    let load_seconds = making.model.take_load_seconds();
    making.clock.end_stage("invert", start, load_seconds);
    Ok(noise)
}
