//! The noise that a picture could have been made from: DDIM walked backwards (Song et al. 2021; Ramesh et al. 2022,
//! section 3, for manipulating pictures).
//!
//! Without guidance and without fresh noise, so that the same walk forwards gives the picture back.

use std::time::Instant;

use burn::tensor::Tensor;

use super::run::Generation;
use crate::{
    Error, Result,
    image::read_back,
    model::{Conditioning, Settings},
    progress::OnEvent,
    protocol::{BlobHash, Phase},
    samplers::{Sampler, Schedule, ddim_inversion},
    schedules::SchedulerConfig,
};

/// With fewer the way back leads elsewhere.
const LEAST_STEPS: u32 = 50;
/// Under guidance the way back leads elsewhere too.
const GUIDANCE_SCALE: f32 = 1.0;

/// The settings for a job that starts from pictures' own noise, whatever sampler was requested.
pub(crate) fn settings(requested: Settings, scheduler: &SchedulerConfig) -> Settings {
    let most = scheduler.n_train_timesteps as u32;
    Settings {
        sampler: Sampler::Ddim,
        spacing: requested
            .spacing
            .filter(|spacing| Sampler::Ddim.takes(*spacing)),
        n_steps: requested.n_steps.max(LEAST_STEPS.min(most)),
        ..requested
    }
}

/// How far a job has come with its pictures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub index: u32,
    pub n_pictures: u32,
}

/// The noise's numbers in row order. What is known from a job before is not computed again.
///
/// `input` is which of the job's pictures the latents are of.
///
/// # Shapes: latents `[1, channels, rows, columns]`
///
/// # Errors
/// Those of reading the denoiser's weights; when the device fails; what `on_event` returns.
pub(crate) fn invert(
    generation: &mut Generation,
    input: usize,
    latents: Tensor<4>,
    turn: Turn,
    on_event: &mut OnEvent,
) -> Result<Vec<f32>> {
    let n_steps = generation.run.schedule.n_steps() as u32;
    let (conditioning, numbers) =
        generation
            .model
            .conditioning_of_input(&generation.conditioning, input, on_event)?;
    let key = key(&read_back(latents.clone())?, &numbers, n_steps);
    if let Some(noise) = generation.model.known_noise(key) {
        generation.clock.skip_invert_steps(n_steps);
        let done = (turn.index + 1) * n_steps;
        let total = turn.n_pictures * n_steps;
        generation
            .clock
            .report(Phase::Invert, 0, (done, total), None, on_event)?;
        return Ok(noise);
    }
    let noise = walk_back(generation, &conditioning, latents, turn, on_event)?;
    let noise = read_back(noise)?;
    generation.model.keep_noise(key, noise.clone());
    Ok(noise)
}

fn key(latents: &[f32], conditioning: &[f32], n_steps: u32) -> BlobHash {
    let numbers = latents.iter().chain(conditioning);
    let bytes = numbers.flat_map(|number| number.to_le_bytes());
    BlobHash::of(&bytes.chain(n_steps.to_le_bytes()).collect::<Vec<u8>>())
}

/// # Shapes: latents and result `[1, channels, rows, columns]`
fn walk_back(
    generation: &mut Generation,
    conditioning: &Conditioning,
    latents: Tensor<4>,
    turn: Turn,
    on_event: &mut OnEvent,
) -> Result<Tensor<4>> {
    let start = Instant::now();
    let Schedule::Ddim(schedule) = generation.run.schedule.clone() else {
        return Err(Error::Bug("only DDIM can be walked backwards".to_owned()));
    };
    let denoiser = generation
        .model
        .denoiser(conditioning, GUIDANCE_SCALE, on_event)?;
    let n_steps = schedule.timesteps.len() as u32;
    let clock = &mut generation.clock;
    let mut step_start = Instant::now();
    let noise = ddim_inversion(&denoiser, latents, &schedule, |n_done, latents| {
        // Reading one number back makes a device do the step before it is called done.
        read_back(latents.clone().slice([0..1, 0..1, 0..1, 0..1]))?;
        clock.end_invert_step(std::mem::replace(&mut step_start, Instant::now()));
        let done = turn.index * n_steps + n_done as u32;
        let total = turn.n_pictures * n_steps;
        clock.report(Phase::Invert, 0, (done, total), None, on_event)
    })?;
    drop(denoiser);
    let load_seconds = generation.model.take_load_seconds();
    generation.clock.end_stage("invert", start, load_seconds);
    Ok(noise)
}
