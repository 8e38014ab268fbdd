//! What steers a picture: texts and pictures read, and the embedding that the prior draws of a text.

use std::time::Instant;

use burn::tensor::Tensor;

use super::{
    folder::{IMAGE_ENCODER, PRIOR, TEXT_ENCODER},
    model::KarloModel,
    parts::{Job, Text},
};
use crate::{
    Error, Result,
    components::{priors::Prior, text_encoders::ClipTextEncoder},
    families::{embeddings::embedding_of, prior_drawing::PriorDrawing},
    guidance,
    image::RgbPicture,
    model::{BlendSource, Candidate, Loader, ModelFiles, Slots, Steer, SteerBy},
    progress::{Clock, OnEvent},
    protocol::Phase,
    samplers::AncestralSchedule,
};

impl KarloModel {
    pub(super) fn encode_texts<const N: usize>(
        &self,
        slots: &mut Slots,
        texts: [&str; N],
        on_event: &mut OnEvent,
    ) -> Result<[Text; N]> {
        let tokenized = texts.map(|text| self.tokenizer.encode(text));
        let tokenized = tokenized.into_iter().collect::<Result<Vec<_>>>()?;
        let ids: Vec<Vec<u32>> = tokenized.iter().map(|text| text.ids.clone()).collect();
        let files = self.folder.part(TEXT_ENCODER);
        let encoder = slots.get(&Loader::whole(&files, &ClipTextEncoder::load), on_event)?;
        let output = encoder.forward(&ids);
        let Some(embeds) = output.text_embeds else {
            return Err(Error::NotAModel {
                path: files.folder.path("config.json"),
                reason: "its text encoder has no projection".to_owned(),
            });
        };
        Ok(std::array::from_fn(|row| Text {
            embed: embeds.clone().narrow(0, row, 1),
            states: output.last_hidden_state.clone().narrow(0, row, 1),
            mask: tokenized[row].attention_mask.clone(),
        }))
    }

    fn embed(
        &self,
        slots: &mut Slots,
        picture: &RgbPicture,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>> {
        let preprocessor = self.preprocessor.as_ref();
        let preprocessor =
            preprocessor.ok_or_else(|| Error::Bug("it sees no pictures".to_owned()))?;
        let files = self.folder.part(IMAGE_ENCODER);
        embedding_of(picture, preprocessor, &files, slots, on_event)
    }

    /// The pictures that steer a job, one after another: someone may wish to cancel.
    pub(super) fn look(
        &self,
        slots: &mut Slots,
        steer: &Steer,
        (clock, on_event): (&mut Clock, &mut OnEvent),
    ) -> Result<Vec<Vec<f32>>> {
        let start = Instant::now();
        let pictures: Vec<&RgbPicture> = match steer.by {
            SteerBy::Pictures { pictures, .. } => pictures.iter().collect(),
            SteerBy::Blend { inputs, .. } => {
                let pictures = inputs.iter().filter_map(|input| match input {
                    BlendSource::Picture(picture) => Some(*picture),
                    BlendSource::Twin(_) | BlendSource::Text(_) => None,
                });
                if inputs
                    .iter()
                    .any(|input| matches!(input, BlendSource::Text(_)))
                {
                    return Err(Error::NotAModel {
                        path: self.folder.path(),
                        reason:
                            "it makes pictures of pictures, and none of texts: blend pictures alone"
                                .to_owned(),
                    });
                }
                pictures.collect()
            }
            SteerBy::Prompt | SteerBy::Place { .. } | SteerBy::Shift { .. } => Vec::new(),
        };
        let n_pictures = pictures.len() as u32;
        let mut embeds = Vec::new();
        for (index, picture) in pictures.into_iter().enumerate() {
            let done = (index as u32, n_pictures);
            clock.report(Phase::Encode, 0, done, None, on_event)?;
            embeds.push(self.embed(slots, picture, on_event)?);
        }
        clock.end_stage("encode", start, slots.take_load_seconds());
        Ok(embeds)
    }

    /// With the first numbers of a picture's generator.
    pub(super) fn draw(
        &self,
        slots: &mut Slots,
        job: &Job,
        (prior_settings, schedule): (f32, &AncestralSchedule),
        candidate: &mut Candidate,
        (clock, on_event): (&mut Clock, &mut OnEvent),
    ) -> Result<Tensor<2>> {
        let start = Instant::now();
        let is_guided = guidance::is_guided(prior_settings);
        let conditioning = job.text.for_prior(is_guided.then_some(&job.nothing));
        let dtype = slots.runtime().dtype;
        let files = self.folder.part(PRIOR);
        let prior = slots.get(&Loader::whole(&files, &Prior::load), on_event)?;
        let drawing = PriorDrawing {
            prior,
            conditioning: &conditioning,
            n_embeds: 1,
            is_guided,
            guidance_scale: prior_settings,
            schedule,
            dtype,
        };
        let n_steps = schedule.timesteps.len() as u32;
        let (picture, number) = (candidate.picture, candidate.number);
        let total = n_steps * candidate.n_candidates;
        let mut step_start = Instant::now();
        let embed = drawing.draw(&mut candidate.generator, |n_done| {
            clock.end_prior_step(std::mem::replace(&mut step_start, Instant::now()));
            let done = (number * n_steps + n_done as u32, total);
            clock.report(Phase::Prior, picture, done, None, on_event)
        })?;
        clock.end_stage("prior", start, slots.take_load_seconds());
        Ok(embed)
    }
}
