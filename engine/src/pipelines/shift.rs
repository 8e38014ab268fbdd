//! A picture turned from what one text says into what another says: the text diffs of Ramesh et al. 2022, section 3.3.
//!
//! The picture's CLIP embedding is rotated towards the normalised difference of the two texts' CLIP embeddings, and
//! decoded from the picture's own noise, so that what the texts do not speak of stays.

use burn::tensor::{DType, Tensor, TensorData};

use super::{
    InitialLatents, LoadedModel, OnEvent, SourcePicture,
    conditioning::{ImageEmbeds, embed_picture, embed_texts},
    deed::Deed,
    gesture::{self, NegativeSide},
    inversion::{self, Turn, invert},
    order::{Beside, Order, out_of_range},
    slerp::{length, slerp},
};
use crate::{
    Error, Result,
    autoencoder::AutoencoderParts,
    protocol::{ShiftRequest, Timings},
    samplers::Schedule,
};

/// Of the angle between the two directions, at the amount 1. The paper goes from 0.25 to 0.50.
const LARGEST_SHARE: f32 = 0.5;
/// At the amount 1; more, and the way from the picture's own noise no longer leads to the picture.
const LARGEST_GUIDANCE_SCALE: f32 = 2.0;
/// Of the texts' own length: below, their difference is rounding.
const LEAST_DIFFERENCE: f64 = 1e-3;
const MOST_PICTURES: usize = 1_000;

/// Makes one picture for each amount, in order. All start from the same noise.
///
/// The sampler is DDIM with at least fifty steps, and guidance rises with the amount from 1 to what was asked for, at
/// most 2: only so does the amount 0 give the picture back.
///
/// # Errors
/// Faults of the request and the picture before anything is computed; [`Error::NoDifference`]; else as
/// [`text_to_image::run`](super::text_to_image::run).
pub fn run(
    model: &mut LoadedModel,
    request: &ShiftRequest,
    source: &SourcePicture,
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    model.check_makes_pictures()?;
    check(request, latents)?;
    let picture = source.flattened()?;
    let generate = &request.generate;
    let settings = gesture::settings(model, generate, Some(source.size()))?;
    let mut settings = inversion::settings(settings, model.folder().scheduler());
    let wished = generate.sampling.guidance_scale;
    settings.guidance_scale = wished.map_or(LARGEST_GUIDANCE_SCALE, |wished| {
        wished.clamp(1.0, LARGEST_GUIDANCE_SCALE)
    });
    let parts = AutoencoderParts::EncoderAndDecoder;
    let mut order = Order::new(model, generate, settings, None, parts)?;
    order.n_pictures = request.amounts.len() as u32;
    // Nothing in it is left to chance.
    order.best_of = 1;
    order.is_strip = true;

    let negative = generate.negative_prompt.as_deref();
    let ends = [request.from.as_str(), request.to.as_str()];
    let texts: Vec<&str> = ends.into_iter().chain(negative).collect();
    let beside = Beside {
        n_texts: u32::from(negative.is_some()),
        n_invert_steps: settings.n_steps,
    };
    let mut making = order.start(model, &texts, beside, on_event)?;
    let negative = NegativeSide::read(&mut making, on_event)?;
    let (embed, towards, latents) = making.prepare(on_event, |model, on_event| {
        let towards = difference(&embed_texts(model, &ends, on_event)?, ends)?;
        let embed = embed_picture(model, &picture, on_event)?;
        let latents = gesture::encode(model, &picture, settings.size, on_event)?;
        Ok((embed, towards, latents))
    })?;
    let turn = Turn {
        index: 0,
        n_pictures: 1,
    };
    let noise = invert(&mut making, latents, &embed, turn, on_event)?;
    let shifting = Shifting {
        amounts: &request.amounts,
        embed,
        towards,
        negative,
        noise,
    };
    making.pictures(&shifting, on_event)
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

/// From the first text's embedding to the second's.
fn difference(embeds: &[Vec<f32>], [from, to]: [&str; 2]) -> Result<Vec<f32>> {
    let difference: Vec<f32> = embeds[1]
        .iter()
        .zip(&embeds[0])
        .map(|(a, b)| a - b)
        .collect();
    if length(&difference) > LEAST_DIFFERENCE * length(&embeds[0]) {
        return Ok(difference);
    }
    Err(Error::NoDifference {
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

struct Shifting<'a> {
    amounts: &'a [f32],
    /// The picture's.
    embed: Vec<f32>,
    towards: Vec<f32>,
    negative: NegativeSide,
    /// The picture's own: the latents' numbers in row order.
    noise: Vec<f32>,
}

impl Deed for Shifting<'_> {
    fn embeds(&self, picture: usize, drawn: &[ImageEmbeds]) -> Result<ImageEmbeds> {
        let embed = rotated(
            &self.embed,
            &self.towards,
            LARGEST_SHARE * self.amounts[picture],
        );
        Ok(self.negative.beside(embed, drawn))
    }

    fn guidance_scale(&self, picture: usize, wished: f32) -> f32 {
        1.0 + (wished - 1.0) * self.amounts[picture]
    }

    fn initial_latents(&self, _: usize, _: &Schedule, noise: Tensor<4>) -> Result<Tensor<4>> {
        let own = TensorData::new(self.noise.clone(), noise.dims());
        Ok(Tensor::from_data(own, (&noise.device(), DType::F32)))
    }
}

/// `embed` turned by `share` of its angle to `towards`, as long as it was.
fn rotated(embed: &[f32], towards: &[f32], share: f32) -> Vec<f32> {
    let scale = (length(embed) / length(towards)) as f32;
    let towards: Vec<f32> = towards.iter().map(|x| x * scale).collect();
    slerp(embed, &towards, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_turns_the_embedding_and_keeps_its_length() {
        let half = std::f32::consts::FRAC_1_SQRT_2;
        for (embed, towards, share, expected) in [
            ([3.0, 0.0], [0.0, 0.1], 0.0, [3.0, 0.0]),
            ([3.0, 0.0], [0.0, 0.1], 0.5, [3.0 * half, 3.0 * half]),
            ([3.0, 0.0], [-7.0, 7.0], 1.0 / 3.0, [3.0 * half, 3.0 * half]),
            ([0.0, 2.0], [5.0, 5.0], 1.0, [2.0 * half, 2.0 * half]),
        ] {
            let actual = rotated(&embed, &towards, share);
            let is_close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
            assert!(
                actual.iter().zip(&expected).all(is_close),
                "{embed:?} {towards:?} {share}: {actual:?}"
            );
        }
    }
}
