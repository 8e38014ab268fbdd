//! Pictures like a given one: its CLIP embedding feeds the decoder, as in Ramesh et al. 2022, section 3.1.
//!
//! Far, nothing but the embedding is kept: what the picture shows and its style, as the reference's prior and decoder
//! pipelines make it of an embedding. Nearer, the decoder starts from the picture's own latents, noised as far as
//! is asked (`SDEdit`, Meng et al. 2022), so that its composition stays too.

use burn::tensor::Tensor;

use super::{
    InitialLatents, LoadedModel, OnEvent, SourcePicture,
    conditioning::{ImageEmbeds, embed_picture},
    deed::Deed,
    gesture::{self, NegativeSide},
    order::{Beside, Order, out_of_range},
    slerp::slerp,
};
use crate::{
    Result,
    autoencoder::AutoencoderParts,
    image::read_back,
    protocol::{Timings, VariationsRequest},
    samplers::Schedule,
};

/// How far a prompt draws the embedding to its own: half-way both are seen.
const PROMPT_SHARE: f32 = 0.5;

/// Makes the pictures of `request`, one by one and in order.
///
/// # Errors
/// Faults of the request and the picture before anything is computed; else as
/// [`text_to_image::run`](super::text_to_image::run).
pub fn run(
    model: &mut LoadedModel,
    request: &VariationsRequest,
    source: &SourcePicture,
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    model.check_makes_pictures()?;
    let far = request.far;
    // Not-a-number is in no range.
    if !(0.0..=1.0).contains(&far) {
        return Err(out_of_range("far", &far, "0 to 1"));
    }
    let picture = source.flattened()?;
    let generate = &request.generate;
    let settings = gesture::settings(model, generate, Some(source.size()))?;
    let keeps_structure = far < 1.0;
    let parts = if keeps_structure {
        AutoencoderParts::EncoderAndDecoder
    } else {
        AutoencoderParts::Decoder
    };
    let mut order = Order::new(model, generate, settings, latents, parts)?;
    if keeps_structure {
        order.keep_strength(far);
    }
    let has_prompt = !generate.prompt.trim().is_empty();
    let prompt = has_prompt.then_some(generate.prompt.as_str());
    let texts: Vec<&str> = prompt
        .into_iter()
        .chain(generate.negative_prompt.as_deref())
        .collect();
    let beside = Beside {
        n_texts: texts.len() as u32,
        ..Beside::default()
    };
    let mut making = order.start(model, &texts, beside, on_event)?;
    if let Some(prompt) = prompt {
        let text = making.read_text(prompt, None, on_event)?;
        making.prompt_embed = Some(text.prompt_embed.clone());
        making.texts.push(text);
    }
    let negative = NegativeSide::read(&mut making, on_event)?;
    let varying = making.prepare(on_event, |model, on_event| {
        Ok(Varying {
            embed: embed_picture(model, &picture, on_event)?,
            has_prompt,
            negative,
            latents: if keeps_structure {
                Some(gesture::encode(model, &picture, settings.size, on_event)?)
            } else {
                None
            },
        })
    })?;
    making.pictures(&varying, on_event)
}

struct Varying {
    /// The picture's.
    embed: Vec<f32>,
    has_prompt: bool,
    negative: NegativeSide,
    /// The picture's, where its structure is kept.
    latents: Option<Tensor<4>>,
}

impl Deed for Varying {
    fn embeds(&self, _picture: usize, drawn: &[ImageEmbeds]) -> Result<ImageEmbeds> {
        let embed = if self.has_prompt {
            let prompt = read_back(drawn[0].positive.clone())?;
            slerp(&self.embed, &prompt, PROMPT_SHARE)
        } else {
            self.embed.clone()
        };
        Ok(self.negative.beside(embed, drawn))
    }

    fn initial_latents(
        &self,
        _picture: usize,
        schedule: &Schedule,
        noise: Tensor<4>,
    ) -> Result<Tensor<4>> {
        Ok(match &self.latents {
            Some(latents) => schedule.first_level().mix(latents.clone(), noise),
            None => schedule.initial_latents(noise),
        })
    }
}
