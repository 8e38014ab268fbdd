//! Pictures and texts to where CLIP lays them: what is alike lies near. For a search, with no picture made.

use std::time::Instant;

use super::{LoadedModel, OnEvent, SourcePicture};
use crate::{
    Error, Result,
    generation::out_of_range,
    image::RgbPicture,
    progress::{Clock, Work},
    protocol::{EmbedRequest, Embeddings, Phase, Timings},
    slerp::length,
};

/// So many at once, and then a look for a cancel.
const PICTURES_PER_BATCH: usize = 8;

/// Embeds `pictures` and the request's texts, each in their order.
///
/// What is transparent lies on white, a whole picture of it too: it lies where blank paper lies. An empty text lies
/// where CLIP puts it.
///
/// # Errors
/// For more than [`EmbedRequest::MOST`] at once; [`Error::NoPicture`] and [`Error::WrongPictureSize`]; the model's
/// files; the device; [`Error::NotANumber`]; what `on_event` returns.
pub fn run(
    model: &mut LoadedModel,
    request: &EmbedRequest,
    pictures: &[SourcePicture],
    on_event: &mut OnEvent,
) -> Result<(Embeddings, Timings)> {
    let n_inputs = pictures.len() + request.texts.len();
    if n_inputs > EmbedRequest::MOST {
        let allowed = format!("at most {}", EmbedRequest::MOST);
        return Err(out_of_range("the number of inputs", &n_inputs, allowed));
    }
    let pictures = pictures
        .iter()
        .map(SourcePicture::on_white)
        .collect::<Result<Vec<_>>>()?;
    let encoder = model.encoder_hash(on_event)?;
    let mut clock = Clock::new(Work::default());
    let start = Instant::now();
    let total = n_inputs as u32;
    clock.report(Phase::Embed, 0, (0, total), None, on_event)?;
    let mut of_pictures = Vec::new();
    for batch in pictures.chunks(PICTURES_PER_BATCH) {
        let batch: Vec<&RgbPicture> = batch.iter().collect();
        of_pictures.extend(model.embed_pictures(&batch, on_event)?);
        let n_done = of_pictures.len() as u32;
        clock.report(Phase::Embed, 0, (n_done, total), None, on_event)?;
    }
    let texts: Vec<&str> = request.texts.iter().map(String::as_str).collect();
    let of_texts = if texts.is_empty() {
        Vec::new()
    } else {
        model.embed_texts(&texts, on_event)?
    };
    clock.report(Phase::Embed, 0, (total, total), None, on_event)?;
    clock.end_stage("embed", start, model.take_load_seconds());
    let embeddings = Embeddings {
        encoder,
        dim: model.embedding_width() as u32,
        pictures: all_of_unit_length(of_pictures)?,
        texts: all_of_unit_length(of_texts)?,
    };
    Ok((embeddings, clock.finish()))
}

fn all_of_unit_length(rows: Vec<Vec<f32>>) -> Result<Vec<Vec<f32>>> {
    rows.into_iter().map(of_unit_length).collect()
}

fn of_unit_length(row: Vec<f32>) -> Result<Vec<f32>> {
    let length = length(&row);
    if !(length > 0.0 && length.is_finite()) {
        return Err(Error::NotANumber);
    }
    Ok(row
        .into_iter()
        .map(|x| (f64::from(x) / length) as f32)
        .collect())
}
