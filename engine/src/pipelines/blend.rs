//! Pictures between pictures and texts: interpolations of Ramesh et al. 2022, section 3.2.
//!
//! Image embeddings are mixed by slerp, or by the reference's `interpolate`, which is the weighted sum; texts bring
//! those that the prior draws. The noise is each picture's own, found by inversion and mixed by slerp, so that the way
//! begins and ends at the pictures themselves; or it is the seed's, which gives as many other ways as there are seeds.

use burn::tensor::{DType, Tensor, TensorData};

use super::{
    InitialLatents, LoadedModel, OnEvent, SourcePicture,
    conditioning::{ImageEmbeds, embed_picture, embed_texts},
    deed::Deed,
    gesture::{self, NegativeSide},
    inversion::{self, Turn, invert},
    making::Making,
    order::{Beside, Order, out_of_range},
    slerp::{slerp_all, weighted_mean},
};
use crate::{
    Error, Result,
    autoencoder::AutoencoderParts,
    image::{RgbPicture, read_back},
    protocol::{BlendNoise, BlendRequest, Mix, Timings},
    samplers::Schedule,
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
/// [`text_to_image::run`](super::text_to_image::run).
pub fn run(
    model: &mut LoadedModel,
    request: &BlendRequest,
    parts: &[BlendPart],
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    model.check_makes_pictures()?;
    check(request, parts)?;
    let parts = parts.iter().map(Part::new).collect::<Result<Vec<_>>>()?;
    let order = order(model, request, &parts, latents)?;

    let prompt = Some(request.generate.prompt.as_str()).filter(|prompt| !prompt.trim().is_empty());
    let in_parts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(*text),
        Part::Picture(_) => None,
    });
    let negative = request.generate.negative_prompt.as_deref();
    let texts: Vec<&str> = in_parts.chain(negative).collect();
    let n_inverted = if uses_own_noise(request, &parts) {
        let indices = 0..parts.len();
        indices
            .filter(|&index| is_new_picture(&parts, index))
            .count() as u32
    } else {
        0
    };
    let beside = Beside {
        n_texts: texts.len() as u32,
        n_invert_steps: n_inverted * order.schedule.n_steps() as u32,
    };
    let mut making = order.start(model, &texts, beside, on_event)?;
    if let Some(prompt) = prompt {
        let [embed] = embed_texts(making.model, &[prompt], on_event)?
            .try_into()
            .map_err(|_| Error::Bug("one text has one embedding".to_owned()))?;
        making.prompt_embed = Some(embed);
    }
    let blending = Blending::new(&mut making, request, &parts, n_inverted, on_event)?;
    making.pictures(&blending, on_event)
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
enum Part<'a> {
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

    fn picture(&self) -> Option<&RgbPicture> {
        match self {
            Self::Picture(picture) => Some(picture),
            Self::Text(_) => None,
        }
    }
}

fn uses_own_noise(request: &BlendRequest, parts: &[Part]) -> bool {
    request.noise == BlendNoise::Inverted && parts.iter().any(|part| part.picture().is_some())
}

fn order<'a>(
    model: &mut LoadedModel,
    request: &'a BlendRequest,
    parts: &[Part],
    latents: Option<&'a InitialLatents>,
) -> Result<Order<'a>> {
    let generate = &request.generate;
    let first = parts.iter().find_map(Part::picture);
    let size = first.map(|picture| (picture.width, picture.height));
    let mut settings = gesture::settings(model, generate, size)?;
    let movq_parts = if uses_own_noise(request, parts) {
        settings = inversion::settings(settings, model.folder().scheduler());
        AutoencoderParts::EncoderAndDecoder
    } else {
        AutoencoderParts::Decoder
    };
    let mut order = Order::new(model, generate, settings, latents, movq_parts)?;
    order.is_strip = request.ways.len() > 1;
    Ok(order)
}

struct Blending<'a> {
    request: &'a BlendRequest,
    /// A picture's; `None` where the prior draws a text's.
    embeds: Vec<Option<Vec<f32>>>,
    negative: NegativeSide,
    /// A picture's own, where it is used: the latents' numbers in row order.
    noise: Vec<Option<Vec<f32>>>,
}

impl<'a> Blending<'a> {
    fn new(
        making: &mut Making,
        request: &'a BlendRequest,
        parts: &[Part],
        n_inverted: u32,
        on_event: &mut OnEvent,
    ) -> Result<Self> {
        for part in parts {
            if let Part::Text(text) = part {
                let text = making.read_text(text, None, on_event)?;
                making.texts.push(text);
            }
        }
        let negative = NegativeSide::read(making, on_event)?;
        let size = making.order.settings.size;
        // Each encoder's work for all pictures comes together, so that it gives way only once.
        let mut embeds: Vec<Option<Vec<f32>>> = Vec::new();
        let mut encoded: Vec<Option<Tensor<4>>> = Vec::new();
        making.prepare(on_event, |model, on_event| {
            for (index, part) in parts.iter().enumerate() {
                embeds.push(match (part.picture(), twin(parts, index)) {
                    (_, Some(twin)) => embeds[twin].clone(),
                    (Some(picture), None) => Some(embed_picture(model, picture, on_event)?),
                    (None, None) => None,
                });
            }
            for (index, part) in parts.iter().enumerate() {
                encoded.push(match part.picture() {
                    Some(picture) if n_inverted > 0 && is_new_picture(parts, index) => {
                        Some(gesture::encode(model, picture, size, on_event)?)
                    }
                    _ => None,
                });
            }
            Ok(())
        })?;
        let mut noise: Vec<Option<Vec<f32>>> = Vec::new();
        let mut n_found = 0;
        for (index, latents) in encoded.into_iter().enumerate() {
            let found = match (latents, &embeds[index]) {
                (Some(latents), Some(embed)) => {
                    let turn = Turn {
                        index: n_found,
                        n_pictures: n_inverted,
                    };
                    n_found += 1;
                    Some(invert(making, latents, embed, turn, on_event)?)
                }
                _ => twin(parts, index).and_then(|twin| noise[twin].clone()),
            };
            noise.push(found);
        }
        Ok(Self {
            request,
            embeds,
            negative,
            noise,
        })
    }

    fn weights(&self, picture: usize) -> &[f32] {
        match &self.request.ways[..] {
            [only] => only,
            ways => &ways[picture],
        }
    }
}

fn is_new_picture(parts: &[Part], index: usize) -> bool {
    parts[index].picture().is_some() && twin(parts, index).is_none()
}

/// An earlier input that is the same picture: nothing is done twice.
fn twin(parts: &[Part], index: usize) -> Option<usize> {
    let picture = parts[index].picture()?;
    parts[..index]
        .iter()
        .position(|part| part.picture() == Some(picture))
}

impl Deed for Blending<'_> {
    fn embeds(&self, picture: usize, drawn: &[ImageEmbeds]) -> Result<ImageEmbeds> {
        let mut of_texts = drawn.iter();
        let mut embeds = Vec::new();
        for embed in &self.embeds {
            embeds.push(match (embed, of_texts.as_slice().first()) {
                (Some(embed), _) => embed.clone(),
                (None, Some(text)) => {
                    of_texts.next();
                    read_back(text.positive.clone())?
                }
                (None, None) => return Err(Error::Bug("a text has no embedding".to_owned())),
            });
        }
        let weights = self.weights(picture);
        let mixed = match self.request.mix {
            Mix::Slerp => slerp_all(&embeds, weights),
            Mix::Linear => weighted_mean(&embeds, weights),
        };
        Ok(self.negative.beside(mixed, drawn))
    }

    fn guidance_scale(&self, picture: usize, wished: f32) -> f32 {
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
        1.0 + (wished - 1.0) * 2.0 * (1.0 - largest)
    }

    fn initial_latents(
        &self,
        picture: usize,
        schedule: &Schedule,
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
