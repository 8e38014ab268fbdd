//! The loop that all deeds share: for each picture image embeddings (prior), latents (decoder), pixels (autoencoder).
//!
//! Each picture has a generator of its own, and draws in the reference pipelines' order: the prior's initial
//! and per-step noise, the decoder's initial noise, its per-step noise. So f32 on the CPU gives the picture
//! that diffusers gives for the same folder, prompt, seed and steps.

use std::time::Instant;

use burn::tensor::{DType, Tensor};

use super::{
    FinishedPicture, InitialLatents, LoadedModel, OnEvent, PipelineEvent,
    conditioning::{ImageEmbeds, TextConditioning, draw_embeds, encode_text},
    edit::Editing,
    progress::{Clock, Work},
    similarity::similarity,
};
use crate::{
    Error, Result,
    autoencoder::AutoencoderParts,
    catalogue::Defaults,
    guidance,
    image::{RgbPicture, preview, read_back},
    noise::Generator,
    protocol::{GenerateRequest, Phase, Plan, Timings},
    samplers::{self, AncestralSchedule, ModelOutput, Schedule, Step},
};

/// A request that can be done, before anything is computed.
pub(super) struct Order<'a> {
    pub request: &'a GenerateRequest,
    pub settings: Defaults,
    prior_schedule: AncestralSchedule,
    pub schedule: Schedule,
    latents: Option<&'a InitialLatents>,
}

impl<'a> Order<'a> {
    /// Refuses what cannot be done, and keeps memory free for it from here on.
    ///
    /// # Errors
    /// Faults of the request: empty prompt, size, steps, latents; those of [`LoadedModel::reserve`].
    pub fn new(
        model: &mut LoadedModel,
        request: &'a GenerateRequest,
        settings: Defaults,
        latents: Option<&'a InitialLatents>,
        parts: AutoencoderParts,
    ) -> Result<Self> {
        if request.prompt.trim().is_empty() {
            return Err(Error::EmptyPrompt);
        }
        let folder = model.folder();
        let (width, height) = settings.size;
        folder.check_size(width, height)?;
        let n_steps = settings.n_steps as usize;
        let schedule = Schedule::new(settings.sampler, folder.scheduler(), n_steps)?;
        let n_prior_steps = settings.n_prior_steps as usize;
        let prior_schedule = AncestralSchedule::unclip(folder.prior_scheduler(), n_prior_steps)?;
        if let Some(latents) = latents {
            latents.check(request.n_pictures as usize, latent_shape(model, &settings))?;
        }
        let is_guided = guidance::is_guided(settings.guidance_scale);
        model.reserve(width, height, is_guided, parts)?;
        Ok(Self {
            request,
            settings,
            prior_schedule,
            schedule,
            latents,
        })
    }

    /// Tells the plan and reads the prompt.
    pub fn start(self, model: &'a mut LoadedModel, on_event: &mut OnEvent) -> Result<Making<'a>> {
        let plan = self.plan(model, on_event)?;
        on_event(PipelineEvent::Planned(plan))?;
        model.take_load_seconds();

        let n_candidates = self.request.n_pictures * self.request.best_of;
        let mut clock = Clock::new(Work {
            prior_steps: n_candidates * self.settings.n_prior_steps,
            steps: n_candidates * self.schedule.n_steps() as u32,
            decodes: n_candidates,
        });
        let start = Instant::now();
        let text = encode_text(
            model,
            &self.request.prompt,
            self.request.negative_prompt.as_deref(),
            guidance::is_guided(self.settings.prior_guidance_scale),
            on_event,
        )?;
        clock.end_stage("text", start, model.take_load_seconds());
        Ok(Making {
            order: self,
            model,
            text,
            edit: None,
            clock,
        })
    }

    fn plan(&self, model: &mut LoadedModel, on_event: &mut OnEvent) -> Result<Plan> {
        let settings = &self.settings;
        let (width, height) = settings.size;
        Ok(Plan {
            model_name: model.folder().name(),
            model_hash: model.hash(on_event)?.to_owned(),
            device: model.runtime().device_name.clone(),
            dtype: format!("{:?}", model.runtime().dtype).to_lowercase(),
            width,
            height,
            sampler: settings.sampler,
            n_steps: settings.n_steps,
            guidance_scale: settings.guidance_scale,
            n_prior_steps: settings.n_prior_steps,
            prior_guidance_scale: settings.prior_guidance_scale,
            unread_prompt: model.tokenizer().encode(&self.request.prompt)?.cut_off,
        })
    }
}

/// `[channels, height, width]` of a picture's latents.
fn latent_shape(model: &LoadedModel, settings: &Defaults) -> [usize; 3] {
    let scale = model.folder().movq_scale();
    let (width, height) = settings.size;
    [
        model.movq_config().latent_channels,
        (height / scale) as usize,
        (width / scale) as usize,
    ]
}

/// An order on its way.
pub(super) struct Making<'a> {
    order: Order<'a>,
    pub model: &'a mut LoadedModel,
    text: TextConditioning,
    /// `None`: pictures from text alone.
    pub edit: Option<Editing<'a>>,
    pub clock: Clock,
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

impl Making<'_> {
    /// Makes them one by one and in order.
    ///
    /// With `best_of` above one each picture is the best of that many candidates with consecutive seeds; its own
    /// seed makes it again.
    pub fn pictures(mut self, on_event: &mut OnEvent) -> Result<Timings> {
        let best_of = self.order.request.best_of;
        let mut candidates: Vec<Candidate> = (0..self.order.request.n_pictures * best_of)
            .map(|index| {
                let seed = self.order.request.seed.wrapping_add(u64::from(index));
                Candidate {
                    picture: index / best_of,
                    number: index % best_of,
                    seed,
                    generator: Generator::new(seed),
                    embeds: None,
                }
            })
            .collect();
        if !self.model.all_fit()? {
            // The prior's work comes first for all, so that it gives way to the decoder only once.
            for candidate in &mut candidates {
                candidate.embeds = Some(self.draw_embeds(candidate, on_event)?);
            }
        }
        let mut best: Option<FinishedPicture> = None;
        for candidate in &mut candidates {
            let finished = self.finish(candidate, on_event)?;
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

    fn finish(
        &mut self,
        candidate: &mut Candidate,
        on_event: &mut OnEvent,
    ) -> Result<FinishedPicture> {
        let embeds = match candidate.embeds.take() {
            Some(embeds) => embeds,
            None => self.draw_embeds(candidate, on_event)?,
        };
        let latents = self.denoise(candidate, embeds, on_event)?;
        let decoded = self.decode(candidate, latents, on_event)?;
        let score = if self.order.request.best_of == 1 {
            None
        } else {
            let start = Instant::now();
            let embed = &self.text.prompt_embed;
            let score = similarity(self.model, &decoded, embed, on_event)?;
            self.clock
                .end_stage("score", start, self.model.take_load_seconds());
            Some(score)
        };
        self.deliver(candidate, decoded, score)
    }

    /// As it goes to the side that asked: of an edit, the patch.
    fn deliver(
        &mut self,
        candidate: &Candidate,
        decoded: RgbPicture,
        score: Option<f32>,
    ) -> Result<FinishedPicture> {
        let start = Instant::now();
        let (picture, patch_mask) = match &self.edit {
            None => (decoded, None),
            Some(edit) => {
                let (picture, mask) = edit.patch(&decoded)?;
                self.clock.end_stage("stitch", start, 0.0);
                (picture, Some(mask))
            }
        };
        let RgbPicture { width, height, rgb } = picture;
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

    fn draw_embeds(
        &mut self,
        candidate: &mut Candidate,
        on_event: &mut OnEvent,
    ) -> Result<ImageEmbeds> {
        let start = Instant::now();
        let n_steps = self.order.settings.n_prior_steps;
        let (picture, number) = (candidate.picture, candidate.number);
        let total = n_steps * self.order.request.best_of;
        let clock = &mut self.clock;
        let mut step_start = Instant::now();
        let embeds = draw_embeds(
            self.model,
            &self.text,
            &self.order.prior_schedule,
            self.order.settings.prior_guidance_scale,
            &mut candidate.generator,
            on_event,
            |n_done, on_event| {
                clock.end_prior_step(std::mem::replace(&mut step_start, Instant::now()));
                let done = (number * n_steps + n_done as u32, total);
                clock.report(Phase::Prior, picture, done, None, on_event)
            },
        )?;
        self.clock
            .end_stage("prior", start, self.model.take_load_seconds());
        match &self.edit {
            None => Ok(embeds),
            Some(edit) => edit.steer(embeds),
        }
    }

    fn denoise(
        &mut self,
        candidate: &mut Candidate,
        embeds: ImageEmbeds,
        on_event: &mut OnEvent,
    ) -> Result<Tensor<4>> {
        let start = Instant::now();
        let [channels, height, width] = latent_shape(self.model, &self.order.settings);
        let device = self.model.runtime().device.clone();
        let noise = match self.order.latents {
            Some(latents) => latents.of_picture(candidate.picture as usize, &device),
            None => candidate
                .generator
                .randn_tensor([1, channels, height, width], &device),
        };
        let preview_map = self.model.preview_map(on_event)?;
        let schedule = &self.order.schedule;
        let edit = self.edit.as_ref();
        let latents = match edit {
            None => schedule.initial_latents(noise.clone()),
            Some(edit) => edit.initial_latents(schedule, noise.clone()),
        };

        let guidance_scale = self.order.settings.guidance_scale;
        let is_guided = guidance::is_guided(guidance_scale);
        let unet = self.model.unet(on_event)?;
        let conditioning = unet.condition(if is_guided {
            Tensor::cat(vec![embeds.negative, embeds.positive], 0)
        } else {
            embeds.positive
        });
        let denoise = |latents: Tensor<4>, timestep: f32| {
            let input = match edit {
                None => latents,
                Some(edit) => edit.unet_input(latents),
            };
            let input = guidance::doubled(input, is_guided);
            let output = unet.forward(input, &[timestep], &conditioning);
            Ok(split_output(output, channels, guidance_scale))
        };

        let n_steps = schedule.n_steps() as u32;
        let total = n_steps * self.order.request.best_of;
        let clock = &mut self.clock;
        let (picture, number) = (candidate.picture, candidate.number);
        let mut step_start = Instant::now();
        let on_step = |mut step: Step<4>| {
            if let Some(edit) = edit {
                edit.hold(&mut step, &noise);
            }
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

/// A decoder's answer: guided noise, and the conditional half's variance where the model tells one.
///
/// # Shapes: `[1 or 2, channels or 2 · channels, height, width]` → `[1, channels, height, width]` each
fn split_output(output: Tensor<4>, channels: usize, guidance_scale: f32) -> ModelOutput<4> {
    let [_, n_output_channels, _, _] = output.dims();
    let prediction = output.clone().narrow(1, 0, channels);
    let variance =
        (n_output_channels == 2 * channels).then(|| output.narrow(1, channels, channels));
    if !guidance::is_guided(guidance_scale) {
        return ModelOutput {
            prediction,
            variance,
        };
    }
    ModelOutput {
        prediction: guidance::guide(prediction, guidance_scale),
        variance: variance.map(|variance| guidance::halves(variance).1),
    }
}
