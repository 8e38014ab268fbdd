//! The image embeddings that steer the decoder: of a prompt (text encoder, then prior) and of a picture.

use burn::tensor::{Int, Tensor, TensorData};

use super::model::UnclipModel;
use crate::{
    Error, Result,
    components::priors::PriorConditioning,
    families::{embeddings::embed_tensor, prior_drawing::PriorDrawing},
    image::{RgbPicture, read_back},
    image_preprocessor::ImagePreprocessor,
    model::Slots,
    noise::Generator,
    progress::OnEvent,
    samplers::AncestralSchedule,
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

impl UnclipModel {
    /// Encodes the prompt, and the negative where one is given, even an empty one.
    ///
    /// As the reference does: a given negative is the unconditional side of the prior for both embeddings, the
    /// prompt's and its own; without one the unconditional side is the empty text.
    pub(super) fn encode_text(
        &self,
        slots: &mut Slots,
        (prompt, negative_prompt): (&str, Option<&str>),
        is_guided: bool,
        on_event: &mut OnEvent,
    ) -> Result<TextConditioning> {
        let tokenized = self.tokenize(&[prompt, negative_prompt.unwrap_or_default()])?;
        // Which of the two texts stands in each row of the prior's batch.
        let rows: &[usize] = match (is_guided, negative_prompt.is_some()) {
            (true, true) => &[1, 1, 0, 1],
            (true, false) => &[1, 0],
            (false, true) => &[0, 1],
            (false, false) => &[0],
        };
        let (text_embeds, last_hidden_state) =
            self.run_text_encoder(slots, &tokenized, on_event)?;
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

    fn tokenize(&self, texts: &[&str]) -> Result<Vec<TokenizedPrompt>> {
        let texts = texts.iter();
        texts.map(|text| self.tokenizer.encode(text)).collect()
    }

    /// # Shapes: `[texts, embedding width]` and `[texts, tokens, width]`
    fn run_text_encoder(
        &self,
        slots: &mut Slots,
        texts: &[TokenizedPrompt],
        on_event: &mut OnEvent,
    ) -> Result<(Tensor<2>, Tensor<3>)> {
        let ids: Vec<Vec<u32>> = texts.iter().map(|text| text.ids.clone()).collect();
        let encoder = self.folder.load_text_encoder(slots, on_event)?;
        let output = encoder.forward(&ids);
        let Some(text_embeds) = output.text_embeds else {
            return Err(Error::NotAModel {
                path: self.folder.text_encoder().folder.path("config.json"),
                reason: "its text encoder has no projection".to_owned(),
            });
        };
        Ok((text_embeds, output.last_hidden_state))
    }

    /// Texts' embeddings, in the space that CLIP shares with pictures.
    pub(super) fn embed_texts(
        &self,
        slots: &mut Slots,
        texts: &[&str],
        on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        let tokenized = self.tokenize(texts)?;
        let (text_embeds, _) = self.run_text_encoder(slots, &tokenized, on_event)?;
        rows(text_embeds)
    }

    /// Draws the image embeddings of one picture, with the first numbers of its generator.
    ///
    /// `on_step` is told how many steps are done.
    pub(super) fn draw_embeds(
        &mut self,
        slots: &mut Slots,
        (text, schedule, guidance_scale): (&TextConditioning, &AncestralSchedule, f32),
        generator: &mut Generator,
        on_event: &mut OnEvent,
        mut on_step: impl FnMut(usize, &mut OnEvent) -> Result<()>,
    ) -> Result<ImageEmbeds> {
        let zero_embed = match text.n_embeds {
            1 => Some(self.zero_image_embed(slots, on_event)?),
            _ => None,
        };
        let (device, dtype) = (slots.runtime().device.clone(), slots.runtime().dtype);
        let drawing = PriorDrawing {
            prior: self.folder.load_prior(slots, on_event)?,
            conditioning: &text.prior,
            n_embeds: text.n_embeds,
            is_guided: text.is_guided,
            guidance_scale,
            schedule,
            dtype,
        };
        let embeds = drawing.draw(generator, |n_done| on_step(n_done, on_event))?;
        let negative = match zero_embed {
            Some(zero_embed) => embed_tensor(zero_embed, &device),
            None => embeds.clone().narrow(0, 1, 1),
        };
        Ok(ImageEmbeds {
            positive: embeds.narrow(0, 0, 1),
            negative,
        })
    }

    /// A picture's embedding, in the space that CLIP shares with text.
    pub(super) fn embed_picture(
        &self,
        slots: &mut Slots,
        picture: &RgbPicture,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>> {
        let [embed] = self
            .embed_pictures(slots, &[picture], on_event)?
            .try_into()
            .map_err(|_| Error::Bug("one picture has one embedding".to_owned()))?;
        Ok(embed)
    }

    /// Pictures' embeddings, made in one batch.
    pub(super) fn embed_pictures(
        &self,
        slots: &mut Slots,
        pictures: &[&RgbPicture],
        on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        let preprocessor = ImagePreprocessor::load(&self.folder.image_processor())?;
        let (device, dtype) = (slots.runtime().device.clone(), slots.runtime().dtype);
        let pixel_values = pictures
            .iter()
            .map(|picture| preprocessor.pixel_values(picture, &device, dtype));
        let pixel_values = Tensor::cat(pixel_values.collect(), 0);
        let encoder = self.folder.load_image_encoder(slots, on_event)?;
        rows(encoder.forward(pixel_values).image_embeds)
    }
}

/// The rows of a matrix, in f32.
fn rows(matrix: Tensor<2>) -> Result<Vec<Vec<f32>>> {
    let [_, width] = matrix.dims();
    let values = read_back(matrix)?;
    Ok(values.chunks_exact(width).map(<[f32]>::to_vec).collect())
}
