//! The loop that all deeds share: for each picture image embeddings (prior), latents (decoder), pixels (autoencoder).
//!
//! Each picture has a generator of its own, and draws in the reference pipelines' order: the prior's initial
//! and per-step noise, text by text, the decoder's initial noise, its per-step noise. So f32 on the CPU gives the
//! picture that diffusers gives for the same folder, prompt, seed and steps.

use std::time::Instant;

use burn::tensor::{DType, Tensor};

use super::{
    FinishedPicture, LoadedModel, OnEvent, PipelineEvent,
    conditioned_unet::ConditionedUnet,
    conditioning::{ImageEmbeds, TextConditioning, draw_embeds, encode_text},
    deed::Deed,
    order::Order,
    progress::Clock,
    similarity::similarity,
};
use crate::{
    Error, Result, foreign_text, guidance,
    image::{RgbPicture, preview, read_back},
    noise::Generator,
    protocol::{Phase, Timings},
    samplers::{self, Step},
};

/// An order on its way.
pub(super) struct Making<'a> {
    pub order: Order<'a>,
    pub model: &'a mut LoadedModel,
    /// What the prior draws image embeddings of, for every picture.
    pub texts: Vec<TextConditioning>,
    /// In the space that CLIP shares with pictures, where there is a prompt.
    pub prompt_embed: Option<Vec<f32>>,
    pub clock: Clock,
    drawn: Option<Drawn>,
}

/// What the prior drew last.
struct Drawn {
    seed: u64,
    embeds: Vec<ImageEmbeds>,
    /// As it was left.
    generator: Generator,
}

/// One picture in the making; with `best_of` one of several for the same place.
struct Candidate {
    picture: u32,
    /// Among those for the same picture.
    number: u32,
    seed: u64,
    generator: Generator,
    embeds: Option<ImageEmbeds>,
}

impl Candidate {
    /// As if nothing had been drawn for it.
    fn begin(&mut self) {
        self.generator = Generator::new(self.seed);
        self.embeds = None;
    }
}

impl<'a> Making<'a> {
    pub(super) fn new(order: Order<'a>, model: &'a mut LoadedModel, clock: Clock) -> Self {
        Self {
            order,
            model,
            texts: Vec::new(),
            prompt_embed: None,
            clock,
            drawn: None,
        }
    }

    /// Reads the request's prompt and negative prompt, which the prior then draws embeddings of.
    ///
    /// # Errors
    /// Those of reading the encoder's weights; when the device fails.
    pub fn read_prompt(&mut self, on_event: &mut OnEvent) -> Result<()> {
        let request = self.order.request;
        let text = self.read_text(
            &request.prompt,
            request.negative_prompt.as_deref(),
            on_event,
        )?;
        self.prompt_embed = Some(text.prompt_embed.clone());
        self.texts.push(text);
        Ok(())
    }

    /// # Errors
    /// Those of reading the encoder's weights; when the device fails.
    pub fn read_text(
        &mut self,
        text: &str,
        negative: Option<&str>,
        on_event: &mut OnEvent,
    ) -> Result<TextConditioning> {
        let start = Instant::now();
        let is_guided = guidance::is_guided(self.order.settings.prior_guidance_scale);
        let text = encode_text(self.model, text, negative, is_guided, on_event)?;
        self.clock
            .end_stage("text", start, self.model.take_load_seconds());
        Ok(text)
    }

    /// Makes pictures that came with the job ready for the model, and books the time.
    ///
    /// # Errors
    /// What `encode` returns.
    pub fn prepare<T>(
        &mut self,
        on_event: &mut OnEvent,
        encode: impl FnOnce(&mut LoadedModel, &mut OnEvent) -> Result<T>,
    ) -> Result<T> {
        let start = Instant::now();
        self.clock
            .report(Phase::Encode, 0, (0, 1), None, on_event)?;
        let encoded = encode(self.model, on_event)?;
        self.clock
            .end_stage("encode", start, self.model.take_load_seconds());
        Ok(encoded)
    }

    /// Makes them one by one and in order.
    ///
    /// With `best_of` above one each picture is the best of that many candidates with consecutive seeds; its own
    /// seed makes it again.
    pub fn pictures(mut self, deed: &dyn Deed, on_event: &mut OnEvent) -> Result<Timings> {
        let best_of = self.order.best_of;
        let mut candidates = self.candidates();
        if !self.model.all_fit()? {
            // The prior's work comes first for all, so that it gives way to the decoder only once.
            for candidate in &mut candidates {
                candidate.embeds = Some(self.embeds(deed, candidate, on_event)?);
            }
        }
        let mut best: Option<FinishedPicture> = None;
        for candidate in &mut candidates {
            let finished = match self.finish(deed, candidate, on_event) {
                Err(Error::OutOfMemory(reason)) if self.model.give_up_memory() => {
                    tracing::warn!("out of memory: {}", foreign_text::message(reason));
                    self.drawn = None;
                    candidate.begin();
                    self.finish(deed, candidate, on_event)?
                }
                result => result?,
            };
            if best.as_ref().is_none_or(|best| finished.score > best.score) {
                best = Some(finished);
            }
            if candidate.number + 1 == best_of
                && let Some(best) = best.take()
            {
                on_event(PipelineEvent::Picture(best))?;
            }
        }
        Ok(self.clock.finish())
    }

    fn candidates(&self) -> Vec<Candidate> {
        let best_of = self.order.best_of;
        (0..self.order.n_pictures * best_of)
            .map(|index| {
                let (picture, number) = (index / best_of, index % best_of);
                let ahead = if self.order.is_strip { number } else { index };
                let seed = self.order.request.seed.wrapping_add(u64::from(ahead));
                Candidate {
                    picture,
                    number,
                    seed,
                    generator: Generator::new(seed),
                    embeds: None,
                }
            })
            .collect()
    }

    fn finish(
        &mut self,
        deed: &dyn Deed,
        candidate: &mut Candidate,
        on_event: &mut OnEvent,
    ) -> Result<FinishedPicture> {
        let embeds = match candidate.embeds.take() {
            Some(embeds) => embeds,
            None => self.embeds(deed, candidate, on_event)?,
        };
        let latents = self.denoise(deed, candidate, embeds.clone(), on_event)?;
        let decoded = self.decode(candidate, latents, on_event)?;
        let score = if self.order.best_of == 1 {
            None
        } else {
            Some(self.score(&decoded, embeds, on_event)?)
        };
        let start = Instant::now();
        let (RgbPicture { width, height, rgb }, patch_mask) = deed.deliver(decoded)?;
        if patch_mask.is_some() {
            self.clock.end_stage("stitch", start, 0.0);
        }
        Ok(FinishedPicture {
            index: candidate.picture,
            seed: candidate.seed,
            width,
            height,
            rgb,
            score,
            patch_mask,
        })
    }

    /// How near the picture came to the prompt, or without one to what steered it.
    fn score(
        &mut self,
        decoded: &RgbPicture,
        embeds: ImageEmbeds,
        on_event: &mut OnEvent,
    ) -> Result<f32> {
        let start = Instant::now();
        let wished = match &self.prompt_embed {
            Some(prompt) => prompt.clone(),
            None => read_back(embeds.positive)?,
        };
        let score = similarity(self.model, decoded, &wished, on_event)?;
        self.clock
            .end_stage("score", start, self.model.take_load_seconds());
        Ok(score)
    }

    fn embeds(
        &mut self,
        deed: &dyn Deed,
        candidate: &mut Candidate,
        on_event: &mut OnEvent,
    ) -> Result<ImageEmbeds> {
        let seed = candidate.seed;
        if self.drawn.as_ref().is_none_or(|drawn| drawn.seed != seed) {
            let embeds = self.draw(candidate, on_event)?;
            self.drawn = Some(Drawn {
                seed,
                embeds,
                generator: candidate.generator.clone(),
            });
        }
        let Some(drawn) = &self.drawn else {
            return Err(Error::Bug("the prior has drawn nothing".to_owned()));
        };
        candidate.generator = drawn.generator.clone();
        deed.embeds(candidate.picture as usize, &drawn.embeds)
    }

    fn draw(
        &mut self,
        candidate: &mut Candidate,
        on_event: &mut OnEvent,
    ) -> Result<Vec<ImageEmbeds>> {
        let start = Instant::now();
        let n_steps = self.order.settings.n_prior_steps;
        let (picture, number) = (candidate.picture, candidate.number);
        let n_texts = self.texts.len() as u32;
        let total = n_steps * n_texts * self.order.best_of;
        let clock = &mut self.clock;
        let mut step_start = Instant::now();
        let mut embeds = Vec::new();
        for (index, text) in self.texts.iter().enumerate() {
            let n_before = (number * n_texts + index as u32) * n_steps;
            embeds.push(draw_embeds(
                self.model,
                text,
                &self.order.prior_schedule,
                self.order.settings.prior_guidance_scale,
                &mut candidate.generator,
                on_event,
                |n_done, on_event| {
                    clock.end_prior_step(std::mem::replace(&mut step_start, Instant::now()));
                    let done = (n_before + n_done as u32, total);
                    clock.report(Phase::Prior, picture, done, None, on_event)
                },
            )?);
        }
        self.clock
            .end_stage("prior", start, self.model.take_load_seconds());
        Ok(embeds)
    }

    fn denoise(
        &mut self,
        deed: &dyn Deed,
        candidate: &mut Candidate,
        embeds: ImageEmbeds,
        on_event: &mut OnEvent,
    ) -> Result<Tensor<4>> {
        let start = Instant::now();
        let [channels, height, width] = self.order.latent_shape(self.model);
        let device = self.model.runtime().device.clone();
        let index = candidate.picture as usize;
        let noise = match self.order.latents {
            Some(latents) => latents.of_picture(index, &device),
            None => candidate
                .generator
                .randn_tensor([1, channels, height, width], &device),
        };
        let preview_map = self.model.preview_map(on_event)?;
        let schedule = &self.order.schedule;
        let latents = deed.initial_latents(index, schedule, noise.clone())?;

        let guidance_scale = deed.guidance_scale(index, self.order.settings.guidance_scale);
        let unet = self.model.unet(on_event)?;
        let unet = ConditionedUnet::new(unet, embeds, guidance_scale, channels);
        let denoise = |latents: Tensor<4>, timestep: f32| {
            Ok(unet.predict(deed.unet_input(latents), timestep))
        };

        let n_steps = schedule.n_steps() as u32;
        let total = n_steps * self.order.best_of;
        let clock = &mut self.clock;
        let (picture, number) = (candidate.picture, candidate.number);
        let mut step_start = Instant::now();
        let on_step = |mut step: Step<4>| {
            deed.after_step(&mut step, &noise);
            let denoised = step.denoised.clone().cast(DType::F32);
            let preview = if let Some(map) = &preview_map {
                Some(preview(map, denoised)?)
            } else {
                // Reading one number back makes a device do the step before it is called done.
                read_back(denoised.slice([0..1, 0..1, 0..1, 0..1]))?;
                None
            };
            clock.end_step(std::mem::replace(&mut step_start, Instant::now()));
            let done = (number * n_steps + step.index as u32 + 1, total);
            clock.report(Phase::Step, picture, done, preview, on_event)
        };
        let generator = &mut candidate.generator;
        let latents = samplers::sample(schedule, denoise, latents, generator, on_step)?;
        self.clock
            .end_stage("denoise", start, self.model.take_load_seconds());
        Ok(latents)
    }

    fn decode(
        &mut self,
        candidate: &Candidate,
        latents: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<RgbPicture> {
        let start = Instant::now();
        let picture = candidate.picture;
        self.clock
            .report(Phase::Decode, picture, (0, 1), None, on_event)?;
        let pixels = self.model.movq(on_event)?.decode(latents);
        let decoded = RgbPicture::from_tensor(pixels)?;
        self.clock.end_decode(start, self.model.take_load_seconds());
        Ok(decoded)
    }
}
