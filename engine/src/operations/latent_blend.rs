//! Blends by a model that does not look at pictures: the latents of the pictures are mixed, noised and drawn anew under
//! what the texts say.

use burn::tensor::{DType, Tensor, TensorData};

use super::{
    InitialLatents, LoadedModel, OnEvent,
    blend::{Part, source},
    image_conditioned,
};
use crate::{
    Result,
    generation::{PreparedRun, Strategy},
    image::read_back,
    model::{BlendSource, PictureLatents, SteerBy},
    protocol::{BlendRequest, Mix, Timings},
    slerp::{slerp_all, weighted_mean},
};

/// How far mixed pictures are noised: enough for one picture to come of two, and for both to be seen in it.
const STRENGTH: f32 = 0.6;

/// As [`blend::run`](super::blend::run), of a request that was checked.
///
/// # Errors
/// Those of [`blend::run`](super::blend::run).
pub(super) fn run(
    model: &mut LoadedModel,
    request: &BlendRequest,
    parts: &[Part],
    latents: Option<&InitialLatents>,
    on_event: &mut OnEvent,
) -> Result<Timings> {
    let generate = &request.generate;
    let first = parts.iter().find_map(Part::picture);
    let size = first.map(|picture| (picture.width, picture.height));
    let settings = image_conditioned::settings(model, generate, size)?;
    let mut run = PreparedRun::new(model, generate, settings, latents, first.is_some())?;
    run.is_strip = request.ways.len() > 1;
    if first.is_some() {
        run.keep_strength(STRENGTH);
        run.stand_in = Some(model.stand_in());
    }
    let inputs = (0..parts.len()).map(|index| source(parts, index));
    let inputs: Vec<BlendSource> = inputs.collect();
    let steer = run.steer(SteerBy::Blend {
        inputs: &inputs,
        weights: &request.ways,
        mix: request.mix,
    });
    let size = run.settings.size;
    let mut generation = run.start(model, &steer, 0, on_event)?;
    let mut sources = Vec::new();
    if first.is_some() {
        let encoded = generation.prepare(on_event, |model, on_event| {
            let encoded = inputs.iter().map(|input| match input {
                BlendSource::Picture(picture) => {
                    image_conditioned::encode(model, picture, size, on_event)
                        .map(|latents| Some(latents.mean))
                }
                BlendSource::Twin(_) | BlendSource::Text(_) => Ok(None),
            });
            encoded.collect::<Result<Vec<_>>>()
        })?;
        sources = mixed(&inputs, &encoded, request)?;
    }
    generation.pictures(&LatentBlending { sources }, on_event)
}

/// For each way the mixture of the pictures on it.
fn mixed(
    inputs: &[BlendSource],
    encoded: &[Option<Tensor<4>>],
    request: &BlendRequest,
) -> Result<Vec<PictureLatents>> {
    let original = |index: usize| match inputs[index] {
        BlendSource::Twin(twin) => twin,
        BlendSource::Picture(_) | BlendSource::Text(_) => index,
    };
    let pictures = (0..inputs.len()).filter_map(|index| {
        let latents = encoded[original(index)].clone()?;
        Some((index, latents))
    });
    let pictures: Vec<(usize, Tensor<4>)> = pictures.collect();
    let numbers = pictures
        .iter()
        .map(|(_, latents)| read_back(latents.clone()));
    let numbers = numbers.collect::<Result<Vec<_>>>()?;
    let like = &pictures[0].1;
    let ways = request.ways.iter().map(|weights| {
        let own: Vec<f32> = pictures.iter().map(|(index, _)| weights[*index]).collect();
        // Where nothing but a text counts, it is drawn over all pictures alike.
        let is_empty = own.iter().all(|weight| *weight == 0.0);
        let own = if is_empty { vec![1.0; own.len()] } else { own };
        let mixed = match request.mix {
            Mix::Slerp => slerp_all(&numbers, &own),
            Mix::Linear => weighted_mean(&numbers, &own),
        };
        let data = TensorData::new(mixed, like.dims());
        let latents = Tensor::from_data(data, (&like.device(), DType::F32));
        PictureLatents::certain(latents)
    });
    Ok(ways.collect())
}

struct LatentBlending {
    /// For each picture, or for all; none where nothing but texts are blended.
    sources: Vec<PictureLatents>,
}

impl Strategy for LatentBlending {
    fn source(&self, picture: usize) -> Option<&PictureLatents> {
        match &self.sources[..] {
            [only] => Some(only),
            sources => sources.get(picture),
        }
    }
}
