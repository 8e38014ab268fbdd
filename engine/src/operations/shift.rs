//! A picture turned from what one text says into what another says: the text diffs of Ramesh et al. 2022, section 3.3.
//!
//! The picture's CLIP embedding is rotated towards the normalised difference of the two texts' CLIP embeddings, and
//! decoded from the picture's own noise, so that what the texts do not speak of stays.

use burn::tensor::{DType, Tensor, TensorData};

use super::{InitialLatents, LoadedModel, OnEvent, SourcePicture, image_conditioned};
use crate::{
    Error, Result,
    generation::{PreparedRun, Strategy, Turn, inversion_settings, invert, out_of_range},
    model::SteerBy,
    protocol::{Operation, ShiftRequest, Timings},
    samplers::Schedule,
};

/// Of the angle between the two directions, at the amount 1. The paper goes from 0.25 to 0.50.
const LARGEST_SHARE: f32 = 0.5;
/// At the amount 1; more, and the way from the picture's own noise no longer leads to the picture.
const LARGEST_GUIDANCE_SCALE: f32 = 2.0;
const MOST_PICTURES: usize = 1_000;

/// Makes one picture for each amount, in order. All start from the same noise.
///
/// The sampler is DDIM with at least fifty steps, and guidance rises with the amount from 1 to what was asked for, at
/// most 2: only so does the amount 0 give the picture back.
///
/// # Errors
/// Faults of the request and the picture before anything is computed; [`Error::NoDifference`]; else as
/// [`generate::run`](super::generate::run).
pub fn run(
    model: &mut LoadedModel,
    request: &ShiftRequest,
    source: &SourcePicture,
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    model.check_can(Operation::Shift)?;
    check(request, latents)?;
    let picture = source.flattened()?;
    let generate = &request.generate;
    let settings = image_conditioned::settings(model, generate, Some(source.size()))?;
    let mut settings = inversion_settings(settings, model.scheduler());
    let requested = generate.sampling.guidance_scale;
    settings.guidance_scale = requested.map_or(LARGEST_GUIDANCE_SCALE, |requested| {
        requested.clamp(1.0, LARGEST_GUIDANCE_SCALE)
    });
    let mut run = PreparedRun::new(model, generate, settings, None, true)?;
    run.n_pictures = request.amounts.len() as u32;
    // Nothing in it is left to chance.
    run.best_of = 1;
    run.is_strip = true;

    let amounts = &request.amounts;
    let shares: Vec<f32> = amounts
        .iter()
        .map(|amount| LARGEST_SHARE * amount)
        .collect();
    let steer = run.steer(SteerBy::Shift {
        picture: &picture,
        ends: [&request.from, &request.to],
        shares: &shares,
    });
    let size = run.settings.size;
    let mut generation = run.start(model, &steer, settings.n_steps, on_event)?;
    let latents = generation.prepare(on_event, |model, on_event| {
        image_conditioned::encode(model, &picture, size, on_event)
    })?;
    let turn = Turn {
        index: 0,
        n_pictures: 1,
    };
    let noise = invert(&mut generation, 0, latents.mean, turn, on_event)?;
    generation.pictures(&Shifting { amounts, noise }, on_event)
}

fn check(request: &ShiftRequest, latents: Option<&InitialLatents>) -> Result<()> {
    let ShiftRequest {
        from, to, amounts, ..
    } = request;
    if from.trim().is_empty() || to.trim().is_empty() {
        return Err(Error::EmptyText);
    }
    if latents.is_some() {
        let allowed = "left out: a shift starts from its picture's own noise";
        return Err(out_of_range("initial noise", &"given", allowed));
    }
    let n_amounts = amounts.len();
    if !(1..=MOST_PICTURES).contains(&n_amounts) {
        let allowed = format!("1 to {MOST_PICTURES}");
        return Err(out_of_range("the number of amounts", &n_amounts, allowed));
    }
    // Not-a-number is in no range.
    match amounts.iter().find(|amount| !(0.0..=1.0).contains(*amount)) {
        Some(amount) => Err(out_of_range("the amount", amount, "0 to 1")),
        None => Ok(()),
    }
}

struct Shifting<'a> {
    amounts: &'a [f32],
    /// The picture's own: the latents' numbers in row order.
    noise: Vec<f32>,
}

impl Strategy for Shifting<'_> {
    fn guidance_scale(&self, picture: usize, requested: f32) -> f32 {
        1.0 + (requested - 1.0) * self.amounts[picture]
    }

    fn initial_latents(
        &self,
        _: usize,
        _: &Schedule,
        _: Option<&Tensor<4>>,
        noise: Tensor<4>,
    ) -> Result<Tensor<4>> {
        let own = TensorData::new(self.noise.clone(), noise.dims());
        Ok(Tensor::from_data(own, (&noise.device(), DType::F32)))
    }
}
