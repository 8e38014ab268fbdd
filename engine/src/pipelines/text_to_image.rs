//! A prompt to pictures: text → image embedding (prior) → latents (decoder) → pixels (autoencoder).

use super::{LoadedModel, PipelineEvent};
use crate::{
    Error, Result,
    protocol::{GenerateRequest, Timings},
};

/// Initial noise for the decoder, from `--latents`, in place of the first draw of each picture's generator.
#[derive(Debug, Clone, PartialEq)]
pub struct InitialLatents {
    /// `[batch, channels, height, width]`; a batch of one serves every picture, else it has one per picture.
    pub shape: [usize; 4],
    pub values: Vec<f32>,
}

/// Makes the pictures of `request`, one by one and in order.
///
/// `on_event` is called at least once a step; what it returns as an error ends the run and is returned.
///
/// # Errors
/// Faults of the request before anything is computed (empty prompt, size, steps, sampler); the model's files;
/// the device; [`Error::NotANumber`]; whatever `on_event` returns, [`Error::Cancelled`] above all.
pub fn run(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    latents: Option<&InitialLatents>,
    on_event: &mut dyn FnMut(PipelineEvent) -> Result<()>,
) -> Result<Timings> {
    let _ = (model, latents, on_event);
    if request.prompt.trim().is_empty() {
        return Err(Error::EmptyPrompt);
    }
    Err(Error::Device("text to image is not built yet".to_owned()))
}
