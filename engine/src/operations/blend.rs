//! Pictures between pictures and texts: interpolations of Ramesh et al. 2022, section 3.2.
//!
//! Image embeddings are mixed by slerp, or by the reference's `interpolate`, which is the weighted sum; texts bring
//! those that the prior draws. The noise is each picture's own, found by inversion and mixed by slerp, so that the way
//! begins and ends at the pictures themselves; or it is the seed's, which gives as many other ways as there are seeds.

use burn::tensor::{DType, Tensor, TensorData};

use super::{InitialLatents, LoadedModel, OnEvent, SourcePicture, image_conditioned, latent_blend};
use crate::{
    Error, Result,
    generation::{
        Generation, PreparedRun, Strategy, Turn, inversion_settings, invert, out_of_range,
    },
    image::{RgbPicture, read_back},
    model::{BlendSource, SteerBy},
    protocol::{BlendNoise, BlendRequest, Operation, Timings},
    samplers::Schedule,
    slerp::slerp_all,
};

const MOST_PICTURES: usize = 1_000;

/// One of what a blend is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlendPart {
    Picture(SourcePicture),
    Text(String),
}

/// Makes the pictures of `request`, in order: one for each of its ways, all with the same seed, or several on its only
/// way with seeds that count up.
///
/// With pictures' own noise the sampler is DDIM with at least fifty steps, and guidance falls from what was asked for
/// to 1 as one picture's share rises from a half to all: only so are the ends of the way the pictures themselves.
///
/// # Errors
/// Faults of the request and the pictures before anything is computed; else as
/// [`generate::run`](super::generate::run).
pub fn run(
    model: &mut LoadedModel,
    request: &BlendRequest,
    parts: &[BlendPart],
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    model.check_can(Operation::Blend)?;
    check(request, parts)?;
    let parts = parts.iter().map(Part::new).collect::<Result<Vec<_>>>()?;
    if !model.looks_at_pictures() {
        return latent_blend::run(model, request, &parts, latents, on_event);
    }
    let run = prepare(model, request, &parts, latents)?;
    let inputs: Vec<BlendSource> = (0..parts.len())
        .map(|index| source(&parts, index))
        .collect();
    let is_new = |input: &BlendSource| matches!(input, BlendSource::Picture(_));
    let n_inverted = if uses_own_noise(request, &parts) {
        inputs.iter().filter(|input| is_new(input)).count() as u32
    } else {
        0
    };
    let steer = run.steer(SteerBy::Blend {
        inputs: &inputs,
        weights: &request.ways,
        mix: request.mix,
    });
    let n_invert_steps = n_inverted * run.schedule.n_steps() as u32;
    let mut generation = run.start(model, &steer, n_invert_steps, on_event)?;
    let noise = if n_inverted == 0 {
        vec![None; inputs.len()]
    } else {
        own_noise(&mut generation, &inputs, n_inverted, on_event)?
    };
    generation.pictures(&Blending { request, noise }, on_event)
}

fn check(request: &BlendRequest, parts: &[BlendPart]) -> Result<()> {
    let n_parts = parts.len();
    if !(2..=4).contains(&n_parts) {
        return Err(out_of_range("the number of inputs", &n_parts, "2 to 4"));
    }
    let (n_ways, n_pictures) = (request.ways.len(), request.generate.n_pictures as usize);
    if !(1..=MOST_PICTURES).contains(&n_ways) || (n_ways > 1 && n_ways != n_pictures) {
        let allowed = format!("1, or {n_pictures} as the pictures are");
        return Err(out_of_range("the number of ways", &n_ways, allowed));
    }
    for weights in &request.ways {
        if weights.len() != n_parts {
            let allowed = format!("{n_parts} as the inputs are");
            return Err(out_of_range(
                "the number of weights",
                &weights.len(),
                allowed,
            ));
        }
        // Not-a-number is in no range.
        let is_weight = |weight: &&f32| **weight >= 0.0 && weight.is_finite();
        if let Some(weight) = weights.iter().find(|weight| !is_weight(weight)) {
            return Err(out_of_range("a weight", weight, "0 or more"));
        }
        let sum: f32 = weights.iter().sum();
        if !(sum > 0.0 && sum.is_finite()) {
            return Err(out_of_range("the sum of the weights", &sum, "above 0"));
        }
    }
    Ok(())
}

/// An input that can be used.
pub(super) enum Part<'a> {
    Picture(RgbPicture),
    Text(&'a str),
}

impl<'a> Part<'a> {
    fn new(part: &'a BlendPart) -> Result<Self> {
        match part {
            BlendPart::Picture(source) => source.flattened().map(Self::Picture),
            BlendPart::Text(text) if text.trim().is_empty() => Err(Error::EmptyText),
            BlendPart::Text(text) => Ok(Self::Text(text)),
        }
    }

    pub fn picture(&self) -> Option<&RgbPicture> {
        match self {
            Self::Picture(picture) => Some(picture),
            Self::Text(_) => None,
        }
    }
}

fn uses_own_noise(request: &BlendRequest, parts: &[Part]) -> bool {
    request.noise == BlendNoise::Inverted && parts.iter().any(|part| part.picture().is_some())
}

fn prepare<'a>(
    model: &mut LoadedModel,
    request: &'a BlendRequest,
    parts: &[Part],
    latents: Option<&'a InitialLatents>,
) -> Result<PreparedRun<'a>> {
    let generate = &request.generate;
    let first = parts.iter().find_map(Part::picture);
    let size = first.map(|picture| (picture.width, picture.height));
    let mut settings = image_conditioned::settings(model, generate, size)?;
    let uses_own_noise = uses_own_noise(request, parts);
    if uses_own_noise {
        settings = inversion_settings(settings, model.scheduler());
    }
    let mut run = PreparedRun::new(model, generate, settings, latents, uses_own_noise)?;
    run.is_strip = request.ways.len() > 1;
    Ok(run)
}

pub(super) fn source<'a>(parts: &'a [Part], index: usize) -> BlendSource<'a> {
    match &parts[index] {
        Part::Text(text) => BlendSource::Text(text),
        Part::Picture(picture) => match twin(parts, index) {
            Some(twin) => BlendSource::Twin(twin),
            None => BlendSource::Picture(picture),
        },
    }
}

/// An earlier input that is the same picture: nothing is done twice.
fn twin(parts: &[Part], index: usize) -> Option<usize> {
    let picture = parts[index].picture()?;
    parts[..index]
        .iter()
        .position(|part| part.picture() == Some(picture))
}

/// Of each input that is a picture the noise that it could have been made from.
fn own_noise(
    generation: &mut Generation,
    inputs: &[BlendSource],
    n_inverted: u32,
    on_event: &mut OnEvent,
) -> Result<Vec<Option<Vec<f32>>>> {
    let size = generation.run.settings.size;
    // The autoencoder's work for all pictures comes together, so that it gives way only once.
    let encoded = generation.prepare(on_event, |model, on_event| {
        let encoded = inputs.iter().map(|input| match input {
            BlendSource::Picture(picture) => {
                image_conditioned::encode(model, picture, size, on_event)
                    .map(|latents| Some(latents.mean))
            }
            BlendSource::Twin(_) | BlendSource::Text(_) => Ok(None),
        });
        encoded.collect::<Result<Vec<Option<Tensor<4>>>>>()
    })?;
    let mut noise: Vec<Option<Vec<f32>>> = Vec::new();
    let mut n_found = 0;
    for (index, latents) in encoded.into_iter().enumerate() {
        noise.push(match (latents, &inputs[index]) {
            (Some(latents), _) => {
                let turn = Turn {
                    index: n_found,
                    n_pictures: n_inverted,
                };
                n_found += 1;
                Some(invert(generation, index, latents, turn, on_event)?)
            }
            (None, BlendSource::Twin(twin)) => noise[*twin].clone(),
            (None, _) => None,
        });
    }
    Ok(noise)
}

struct Blending<'a> {
    request: &'a BlendRequest,
    /// A picture's own, where it is used: the latents' numbers in row order.
    noise: Vec<Option<Vec<f32>>>,
}

impl Blending<'_> {
    fn weights(&self, picture: usize) -> &[f32] {
        match &self.request.ways[..] {
            [only] => only,
            ways => &ways[picture],
        }
    }
}

impl Strategy for Blending<'_> {
    fn guidance_scale(&self, picture: usize, requested: f32) -> f32 {
        let weights = self.weights(picture);
        let sum: f32 = weights.iter().sum();
        // One picture that came twice is one picture.
        let share = |own: &Option<Vec<f32>>| -> f32 {
            let all = weights.iter().zip(&self.noise);
            let same = all.filter(|(_, noise)| *noise == own);
            same.map(|(weight, _)| weight / sum).sum()
        };
        let own = self.noise.iter().filter(|noise| noise.is_some());
        let largest = own.map(share).fold(0.5, f32::max);
        1.0 + (requested - 1.0) * 2.0 * (1.0 - largest)
    }

    fn initial_latents(
        &self,
        picture: usize,
        schedule: &Schedule,
        _source: Option<&Tensor<4>>,
        noise: Tensor<4>,
    ) -> Result<Tensor<4>> {
        if self.noise.iter().all(Option::is_none) {
            return Ok(schedule.initial_latents(noise));
        }
        let (shape, device) = (noise.dims(), noise.device());
        let of_seed = read_back(noise)?;
        let all: Vec<Vec<f32>> = self
            .noise
            .iter()
            .map(|own| own.clone().unwrap_or_else(|| of_seed.clone()))
            .collect();
        let mixed = slerp_all(&all, self.weights(picture));
        Ok(Tensor::from_data(
            TensorData::new(mixed, shape),
            (&device, DType::F32),
        ))
    }
}
