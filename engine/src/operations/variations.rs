//! Pictures like a given one: its CLIP embedding feeds the decoder, as in Ramesh et al. 2022, section 3.1.
//!
//! Far, nothing but the embedding is kept: what the picture shows and its style, as the reference's prior and decoder
//! pipelines make it of an embedding. Nearer, the decoder starts from the picture's own latents, noised as far as
//! is asked (`SDEdit`, Meng et al. 2022), so that its composition stays too. That is all that a model can do which does not
//! look at pictures.

use super::{InitialLatents, LoadedModel, OnEvent, SourcePicture, image_conditioned};
use crate::{
    Result,
    generation::{PreparedRun, Strategy, out_of_range},
    model::{PictureLatents, SteerBy},
    protocol::{Operation, Timings, VariationsRequest},
};

/// How far a prompt draws the embedding to its own: half-way both are seen.
const PROMPT_SHARE: f32 = 0.5;
/// As far as a picture is seen in what is drawn over it.
const LARGEST_STRENGTH: f32 = 0.75;

/// Makes the pictures of `request`, one by one and in order.
///
/// # Errors
/// Faults of the request and the picture before anything is computed; else as [`generate::run`](super::generate::run).
pub fn run(
    model: &mut LoadedModel,
    request: &VariationsRequest,
    source: &SourcePicture,
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    model.check_can(Operation::Variations)?;
    let far = request.far;
    // Not-a-number is in no range.
    if !(0.0..=1.0).contains(&far) {
        return Err(out_of_range("far", &far, "0 to 1"));
    }
    let picture = source.flattened()?;
    let generate = &request.generate;
    let settings = image_conditioned::settings(model, generate, Some(source.size()))?;
    let looks = model.looks_at_pictures();
    let keeps_structure = far < 1.0 || !looks;
    let mut run = PreparedRun::new(model, generate, settings, latents, keeps_structure)?;
    if !looks {
        run.keep_strength(far * LARGEST_STRENGTH);
        run.stand_in = Some(model.stand_in());
    } else if keeps_structure {
        run.keep_strength(far);
    }
    let steer = run.steer(SteerBy::Pictures {
        pictures: std::slice::from_ref(&picture),
        prompt_share: PROMPT_SHARE,
    });
    let size = run.settings.size;
    let mut generation = run.start(model, &steer, 0, on_event)?;
    let latents = if keeps_structure {
        Some(generation.prepare(on_event, |model, on_event| {
            image_conditioned::encode(model, &picture, size, on_event)
        })?)
    } else {
        None
    };
    generation.pictures(&Varying { latents }, on_event)
}

struct Varying {
    /// The picture's, where its structure is kept.
    latents: Option<PictureLatents>,
}

impl Strategy for Varying {
    fn source(&self, _picture: usize) -> Option<&PictureLatents> {
        self.latents.as_ref()
    }
}
