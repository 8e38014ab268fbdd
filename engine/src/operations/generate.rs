//! A prompt to pictures.

use super::{InitialLatents, LoadedModel, OnEvent};
use crate::{
    Result,
    generation::{FromNoise, PreparedRun},
    model::SteerBy,
    protocol::{GenerateRequest, Operation, Timings},
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
    model.check_can(Operation::Generate)?;
    PreparedRun::check_prompt(request)?;
    let settings = model.settings(request)?;
    let run = PreparedRun::new(model, request, settings, latents, false)?;
    let steer = run.steer(SteerBy::Prompt);
    let generation = run.start(model, &steer, 0, on_event)?;
    generation.pictures(&FromNoise, on_event)
}
