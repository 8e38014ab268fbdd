//! The image embeddings that steer the decoder: of a prompt (text encoder, then prior) and of a picture.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::{LoadedModel, OnEvent};
use crate::{
    Error, Result,
    catalogue::Component,
    guidance,
    image::{RgbPicture, read_back},
    image_preprocessor::ImagePreprocessor,
    noise::Generator,
    prior::PriorConditioning,
    samplers::{self, AncestralSchedule, ModelOutput},
    tokenizer::TokenizedPrompt,
};

/// What the prior is told for every picture of a job.
pub(super) struct TextConditioning {
    /// With guidance the unconditional half first.
    prior: PriorConditioning,
    /// 1, or 2 where the negative prompt has an embedding of its own.
    n_embeds: usize,
    is_guided: bool,
    /// The prompt in the space that CLIP shares with pictures.
    pub prompt_embed: Vec<f32>,
}

/// What the decoder is told. Each `[1, embedding width]`, in f32.
#[derive(Debug, Clone)]
pub(super) struct ImageEmbeds {
    pub positive: Tensor<2>,
    pub negative: Tensor<2>,
}

/// Encodes the prompt, and the negative where one is given, even an empty one.
///
/// As the reference does: a given negative is the unconditional side of the prior for both embeddings, the
/// prompt's and its own; without one the unconditional side is the empty text.
pub(super) fn encode_text(
    model: &mut LoadedModel,
    prompt: &str,
    negative_prompt: Option<&str>,
    is_guided: bool,
    on_event: &mut OnEvent,
) -> Result<TextConditioning> {
    let tokenized = tokenize(model, &[prompt, negative_prompt.unwrap_or_default()])?;
    // Which of the two texts stands in each row of the prior's batch.
    let rows: &[usize] = match (is_guided, negative_prompt.is_some()) {
        (true, true) => &[1, 1, 0, 1],
        (true, false) => &[1, 0],
        (false, true) => &[0, 1],
        (false, false) => &[0],
    };
    let (text_embeds, last_hidden_state) = run_text_encoder(model, &tokenized, on_event)?;
    let row_indices: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let row_indices = Tensor::<1, Int>::from_data(
        TensorData::new(row_indices, [rows.len()]),
        &text_embeds.device(),
    );
    Ok(TextConditioning {
        prompt_embed: read_back(text_embeds.clone().narrow(0, 0, 1))?,
        prior: PriorConditioning {
            text_embeds: text_embeds.select(0, row_indices.clone()),
            hidden_states: last_hidden_state.select(0, row_indices),
            attention_mask: rows
                .iter()
                .map(|&row| tokenized[row].attention_mask.clone())
                .collect(),
        },
        n_embeds: if negative_prompt.is_some() { 2 } else { 1 },
        is_guided,
    })
}

fn tokenize(model: &LoadedModel, texts: &[&str]) -> Result<Vec<TokenizedPrompt>> {
    let texts = texts.iter();
    texts.map(|text| model.tokenizer().encode(text)).collect()
}

/// # Shapes: `[texts, embedding width]` and `[texts, tokens, width]`
fn run_text_encoder(
    model: &mut LoadedModel,
    texts: &[TokenizedPrompt],
    on_event: &mut OnEvent,
) -> Result<(Tensor<2>, Tensor<3>)> {
    let ids: Vec<Vec<u32>> = texts.iter().map(|text| text.ids.clone()).collect();
    let path = model
        .folder()
        .component(Component::TextEncoder)
        .path("config.json");
    let output = model.text_encoder(on_event)?.forward(&ids);
    let Some(text_embeds) = output.text_embeds else {
        let reason = "its text encoder has no projection".to_owned();
        return Err(Error::NotAModel { path, reason });
    };
    Ok((text_embeds, output.last_hidden_state))
}

/// Texts' embeddings, in the space that CLIP shares with pictures.
pub(super) fn embed_texts(
    model: &mut LoadedModel,
    texts: &[&str],
    on_event: &mut OnEvent,
) -> Result<Vec<Vec<f32>>> {
    let tokenized = tokenize(model, texts)?;
    let (text_embeds, _) = run_text_encoder(model, &tokenized, on_event)?;
    rows(text_embeds)
}

/// The rows of a matrix, in f32.
fn rows(matrix: Tensor<2>) -> Result<Vec<Vec<f32>>> {
    let [_, width] = matrix.dims();
    let values = read_back(matrix)?;
    Ok(values.chunks_exact(width).map(<[f32]>::to_vec).collect())
}

/// Draws the image embeddings of one picture, with the first numbers of its generator.
///
/// `on_step` is told how many steps are done.
pub(super) fn draw_embeds(
    model: &mut LoadedModel,
    text: &TextConditioning,
    schedule: &AncestralSchedule,
    guidance_scale: f32,
    generator: &mut Generator,
    on_event: &mut OnEvent,
    mut on_step: impl FnMut(usize, &mut OnEvent) -> Result<()>,
) -> Result<ImageEmbeds> {
    let zero_embed = match text.n_embeds {
        1 => Some(model.zero_image_embed(on_event)?),
        _ => None,
    };
    let (device, dtype) = (model.runtime().device.clone(), model.runtime().dtype);
    let prior = model.prior(on_event)?;
    let width = prior.config().embedding_dim;
    let noise = generator.randn_tensor([text.n_embeds, width], &device);
    let latents = samplers::ddpm(
        |latents: Tensor<2>, timestep| {
            let input = guidance::doubled(latents, text.is_guided);
            let output = prior.forward(input.cast(dtype), timestep, &text.prior);
            let output = output.cast(DType::F32);
            let prediction = if text.is_guided {
                guidance::guide(output, guidance_scale)
            } else {
                output
            };
            Ok(ModelOutput {
                prediction,
                variance: None,
            })
        },
        noise,
        schedule,
        generator,
        |step| {
            // Reading one number back makes a device do the step before it is called done.
            read_back(step.denoised.clone().slice([0..1, 0..1]))?;
            on_step(step.index + 1, on_event)
        },
    )?;
    let embeds = prior
        .post_process_latents(latents.cast(dtype))
        .cast(DType::F32);
    let negative = match zero_embed {
        Some(zero_embed) => embed_tensor(zero_embed, &device),
        None => embeds.clone().narrow(0, 1, 1),
    };
    Ok(ImageEmbeds {
        positive: embeds.narrow(0, 0, 1),
        negative,
    })
}

/// # Shapes: `[1, embedding width]`
pub(super) fn embed_tensor(embed: Vec<f32>, device: &Device) -> Tensor<2> {
    let width = embed.len();
    Tensor::from_data(TensorData::new(embed, [1, width]), (device, DType::F32))
}

/// A picture's embedding, in the space that CLIP shares with text.
pub(super) fn embed_picture(
    model: &mut LoadedModel,
    picture: &RgbPicture,
    on_event: &mut OnEvent,
) -> Result<Vec<f32>> {
    let [embed] = embed_pictures(model, &[picture], on_event)?
        .try_into()
        .map_err(|_| Error::Bug("one picture has one embedding".to_owned()))?;
    Ok(embed)
}

/// Pictures' embeddings, made in one batch.
pub(super) fn embed_pictures(
    model: &mut LoadedModel,
    pictures: &[&RgbPicture],
    on_event: &mut OnEvent,
) -> Result<Vec<Vec<f32>>> {
    let preprocessor = ImagePreprocessor::load(&model.folder().image_processor())?;
    let (device, dtype) = (model.runtime().device.clone(), model.runtime().dtype);
    let pixel_values = pictures
        .iter()
        .map(|picture| preprocessor.pixel_values(picture, &device, dtype));
    let pixel_values = Tensor::cat(pixel_values.collect(), 0);
    let output = model.image_encoder(on_event)?.forward(pixel_values);
    rows(output.image_embeds)
}
