//! A prompt to pictures: text → image embedding (prior) → latents (decoder) → pixels (autoencoder).

use super::{
    InitialLatents, LoadedModel, OnEvent,
    deed::OfPrompt,
    order::{Beside, Order},
};
use crate::{
    Result,
    autoencoder::AutoencoderParts,
    protocol::{GenerateRequest, Timings},
};

/// Makes the pictures of `request`, one by one and in order.
///
/// With `best_of` above one each picture is the best of that many candidates with consecutive seeds; its own
/// seed makes it again.
///
/// `on_event` is called at least once a step; what it returns as an error ends the run and is returned.
///
/// # Errors
/// Faults of the request before anything is computed (empty prompt, size, steps, sampler); a model that can
/// only repaint; the model's files; the device; [`Error::NotANumber`](crate::Error::NotANumber); whatever
/// `on_event` returns, [`Error::Cancelled`](crate::Error::Cancelled) above all.
pub fn run(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    model.check_makes_pictures()?;
    Order::check_prompt(request)?;
    let settings = model.folder().defaults().with(request)?;
    let order = Order::new(model, request, settings, latents, AutoencoderParts::Decoder)?;
    let beside = Beside {
        n_texts: 1,
        ..Beside::default()
    };
    let mut making = order.start(model, &[&request.prompt], beside, on_event)?;
    making.read_prompt(on_event)?;
    making.pictures(&OfPrompt, on_event)
}
