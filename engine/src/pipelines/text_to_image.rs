//! A prompt to pictures: text → image embedding (prior) → latents (decoder) → pixels (autoencoder).
//!
//! Each picture has a generator of its own, and draws in the reference pipeline's order: the prior's initial
//! and per-step noise, the decoder's initial noise, its per-step noise. So f32 on the CPU gives the picture
//! that diffusers gives for the same folder, prompt, seed and steps.

use std::time::Instant;

use burn::tensor::{DType, Tensor};

pub use super::initial_latents::InitialLatents;
use super::{
    FinishedPicture, LoadedModel, OnEvent, PipelineEvent,
    conditioning::{ImageEmbeds, TextConditioning, draw_embeds, encode_text},
    progress::{Clock, Work},
    similarity::similarity,
};
use crate::{
    Error, Result,
    catalogue::Defaults,
    guidance,
    image::{RgbPicture, preview, read_back},
    noise::Generator,
    protocol::{GenerateRequest, Phase, Plan, Timings},
    samplers::{self, AncestralSchedule, ModelOutput, Step},
};

/// Makes the pictures of `request`, one by one and in order.
///
/// With `best_of` above one each picture is the best of that many candidates with consecutive seeds; its own
/// seed makes it again.
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
    on_event: &mut OnEvent,
) -> Result<Timings> {
    if request.prompt.trim().is_empty() {
        return Err(Error::EmptyPrompt);
    }
    let settings = model.folder().defaults()?.with(request)?;
    let prior_schedule = check(model, request, &settings, latents)?;
    let plan = plan(model, request, &settings, on_event)?;
    on_event(PipelineEvent::Planned(plan))?;
    model.take_load_seconds();

    let n_candidates = request.n_pictures * request.best_of;
    let mut clock = Clock::new(Work {
        prior_steps: n_candidates * settings.n_prior_steps,
        steps: n_candidates * settings.n_steps,
        decodes: n_candidates,
    });
    let start = Instant::now();
    let text = encode_text(
        model,
        &request.prompt,
        request.negative_prompt.as_deref(),
        guidance::is_guided(settings.prior_guidance_scale),
        on_event,
    )?;
    clock.end_stage("text", start, model.take_load_seconds());
    Run {
        model,
        request,
        settings,
        prior_schedule,
        text,
        latents,
        clock,
    }
    .pictures(on_event)
}

/// Refuses what cannot be done, before anything is computed.
fn check(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    settings: &Defaults,
    latents: Option<&InitialLatents>,
) -> Result<AncestralSchedule> {
    let folder = model.folder();
    let (width, height) = settings.size;
    folder.check_size(width, height)?;
    samplers::check_n_steps(
        settings.sampler,
        folder.scheduler(),
        settings.n_steps as usize,
    )?;
    let n_prior_steps = settings.n_prior_steps as usize;
    let prior_schedule = AncestralSchedule::unclip(folder.prior_scheduler(), n_prior_steps)?;
    if let Some(latents) = latents {
        latents.check(request.n_pictures as usize, latent_shape(model, settings))?;
    }
    let is_guided = guidance::is_guided(settings.guidance_scale);
    model.reserve(width, height, is_guided)?;
    Ok(prior_schedule)
}

/// `[channels, height, width]` of the decoder's latents.
fn latent_shape(model: &LoadedModel, settings: &Defaults) -> [usize; 3] {
    let scale = model.folder().movq_scale();
    let (width, height) = settings.size;
    [
        model.unet_config().in_channels,
        (height / scale) as usize,
        (width / scale) as usize,
    ]
}

fn plan(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    settings: &Defaults,
    on_event: &mut OnEvent,
) -> Result<Plan> {
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
        unread_prompt: model.tokenizer().encode(&request.prompt)?.cut_off,
    })
}

/// A checked request on its way.
struct Run<'a> {
    model: &'a mut LoadedModel,
    request: &'a GenerateRequest,
    settings: Defaults,
    prior_schedule: AncestralSchedule,
    text: TextConditioning,
    latents: Option<&'a InitialLatents>,
    clock: Clock,
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

impl Run<'_> {
    fn pictures(mut self, on_event: &mut OnEvent) -> Result<Timings> {
        let best_of = self.request.best_of;
        let mut candidates: Vec<Candidate> = (0..self.request.n_pictures * best_of)
            .map(|index| {
                let seed = self.request.seed.wrapping_add(u64::from(index));
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
        let score = if self.request.best_of == 1 {
            None
        } else {
            let start = Instant::now();
            let embed = &self.text.prompt_embed;
            let score = similarity(self.model, &decoded, embed, on_event)?;
            self.clock
                .end_stage("score", start, self.model.take_load_seconds());
            Some(score)
        };
        let RgbPicture { width, height, rgb } = decoded;
        Ok(FinishedPicture {
            index: candidate.picture,
            seed: candidate.seed,
            width,
            height,
            rgb,
            score,
        })
    }

    fn draw_embeds(
        &mut self,
        candidate: &mut Candidate,
        on_event: &mut OnEvent,
    ) -> Result<ImageEmbeds> {
        let start = Instant::now();
        let n_steps = self.settings.n_prior_steps;
        let (picture, number) = (candidate.picture, candidate.number);
        let total = n_steps * self.request.best_of;
        let clock = &mut self.clock;
        let mut step_start = Instant::now();
        let embeds = draw_embeds(
            self.model,
            &self.text,
            &self.prior_schedule,
            self.settings.prior_guidance_scale,
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
        Ok(embeds)
    }

    fn denoise(
        &mut self,
        candidate: &mut Candidate,
        embeds: ImageEmbeds,
        on_event: &mut OnEvent,
    ) -> Result<Tensor<4>> {
        let start = Instant::now();
        let [channels, height, width] = latent_shape(self.model, &self.settings);
        let device = self.model.runtime().device.clone();
        let noise = match self.latents {
            Some(latents) => latents.of_picture(candidate.picture as usize, &device),
            None => candidate
                .generator
                .randn_tensor([1, channels, height, width], &device),
        };
        let scheduler = self.model.folder().scheduler().clone();
        let preview_map = self.model.preview_map(on_event)?;

        let guidance_scale = self.settings.guidance_scale;
        let is_guided = guidance::is_guided(guidance_scale);
        let unet = self.model.unet(on_event)?;
        let conditioning = unet.condition(if is_guided {
            Tensor::cat(vec![embeds.negative, embeds.positive], 0)
        } else {
            embeds.positive
        });
        let denoise = |latents: Tensor<4>, timestep: f32| {
            let input = guidance::doubled(latents, is_guided);
            let output = unet.forward(input, &[timestep], &conditioning);
            Ok(split_output(output, channels, guidance_scale))
        };

        let n_steps = self.settings.n_steps;
        let total = n_steps * self.request.best_of;
        let clock = &mut self.clock;
        let (picture, number) = (candidate.picture, candidate.number);
        let mut step_start = Instant::now();
        let on_step = |step: Step<4>| {
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
        let latents = samplers::sample(
            self.settings.sampler,
            &scheduler,
            n_steps as usize,
            denoise,
            noise,
            &mut candidate.generator,
            on_step,
        )?;
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
